#include <criterion/criterion.h>
#include <string.h>

#include "base/clock.h"
#include "obs/metrics.h"
#include "obs/span.h"

#define SAMPLED "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
#define UNSAMPLED "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"
#define PARENT "00-4bf92f3577b34da6a3ce929d0e0e4736-b7ad6b7169203331-01"

static struct span span_of(const char *traceparent)
{
    return (struct span){.name = "work",
                         .kind = SPAN_CLIENT,
                         .traceparent = traceparent,
                         .parent = PARENT,
                         .began_ns = clock_now_ns() - 5 * NS_PER_MS};
}

static bool printed(const char *text)
{
    struct buffer out;
    buffer_init(&out, 1 << 20);
    metrics_print(&out);
    bool found = strstr(out.at, text);
    buffer_deinit(&out);
    return found;
}

Test(span, is_not_kept_before_somebody_takes_them)
{
    struct span_kept kept;
    struct span span = span_of(SAMPLED);
    cr_assert_not(span_wanted(SAMPLED));
    span_end(&span);
    cr_assert_not(spans_take(&kept));
}

Test(span, is_kept_with_ids_times_and_attributes)
{
    struct span_kept kept;
    struct span span = span_of(SAMPLED);
    cr_assert_eq(spans_open(4), STATUS_OK);
    int64_t now_ns = clock_unix_us() * 1000;
    span_end(&span, LOG_S("text", "value"), LOG_I("number", 42), LOG_S("none", ""));
    cr_assert(spans_take(&kept));
    cr_assert_eq(memcmp(kept.trace_id, SAMPLED + 3, 32), 0);
    cr_assert_eq(memcmp(kept.id, SAMPLED + 36, 16), 0);
    cr_assert(kept.has_parent && memcmp(kept.parent_id, PARENT + 36, 16) == 0);
    cr_assert_str_eq(kept.text, "work");
    cr_assert_eq(kept.kind, SPAN_CLIENT);
    cr_assert_not(kept.failed);
    int64_t took_ms = (kept.end_unix_ns - kept.start_unix_ns) / NS_PER_MS;
    cr_assert(took_ms >= 5 && took_ms < 5000, "%ld", (long)took_ms);
    cr_assert(kept.end_unix_ns >= now_ns - NS_PER_MS && kept.end_unix_ns < now_ns + 5 * NS_PER_S);
    cr_assert_eq(kept.attributes_n, 2, "what is empty is left out");
    cr_assert_str_eq(kept.text + kept.attributes[0].text_at, "value");
    cr_assert_eq(kept.attributes[1].text_at, 0);
    cr_assert_eq(kept.attributes[1].number, 42);
    spans_close();
}

Test(span, of_an_unsampled_or_malformed_trace_is_not_kept)
{
    struct span_kept kept;
    cr_assert_eq(spans_open(4), STATUS_OK);
    const char *const none[] = {UNSAMPLED, "", "rubbish", NULL};
    for (size_t i = 0; i < 4; i++) {
        char own[TRACEPARENT_SIZE] = "?";
        struct span span = span_of(none[i]);
        cr_assert_not(span_wanted(none[i]));
        cr_assert_not(span_begin(none[i], own));
        cr_assert_str_eq(own, "");
        span_end(&span);
        cr_assert_not(spans_take(&kept));
    }
    spans_close();
}

Test(span, without_a_parent_is_a_root)
{
    struct span_kept kept;
    struct span span = span_of(SAMPLED);
    cr_assert_eq(spans_open(4), STATUS_OK);
    span.parent = NULL;
    span_end(&span);
    cr_assert(spans_take(&kept) && !kept.has_parent);
    spans_close();
}

Test(span, beyond_the_ring_is_dropped_and_counted)
{
    struct span_kept kept;
    struct span span = span_of(SAMPLED);
    cr_assert_eq(spans_open(4), STATUS_OK);
    for (int i = 0; i < 7; i++)
        span_end(&span);
    for (int i = 0; i < 4; i++)
        cr_assert(spans_take(&kept));
    cr_assert_not(spans_take(&kept));
    cr_assert(printed("\nobol_spans_dropped_total 3\n"));
    spans_close();
}

Test(span, values_are_cut_and_made_printable)
{
    struct span_kept kept;
    struct span span = span_of(SAMPLED);
    char longer[400];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    cr_assert_eq(spans_open(4), STATUS_OK);
    span_end(&span, LOG_S("odd", "a\n\xc3\xa4"), LOG_S("1", longer), LOG_S("2", longer),
             LOG_S("3", longer), LOG_S("4", longer), LOG_S("5", longer), LOG_S("6", longer),
             LOG_S("7", longer), LOG_S("8", longer));
    cr_assert(spans_take(&kept));
    cr_assert_leq(kept.attributes_n, SPAN_ATTRIBUTES_MAX);
    cr_assert_leq(kept.text_length, SPAN_TEXT_SIZE);
    cr_assert_str_eq(kept.text + kept.attributes[0].text_at, "a???");
    for (size_t i = 1; i < kept.attributes_n; i++)
        cr_assert_leq(strlen(kept.text + kept.attributes[i].text_at), SPAN_VALUE_MAX);
    spans_close();
}
