#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/failpoint.h"
#include "store/bus/fixture.h"

static struct fixture f;
static struct relay *relay;
static struct consumer *consumer;

static void setup(void)
{
    f = fixture_new();
    fixture_connect(&f);
    relay = relay_start(f.bus, &f.config, "payments", f.bell);
}

static void teardown(void)
{
    consumer_stop(consumer);
    relay_stop(relay);
    fixture_free(&f);
}

TestSuite(consumer, .init = setup, .fini = teardown, .timeout = 120);

static const char *const payments[] = {"payments.>", NULL};

static atomic_int committed_n;

static void count_commit(void *context)
{
    (void)context;
    atomic_fetch_add(&committed_n, 1);
}

static void start(const struct consumer_config *config)
{
    consumer = consumer_start(f.bus, &f.config, config);
    cr_assert_not_null(consumer);
}

static void restart(const struct consumer_config *config)
{
    consumer_stop(consumer);
    start(config);
}

#define SEEN "SELECT coalesce(string_agg(id, ',' ORDER BY n), '') FROM seen"

Test(consumer, is_given_each_event_once_across_restarts)
{
    const struct consumer_config config = {.durable = "c",
                                           .filters = payments,
                                           .handle = fixture_write_down,
                                           .committed = count_commit};
    start(&config);
    fixture_emit(&f, "payment.created", 0, 2);
    fixture_wait(&f, SEEN, "evt_000000,evt_000001");
    cr_assert_gt(atomic_load(&committed_n), 0);
    restart(&config);
    fixture_emit(&f, "payment.created", 2, 1);
    fixture_wait(&f, SEEN, "evt_000000,evt_000001,evt_000002");
}

Test(consumer, answers_within_a_moment)
{
    start(&(struct consumer_config){
        .durable = "c", .filters = payments, .handle = fixture_write_down});
    fixture_emit(&f, "payment.created", 0, 1);
    fixture_wait(&f, "SELECT count(*) FROM seen", "1");
    int64_t start_ns = clock_now_ns();
    for (int i = 1; i <= 10; i++) {
        char expected[16];
        snprintf(expected, sizeof expected, "%d", i + 1);
        fixture_emit(&f, "payment.created", i, 1);
        fixture_wait(&f, "SELECT count(*) FROM seen", expected);
    }
    cr_assert_lt(clock_now_ns() - start_ns, 3 * NS_PER_S, "ten events one by one took %lld ms",
                 (long long)((clock_now_ns() - start_ns) / NS_PER_MS));
}

static enum status refuse_one(void *context, struct db *db, struct arena *arena,
                              const struct event *events, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(events[i].id, "evt_000003") == 0)
            return STATUS_INVALID_ARGUMENT;
    }
    return fixture_write_down(context, db, arena, events, n);
}

Test(consumer, passes_over_an_event_that_its_handler_refuses)
{
    start(&(struct consumer_config){.durable = "c", .filters = payments, .handle = refuse_one});
    fixture_emit(&f, "payment.created", 0, 6);
    fixture_wait(&f, SEEN, "evt_000000,evt_000001,evt_000002,evt_000004,evt_000005");
    fixture_wait(&f, "SELECT count(*) FROM consumed", "6");
}

static atomic_int failures_left;

static enum status fail_at_first(void *context, struct db *db, struct arena *arena,
                                 const struct event *events, size_t n)
{
    if (atomic_fetch_sub(&failures_left, 1) > 0)
        return atomic_load(&failures_left) % 2 ? STATUS_UNAVAILABLE : STATUS_ABORTED;
    return fixture_write_down(context, db, arena, events, n);
}

Test(consumer, gives_events_again_until_they_are_handled)
{
    atomic_store(&failures_left, 5);
    start(&(struct consumer_config){.durable = "c", .filters = payments, .handle = fail_at_first});
    fixture_emit(&f, "payment.created", 0, 3);
    fixture_wait(&f, SEEN, "evt_000000,evt_000001,evt_000002");
}

static enum status fail_one_for_good(void *context, struct db *db, struct arena *arena,
                                     const struct event *events, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(events[i].id, "evt_000000") == 0)
            return STATUS_INTERNAL;
    }
    return fixture_write_down(context, db, arena, events, n);
}

Test(consumer, goes_on_behind_an_event_that_fails)
{
    start(&(struct consumer_config){
        .durable = "c", .filters = payments, .handle = fail_one_for_good});
    fixture_emit(&f, "payment.created", 0, 2);
    fixture_wait(&f, SEEN, "evt_000001");
    cr_assert_str_eq(test_sql(f.db, f.arena, "SELECT count(*) FROM consumed"), "1");
}

