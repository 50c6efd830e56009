// Keyset pages: newest first by id, from an id (exclusive) in one direction or the other. Pure;
// thread-safe.
#pragma once
#include <google/protobuf/timestamp.pb-c.h>
#include <google/protobuf/wrappers.pb-c.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/id.h"
#include "base/problem.h"
#include "db/db.h"

#define PAGE_LIMIT_MAX 100
#define PAGE_LIMIT_DEFAULT 10

struct page {
    size_t limit;
    const char *cursor;     // the id that was given; NULL: none
    const char *from;       // where to start, exclusive: the cursor, or above every id
    bool newer;             // towards newer ids: rows come oldest first and are to be turned round
    struct id since, until; // bounds of creation time as ids: since <= id < until
    int64_t created_gte_us, created_lt_us; // and as times; always of the years 1970 to 9999
};

// What a list request asks for; strings may be "", wrappers NULL, times DB_TIME_NULL.
struct page_request {
    const Google__Protobuf__Int64Value *limit;
    const char *starting_after, *ending_before;
    int64_t created_gte_us, created_lt_us;
    const char *cursor_prefix; // cursors of another kind are refused; NULL: any id may come
    int64_t id_slack_ms;       // by which ids and rows' times may differ; since and until give way
};
// Refuses a limit outside 1 to PAGE_LIMIT_MAX, both directions at once, and a cursor that is not 1
// to ID_TEXT_MAX of [A-Za-z0-9_-]. id_prefix: of the listed kind, for the time bounds.
MUST_USE enum status page_read(const struct page_request *request, const char *id_prefix,
                               struct page *ret, struct problem *problem);
// A time asked for, moved into the years 1970 to 9999 when it lies outside; DB_TIME_NULL for NULL.
int64_t page_time_us(const Google__Protobuf__Timestamp *time);
// A statement asks for limit + 1 rows. How many are shown:
size_t page_shown(const struct page *page, size_t rows);
bool page_has_more(const struct page *page, size_t rows);
// Which row stands at place i of the answer.
size_t page_row(const struct page *page, size_t rows, size_t i);
