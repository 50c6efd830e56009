#include <criterion/criterion.h>
#include <string.h>

#include "http/server.h"

Test(decode, turns_percent_escapes_into_bytes)
{
    CLEANUP(arena_free) struct arena *arena = arena_new(4096);
    static const struct {
        const char *in, *out;
        bool plus;
    } cases[] = {
        {"", "", false},           {"abc", "abc", false},       {"a%20b", "a b", false},
        {"a+b", "a+b", false},     {"a+b", "a b", true},        {"%2B", "+", true},
        {"%e2%82%AC", "€", false}, {"%25%32%30", "%20", false}, {"%", NULL, false},
        {"%2", NULL, false},       {"%zz", NULL, false},        {"%2g", NULL, false},
        {"a%00b", NULL, false},    {"100%", NULL, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *out = http_decode(arena, cases[i].in, strlen(cases[i].in), cases[i].plus);
        if (cases[i].out)
            cr_expect_str_eq(out, cases[i].out, "%s", cases[i].in);
        else
            cr_expect_null(out, "%s", cases[i].in);
    }
}

Test(decode, reads_no_further_than_the_length)
{
    CLEANUP(arena_free) struct arena *arena = arena_new(4096);
    cr_expect_str_eq(http_decode(arena, "abc%20", 3, false), "abc");
    cr_expect_null(http_decode(arena, "abc%20", 5, false));
    cr_expect_null(http_decode(arena, "a\0b", 3, false));
}

Test(decode, fails_when_the_arena_is_full)
{
    CLEANUP(arena_free) struct arena *arena = arena_new(16);
    cr_expect_null(http_decode(arena, "0123456789012345678901234567890123456789", 40, false));
}
