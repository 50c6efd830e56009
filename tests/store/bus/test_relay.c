#include <stdio.h>
#include <string.h>

#include "store/bus/fixture.h"

static struct fixture f;

static void setup(void)
{
    f = fixture_new();
    fixture_connect(&f);
}

static void teardown(void)
{
    fixture_free(&f);
}

TestSuite(relay, .init = setup, .fini = teardown, .timeout = 120);

static const char *const all[] = {"payments.>", NULL};

static struct consumer *listen(const char *durable)
{
    struct consumer *consumer =
        consumer_start(f.bus, &f.config,
                       &(struct consumer_config){
                           .durable = durable, .filters = all, .handle = fixture_write_down});
    cr_assert_not_null(consumer);
    return consumer;
}

Test(relay, empties_the_outbox_onto_the_bus)
{
    struct relay *relay = relay_start(f.bus, &f.config, "payments", f.bell);
    struct consumer *consumer = listen("c");
    fixture_emit(&f, "payment.created", 0, 1300);
    fixture_wait(&f, OUTBOX_EMPTY, "t");
    fixture_wait(&f, "SELECT count(*) FROM seen", "1300");
    cr_assert_str_eq(test_sql(f.db, f.arena,
                              "SELECT bool_and(id = 'evt_' || lpad((n - 1)::text, 6,"
                              " '0')) FROM seen"),
                     "t", "in order");
    relay_stop(relay);
    consumer_stop(consumer);
}

Test(relay, takes_what_was_there_before_it_without_a_ring)
{
    fixture_emit(&f, "payment.created", 0, 3);
    struct relay *relay = relay_start(f.bus, &f.config, "payments", NULL);
    fixture_wait(&f, OUTBOX_EMPTY, "t");
    fixture_emit(&f, "payment.created", 3, 3);
    fixture_wait(&f, OUTBOX_EMPTY, "t");
    relay_stop(relay);
}

Test(relay, keeps_events_while_the_server_is_away)
{
    test_nats_kill(&f.nats);
    struct relay *relay = relay_start(f.bus, &f.config, "payments", f.bell);
    fixture_emit(&f, "payment.created", 0, 10);
    test_nats_restart(&f.nats, false);
    fixture_wait(&f, OUTBOX_EMPTY, "t");
    test_nats_kill(&f.nats);
    fixture_emit(&f, "payment.created", 10, 10);
    cr_assert_str_eq(test_sql(f.db, f.arena, "SELECT count(*) FROM outbox"), "10");
    relay_stop(relay);
}

Test(relay, loses_and_doubles_nothing_when_the_server_is_killed_again_and_again)
{
    struct relay *relay = relay_start(f.bus, &f.config, "payments", f.bell);
    struct consumer *consumer = listen("c");
    for (int i = 0; i < 40; i++) {
        fixture_emit(&f, "payment.created", i * 50, 50);
        if (i % 10 == 5)
            test_nats_restart(&f.nats, false);
    }
    fixture_wait(&f, OUTBOX_EMPTY, "t");
    fixture_wait(&f, "SELECT count(DISTINCT id) FROM seen", "2000");
    cr_assert_str_eq(test_sql(f.db, f.arena, "SELECT count(*) FROM seen"), "2000");
    relay_stop(relay);
    consumer_stop(consumer);
}

Test(relay, makes_the_stream_anew_when_the_store_is_wiped)
{
    struct relay *relay = relay_start(f.bus, &f.config, "payments", f.bell);
    fixture_emit(&f, "payment.created", 0, 5);
    fixture_wait(&f, OUTBOX_EMPTY, "t");
    test_nats_restart(&f.nats, true);
    fixture_emit(&f, "payment.created", 5, 5);
    fixture_wait(&f, OUTBOX_EMPTY, "t");
    struct consumer *consumer = listen("c");
    fixture_wait(&f, "SELECT string_agg(id, ',' ORDER BY id) FROM seen",
                 "evt_000005,evt_000006,evt_000007,evt_000008,evt_000009");
    relay_stop(relay);
    consumer_stop(consumer);
}

