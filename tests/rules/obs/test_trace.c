#include <criterion/criterion.h>
#include <string.h>

#include "obs/trace.h"

#define GOOD "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

Test(trace, valid_takes_the_specifications_example)
{
    cr_assert(trace_valid(GOOD));
    cr_assert(trace_valid("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"));
}

Test(trace, valid_refuses_the_malformed)
{
    static const char *const bad[] = {
        "",
        "00",
        GOOD "0",
        GOOD "-x",
        "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4BF92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0x",
        "00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7_01",
        "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cr_assert_not(trace_valid(bad[i]), "%s", bad[i]);
    cr_assert_not(trace_valid(NULL));
}

Test(trace, continue_keeps_the_trace_and_renews_the_span)
{
    char out[TRACEPARENT_SIZE];
    trace_continue(GOOD, out);
    cr_assert(trace_valid(out));
    cr_assert_eq(strncmp(out, GOOD, 36), 0);
    cr_assert_neq(strncmp(out + 36, GOOD + 36, 16), 0);
    cr_assert_str_eq(out + 52, "-01");
    trace_continue("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", out);
    cr_assert_str_eq(out + 52, "-00");
    trace_continue(out, out);
    cr_assert(trace_valid(out));
}

Test(trace, continue_starts_anew_without_a_parent)
{
    char one[TRACEPARENT_SIZE], two[TRACEPARENT_SIZE];
    trace_continue(NULL, one);
    trace_continue("rubbish", two);
    cr_assert(trace_valid(one));
    cr_assert(trace_valid(two));
    cr_assert_neq(strncmp(one, two, 35), 0);
}

Test(trace, request_id_is_bounded)
{
    char text[REQUEST_ID_MAX + 2];
    memset(text, 'a', sizeof(text));
    text[REQUEST_ID_MAX + 1] = '\0';
    cr_assert_not(trace_request_id_valid(text));
    text[REQUEST_ID_MAX] = '\0';
    cr_assert(trace_request_id_valid(text));
    cr_assert(trace_request_id_valid("A-z_0.9"));
    cr_assert_not(trace_request_id_valid(""));
    cr_assert_not(trace_request_id_valid(NULL));
    cr_assert_not(trace_request_id_valid("a b"));
    cr_assert_not(trace_request_id_valid("a\r\nX: y"));
    cr_assert_not(trace_request_id_valid("caf\xc3\xa9"));
}
