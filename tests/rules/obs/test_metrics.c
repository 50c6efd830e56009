#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "obs/metrics.h"

static struct buffer page;

static const char *print(void)
{
    buffer_deinit(&page);
    buffer_init(&page, 4 << 20);
    metrics_print(&page);
    cr_assert_not(page.full);
    return page.at;
}

static void check(const char *line)
{
    cr_assert_not_null(strstr(print(), line), "no %s in\n%s", line, page.at);
}

Test(metrics, counter_without_labels_is_shown_at_once)
{
    struct metric *metric = metric_counter("obol_total", "How many.\nReally \\.", NULL);
    cr_assert_str_eq(print(), "# HELP obol_total How many.\\nReally \\\\.\n"
                              "# TYPE obol_total counter\nobol_total 0\n");
    metric_add(metric, 2, NULL);
    metric_add(metric, 40, NULL);
    check("\nobol_total 42\n");
}

Test(metrics, counter_keeps_label_sets_apart)
{
    struct metric *metric = metric_counter("calls_total", "Calls.", "method,code");
    metric_add(metric, 1, METRIC_LABELS("Create", "OK"));
    metric_add(metric, 1, METRIC_LABELS("Create", "OK"));
    metric_add(metric, 5, METRIC_LABELS("Create", "ABORTED"));
    metric_add(metric, 7, METRIC_LABELS("CreateO", "K"));
    metric_add(metric, 9, METRIC_LABELS(NULL, ""));
    check("calls_total{method=\"Create\",code=\"OK\"} 2\n");
    check("calls_total{method=\"Create\",code=\"ABORTED\"} 5\n");
    check("calls_total{method=\"CreateO\",code=\"K\"} 7\n");
    check("calls_total{method=\"\",code=\"\"} 9\n");
}

Test(metrics, label_values_are_escaped_and_cut)
{
    struct metric *metric = metric_gauge("g", "G.", "l");
    metric_set(metric, -3, METRIC_LABELS("a\"b\\c\nd"));
    check("g{l=\"a\\\"b\\\\c\\nd\"} -3\n");
    char text[400];
    memset(text, 'x', sizeof(text));
    text[399] = '\0';
    metric_set(metric, 1, METRIC_LABELS(text));
    text[METRIC_LABEL_VALUE_MAX] = '\0';
    metric_add(metric, 1, METRIC_LABELS(text));
    char line[500];
    snprintf(line, sizeof(line), "g{l=\"%s\"} 2\n", text);
    check(line);
}

Test(metrics, gauge_goes_up_and_down)
{
    struct metric *metric = metric_gauge("in_flight", "Now.", NULL);
    metric_set(metric, 10, NULL);
    metric_add(metric, -12, NULL);
    check("# TYPE in_flight gauge\nin_flight -2\n");
}

Test(metrics, registering_twice_gives_the_same_metric)
{
    cr_assert_eq(metric_counter("same", "S.", NULL), metric_counter("same", "S.", NULL));
    const char *text = print();
    cr_assert_null(strstr(strstr(text, "TYPE same") + 1, "TYPE same"));
}

Test(metrics, histogram_counts_cumulatively_in_seconds)
{
    struct metric *metric = metric_histogram_ns("took_seconds", "Took.", "m");
    metric_observe(metric, 0, METRIC_LABELS("x"));
    metric_observe(metric, -5, METRIC_LABELS("x"));
    metric_observe(metric, 500000, METRIC_LABELS("x"));
    metric_observe(metric, 500001, METRIC_LABELS("x"));
    metric_observe(metric, 10000000000, METRIC_LABELS("x"));
    metric_observe(metric, 10000000001, METRIC_LABELS("x"));
    check("# TYPE took_seconds histogram\n");
    check("took_seconds_bucket{m=\"x\",le=\"0.0005\"} 3\n");
    check("took_seconds_bucket{m=\"x\",le=\"0.001\"} 4\n");
    check("took_seconds_bucket{m=\"x\",le=\"5\"} 4\n");
    check("took_seconds_bucket{m=\"x\",le=\"10\"} 5\n");
    check("took_seconds_bucket{m=\"x\",le=\"+Inf\"} 6\n");
    check("took_seconds_sum{m=\"x\"} 20.001000002\n");
    check("took_seconds_count{m=\"x\"} 6\n");
}

Test(metrics, histogram_without_labels_has_only_le)
{
    metric_observe(metric_histogram_ns("h_seconds", "H.", NULL), 3000000000, NULL);
    check("h_seconds_bucket{le=\"2.5\"} 0\n");
    check("h_seconds_bucket{le=\"5\"} 1\n");
    check("h_seconds_sum 3.000000000\n");
    check("h_seconds_count 1\n");
}

