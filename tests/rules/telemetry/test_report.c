#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "telemetry/report.h"
#include "json/json.h"

Test(dsn, parse_makes_the_url_of_envelopes)
{
    struct dsn dsn;
    cr_assert(dsn_parse("https://abc123@o1.ingest.sentry.io/42", &dsn));
    cr_assert_str_eq(dsn.key, "abc123");
    cr_assert_str_eq(dsn.url, "https://o1.ingest.sentry.io/api/42/envelope/");
    cr_assert(dsn_parse("http://abc:older@10.0.0.7:9000/sentry/7", &dsn));
    cr_assert_str_eq(dsn.key, "abc");
    cr_assert_str_eq(dsn.url, "http://10.0.0.7:9000/sentry/api/7/envelope/");
}

Test(dsn, parse_refuses_what_is_none)
{
    static const char *const bad[] = {
        "",
        "https://host/42",
        "https://@host/42",
        "https://key@host",
        "https://key@host/",
        "https://key@host/project",
        "https://k\r\ny@host/42",
        "https://key with blank@host/42",
        "ftp://key@host/42",
        "key@host/42",
        "https://key@/42",
        "https://key@other@host/42",
    };
    struct dsn dsn;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert_not(dsn_parse(bad[i], &dsn), "%s", bad[i]);
}

Test(limiter, allows_five_a_minute_of_each)
{
    static struct limiter limiter;
    int64_t now_ns = NS_PER_S;
    for (int i = 0; i < REPORTS_PER_MINUTE; i++)
        cr_assert(limiter_allows(&limiter, "one", now_ns + i));
    cr_assert_not(limiter_allows(&limiter, "one", now_ns + 59 * NS_PER_S));
    cr_assert(limiter_allows(&limiter, "other", now_ns));
    cr_assert(limiter_allows(&limiter, "one", now_ns + 60 * NS_PER_S), "a minute later");
    cr_assert(limiter_allows(&limiter, "one", now_ns + 60 * NS_PER_S));
}

Test(limiter, remembers_one_behind_a_place_that_became_free)
{
    static struct limiter limiter;
    cr_assert(limiter_allows(&limiter, "first", NS_PER_S));
    for (int i = 0; i < REPORTS_PER_MINUTE; i++)
        cr_assert(limiter_allows(&limiter, "second", 50 * NS_PER_S));
    cr_assert_not(limiter_allows(&limiter, "second", 62 * NS_PER_S));
}

Test(limiter, of_more_events_than_it_has_places_for_is_still_bounded)
{
    static struct limiter limiter;
    int allowed = 0;
    for (int i = 0; i < 10 * LIMITER_EVENTS; i++) {
        char event[32];
        snprintf(event, sizeof event, "event %d", i);
        allowed += limiter_allows(&limiter, event, NS_PER_S);
    }
    cr_assert_leq(allowed, LIMITER_EVENTS - 1 + REPORTS_PER_MINUTE);
}

Test(report, quiet_reads_the_limits_that_are_ours)
{
    cr_assert_eq(report_quiet_s(NULL), 0);
    cr_assert_eq(report_quiet_s(""), 0);
    cr_assert_eq(report_quiet_s("60::organization"), 60);
    cr_assert_eq(report_quiet_s("60:transaction:key, 2700:default;error;security:organization"),
                 2700);
    cr_assert_eq(report_quiet_s("60:transaction;profile:key"), 0);
    cr_assert_eq(report_quiet_s("60:errors:key"), 0);
    cr_assert_eq(report_quiet_s("nonsense, 7:error:x"), 7);
    cr_assert_eq(report_quiet_s("-5:error"), 0);
    cr_assert_eq(report_quiet_s("99999999999:error"), 3600);
    cr_assert_eq(report_quiet_s("5"), 0);
}

static struct report taken(const struct log_field *fields)
{
    struct report report;
    report_take(&report, "it broke", fields, 1700000000000000);
    return report;
}

Test(report, envelope_has_head_item_and_event)
{
    CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    const struct report_origin origin = {"payments", "1.2.3", "production", "host-1"};
    struct report report =
        taken((struct log_field[]){{"request_id", "req_1", 0},
                                   {"trace_id", "4bf92f3577b34da6a3ce929d0e0e4736-and more", 32},
                                   {"span_id", "00f067aa0ba902b7", 0},
                                   {"status", NULL, 500},
                                   {"text", "line\nand \"quote\"", 0},
                                   {0}});
    char *envelope =
        (char *)report_envelope(arena, &report, &origin, "0123456789abcdef0123456789abcdef");
    char *rest, *head = strtok_r(envelope, "\n", &rest), *item = strtok_r(NULL, "\n", &rest);
    char *event = strtok_r(NULL, "\n", &rest);
    cr_assert_null(strtok_r(NULL, "\n", &rest));
    const struct json_value *value;
    int64_t number;
    cr_assert_eq(json_parse(arena, bytes_of_string(head), &value), STATUS_OK);
    cr_assert_str_eq(json_get_string(value, "event_id"), "0123456789abcdef0123456789abcdef");
    cr_assert_eq(json_parse(arena, bytes_of_string(item), &value), STATUS_OK);
    cr_assert_str_eq(json_get_string(value, "type"), "event");
    cr_assert(json_get_integer(value, "length", &number) && number == (int64_t)strlen(event));
    cr_assert_eq(json_parse(arena, bytes_of_string(event), &value), STATUS_OK);
    static const char *const want[][2] = {
        {"message", "it broke"},
        {"level", "error"},
        {"logger", "payments"},
        {"release", "obol@1.2.3"},
        {"environment", "production"},
        {"timestamp", "2023-11-14T22:13:20.000Z"},
        {"tags.service", "payments"},
        {"tags.request_id", "req_1"},
        {"contexts.trace.trace_id", "4bf92f3577b34da6a3ce929d0e0e4736"},
        {"contexts.trace.span_id", "00f067aa0ba902b7"},
        {"extra.text", "line\nand \"quote\""},
    };
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        cr_assert_str_eq(json_get_string(value, want[i][0]), want[i][1], "%s", want[i][0]);
    cr_assert(json_get_integer(value, "extra.status", &number) && number == 500);
}

Test(report, take_is_bounded_and_cuts_between_characters)
{
    char longer[400];
    for (size_t i = 0; i + 1 < sizeof longer; i += 2)
        memcpy(longer + i, "\xc3\xa4", 2);
    longer[398] = '\0';
    struct log_field fields[30] = {0};
    for (size_t i = 0; i < 29; i++)
        fields[i] = (struct log_field){"name", i ? longer : "bad \xff byte", 0};
    struct report report = taken(fields);
    cr_assert_eq(report.fields_n, REPORT_FIELDS_MAX);
    cr_assert_str_eq(report.fields[0].value, "bad ? byte");
    cr_assert(json_utf8_valid(bytes_of_string(report.fields[1].value)));
    cr_assert_eq(strlen(report.fields[1].value), 190);
}
