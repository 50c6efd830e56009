#include <criterion/criterion.h>

#include "base/card_number.h"

Test(card_number, is_found_in_text)
{
    static const char *const texts[] = {
        "4242424242424242",
        "pay with 4242 4242 4242 4242, please",
        "5555-5555-5555-4444.",
        "378282246310005",
        "amex 3782 822463 10005",
        "(6011111111111117)",
        "order 7 4242 4242 4242 4242 7",
        "card_4000000000000002",
        "4222222222222",
        ("\xe2\x82\xac"
         "4242424242424242\xe2\x82\xac"),
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        cr_assert(card_number_in(texts[i]), "%s", texts[i]);
}

Test(card_number, is_not_seen_in_what_only_resembles_one)
{
    static const char *const texts[] = {
        "",
        "4242424242424241",        // check digit
        "42424242424242424242424", // longer
        "4242",
        "1795392000000", // milliseconds since 1970
        "260971234567",  // a telephone number
        "+49 30 1234 5678 9012",
        "a4242424242424242", // within a name
        "4242424242424242b",
        "4242  4242  4242  4242",      // apart
        "DE89 3704 0044 0532 0130 00", // an account
        "0b7e4242-4242-4242-8424-24242424ffff",
        "9999999999999995", // nobody's
        "20261121 200000 000017",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        cr_assert_not(card_number_in(texts[i]), "%s", texts[i]);
}
