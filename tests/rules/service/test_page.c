#include <criterion/criterion.h>
#include <string.h>

#include "base/clock.h"
#include "service/page.h"

static enum status read_page(int64_t *limit, const char *after, const char *before,
                             struct page *page, struct problem *problem)
{
    Google__Protobuf__Int64Value wrapped = GOOGLE__PROTOBUF__INT64_VALUE__INIT;
    wrapped.value = limit ? *limit : 0;
    struct page_request request = {
        .limit = limit ? &wrapped : NULL,
        .starting_after = after,
        .ending_before = before,
        .created_gte_us = DB_TIME_NULL,
        .created_lt_us = DB_TIME_NULL,
    };
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

Test(page, cursors_have_1_to_64_characters_of_an_id)
{
    struct page page;
    struct problem problem;
    char text[66];
    const char *const bad[] = {" ", "pay_1 ", "pay.1", "pay_1\n", "pay_\xc3\xa9", "%"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cr_assert_eq(read_page(NULL, bad[i], "", &page, &problem), STATUS_INVALID_ARGUMENT);
        cr_assert_str_eq(problem.param, "starting_after");
        cr_assert_eq(read_page(NULL, "", bad[i], &page, &problem), STATUS_INVALID_ARGUMENT);
        cr_assert_str_eq(problem.param, "ending_before");
    }
    memset(text, 'a', sizeof text);
    text[65] = '\0';
    cr_assert_eq(read_page(NULL, text, "", &page, &problem), STATUS_INVALID_ARGUMENT);
    text[64] = '\0';
    cr_assert_eq(read_page(NULL, text, "", &page, &problem), STATUS_OK);
    cr_assert_str_eq(page.cursor, text);
    cr_assert_str_eq(page.from, text);
}

Test(page, begins_above_every_id_without_a_cursor)
{
    struct page page;
    struct problem problem;
    cr_assert_eq(read_page(NULL, "", "", &page, &problem), STATUS_OK);
    cr_assert_null(page.cursor);
    cr_assert_gt(strcmp(page.from, "zzzz"), 0);
    cr_assert(!page.newer);
}

Test(page, refuses_cursors_of_another_kind_where_one_is_named)
{
    struct page page;
    struct problem problem = {0};
    struct page_request request = {
        .starting_after = "pay_1",
        .ending_before = "",
        .created_gte_us = DB_TIME_NULL,
        .created_lt_us = DB_TIME_NULL,
        .cursor_prefix = "we",
    };
    cr_assert_eq(page_read(&request, "we", &page, &problem), STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(problem.param, "starting_after");
    request.starting_after = "we_1";
    cr_assert_eq(page_read(&request, "we", &page, &problem), STATUS_OK);
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

static struct page page_of_times(int64_t gte_us, int64_t lt_us, int64_t slack_ms)
{
    struct page page;
    struct problem problem = {0};
    struct page_request request = {
        .starting_after = "",
        .ending_before = "",
        .created_gte_us = gte_us,
        .created_lt_us = lt_us,
        .id_slack_ms = slack_ms,
    };
    cr_assert_eq(page_read(&request, "pay", &page, &problem), STATUS_OK);
    return page;
}

Test(page, time_bounds_are_ids)
{
    struct page page = page_of_times(1763721352123000, 1763721352123001, 0);
    cr_assert_str_eq(page.since.text, id_floor("pay", 1763721352123).text);
    cr_assert_str_eq(page.until.text, id_floor("pay", 1763721352124).text);
    cr_assert_eq(page.created_gte_us, 1763721352123000);
    cr_assert_eq(page.created_lt_us, 1763721352123001);
    page = page_of_times(1763721352123000, 1763721352123001, 5000);
    cr_assert_str_eq(page.since.text, id_floor("pay", 1763721347123).text);
    cr_assert_str_eq(page.until.text, id_floor("pay", 1763721357124).text);
}

#define LAST_US (INT64_C(253402300799) * US_PER_S + US_PER_S - 1)

Test(page, times_stay_within_1970_and_9999)
{
    struct page page = page_of_times(DB_TIME_NULL, DB_TIME_NULL, 5000);
    cr_assert_eq(page.created_gte_us, 0);
    cr_assert_eq(page.created_lt_us, LAST_US);
    cr_assert_str_empty(page.since.text);
    cr_assert_str_eq(page.until.text, "~");
    page = page_of_times(-1, INT64_MAX, 5000);
    cr_assert_eq(page.created_gte_us, 0);
    cr_assert_eq(page.created_lt_us, LAST_US);
    cr_assert_str_eq(page.since.text, id_floor("pay", 0).text);
    cr_assert_eq(page_of_times(INT64_MAX, 0, 0).created_gte_us, LAST_US);
}

Test(page, times_of_messages_do_not_overflow)
{
    Google__Protobuf__Timestamp time = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    cr_assert_eq(page_time_us(NULL), DB_TIME_NULL);
    time.seconds = 1763721352;
    time.nanos = 123456789;
    cr_assert_eq(page_time_us(&time), 1763721352123456);
    time.seconds = INT64_MIN;
    time.nanos = INT32_MIN;
    cr_assert_eq(page_time_us(&time), 0);
    time.seconds = INT64_MAX;
    time.nanos = INT32_MAX;
    cr_assert_eq(page_time_us(&time), LAST_US);
}
