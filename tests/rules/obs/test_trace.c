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
    cr_assert_neq(strncmp(out + 36, &GOOD[36], 16), 0);
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

Test(trace, ratio_is_judged_by_the_last_eight_bytes_of_the_id)
{
    // 0x4000000000000000 >> 1 is a quarter of 2^63.
    static const char quarter[] = "00-ffffffffffffffff4000000000000000-00f067aa0ba902b7-00";
    static const char last[] = "00-0000000000000001ffffffffffffffff-00f067aa0ba902b7-00";
    static const char first[] = "00-ffffffffffffffff0000000000000000-00f067aa0ba902b7-00";
    cr_assert_not(trace_ratio_samples(quarter, 0.25));
    cr_assert(trace_ratio_samples(quarter, 0.2500001));
    cr_assert(trace_ratio_samples(last, 1));
    cr_assert_not(trace_ratio_samples(last, 0.999999));
    cr_assert(trace_ratio_samples(first, 0.000001));
    cr_assert_not(trace_ratio_samples(first, 0));
}

Test(trace, continue_samples_new_traces_by_ratio_and_keeps_others_as_they_are)
{
    char out[TRACEPARENT_SIZE];
    int sampled = 0;
    trace_sample(0.25);
    for (int i = 0; i < 4000; i++) {
        trace_continue(NULL, out);
        cr_assert_eq(trace_sampled(out), trace_ratio_samples(out, 0.25));
        sampled += trace_sampled(out);
    }
    cr_assert(sampled > 800 && sampled < 1200, "%d of 4000", sampled);
    trace_sample(0);
    trace_continue(GOOD, out);
    cr_assert(trace_sampled(out), "its caller has decided");
    trace_continue(NULL, out);
    cr_assert_not(trace_sampled(out));
    trace_sample(1);
    trace_continue(NULL, out);
    cr_assert(trace_sampled(out));
    trace_quiet(out);
    cr_assert(trace_valid(out) && !trace_sampled(out));
}

Test(trace, ratio_is_read_strictly)
{
    double ratio = -1;
    static const char *const good[] = {"0", "1", "1.0", "0.25", ".5"};
    static const char *const bad[] = {"",     "half", "1.1",   "-0.5", "nan", "0x1",
                                      "1e-3", "0.5 ", "0.5.5", "inf",  "."};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        cr_assert(trace_ratio_read(good[i], &ratio), "%s", good[i]);
    cr_assert_float_eq(ratio, 0.5, 1e-9);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert_not(trace_ratio_read(bad[i], &ratio), "%s", bad[i]);
}
