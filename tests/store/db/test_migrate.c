#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "base/clock.h"
#include "journal/journal.h"
#include "support/support.h"

static struct test_database database;
static struct db *db;
static struct arena *arena;

static void setup(void)
{
    database = test_database_new();
    db = db_new(&(struct db_config){.ring = test_ring(),
                                    .url = database.url,
                                    .schema = "room",
                                    .statement_timeout_ms = 300,
                                    .lock_timeout_ms = 100});
    arena = arena_new(ARENA_CAP_REQUEST);
}

static void teardown(void)
{
    arena_free(arena);
    db_free(db);
    test_database_drop(&database);
}

TestSuite(migrate, .init = setup, .fini = teardown, .timeout = 60);

static const struct db_migration items[] = {
    {100, "first", "CREATE TABLE a (n int8); CREATE TABLE b (n int8);", "DROP TABLE a, b;"},
    // Longer than statement_timeout: migrations take their time.
    {101, "second", "ALTER TABLE a ADD m int8; SELECT pg_sleep(0.6); INSERT INTO a VALUES (1, 2);",
     "ALTER TABLE a DROP m;"},
};
static const struct db_migrations all = {"room", items, 2};
static const struct db_migrations first = {"room", items, 1};

static int version(void)
{
    int found = -1;
    cr_ok(db_migrate_version(db, &all, &found));
    return found;
}

Test(migrate, applies_what_is_missing_once)
{
    cr_assert_eq(version(), 0);
    cr_ok(db_migrate_up(db, &first));
    cr_assert_eq(version(), 100);
    cr_ok(db_migrate_up(db, &all));
    cr_ok(db_migrate_up(db, &all));
    cr_assert_eq(version(), 101);
    cr_assert_str_eq(test_sql(db, arena, "SELECT m FROM room.a"), "2");
    cr_assert_str_eq(test_sql(db, arena,
                              "SELECT string_agg(version || ' ' || name, ',' ORDER BY version)"
                              " FROM room.schema_migrations WHERE applied_at <= now()"),
                     "100 first,101 second");
    cr_assert_str_eq(test_sql(db, arena, "SHOW statement_timeout"), "300ms");
}

static size_t missing(const struct db_migration **ret_first)
{
    const struct db_migration *found[2] = {NULL, NULL};
    size_t n = 99;
    cr_ok(db_migrate_missing(db, &all, found, &n));
    *ret_first = found[0];
    return n;
}

Test(migrate, tells_what_is_missing)
{
    const struct db_migration *next;
    cr_assert_eq(missing(&next), 2, "there is no schema");
    cr_ok(db_migrate_up(db, &first));
    cr_assert_eq(missing(&next), 1);
    cr_assert_eq(next->version, 101);
    cr_ok(db_migrate_up(db, &all));
    cr_assert_eq(missing(&next), 0);
    test_sql(db, arena, "INSERT INTO room.schema_migrations (version, name) VALUES (999, 'newer')");
    cr_assert_eq(missing(&next), 0);
    test_sql(db, arena, "DELETE FROM room.schema_migrations WHERE version = 100");
    cr_assert_eq(missing(&next), 1, "one in the middle is missed too");
    cr_assert_eq(next->version, 100);
}

Test(migrate, takes_back_the_newest)
{
    cr_ok(db_migrate_up(db, &all));
    cr_ok(db_migrate_down(db, &all, 1));
    cr_assert_eq(version(), 100);
    cr_ok(db_migrate_down(db, &all, 5));
    cr_assert_eq(version(), 0);
    cr_assert_str_eq(test_sql(db, arena, "SELECT to_regclass('room.a') IS NULL"), "t");
    cr_ok(db_migrate_up(db, &all));
    cr_assert_eq(version(), 101);
}

Test(migrate, leaves_nothing_of_one_that_fails)
{
    const struct db_migration broken[] = {
        items[0], {101, "broken", "CREATE TABLE c (n int8); SELECT 1/0;", ""}};
    cr_assert_neq(db_migrate_up(db, &(struct db_migrations){"room", broken, 2}), STATUS_OK);
    cr_assert_eq(version(), 100);
    cr_assert_str_eq(test_sql(db, arena, "SELECT to_regclass('room.c') IS NULL"), "t");
    cr_assert_not(db_in_transaction(db));
    cr_ok(db_migrate_up(db, &all));
}

