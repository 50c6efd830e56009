#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>

#include "obs/health.h"

Test(health, ready_when_all_required_are_up)
{
    CLEANUP(health_free) struct health *health = health_new("payments", "0.1.0");
    cr_assert(health_ready(health));
    int postgres = health_add(health, "postgres", true);
    int nats = health_add(health, "nats", false);
    cr_assert_not(health_ready(health));
    health_report(health, nats, true, 100);
    cr_assert_not(health_ready(health));
    health_report(health, postgres, true, 100);
    cr_assert(health_ready(health));
    health_report(health, nats, false, -1);
    cr_assert(health_ready(health));
    health_report(health, postgres, false, -1);
    cr_assert_not(health_ready(health));
}

Test(health, drain_is_for_good)
{
    CLEANUP(health_free) struct health *health = health_new("payments", "0.1.0");
    int postgres = health_add(health, "postgres", true);
    health_report(health, postgres, true, 1);
    health_drain(health);
    cr_assert_not(health_ready(health));
    health_report(health, postgres, true, 1);
    cr_assert_not(health_ready(health));
}

Test(health, generation_grows_only_when_ready_changes)
{
    CLEANUP(health_free) struct health *health = health_new("payments", "0.1.0");
    int postgres = health_add(health, "postgres", true);
    uint64_t before = health_generation(health);
    health_report(health, postgres, false, -1);
    cr_assert_eq(health_generation(health), before);
    health_report(health, postgres, true, 10);
    cr_assert_eq(health_generation(health), before + 1);
    health_report(health, postgres, true, 20);
    cr_assert_eq(health_generation(health), before + 1);
    health_drain(health);
    cr_assert_eq(health_generation(health), before + 2);
    health_drain(health);
    cr_assert_eq(health_generation(health), before + 2);
}

Test(health, add_and_report_are_bounded)
{
    CLEANUP(health_free) struct health *health = health_new("s", "v");
    for (int i = 0; i < HEALTH_DEPENDENCIES_MAX; i++)
        cr_assert_eq(health_add(health, "d", false), i);
    cr_assert_eq(health_add(health, "d", true), -1);
    health_report(health, -1, true, 1);
    health_report(health, HEALTH_DEPENDENCIES_MAX, true, 1);
    cr_assert(health_ready(health));
    health_free(NULL);
}

Test(health, json_tells_each_dependency_and_the_disk)
{
    CLEANUP(health_free) struct health *health = health_new("pay\"ments", "0.1.0");
    CLEANUP(arena_free) struct arena *arena = arena_new(1 << 20);
    int postgres = health_add(health, "postgres", true);
    health_add(health, "nats", false);
    cr_assert_not_null(strstr(health_json(health, arena), "{\"status\":\"down\","));
    health_report(health, postgres, true, 1234);
    const char *json = health_json(health, arena);
    const char *start =
        "{\"status\":\"up\",\"live\":true,\"service\":\"pay\\\"ments\",\"version\":\"0.1.0\","
        "\"dependencies\":{\"postgres\":{\"status\":\"up\",\"latency_ms\":1.234},"
        "\"nats\":{\"status\":\"down\",\"latency_ms\":null}},\"disk\":{\"path\":\"/";
    cr_assert_eq(strncmp(json, start, strlen(start)), 0, "%s", json);
    const char *free_bytes = strstr(json, "\"free_bytes\":");
    cr_assert_not_null(free_bytes);
    free_bytes += strlen("\"free_bytes\":");
    size_t digits = strspn(free_bytes, "0123456789");
    cr_assert_gt(digits, 0);
    cr_assert_str_eq(free_bytes + digits, "}}");
    health_drain(health);
    cr_assert_not_null(strstr(health_json(health, arena), "{\"status\":\"draining\","));
}

Test(health, json_is_null_when_the_arena_is_full)
{
    CLEANUP(health_free) struct health *health = health_new("s", "v");
    CLEANUP(arena_free) struct arena *arena = arena_new(32);
    cr_assert_null(health_json(health, arena));
}

static const char *tell(void *context, struct arena *arena)
{
    return context ? arena_printf(arena, "[\"%s\"]", (const char *)context) : NULL;
}

Test(health, shows_what_a_service_tells_beside)
{
    CLEANUP(health_free) struct health *health = health_new("s", "v");
    CLEANUP(arena_free) struct arena *arena = arena_new(1 << 20);
    health_detail(health, "circuits", tell, "open");
    cr_assert_not_null(strstr(health_json(health, arena), ",\"circuits\":[\"open\"]}"));
    health_detail(health, "circuits", tell, NULL);
    cr_assert_null(strstr(health_json(health, arena), "circuits"));
    health_detail(health, NULL, NULL, NULL);
    cr_assert_not_null(health_json(health, arena));
}

static void *report_often(void *argument)
{
    struct health *health = argument;
    for (int i = 0; i < 5000; i++)
        health_report(health, i % 2, i % 3 != 0, i);
    return NULL;
}

Test(health, reports_and_probes_run_side_by_side)
{
    CLEANUP(health_free) struct health *health = health_new("s", "v");
    CLEANUP(arena_free) struct arena *arena = arena_new(1 << 20);
    health_add(health, "a", true);
    health_add(health, "b", true);
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, report_often, health);
    uint64_t seen = 0;
    for (int i = 0; i < 200; i++, arena_reset(arena)) {
        cr_assert_not_null(health_json(health, arena));
        uint64_t generation = health_generation(health);
        cr_assert_geq(generation, seen);
        seen = generation;
    }
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    health_report(health, 0, true, 1);
    health_report(health, 1, true, 1);
    cr_assert(health_ready(health));
}
