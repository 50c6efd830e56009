#include <string.h>

#include "obs/health.h"
#include "obs/metrics.h"
#include "obs/trace.h"
#include "torture/support/torture.h"

static bool page(void)
{
    torture_arm();
    struct health *health = health_new("torture", "1");
    if (!health)
        return false;
    int database = health_add(health, "postgres", true);
    health_report(health, database, true, 1200);
    struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    char *json = arena ? health_json(health, arena) : NULL;
    torture_check(health_ready(health));
    torture_check(!json || strstr(json, "\"postgres\":{\"status\":\"up\""));
    bool well = json != NULL;
    arena_free(arena);
    health_free(health);
    return well;
}

static bool numbers(void)
{
    struct buffer out;
    struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    buffer_init(&out, 1 << 20);
    torture_arm();
    struct metric *calls = metric_counter("torture_calls_total", "Calls.", "method,code");
    for (int i = 0; i < 20; i++)
        metric_add(calls, 1, METRIC_LABELS("get", arena_printf(arena, "%d", i)));
    metric_observe(metric_histogram_ns("torture_seconds", "Time.", NULL), 5000000, NULL);
    metrics_print(&out);
    torture_disarm();
    bool well = !out.full;
    torture_check(out.full || strstr(out.at, "torture_seconds_count 1"));
    buffer_deinit(&out);
    arena_free(arena);
    return well;
}

static bool traces(void)
{
    char first[TRACEPARENT_SIZE], second[TRACEPARENT_SIZE];
    torture_arm();
    trace_continue(NULL, first);
    trace_continue(first, second);
    torture_check(trace_valid(first) && trace_valid(second) && strncmp(first, second, 35) == 0);
    return true;
}

int main(void)
{
    const struct torture_scenario scenarios[] = {
        {.name = "page", .run = page},
        {.name = "numbers", .run = numbers},
        {.name = "traces", .run = traces},
    };
    return torture_main(scenarios, sizeof scenarios / sizeof *scenarios);
}
