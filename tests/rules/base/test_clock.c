#include <criterion/criterion.h>

#include "base/clock.h"

static void check(const char *text, int64_t expected_us)
{
    int64_t us = -7;
    cr_assert(clock_parse_rfc3339(text, &us), "%s refused", text);
    cr_assert_eq(us, expected_us, "%s: %lld", text, (long long)us);
}

Test(clock, rfc3339_writes_milliseconds)
{
    char text[RFC3339_SIZE];
    clock_rfc3339(0, text);
    cr_assert_str_eq(text, "1970-01-01T00:00:00.000Z");
    clock_rfc3339(1795257352123999, text);
    cr_assert_str_eq(text, "2026-11-21T10:35:52.123Z");
    clock_rfc3339(951827696000000, text);
    cr_assert_str_eq(text, "2000-02-29T12:34:56.000Z");
}

Test(clock, rfc3339_stays_within_its_years)
{
    char text[RFC3339_SIZE];
    clock_rfc3339(-1, text);
    cr_assert_str_eq(text, "1970-01-01T00:00:00.000Z");
    clock_rfc3339(INT64_MAX, text);
    cr_assert_str_eq(text, "9999-12-31T23:59:59.999Z");
}

Test(clock, parse_takes_what_rfc3339_allows)
{
    check("1970-01-01T00:00:00Z", 0);
    check("2026-11-21T10:35:52.123Z", 1795257352123000);
    check("2026-11-21t10:35:52.1z", 1795257352100000);
    check("2026-11-21T10:35:52.123456789Z", 1795257352123456);
    check("2026-11-21T16:05:52+05:30", 1795257352000000);
    check("2026-11-21T10:35:52-00:00", 1795257352000000);
    check("2026-11-20T22:35:52.5-12:00", 1795257352500000);
    check("2016-12-31T23:59:60Z", 1483228800000000);
    check("9999-12-31T23:59:59.999999Z", 253402300799999999);
    check("1969-12-31T23:30:00-01:00", 1800000000);
}

Test(clock, parse_undoes_writing)
{
    for (int64_t us = 0; us < 253402300799999999; us += 7777777777777000) {
        char text[RFC3339_SIZE];
        clock_rfc3339(us, text);
        check(text, us);
    }
}

Test(clock, parse_refuses_the_malformed)
{
    static const char *const bad[] = {
        "",
        "2026",
        "2026-11-21",
        "2026-11-21T10:35:52",
        "2026-11-21 10:35:52Z",
        "2026-11-21T10:35:52.Z",
        "2026-11-21T10:35:52.1234567890Z",
        "2026-11-21T10:35:52ZZ",
        "2026-11-21T10:35:52Z ",
        " 2026-11-21T10:35:52Z",
        "2026-1-21T10:35:52Z",
        "2026-13-21T10:35:52Z",
        "2026-00-21T10:35:52Z",
        "2026-02-29T10:35:52Z",
        "2026-04-31T10:35:52Z",
        "2026-04-00T10:35:52Z",
        "2026-11-21T24:00:00Z",
        "2026-11-21T10:60:00Z",
        "2026-11-21T10:35:61Z",
        "2026-11-21T10:35:52+5:30",
        "2026-11-21T10:35:52+0530",
        "2026-11-21T10:35:52+24:00",
        "2026-11-21T10:35:52+05:60",
        "2026-11-21T10:35:52+05:30x",
        "+2026-11-21T10:35:52Z",
        "20261-11-21T10:35:52Z",
        "1969-12-31T23:59:59Z",
        "0001-01-01T00:00:00Z",
        "1970-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "now",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int64_t us = 42;
        cr_assert_not(clock_parse_rfc3339(bad[i], &us), "%s accepted", bad[i]);
        cr_assert_eq(us, 42, "%s touched its output", bad[i]);
    }
    int64_t us;
    cr_assert_not(clock_parse_rfc3339(NULL, &us));
}

Test(clock, deadlines_count_from_now)
{
    int64_t before = clock_now_ns();
    int64_t deadline = clock_deadline_ns(60000);
    cr_assert_geq(deadline, before + 60 * NS_PER_S);
    int64_t left = clock_left_ms(deadline);
    cr_assert(left > 50000 && left <= 60000);
    cr_assert_eq(clock_left_ms(before), 0);
    cr_assert_eq(clock_left_ms(INT64_MIN), 0);
}

Test(clock, deadlines_do_not_overflow)
{
    cr_assert_eq(clock_deadline_ns(INT64_MAX), INT64_MAX);
    cr_assert_eq(clock_deadline_ns(INT64_MIN), 0);
    cr_assert_gt(clock_left_ms(INT64_MAX), 1000000);
}

Test(clock, unix_time_is_this_century)
{
    cr_assert_gt(clock_unix_us(), 1735689600000000);
}