Test(consumer, takes_once_what_a_lost_commit_has_done)
{
    start(&(struct consumer_config){
        .durable = "c", .filters = payments, .handle = fixture_write_down});
    fixture_emit(&f, "payment.created", 0, 1);
    fixture_wait(&f, "SELECT count(*) FROM seen", "1");
    fixture_wait(&f, OUTBOX_EMPTY, "t");
    // Every COMMIT of relay and consumer loses its answer for a while.
    failpoint_arm("db.commit.lost=fail:*");
    fixture_emit(&f, "payment.created", 1, 5);
    fixture_wait(&f, "SELECT count(*) FROM seen", "6");
    failpoint_arm("");
    fixture_emit(&f, "payment.created", 6, 1);
    fixture_wait(&f, "SELECT count(DISTINCT id) FROM seen", "7");
    cr_assert_str_eq(test_sql(f.db, f.arena, "SELECT count(*) FROM seen"), "7");
}

Test(consumer, takes_only_what_its_filters_ask_for)
{
    static const char *const filters[] = {"refunds.>", "payments.payment.*", NULL};
    start(&(struct consumer_config){
        .durable = "c", .filters = filters, .handle = fixture_write_down});
    fixture_emit(&f, "order.paid", 0, 1);
    fixture_emit(&f, "payment.created", 1, 1);
    fixture_emit(&f, "payment.a.b", 2, 1);
    fixture_emit(&f, "payment", 3, 1);
    fixture_emit(&f, "payment.failed", 4, 1);
    fixture_wait(&f, SEEN, "evt_000001,evt_000004");
}

// A peer whose journal is our own.
static enum status list_own(void *context, size_t peer, struct arena *arena, const char *cursor,
                            struct event **ret, size_t *ret_n, const char **ret_cursor)
{
    (void)peer;
    struct db *db = db_new(context);
    enum status status = STATUS_RESOURCE_EXHAUSTED;
    struct event *events;
    status = journal_list(db, arena, cursor, 2, &events, ret_n, ret_cursor);
    *ret = events;
    db_free(db);
    return status;
}

Test(consumer, finds_in_the_journal_what_the_bus_lost)
{
    fixture_emit(&f, "payment.created", 0, 5);
    fixture_wait(&f, OUTBOX_EMPTY, "t");
    test_nats_restart(&f.nats, true);
    fixture_emit(&f, "payment.created", 5, 1);
    fixture_emit(&f, "order.paid", 6, 1);
    fixture_wait(&f, OUTBOX_EMPTY, "t");
    static const char *const filters[] = {"payments.payment.>", NULL};
    start(&(struct consumer_config){.durable = "c",
                                    .filters = filters,
                                    .handle = fixture_write_down,
                                    .list = list_own,
                                    .peers = 1,
                                    .catch_up_s = 1,
                                    .context = &f.config});
    fixture_wait(&f, "SELECT count(DISTINCT id) FROM seen", "6");
    cr_assert_str_eq(test_sql(f.db, f.arena, "SELECT count(*) FROM seen"), "6");
    fixture_wait(
        &f, "SELECT cursor LIKE '%.evt_000006' FROM consumer_cursors WHERE consumer = 'c:0'", "t");
}

Test(consumer, catches_up_though_the_bus_is_away)
{
    test_nats_kill(&f.nats);
    fixture_emit(&f, "payment.created", 0, 3);
    test_sql(f.db, f.arena,
             "INSERT INTO consumer_cursors VALUES ('c:0', '4611686018427387904.evt_1')");
    start(&(struct consumer_config){.durable = "c",
                                    .filters = payments,
                                    .handle = refuse_one,
                                    .list = list_own,
                                    .peers = 1,
                                    .catch_up_s = 1,
                                    .context = &f.config});
    fixture_wait(&f, SEEN, "evt_000000,evt_000001,evt_000002");
    fixture_emit(&f, "payment.created", 3, 2);
    fixture_wait(&f, SEEN, "evt_000000,evt_000001,evt_000002,evt_000004");
}

Test(consumer, comes_back_when_the_store_was_wiped_under_it)
{
    start(&(struct consumer_config){
        .durable = "c", .filters = payments, .handle = fixture_write_down});
    fixture_emit(&f, "payment.created", 0, 1);
    fixture_wait(&f, SEEN, "evt_000000");
    test_nats_restart(&f.nats, true);
    fixture_emit(&f, "payment.created", 1, 1);
    fixture_wait(&f, SEEN, "evt_000000,evt_000001");
}

Test(consumer, survives_the_loss_of_its_database_connection)
{
    start(&(struct consumer_config){
        .durable = "c", .filters = payments, .handle = fixture_write_down});
    for (int i = 0; i < 5; i++) {
        test_database_disconnect(&f.database);
        fixture_emit(&f, "payment.created", i * 10, 10);
    }
    fixture_wait(&f, "SELECT count(DISTINCT id) FROM seen", "50");
    cr_assert_str_eq(test_sql(f.db, f.arena, "SELECT count(*) FROM seen"), "50");
}
