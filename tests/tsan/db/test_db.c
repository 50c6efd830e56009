// Connections under the thread sanitizer: many threads, each with its own, prepare, post, commit,
// roll back and err, while the server ends their backends. Each moves units between accounts under
// an id of its own and repeats what was lost, so that in the end nothing is missing and nothing was
// moved twice.
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "base/clock.h"
#include "obs/health.h"
#include "support/support.h"

#define THREADS 8
#define RUN_MS 4000
#define ACCOUNTS 16

static struct test_database database;
static struct health *health;
static int dependency;
static atomic_int moved, lost;

static const struct db_statement sql_mark = {"test.mark", "INSERT INTO moves VALUES ($1)"};
static const struct db_statement sql_move = {
    "test.move", "UPDATE accounts SET units = units + CASE id WHEN $1 THEN -1 ELSE 1 END"
                 " WHERE id IN ($1, $2)"};
static const struct db_statement sql_read = {
    "test.read", "SELECT array_agg(id::text), sum(units)::bigint, now(), 'x'::bytea FROM accounts"
                 " WHERE id = ANY ($1::bigint[])"};
static const struct db_statement sql_error = {"test.error", "SELECT 1 / $1::bigint"};

static struct db_params *two(struct arena *arena, int64_t a, int64_t b)
{
    struct db_params *params = db_params(arena);
    db_int(params, a);
    db_int(params, b);
    return params;
}

static struct db_params *one(struct arena *arena, int64_t a)
{
    struct db_params *params = db_params(arena);
    db_int(params, a);
    return params;
}

// ALREADY_EXISTS stands for a move that an earlier try had made after all.
static enum status move(struct db *db, struct arena *arena, int64_t id)
{
    enum status status = db_begin(db);
    if (status == STATUS_OK)
        status = db_post(db, arena, &sql_mark, one(arena, id));
    if (status == STATUS_OK)
        status = db_run(db, arena, &sql_move,
                        two(arena, id % ACCOUNTS, (id + 1 + id / ACCOUNTS % 15) % ACCOUNTS), NULL);
    if (status == STATUS_OK)
        return db_commit(db);
    bool made = strcmp(db_last_error(db)->sqlstate, "23505") == 0;
    db_rollback(db);
    return made ? STATUS_ALREADY_EXISTS : status;
}

static void move_until_done(struct db *db, struct arena *arena, int64_t id)
{
    enum status status = move(db, arena, id);
    while (status != STATUS_OK && status != STATUS_ALREADY_EXISTS) {
        cr_assert(status == STATUS_UNAVAILABLE || status == STATUS_UNKNOWN ||
                      status == STATUS_ABORTED || status == STATUS_DEADLINE_EXCEEDED,
                  "%s", status_name(status));
        atomic_fetch_add(&lost, 1);
        nanosleep(&(struct timespec){.tv_nsec = 5 * NS_PER_MS}, NULL);
        status = move(db, arena, id);
    }
    atomic_fetch_add(&moved, 1);
}

static void read_and_err(struct db *db, struct arena *arena)
{
    static const int64_t ids[] = {1, 2, 3};
    struct db_rows *rows = NULL;
    struct db_params *params = db_params(arena);
    size_t n = 0;
    db_ints(params, 3, ids, sizeof *ids);
    if (db_run(db, arena, &sql_read, params, &rows) == STATUS_OK) {
        (void)db_get_texts(rows, 0, 0, arena, &n);
        cr_assert_eq(n, 3);
        cr_assert_eq(db_get_bytea(rows, 0, 3).length, 1);
    }
    if (db_run(db, arena, &sql_error, one(arena, 0), NULL) == STATUS_INVALID_ARGUMENT)
        cr_assert_str_eq(db_last_error(db)->sqlstate, "22012");
}

static void *mover_main(void *argument)
{
    struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    struct db *db = db_new(&(struct db_config){.url = database.url,
                                               .schema = "store",
                                               .application = "mover",
                                               .statement_timeout_ms = 5000,
                                               .lock_timeout_ms = 500,
                                               .health = health,
                                               .dependency = dependency});
    int64_t until_ns = clock_deadline_ns(RUN_MS);
    for (int64_t id = (int64_t)(intptr_t)argument; clock_left_ms(until_ns) > 0; id += THREADS) {
        move_until_done(db, arena, id);
        if (id % 5 == 0)
            read_and_err(db, arena);
        arena_reset(arena);
    }
    db_free(db);
    arena_free(arena);
    return NULL;
}

// Some backends end every 100 ms, so that of the threads some are idle, some within a statement.
static void trouble(struct db *db, struct arena *arena)
{
    int64_t until_ns = clock_deadline_ns(RUN_MS);
    for (int i = 0; clock_left_ms(until_ns) > 0; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 100 * NS_PER_MS}, NULL);
        (void)test_sql(db, arena,
                       i % 2 ? "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                               " WHERE application_name = 'mover' AND pid % 3 = 0"
                             : "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity"
                               " WHERE application_name = 'mover' AND pid % 3 = 1");
        (void)health_ready(health);
        arena_reset(arena);
    }
}

static void judge(struct db *db, struct arena *arena)
{
    int n = atomic_load(&moved);
    cr_assert_str_eq(test_sql(db, arena, "SELECT sum(units) FROM accounts"), "0");
    cr_assert_str_eq(test_sql(db, arena, "SELECT count(*) FROM moves"),
                     arena_printf(arena, "%d", n));
    cr_assert_str_eq(test_sql(db, arena,
                              "SELECT count(*) FROM accounts a WHERE units <> "
                              "(SELECT count(*) FILTER (WHERE (id + 1 + id / 16 % 15) % 16 = a.id)"
                              " - count(*) FILTER (WHERE id % 16 = a.id) FROM moves)"),
                     "0", "what was moved is what was committed");
    cr_assert_gt(atomic_load(&lost), 0, "no connection was lost");
    printf("%d moves, %d tries lost\n", n, atomic_load(&lost));
}

int main(void)
{
    pthread_t movers[THREADS];
    struct arena *arena = arena_new(ARENA_CAP_BATCH);
    health = health_new("test", "1");
    dependency = health_add(health, "postgres", true);
    database = test_database_new();
    struct db *db = test_db_open(&database, "store", NULL);
    (void)test_sql(db, arena, "CREATE TABLE accounts (id bigint PRIMARY KEY, units bigint)");
    (void)test_sql(db, arena, "CREATE TABLE moves (id bigint PRIMARY KEY)");
    (void)test_sql(db, arena, "INSERT INTO accounts SELECT n, 0 FROM generate_series(0, 15) n");
    for (intptr_t i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&movers[i], NULL, mover_main, (void *)i), 0);
    trouble(db, arena);
    for (int i = 0; i < THREADS; i++)
        pthread_join(movers[i], NULL);
    judge(db, arena);
    db_free(db);
    test_database_drop(&database);
    health_free(health);
    arena_free(arena);
    return 0;
}
