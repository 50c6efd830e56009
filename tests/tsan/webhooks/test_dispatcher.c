// Two dispatchers on one queue under the thread sanitizer, each turned by a thread of its own,
// while events come in and endpoints are rotated, disabled, enabled and deleted. In the end nothing
// is left in the queue, and what went to a sound endpoint was sent once.
#include <pthread.h>
#include <stdatomic.h>

#include "endpoint.h"
#include "store/webhooks/turning.h"

#define RUN_MS 5000
#define TENANTS 4
#define TIMEOUT_MS 2000

struct turner {
    struct arena *arena, *turn_arena;
    struct bell *bell;
    struct dispatcher *dispatcher;
    pthread_t thread;
};

static const int64_t soon[SCHEDULE_ATTEMPTS] = {0, 1, 1, 1, 1};
static atomic_bool over;

static void *turner_main(void *argument)
{
    struct turner *turner = argument;
    struct db *own = another_db();
    while (!atomic_load(&over)) {
        int64_t wait_ms = dispatcher_turn(turner->dispatcher, own, turner->turn_arena);
        db_rollback(own);
        arena_reset(turner->turn_arena);
        if (wait_ms > 0)
            bell_wait(turner->bell, wait_ms);
    }
    db_free(own);
    return NULL;
}

static void turner_start(struct turner *turner)
{
    *turner = (struct turner){.arena = arena_new(ARENA_CAP_BATCH),
                              .turn_arena = arena_new(ARENA_CAP_BATCH),
                              .bell = bell_new()};
    turner->dispatcher = dispatcher_new(
        turner->arena, &(struct dispatcher_config){.rules = {.ring = &ring,
                                                             .intervals_s = soon,
                                                             .allow_private = true,
                                                             .timeout_ms = TIMEOUT_MS},
                                                   .slots = 32,
                                                   .disable_after_s = 2,
                                                   .bell = turner->bell});
    cr_assert_not_null(turner->dispatcher);
    cr_assert_eq(pthread_create(&turner->thread, NULL, turner_main, turner), 0);
}

static void turner_stop(struct turner *turner)
{
    atomic_store(&over, true);
    bell_ring(turner->bell);
    pthread_join(turner->thread, NULL);
    dispatcher_free(turner->dispatcher);
    bell_free(turner->bell);
    arena_free(turner->turn_arena);
    arena_free(turner->arena);
}

static const char *tenant_name(int i)
{
    return arena_printf(arena, "ten_%d", i);
}

static void put_endpoints(void)
{
    static const char *const paths[] = {"/ok", "/always/500", "/hang", "/always/410", "/ok"};
    static const char *const names[] = {"sound", "failing", "silent", "gone", "changing"};
    for (int i = 0; i < TENANTS; i++)
        for (size_t k = 0; k < sizeof paths / sizeof *paths; k++)
            put_endpoint(tenant_name(i), arena_printf(arena, "we_%s_%d", names[k], i),
                         arena_printf(arena, "%s%s", receiver.url, paths[k]), "*");
}

static void change(int round)
{
    const char *tenant = tenant_name(round % TENANTS);
    const char *id = arena_printf(arena, "we_changing_%d", round % TENANTS);
    struct endpoint endpoint;
    cr_ok(db_begin(db));
    cr_ok(store_endpoint_lock(db, arena, tenant, id, &endpoint));
    const char *context = arena_printf(arena, "%s/%s", tenant, id);
    struct bytes sealed =
        keyring_seal(&ring, arena, bytes_of_string(endpoint_secret_new(arena)), context);
    endpoint.enabled = round / TENANTS % 3 != 2;
    cr_ok(store_endpoint_update(db, arena, &endpoint));
    cr_ok(store_endpoint_rotate(db, arena, &endpoint, sealed,
                                clock_unix_us() + round % 2 * US_PER_S));
    if (!endpoint.enabled)
        cr_ok(store_fail_pending(db, arena, tenant, id, "The endpoint was disabled."));
    cr_ok(db_commit(db));
}

static void delete_changing(int tenant)
{
    const char *id = arena_printf(arena, "we_changing_%d", tenant);
    cr_ok(db_begin(db));
    cr_ok(store_endpoint_delete(db, arena, tenant_name(tenant), id));
    cr_ok(store_fail_pending(db, arena, tenant_name(tenant), id, "The endpoint was deleted."));
    cr_ok(db_commit(db));
}

static int load(struct turner *turners)
{
    int64_t until_ns = clock_deadline_ns(RUN_MS);
    int round = 0;
    for (; clock_left_ms(until_ns) > 0; round++) {
        put_events(tenant_name(round % TENANTS), "payment.succeeded", 4);
        change(round);
        dispatcher_wake(turners[round % 2].dispatcher);
        nanosleep(&(struct timespec){.tv_nsec = 10 * NS_PER_MS}, NULL);
    }
    for (int i = 0; i < TENANTS; i++)
        delete_changing(i);
    return round;
}

static void wait_for(const char *text, const char *expected)
{
    int64_t deadline_ns = clock_deadline_ns(60000);
    while (strcmp(sql(text), expected) != 0) {
        cr_assert_gt(clock_left_ms(deadline_ns), 0, "%s: %s", text, sql(text));
        nanosleep(&(struct timespec){.tv_nsec = 20 * NS_PER_MS}, NULL);
    }
}

int main(void)
{
    struct turner turners[2];
    begin();
    put_endpoints();
    for (int i = 0; i < 2; i++)
        turner_start(&turners[i]);
    int rounds = load(turners);
    wait_for("SELECT count(*)::text FROM delivery_queue", "0");
    cr_sql("SELECT string_agg(DISTINCT status, ' ') FROM deliveries", "delivered failed");
    cr_sql("SELECT count(*) || ' ' || min(attempts) || ' ' || max(attempts) FROM deliveries WHERE "
           "endpoint_id LIKE 'we_sound%' AND status = 'delivered'",
           arena_printf(arena, "%d 1 1", 4 * rounds));
    cr_sql("SELECT count(*)::text FROM endpoints WHERE id LIKE 'we_gone%' AND enabled", "0");
    cr_sql(
        "SELECT (sum(attempts) = (SELECT count(*) FROM delivery_attempts))::text FROM deliveries",
        "true");
    printf("%d requests for %s deliveries\n", receiver.requests,
           sql("SELECT count(*)::text FROM deliveries"));
    for (int i = 0; i < 2; i++)
        cr_assert(dispatcher_drain(turners[i].dispatcher, 10000), "something is still under way");
    for (int i = 0; i < 2; i++)
        turner_stop(&turners[i]);
    end();
    return 0;
}
