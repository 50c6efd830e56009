#include "service/page.h"

#include <string.h>

#include "base/clock.h"

// Sorts after every id: ids hold nothing above 'z'.
#define PAGE_NEWEST "~"
// The last second of 9999: PostgreSQL's timestamps end before int64_t's microseconds do.
#define SECONDS_MAX INT64_C(253402300799)
#define TIME_MAX_US (SECONDS_MAX * US_PER_S + US_PER_S - 1)

static int64_t clamp(int64_t value, int64_t high)
{
    return value < 0 ? 0 : value > high ? high : value;
}

int64_t page_time_us(const Google__Protobuf__Timestamp *time)
{
    if (!time)
        return DB_TIME_NULL;
    int64_t unix_us = clamp(time->seconds, SECONDS_MAX) * US_PER_S + time->nanos / 1000;
    return clamp(unix_us, TIME_MAX_US);
}

static bool cursor_valid(const char *text, const char *prefix)
{
    size_t length =
        strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");
    return length > 0 && length <= ID_TEXT_MAX && text[length] == '\0' &&
           (!prefix || id_looks_like(prefix, text));
}

static struct id id_of_text(const char *text)
{
    struct id id = {0};
    memcpy(id.text, text, strlen(text));
    return id;
}

static struct id id_of_time(const char *prefix, int64_t unix_us, int64_t slack_ms)
{
    return id_floor(prefix, unix_us / 1000 + (unix_us % 1000 != 0) + slack_ms);
}

static void set_times(const struct page_request *request, const char *id_prefix, struct page *ret)
{
    bool any_gte = request->created_gte_us == DB_TIME_NULL;
    bool any_lt = request->created_lt_us == DB_TIME_NULL;
    ret->created_gte_us = any_gte ? 0 : clamp(request->created_gte_us, TIME_MAX_US);
    ret->created_lt_us = any_lt ? TIME_MAX_US : clamp(request->created_lt_us, TIME_MAX_US);
    ret->since = any_gte ? id_of_text("")
                         : id_of_time(id_prefix, ret->created_gte_us, -request->id_slack_ms);
    ret->until = any_lt ? id_of_text(PAGE_NEWEST)
                        : id_of_time(id_prefix, ret->created_lt_us, request->id_slack_ms);
}

enum status page_read(const struct page_request *request, const char *id_prefix, struct page *ret,
                      struct problem *problem)
{
    const char *after = request->starting_after, *before = request->ending_before;
    if (request->limit && (request->limit->value < 1 || request->limit->value > PAGE_LIMIT_MAX))
        return problem_invalid(problem, "limit", "Must be 1 to 100.");
    if (*after && *before)
        return problem_invalid(problem, "ending_before",
                               "Give starting_after or ending_before, not both.");
    if (*after && !cursor_valid(after, request->cursor_prefix))
        return problem_invalid(problem, "starting_after", "Must be an id of this list.");
    if (*before && !cursor_valid(before, request->cursor_prefix))
        return problem_invalid(problem, "ending_before", "Must be an id of this list.");
    const char *older = *after ? after : NULL, *cursor = *before ? before : older;
    *ret = (struct page){
        .limit = request->limit ? (size_t)request->limit->value : PAGE_LIMIT_DEFAULT,
        .cursor = cursor,
        .from = cursor ? cursor : PAGE_NEWEST,
        .newer = *before != '\0',
    };
    set_times(request, id_prefix, ret);
    return STATUS_OK;
}

size_t page_shown(const struct page *page, size_t rows)
{
    return rows < page->limit ? rows : page->limit;
}

bool page_has_more(const struct page *page, size_t rows)
{
    return rows > page->limit;
}

size_t page_row(const struct page *page, size_t rows, size_t i)
{
    return page->newer ? page_shown(page, rows) - 1 - i : i;
}