Test(metrics, histogram_of_sizes_counts_in_powers_of_two)
{
    struct metric *metric = metric_histogram_sizes("batch_calls", "B.", NULL);
    const int64_t observed[] = {1, 2, 3, 512, 513};
    for (size_t i = 0; i < sizeof observed / sizeof *observed; i++)
        metric_observe(metric, observed[i], NULL);
    check("batch_calls_bucket{le=\"1\"} 1\n");
    check("batch_calls_bucket{le=\"2\"} 2\n");
    check("batch_calls_bucket{le=\"4\"} 3\n");
    check("batch_calls_bucket{le=\"256\"} 3\n");
    check("batch_calls_bucket{le=\"512\"} 4\n");
    check("batch_calls_bucket{le=\"+Inf\"} 5\n");
    check("batch_calls_sum 1031\n");
    check("batch_calls_count 5\n");
}

Test(metrics, nanoseconds_are_shown_as_seconds)
{
    metric_set(metric_gauge_ns("age_seconds", "A.", NULL), 1500000000, NULL);
    metric_add(metric_counter_ns("cpu_seconds_total", "C.", NULL), 3, NULL);
    metric_set(metric_gauge_ns("skew_seconds", "S.", NULL), -500000000, NULL);
    check("\nage_seconds 1.500000000\n");
    check("\ncpu_seconds_total 0.000000003\n");
    check("\nskew_seconds -0.500000000\n");
}

Test(metrics, gauge_that_nobody_knows_is_not_shown)
{
    struct metric *metric = metric_gauge("depth", "D.", "of");
    metric_set(metric, 7, METRIC_LABELS("a"));
    metric_set(metric, 8, METRIC_LABELS("b"));
    metric_forget(metric, METRIC_LABELS("a"));
    check("depth{of=\"b\"} 8\n");
    cr_assert_null(strstr(page.at, "depth{of=\"a\"}"));
    metric_set(metric, 0, METRIC_LABELS("a"));
    check("depth{of=\"a\"} 0\n");
}

Test(metrics, series_looked_up_once_counts_like_any)
{
    struct metric *metric = metric_counter("often_total", "O.", "l");
    struct metric_series *series = metric_series(metric, METRIC_LABELS("x"));
    metric_series_add(series, 2);
    metric_add(metric, 3, METRIC_LABELS("x"));
    metric_series_add(NULL, 1); // no memory: not counted
    check("often_total{l=\"x\"} 5\n");
}

static int refreshed;

static void refresh(void)
{
    metric_set(metric_gauge("fresh", "F.", NULL), ++refreshed, NULL);
}

Test(metrics, what_is_read_when_somebody_asks_is_read_once_a_print)
{
    metrics_before_print(refresh);
    metrics_before_print(refresh);
    print();
    check("\nfresh 2\n");
}

Test(metrics, series_past_the_maximum_count_as_other)
{
    struct metric *metric = metric_counter("wild", "W.", "tenant,x");
    for (int i = 0; i < METRIC_SERIES_MAX + 100; i++) {
        char tenant[16];
        snprintf(tenant, sizeof(tenant), "t%d", i);
        metric_add(metric, 1, METRIC_LABELS(tenant, "y"));
    }
    metric_add(metric, 1, METRIC_LABELS("t0", "y"));
    check("wild{tenant=\"t0\",x=\"y\"} 2\n");
    check("wild{tenant=\"t1023\",x=\"y\"} 1\n");
    check("wild{tenant=\"other\",x=\"other\"} 100\n");
    int lines = 0;
    for (const char *at = print(); (at = strstr(at, "wild{")); at++)
        lines++;
    cr_assert_eq(lines, METRIC_SERIES_MAX + 1);
}

Test(metrics, series_named_other_is_shown_once)
{
    struct metric *metric = metric_counter("o", "O.", "l");
    metric_add(metric, 1, METRIC_LABELS("other"));
    for (int i = 0; i < METRIC_SERIES_MAX + 5; i++) {
        char value[16];
        snprintf(value, sizeof(value), "v%d", i);
        metric_add(metric, 1, METRIC_LABELS(value));
    }
    check("o{l=\"other\"} 7\n");
    cr_assert_null(strstr(strstr(page.at, "{l=\"other\"}") + 1, "{l=\"other\"}"));
}

static void *update_often(void *unused)
{
    (void)unused;
    struct metric *counter = metric_counter("busy", "B.", "l");
    struct metric *histogram = metric_histogram_ns("busy_seconds", "B.", NULL);
    for (int i = 0; i < 20000; i++) {
        char value[16];
        snprintf(value, sizeof(value), "v%d", i % 1400);
        metric_add(counter, 1, METRIC_LABELS(value));
        metric_observe(histogram, 1000, NULL);
    }
    return NULL;
}

Test(metrics, updates_from_many_threads_are_all_counted, .timeout = 60)
{
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, update_often, NULL);
    for (int i = 0; i < 20; i++)
        print();
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    long total = 0;
    int series = 0;
    for (const char *at = print(); (at = strstr(at, "busy{")); at++, series++) {
        long one = 0;
        cr_assert_eq(sscanf(strchr(at, '}') + 1, "%ld", &one), 1);
        total += one;
    }
    cr_assert_eq(total, 80000);
    cr_assert_leq(series, METRIC_SERIES_MAX + 1);
    check("busy_seconds_count 80000\n");
}
