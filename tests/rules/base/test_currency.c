#include <criterion/criterion.h>
#include <string.h>

#include "base/currency.h"

Test(currency, knows_codes_and_exponents)
{
    int exponent = -1;
    cr_assert(currency_known("JPY", &exponent));
    cr_assert_eq(exponent, 0);
    cr_assert(currency_known("INR", &exponent));
    cr_assert_eq(exponent, 2);
    cr_assert(currency_known("BHD", &exponent));
    cr_assert_eq(exponent, 3);
    cr_assert(currency_known("AED", NULL));
    cr_assert(currency_known("ZWG", NULL));
    cr_assert_not(currency_known("inr", NULL));
    cr_assert_not(currency_known("XAU", NULL));
    cr_assert_not(currency_known("ZZZ", NULL));
    cr_assert_not(currency_known("", NULL));
}

Test(currency, leaves_the_exponent_when_the_code_is_unknown)
{
    int exponent = 7;
    cr_assert_not(currency_known("XXX", &exponent));
    cr_assert_eq(exponent, 7);
}

Test(currency, has_the_standards_numbers)
{
    static const char *const numbers[][2] = {
        {"AED", "784"}, {"ALL", "008"}, {"DZD", "012"}, {"INR", "356"}, {"MXN", "484"},
        {"USD", "840"}, {"XOF", "952"}, {"ZAR", "710"}, {"ZMW", "967"}, {"ZWG", "924"},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        cr_expect_str_eq(currency_number(numbers[i][0]), numbers[i][1], "%s", numbers[i][0]);
    cr_expect_null(currency_number("mxn"));
    cr_expect_null(currency_number("484"));
    cr_expect_null(currency_number(""));
}

Test(currency, writes_minor_units_as_decimals)
{
    CLEANUP(arena_free) struct arena *arena = arena_new(4096);
    static const struct {
        int64_t amount;
        const char *code, *whole, *brief;
    } cases[] = {
        {5050, "MXN", "50.50", "50.5"},
        {5000, "MXN", "50.00", "50"},
        {5005, "MXN", "50.05", "50.05"},
        {5, "MXN", "0.05", "0.05"},
        {0, "MXN", "0.00", "0"},
        {10, "USD", "0.10", "0.1"},
        {500, "JPY", "500", "500"},
        {0, "JPY", "0", "0"},
        {1500, "BHD", "1.500", "1.5"},
        {1, "BHD", "0.001", "0.001"},
        {12340, "UYW", "1.2340", "1.234"},
        {INT64_MAX, "JPY", "9223372036854775807", "9223372036854775807"},
        {INT64_MAX, "MXN", "92233720368547758.07", "92233720368547758.07"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *code = cases[i].code;
        cr_expect_str_eq(currency_decimal(arena, cases[i].amount, code, false), cases[i].whole);
        cr_expect_str_eq(currency_decimal(arena, cases[i].amount, code, true), cases[i].brief);
    }
}

Test(currency, writes_nothing_for_what_it_can_not)
{
    CLEANUP(arena_free) struct arena *arena = arena_new(4096);
    CLEANUP(arena_free) struct arena *small = arena_new(16);
    cr_expect_null(currency_decimal(arena, -1, "MXN", false));
    cr_expect_null(currency_decimal(arena, INT64_MIN, "JPY", true));
    cr_expect_null(currency_decimal(arena, 1, "XXX", false));
    cr_expect_null(currency_decimal(small, INT64_MAX, "MXN", false));
}

Test(currency, reads_decimals_into_minor_units)
{
    static const struct {
        const char *text, *code;
        int64_t amount;
    } cases[] = {
        {"50.50", "MXN", 5050},
        {"50.5", "MXN", 5050},
        {"50", "MXN", 5000},
        {"0.05", "MXN", 5},
        {"0", "MXN", 0},
        {"0.00", "MXN", 0},
        {"01", "MXN", 100},
        {"0000000000000000000000001", "MXN", 100},
        {"1.500", "MXN", 150},
        {"1.5000000000000000000000000000", "MXN", 150},
        {"1.0", "JPY", 1},
        {"500", "JPY", 500},
        {"1.005", "BHD", 1005},
        {"1.2345", "UYW", 12345},
        {"9223372036854775807", "JPY", INT64_MAX},
        {"92233720368547758.07", "MXN", INT64_MAX},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t amount = -1;
        cr_expect(currency_parse(cases[i].text, cases[i].code, &amount), "%s", cases[i].text);
        cr_expect_eq(amount, cases[i].amount, "%s", cases[i].text);
    }
}

Test(currency, refuses_text_that_is_no_amount)
{
    static const char *const bad[][2] = {
        {"", "MXN"},
        {".", "MXN"},
        {"1.", "MXN"},
        {".5", "MXN"},
        {"1.", "JPY"},
        {"1e3", "MXN"},
        {"1E3", "MXN"},
        {"1.5e1", "MXN"},
        {"-1", "MXN"},
        {"+1", "MXN"},
        {"1.005", "MXN"},
        {"1.001", "MXN"},
        {"1.0001", "BHD"},
        {"1.5", "JPY"},
        {"1,50", "MXN"},
        {"1,000.00", "MXN"},
        {"1.5.0", "MXN"},
        {"1..5", "MXN"},
        {" 1", "MXN"},
        {"1 ", "MXN"},
        {"1.5 ", "MXN"},
        {"0x10", "MXN"},
        {"NaN", "MXN"},
        {"1.00", "XXX"},
        {"1.00", ""},
        {"\xd9\xa1", "JPY"}, // an Arabic digit
        {"9223372036854775808", "JPY"},
        {"92233720368547758.08", "MXN"},
        {"9223372036854775807", "MXN"},
        {"99999999999999999999999999999999", "JPY"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int64_t amount = 42;
        cr_expect_not(currency_parse(bad[i][0], bad[i][1], &amount), "\"%s\"", bad[i][0]);
        cr_expect_eq(amount, 42, "\"%s\"", bad[i][0]);
    }
}

Test(currency, reads_what_it_writes)
{
    CLEANUP(arena_free) struct arena *arena = arena_new(1 << 20);
    static const char *const codes[] = {"JPY", "MXN", "BHD", "UYW"};
    for (int64_t amount = 0; amount < 30000; amount += 37) {
        const char *code = codes[amount % 4];
        int64_t back = -1;
        cr_assert(currency_parse(currency_decimal(arena, amount, code, amount % 2), code, &back));
        cr_assert_eq(back, amount);
        arena_reset(arena);
    }
}
