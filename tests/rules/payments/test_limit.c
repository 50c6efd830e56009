#include <criterion/criterion.h>
#include <string.h>

#include "setup/limit.h"

static const struct limit limit = {
    .currency = "ZMW", .minimum = 100, .maximum = 5000, .review_above = 2000};

static void refused(int64_t amount, const char *code, const char *bound)
{
    struct problem problem = {0};
    enum limit_verdict verdict = LIMIT_REVIEW;
    cr_assert_eq(limit_check(&limit, amount, &verdict, &problem), STATUS_INVALID_ARGUMENT);
    cr_assert_eq(problem.status, STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(problem.code, code);
    cr_assert_str_eq(problem.param, "amount");
    cr_assert_not_null(strstr(problem.detail, bound), "%s", problem.detail);
    cr_assert_eq(verdict, LIMIT_REVIEW); // untouched
}

static void judged(const struct limit *of, int64_t amount, enum limit_verdict expected)
{
    struct problem problem = {0};
    enum limit_verdict verdict;
    cr_assert_eq(limit_check(of, amount, &verdict, &problem), STATUS_OK);
    cr_assert_eq(verdict, expected);
}

Test(limits, refuse_beyond_the_bounds_and_name_them)
{
    refused(99, "amount_too_small", "ZMW is at least 100,");
    refused(5001, "amount_too_large", "ZMW is at most 5000,");
    judged(&limit, 100, LIMIT_OK);
    judged(&limit, 5000, LIMIT_REVIEW);
}

Test(limits, ask_for_a_person_above_a_threshold)
{
    judged(&limit, 2000, LIMIT_OK);
    judged(&limit, 2001, LIMIT_REVIEW);
}

Test(limits, are_none_where_none_is_set)
{
    struct limit none = {.currency = "ZMW", .daily = 1};
    judged(NULL, INT64_MAX, LIMIT_OK);
    judged(&none, 1, LIMIT_OK);
    judged(&none, INT64_MAX, LIMIT_OK);
}

Test(limits, share_out_what_is_left_of_a_day)
{
    struct volume_slice slices[VOLUME_SLICES] = {[2] = {.budget = 40, .used = 30}};
    bool changed;
    cr_assert(volume_share(slices, 100, 20, 5, &changed));
    cr_assert(changed);
    cr_assert_eq(slices[2].used, 30);
    cr_assert_eq(slices[2].budget, 33);
    cr_assert_eq(slices[5].used, 20);
    cr_assert_eq(slices[5].budget, 20 + 3 + 2); // and what 16 does not divide
    cr_assert_eq(slices[0].budget, 3);
    cr_assert_not(volume_share(slices, 100, 51, 5, &changed));
    cr_assert_not(changed); // nothing to write for a refusal
    cr_assert_not(volume_share(slices, 49, 1, 5, &changed));
    cr_assert(changed); // the limit was lowered below what was used
    for (size_t i = 0; i < VOLUME_SLICES; i++)
        cr_assert_eq(slices[i].budget, slices[i].used);
}
