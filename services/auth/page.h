// Keyset pages: newest first by id, from an id exclusive in one direction or the other. Pure.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/problem.h"

#define PAGE_LIMIT_MAX 100
#define PAGE_LIMIT_DEFAULT 10

struct page {
    size_t limit;
    const char *from; // where to start, exclusive
    bool newer;       // towards newer ids: rows come oldest first and are to be turned round
};

// limit 0 is the default. Refuses a limit outside 1 to PAGE_LIMIT_MAX, both directions at once, and
// a cursor that is no id.
MUST_USE enum status page_read(int32_t limit, const char *starting_after, const char *ending_before,
                               struct page *ret, struct problem *problem);
// [A-Za-z0-9_-], 1 to ID_TEXT_MAX characters.
bool page_cursor_valid(const char *text);
