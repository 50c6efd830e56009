#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "obs/health.h"
#include "support/support.h"

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

Test(health, a_missed_answer_or_two_are_borne)
{
    CLEANUP(health_free) struct health *health = health_new("gateway", "0.1.0");
    int auth = health_add(health, "auth", true);
    health_bear(health, auth, 1);
    health_report(health, auth, false, -1);
    cr_assert_not(health_ready(health), "it was never up");
    health_report(health, auth, true, 1);
    for (int round = 0; round < 2; round++) {
        health_report(health, auth, false, -1);
        cr_assert(health_ready(health));
        health_report(health, auth, true, 1);
    }
    health_report(health, auth, false, -1);
    health_report(health, auth, false, -1);
    cr_assert_not(health_ready(health));
    health_report(health, auth, true, 1);
    cr_assert(health_ready(health), "once is enough");
    health_bear(health, -1, 1);
    health_bear(health, HEALTH_DEPENDENCIES_MAX, 1);
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
    health_detail(health, "circuits", NULL, NULL);
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

// How long something may be busy in these tests, and how long is certainly longer.
#define STUCK_MS 50

static bool is_stuck(void *health)
{
    return health_stuck(health) != NULL;
}

Test(health, what_does_not_come_round_is_named)
{
    CLEANUP(health_free) struct health *health = health_new("s", "v");
    CLEANUP(arena_free) struct arena *arena = arena_new(1 << 20);
    struct pulse *other = health_pulse(health, "other"), *pulse = health_pulse(health, "loop");
    health_stuck_after(health, STUCK_MS);
    cr_assert_null(health_stuck(health));
    pulse_busy(pulse);
    cr_assert_null(health_stuck(health));
    test_wait(is_stuck, health, 10000, "it is stuck");
    cr_assert_str_eq(health_stuck(health), "loop");
    cr_assert_not_null(strstr(health_json(health, arena), "{\"status\":\"up\",\"live\":false,"));
    cr_assert(health_ready(health), "that is another question");
    pulse_busy(pulse); // it came round
    cr_assert_null(health_stuck(health));
    test_wait(is_stuck, health, 10000, "it is stuck again");
    pulse_rest(pulse);
    cr_assert_null(health_stuck(health));
    cr_assert(pulse_expect(other));
    cr_assert_not(pulse_expect(other), "its clock runs on");
    test_wait(is_stuck, health, 10000, "what was asked of it is not done");
    cr_assert_str_eq(health_stuck(health), "other");
    pulse_rest(other);
    cr_assert_null(health_stuck(health));
    pulse_busy(NULL);
    pulse_rest(NULL);
    cr_assert_not(pulse_expect(NULL));
}

Test(health, waiting_for_somebody_else_is_no_fault)
{
    CLEANUP(health_free) struct health *health = health_new("s", "v");
    struct pulse *pulse = health_pulse(health, "loop");
    health_stuck_after(health, STUCK_MS);
    pulse_away(); // in a thread without a pulse
    pulse_back();
    pulse_busy(pulse);
    pulse_away();
    struct timespec longer = {.tv_nsec = 3 * STUCK_MS * 1000000L};
    nanosleep(&longer, NULL);
    cr_assert_null(health_stuck(health));
    pulse_back();
    cr_assert_null(health_stuck(health));
    test_wait(is_stuck, health, 10000, "its own time counts again");
}

Test(health, a_dependency_says_why)
{
    CLEANUP(health_free) struct health *health = health_new("s", "v");
    CLEANUP(arena_free) struct arena *arena = arena_new(1 << 20);
    int migrations = health_add(health, "migrations", true);
    health_explain(health, migrations, "missing: 104 \"limits\"");
    health_explain(health, 7, "nobody");
    cr_assert_not_null(strstr(health_json(health, arena),
                              "{\"migrations\":{\"status\":\"down\",\"latency_ms\":null,\"reason\":"
                              "\"missing: 104 \\\"limits\\\"\"}}"));
    health_explain(health, migrations, "");
    cr_assert_null(strstr(health_json(health, arena), "reason"));
}

Test(health, leaving_comes_after_draining)
{
    CLEANUP(health_free) struct health *health = health_new("s", "v");
    health_drain(health);
    cr_assert_not(health_leaving(health));
    health_leave(health);
    cr_assert(health_leaving(health));
}
