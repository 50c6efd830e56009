#include <criterion/criterion.h>
#include <string.h>

#include "service/page.h"

static enum status read_page(int64_t *limit, const char *after, const char *before,
                             struct page *page, struct problem *problem)
{
    Google__Protobuf__Int64Value wrapped = GOOGLE__PROTOBUF__INT64_VALUE__INIT;
    wrapped.value = limit ? *limit : 0;
    struct page_request request = {limit ? &wrapped : NULL, after, before, DB_TIME_NULL,
                                   DB_TIME_NULL};
    *problem = (struct problem){0};
    return page_read(&request, "pay", page, problem);
}

Test(page, limits_are_1_to_100_and_10_by_default)
{
    struct page page;
    struct problem problem;
    cr_assert_eq(read_page(NULL, "", "", &page, &problem), STATUS_OK);
    cr_assert_eq(page.limit, 10);
    for (int64_t limit = 1; limit <= 100; limit += 99)
        cr_assert_eq(read_page(&limit, "", "", &page, &problem), STATUS_OK);
    for (int64_t limit = 0; limit <= 101; limit += 101) {
        cr_assert_eq(read_page(&limit, "", "", &page, &problem), STATUS_INVALID_ARGUMENT);
        cr_assert_str_eq(problem.param, "limit");
    }
}

Test(page, cursors_are_ids_and_only_one_of_them)
{
    struct page page;
    struct problem problem;
    cr_assert_eq(read_page(NULL, "pay_1", "pay_2", &page, &problem), STATUS_INVALID_ARGUMENT);
    cr_assert_eq(read_page(NULL, "pay_1'; --", "", &page, &problem), STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(problem.param, "starting_after");
    cr_assert_eq(read_page(NULL, "", "pay_2", &page, &problem), STATUS_OK);
    cr_assert(page.newer);
}

Test(page, turns_rows_round_when_they_come_oldest_first)
{
    struct page older = {.limit = 3}, newer = {.limit = 3, .newer = true};
    cr_assert_eq(page_shown(&older, 4), 3);
    cr_assert(page_has_more(&older, 4));
    cr_assert(!page_has_more(&older, 3));
    cr_assert_eq(page_row(&older, 4, 0), 0);
    cr_assert_eq(page_row(&newer, 4, 0), 2);
    cr_assert_eq(page_row(&newer, 2, 0), 1);
}

Test(page, time_bounds_are_ids)
{
    struct page page;
    struct problem problem = {0};
    struct page_request request = {NULL, "", "", 1763721352123000, 1763721352123001};
    cr_assert_eq(page_read(&request, "pay", &page, &problem), STATUS_OK);
    cr_assert_str_eq(page.since.text, id_floor("pay", 1763721352123).text);
    cr_assert_str_eq(page.until.text, id_floor("pay", 1763721352124).text);
}