static void *migrate_too(void *context)
{
    struct db *mine = db_new(
        &(struct db_config){.ring = test_ring(), .url = database.url, .statement_timeout_ms = 300});
    *(enum status *)context = db_migrate_up(mine, &all);
    db_free(mine);
    return NULL;
}

Test(migrate, lets_replicas_start_together)
{
    pthread_t threads[4];
    enum status statuses[4];
    for (int i = 0; i < 4; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, migrate_too, &statuses[i]), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 4; i++)
        cr_ok(statuses[i]);
    cr_assert_str_eq(test_sql(db, arena, "SELECT count(*) FROM room.a"), "1");
}

// Somebody reads for long, and others want to read meanwhile.
struct reader {
    struct db *db;
    struct arena *arena;
    int64_t longest_ns;
    _Atomic bool ending;
};

static void *read_often(void *context)
{
    struct reader *reader = context;
    while (!atomic_load(&reader->ending)) {
        int64_t began_ns = clock_now_ns();
        test_sql(reader->db, reader->arena, "SELECT count(*) FROM room.a");
        int64_t took_ns = clock_now_ns() - began_ns;
        reader->longest_ns = took_ns > reader->longest_ns ? took_ns : reader->longest_ns;
        arena_reset(reader->arena);
    }
    return NULL;
}

static void *migrate_all(void *context)
{
    return (void *)(intptr_t)db_migrate_up(context, &all);
}

Test(migrate, does_not_make_others_wait_behind_it)
{
    const struct db_config plain = {.ring = test_ring(), .url = database.url};
    struct reader reader = {.db = db_new(&plain), .arena = arena_new(ARENA_CAP_REQUEST)};
    struct db *holder = db_new(&plain);
    pthread_t reading, migrating;
    void *status;
    cr_ok(db_migrate_up(db, &first));
    cr_ok(db_begin(holder));
    test_sql(holder, arena, "SELECT count(*) FROM room.a");
    cr_assert_eq(pthread_create(&migrating, NULL, migrate_all, db), 0);
    cr_assert_eq(pthread_create(&reading, NULL, read_often, &reader), 0);
    nanosleep(&(struct timespec){.tv_sec = 3}, NULL); // longer than one wait and its pause
    db_rollback(holder);
    cr_assert_eq(pthread_join(migrating, &status), 0);
    atomic_store(&reader.ending, true);
    cr_assert_eq(pthread_join(reading, NULL), 0);
    cr_assert_eq((intptr_t)status, STATUS_OK);
    cr_assert_eq(version(), 101);
    // The lock's wait, and the migration itself (0.6 s) once it has the table.
    cr_assert_lt(reader.longest_ns, (MIGRATE_LOCK_MS + 1700) * NS_PER_MS);
    db_free(holder);
    db_free(reader.db);
    arena_free(reader.arena);
}

Test(migrate, is_unavailable_without_a_server)
{
    struct db *away = db_new(
        &(struct db_config){.ring = test_ring(), .url = "postgresql://postgres@127.0.0.1:1/none"});
    int ignored;
    cr_assert_eq(db_migrate_up(away, &all), STATUS_UNAVAILABLE);
    cr_assert_eq(db_migrate_down(away, &all, 1), STATUS_UNAVAILABLE);
    cr_assert_eq(db_migrate_version(away, &all, &ignored), STATUS_UNAVAILABLE);
    db_free(away);
}

Test(migrate, takes_the_journal_up_and_down)
{
    const struct db_migrations journal = {"other_room", journal_migrations, journal_migrations_n};
    cr_ok(db_migrate_up(db, &journal));
    cr_ok(db_migrate_down(db, &journal, 100));
    cr_assert_str_eq(test_sql(db, arena,
                              "SELECT count(*) FROM pg_class c JOIN pg_namespace n"
                              " ON n.oid = c.relnamespace WHERE nspname = 'other_room'"
                              " AND relkind IN ('r', 'p') AND relname <> 'schema_migrations'"),
                     "0");
    cr_assert_str_eq(test_sql(db, arena,
                              "SELECT count(*) FROM pg_proc p JOIN pg_namespace n"
                              " ON n.oid = p.pronamespace WHERE nspname = 'other_room'"),
                     "0");
}
