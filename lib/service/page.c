#include "service/page.h"

#include <string.h>

// Sorts after every id: ids hold nothing above 'z'.
#define PAGE_NEWEST "~"

static bool cursor_valid(const char *text)
{
    size_t length =
        strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");
    return length > 0 && length <= ID_TEXT_MAX && text[length] == '\0';
}

static struct id time_bound(const char *prefix, int64_t unix_us, const char *otherwise)
{
    struct id id = {0};
    if (unix_us != DB_TIME_NULL)
        return id_floor(prefix, unix_us / 1000 + (unix_us % 1000 != 0));
    memcpy(id.text, otherwise, strlen(otherwise));
    return id;
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
    if (*after && !cursor_valid(after))
        return problem_invalid(problem, "starting_after", "Must be an id.");
    if (*before && !cursor_valid(before))
        return problem_invalid(problem, "ending_before", "Must be an id.");
    const char *older_than = *after ? after : PAGE_NEWEST;
    *ret = (struct page){
        .limit = request->limit ? (size_t)request->limit->value : PAGE_LIMIT_DEFAULT,
        .from = *before ? before : older_than,
        .newer = *before != '\0',
        .since = time_bound(id_prefix, request->created_gte_us, ""),
        .until = time_bound(id_prefix, request->created_lt_us, PAGE_NEWEST),
    };
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
