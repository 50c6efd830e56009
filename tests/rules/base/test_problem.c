#include <criterion/criterion.h>
#include <string.h>

#include "base/bytes.h"
#include "base/problem.h"

Test(problem, set_fills_everything)
{
    struct problem problem;
    memset(&problem, 0x55, sizeof(problem));
    enum status status =
        problem_set(&problem, STATUS_OUT_OF_RANGE, "amount_too_large", "amount", "At most %d.", 5);
    cr_assert_eq(status, STATUS_OUT_OF_RANGE);
    cr_assert_eq(problem.status, STATUS_OUT_OF_RANGE);
    cr_assert_str_eq(problem.code, "amount_too_large");
    cr_assert_str_eq(problem.param, "amount");
    cr_assert_str_eq(problem.detail, "At most 5.");
    cr_assert_eq(problem.retry_after_s, 0);
}

Test(problem, set_cuts_long_texts)
{
    struct problem problem;
    char text[1000];
    memset(text, 'x', sizeof(text));
    text[999] = '\0';
    problem_set(&problem, STATUS_INTERNAL, "c", text, "%s", text);
    cr_assert_eq(strlen(problem.detail), PROBLEM_DETAIL_MAX - 1);
    cr_assert_eq(strlen(problem.param), PROBLEM_PARAM_MAX - 1);
}

Test(problem, set_never_cuts_within_a_character)
{
    static const char *const characters[] = {"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x92\xb3"};
    for (size_t c = 0; c < 3; c++) {
        size_t width = strlen(characters[c]);
        for (size_t shift = 0; shift < width; shift++) {
            char text[400] = "";
            memset(text, 'x', shift);
            for (size_t i = shift; i + width < sizeof(text); i += width)
                memcpy(text + i, characters[c], width);
            struct problem problem;
            problem_set(&problem, STATUS_INTERNAL, "c", "", "%s", text);
            size_t length = strlen(problem.detail);
            cr_assert_eq((length - shift) % width, 0);
            cr_assert_gt(length + width, PROBLEM_DETAIL_MAX - 1);
        }
    }
    struct problem whole;
    problem_set(&whole, STATUS_INTERNAL, "c", NULL, "caf\xc3\xa9");
    cr_assert_str_eq(whole.detail, "caf\xc3\xa9");
}

Test(problem, set_may_quote_its_own_old_text)
{
    struct problem problem;
    problem_invalid(&problem, "a", "old");
    problem_set(&problem, STATUS_ABORTED, "x", problem.param, "was: %s", problem.detail);
    cr_assert_str_eq(problem.detail, "was: old");
    cr_assert_str_eq(problem.param, "a");
}

Test(problem, common_refusals_say_what_they_mean)
{
    struct problem problem;
    cr_assert_eq(problem_invalid(&problem, "card.number", "100%s"), STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(problem.code, "invalid_request");
    cr_assert_str_eq(problem.detail, "100%s");
    cr_assert_eq(problem_not_found(&problem, "payment"), STATUS_NOT_FOUND);
    cr_assert_str_eq(problem.code, "not_found");
    cr_assert_str_eq(problem.detail, "No such payment.");
    cr_assert_str_eq(problem.param, "");
    cr_assert_eq(problem_unavailable(&problem), STATUS_UNAVAILABLE);
    cr_assert_str_eq(problem.code, "unavailable");
    cr_assert_eq(problem.retry_after_s, 1);
    cr_assert_not_null(strstr(problem.detail, "certainly not accepted"));
    cr_assert_eq(problem_unknown(&problem), STATUS_UNKNOWN);
    cr_assert_str_eq(problem.code, "outcome_unknown");
    cr_assert_eq(problem.retry_after_s, 0);
    cr_assert_not_null(strstr(problem.detail, "same idempotency key"));
    cr_assert_eq(problem_internal(&problem), STATUS_INTERNAL);
    cr_assert_str_eq(problem.code, "internal_error");
    cr_assert_lt(strlen(problem.detail), PROBLEM_DETAIL_MAX - 1);
}

Test(status, name_knows_every_code)
{
    for (int i = 0; i <= 16; i++)
        for (int k = 0; k < i; k++)
            cr_assert_str_neq(status_name((enum status)i), status_name((enum status)k));
    cr_assert_str_eq(status_name(STATUS_OK), "OK");
    cr_assert_str_eq(status_name(STATUS_UNAUTHENTICATED), "UNAUTHENTICATED");
    cr_assert_str_eq(status_name((enum status)17), "UNKNOWN");
    cr_assert_str_eq(status_name((enum status) - 1), "UNKNOWN");
}

Test(bytes, of_string_leaves_the_nul_out)
{
    cr_assert_eq(bytes_of_string("abc").length, 3);
    cr_assert_eq(bytes_of_string("").length, 0);
    cr_assert_eq(bytes_of_string(NULL).length, 0);
    cr_assert_null(bytes_of_string(NULL).at);
}