Test(relay, survives_the_loss_of_its_database_connection)
{
    struct relay *relay = relay_start(f.bus, &f.config, "payments", f.bell);
    fixture_emit(&f, "payment.created", 0, 5);
    fixture_wait(&f, OUTBOX_EMPTY, "t");
    test_database_disconnect(&f.database);
    fixture_emit(&f, "payment.created", 5, 5);
    fixture_wait(&f, OUTBOX_EMPTY, "t");
    relay_stop(relay);
}

Test(relay, passes_over_an_event_that_is_too_large_for_the_bus)
{
    size_t size = (size_t)2 << 20;
    char *large = arena_alloc(f.arena, size);
    memset(large, 'x', size);
    const struct event event = {.id = "evt_0",
                                .tenant_id = "t",
                                .type = "payment.created",
                                .body = {(const uint8_t *)large, size}};
    cr_ok(journal_append(f.db, f.arena, &event, 1));
    fixture_emit(&f, "payment.created", 1, 1);
    struct relay *relay = relay_start(f.bus, &f.config, "payments", f.bell);
    struct consumer *consumer = listen("c");
    fixture_wait(&f, OUTBOX_EMPTY, "t");
    fixture_wait(&f, "SELECT string_agg(id, ',') FROM seen", "evt_000001");
    relay_stop(relay);
    consumer_stop(consumer);
}

Test(relay, shares_the_outbox_with_its_replicas)
{
    struct relay *one = relay_start(f.bus, &f.config, "payments", NULL);
    struct relay *two = relay_start(f.bus, &f.config, "payments", NULL);
    struct consumer *consumer = listen("c");
    for (int i = 0; i < 20; i++)
        fixture_emit(&f, "payment.created", i * 100, 100);
    fixture_wait(&f, OUTBOX_EMPTY, "t");
    fixture_wait(&f, "SELECT count(*) FROM seen", "2000");
    relay_stop(one);
    relay_stop(two);
    consumer_stop(consumer);
}

Test(relay, stops_soon_though_the_server_is_away)
{
    struct relay *relay = relay_start(f.bus, &f.config, "payments", f.bell);
    struct consumer *consumer = listen("c");
    fixture_emit(&f, "payment.created", 0, 1);
    fixture_wait(&f, "SELECT count(*) FROM seen", "1");
    test_nats_kill(&f.nats);
    int64_t start_ns = clock_now_ns();
    relay_stop(relay);
    consumer_stop(consumer);
    cr_assert_lt(clock_now_ns() - start_ns, 4 * NS_PER_S, "%lld ms",
                 (long long)((clock_now_ns() - start_ns) / NS_PER_MS));
    relay_stop(NULL);
    consumer_stop(NULL);
}

Test(relay, reports_the_bus_to_health)
{
    struct health *health = health_new("test", "0");
    int dependency = health_add(health, "nats", true);
    struct bus *bus = bus_new(&(struct bus_config){.settings.url = f.nats.url,
                                                   .settings.stream = "obol",
                                                   .client = "test",
                                                   .health = health,
                                                   .dependency = dependency});
    test_wait((bool (*)(void *))health_ready, health, 10000, "up");
    test_nats_kill(&f.nats);
    int64_t deadline_ns = clock_deadline_ns(10000);
    while (health_ready(health))
        cr_assert_gt(clock_left_ms(deadline_ns), 0);
    test_nats_restart(&f.nats, false);
    test_wait((bool (*)(void *))health_ready, health, 10000, "up again");
    bus_free(bus);
    health_free(health);
}

Test(relay, bears_an_address_that_is_none)
{
    struct bus *bus =
        bus_new(&(struct bus_config){.settings.url = "nats://127.0.0.1:1,nats://127.0.0.1:2",
                                     .settings.stream = "obol",
                                     .client = "test"});
    struct relay *relay = relay_start(bus, &f.config, "payments", f.bell);
    fixture_emit(&f, "payment.created", 0, 1);
    cr_assert_str_eq(test_sql(f.db, f.arena, "SELECT count(*) FROM outbox"), "1");
    relay_stop(relay);
    bus_free(bus);
    bus_free(NULL);
}
