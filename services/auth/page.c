#include "page.h"

#include <string.h>

#include "base/id.h"

// Sorts after every id: ids hold nothing above 'z'.
#define PAGE_NEWEST "~"

bool page_cursor_valid(const char *text)
{
    size_t length =
        strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");
    return length > 0 && length <= ID_TEXT_MAX && text[length] == '\0';
}

enum status page_read(int32_t limit, const char *starting_after, const char *ending_before,
                      struct page *ret, struct problem *problem)
{
    if (limit < 0 || limit > PAGE_LIMIT_MAX)
        return problem_invalid(problem, "limit", "limit is 1 to 100.");
    if (*starting_after && *ending_before)
        return problem_invalid(problem, "ending_before",
                               "Give starting_after or ending_before, not both.");
    if (*starting_after && !page_cursor_valid(starting_after))
        return problem_invalid(problem, "starting_after", "starting_after is not an id.");
    if (*ending_before && !page_cursor_valid(ending_before))
        return problem_invalid(problem, "ending_before", "ending_before is not an id.");
    const char *from = *starting_after ? starting_after : PAGE_NEWEST;
    *ret = (struct page){
        .limit = limit ? (size_t)limit : PAGE_LIMIT_DEFAULT,
        .from = *ending_before ? ending_before : from,
        .newer = *ending_before != '\0',
    };
    return STATUS_OK;
}
