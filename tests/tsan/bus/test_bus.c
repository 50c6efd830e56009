// Relays, consumers and their catching up under the thread sanitizer: several threads commit
// events, two relays publish and two consumers take them, while the server is killed, comes back
// with and without its store, and their database connections break. In the end each consumer has
// taken each event exactly once.
#include <pthread.h>
#include <stdatomic.h>

#include "store/bus/fixture.h"

#define WRITERS 3
#define RUN_MS 6000
#define BATCH 20

static struct fixture f;
static atomic_int emitted;

static void *writer_main(void *argument)
{
    struct fixture own = {.bell = f.bell, .arena = arena_new(ARENA_CAP_BATCH)};
    int64_t until_ns = clock_deadline_ns(RUN_MS);
    (void)argument;
    struct db *db =
        db_new(&(struct db_config){.ring = test_ring(), .url = f.database.url, .schema = "store"});
    own.db = db;
    while (clock_left_ms(until_ns) > 0) {
        fixture_emit(&own, "payment.created", atomic_fetch_add(&emitted, BATCH), BATCH);
        arena_reset(own.arena);
        nanosleep(&(struct timespec){.tv_nsec = 20 * NS_PER_MS}, NULL);
    }
    db_free(db);
    arena_free(own.arena);
    return NULL;
}

// A consumer of two writes beside its name what it takes.
static enum status write_down(void *context, struct db *db, struct arena *arena,
                              const struct event *events, size_t n)
{
    static const struct db_statement insert = {
        "test.taken", "INSERT INTO taken (consumer, id) SELECT $1, unnest($2::text[])"};
    struct db_params *params = db_params(arena);
    db_text(params, context);
    db_texts(params, n, DB_COLUMN(events, id));
    return db_run(db, arena, &insert, params, NULL);
}

// The peer's journal is our own.
static enum status list_own(void *context, size_t peer, struct arena *arena, const char *cursor,
                            struct event **ret, size_t *ret_n, const char **ret_cursor)
{
    (void)context, (void)peer;
    struct db *db = db_new(&f.config);
    enum status status = journal_list(db, arena, cursor, 200, ret, ret_n, ret_cursor);
    db_free(db);
    return status;
}

static struct consumer *consumer_named(char *name)
{
    static const char *const filters[] = {"payments.>", NULL};
    struct consumer *consumer = consumer_start(f.bus, &f.config,
                                               &(struct consumer_config){.durable = name,
                                                                         .filters = filters,
                                                                         .handle = write_down,
                                                                         .list = list_own,
                                                                         .peers = 1,
                                                                         .catch_up_s = 1,
                                                                         .context = name});
    cr_assert_not_null(consumer);
    return consumer;
}

// The server dies three times, the second time with its store; database connections end.
static void trouble(void)
{
    for (int i = 0; i < 3; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 700 * NS_PER_MS}, NULL);
        (void)test_sql(f.db, f.arena,
                       "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE "
                       "application_name = 'bus' AND datname = current_database() AND pid % 2 = 0");
        test_nats_kill(&f.nats);
        nanosleep(&(struct timespec){.tv_nsec = 300 * NS_PER_MS}, NULL);
        test_nats_restart(&f.nats, i == 1);
    }
}

static void judge(void)
{
    int n = atomic_load(&emitted);
    fixture_wait(&f, OUTBOX_EMPTY, "t");
    const char *all = arena_printf(f.arena, "%d %d", n, n);
    fixture_wait(&f,
                 "SELECT string_agg(n::text, ' ') FROM (SELECT count(DISTINCT id) AS n FROM taken "
                 "GROUP BY consumer) t",
                 all);
    cr_assert_str_eq(test_sql(f.db, f.arena, "SELECT count(*) FROM taken"),
                     arena_printf(f.arena, "%d", 2 * n), "each once");
    printf("%d events, taken once by each of two consumers\n", n);
}

int main(void)
{
    pthread_t writers[WRITERS];
    f = fixture_new();
    fixture_connect(&f);
    (void)test_sql(f.db, f.arena, "CREATE TABLE taken (consumer text, id text)");
    struct relay *relays[] = {relay_start(f.bus, &f.config, "payments", f.bell),
                              relay_start(f.bus, &f.config, "payments", NULL)};
    struct consumer *consumers[] = {consumer_named("one"), consumer_named("two")};
    for (int i = 0; i < WRITERS; i++)
        cr_assert_eq(pthread_create(&writers[i], NULL, writer_main, NULL), 0);
    trouble();
    for (int i = 0; i < WRITERS; i++)
        pthread_join(writers[i], NULL);
    judge();
    for (int i = 0; i < 2; i++) {
        consumer_stop(consumers[i]);
        relay_stop(relays[i]);
    }
    fixture_free(&f);
    return 0;
}
