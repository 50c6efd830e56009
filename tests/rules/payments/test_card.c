#include <criterion/criterion.h>
#include <string.h>

#include "base/card_number.h"
#include "base/clock.h"
#include "creation/card.h"

static struct card_check good(void)
{
    int64_t now_us = 0;
    clock_parse_rfc3339("2026-11-21T10:00:00Z", &now_us);
    return (struct card_check){"4242424242424242", "123", 11, 2026, true, true, now_us};
}

static void refused(struct card_check card, const char *param)
{
    struct problem problem = {0};
    cr_assert_eq(card_validate(&card, &problem), STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(problem.param, param);
    cr_assert_null(strstr(problem.detail, card.number[0] ? card.number : "-"));
}

Test(card, is_good_until_the_end_of_its_month)
{
    struct problem problem = {0};
    struct card_check card = good();
    cr_assert_eq(card_validate(&card, &problem), STATUS_OK);
    card.expiry_month = 10;
    refused(card, "card.expiry_month");
    card.expiry_year = 2025;
    refused(card, "card.expiry_year");
}

Test(card, names_the_field_at_fault)
{
    struct card_check card = good();
    card.number = "4242424242424241";
    refused(card, "card.number");
    card.number = "42424242424";
    refused(card, "card.number");
    card.number = "4242 4242 4242 4242";
    refused(card, "card.number");
    card = good();
    card.cvv = "12";
    refused(card, "card.cvv");
    card.cvv = "12a";
    refused(card, "card.cvv");
    card = good();
    card.has_month = false;
    refused(card, "card.expiry_month");
    card = good();
    card.expiry_year = 26;
    refused(card, "card.expiry_year");
}

Test(card, knows_brands_by_their_leading_digits)
{
    cr_assert_str_eq(card_brand("4000000000000002"), "visa");
    cr_assert_str_eq(card_brand("5555555555554444"), "mastercard");
    cr_assert_str_eq(card_brand("2223003122003222"), "mastercard");
    cr_assert_str_eq(card_brand("378282246310005"), "amex");
    cr_assert_str_eq(card_brand("6011111111111117"), "discover");
    cr_assert_str_eq(card_brand("3056930009020004"), "diners");
    cr_assert_str_eq(card_brand("3566002020360505"), "jcb");
    cr_assert_str_eq(card_brand("6200000000000005"), "unionpay");
    cr_assert_str_eq(card_brand("9999999999999995"), "unknown");
    char last4[5];
    card_last4("4242424242421234", last4);
    cr_assert_str_eq(last4, "1234");
}

Test(card, luhn_catches_a_wrong_digit)
{
    cr_assert(card_number_luhn("79927398713"));
    cr_assert_not(card_number_luhn("79927398710"));
    cr_assert_not(card_number_luhn(""));
}
