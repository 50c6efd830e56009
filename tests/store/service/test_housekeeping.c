#include "service/housekeeping.h"
#include "support/support.h"

static struct test_database database;
static struct db *db;
static struct arena *arena;

static const int64_t keep_s = 90 * 86400;
static const struct service_definition definition = {.name = "auth"};
static struct housekeeping house = {&definition, &keep_s, NULL, 0};

static void setup(void)
{
    const struct db_migrations migrations = {"auth", NULL, 0};
    database = test_database_new();
    db = test_db_open(&database, "auth", &migrations);
    arena = arena_new(ARENA_CAP_BATCH);
}

static void teardown(void)
{
    arena_free(arena);
    db_free(db);
    test_database_drop(&database);
}

TestSuite(housekeeping, .init = setup, .fini = teardown, .timeout = 60);

static const char *partitions(const char *table)
{
    return test_sql(db, arena,
                    arena_printf(arena,
                                 "SELECT count(*)::text FROM pg_inherits"
                                 " WHERE inhparent = '%s'::regclass",
                                 table));
}

Test(housekeeping, makes_partitions_ahead_of_the_clock)
{
    cr_assert_str_eq(partitions("audit_log"), "1");
    cr_assert(housekeeping_turn(&house, db, arena) > 0);
    cr_assert_str_eq(partitions("audit_log"), "4");
    cr_assert_str_eq(partitions("events"), "4");
    cr_assert(housekeeping_turn(&house, db, arena) > 0);
    cr_assert_str_eq(partitions("events"), "4");
}

Test(housekeeping, forgets_idempotency_keys_past_their_time_only)
{
    test_sql(
        db, arena,
        "INSERT INTO idempotency_keys SELECT 'ten_a', 'key' || i, '', 'm', 'o', 200, '', false,"
        " now(), now() + (i - 2) * interval '1 hour' FROM generate_series(1, 4) i");
    cr_assert(housekeeping_turn(&house, db, arena) > 0);
    cr_assert_str_eq(
        test_sql(db, arena, "SELECT string_agg(key, ' ' ORDER BY key) FROM idempotency_keys"),
        "key3 key4");
}

Test(housekeeping, goes_on_at_once_while_there_is_more)
{
    test_sql(
        db, arena,
        "INSERT INTO idempotency_keys SELECT 'ten_a', 'key' || i, '', 'm', 'o', 200, '', false,"
        " now(), now() - interval '1 hour' FROM generate_series(1, 1500) i");
    cr_assert_lt(housekeeping_turn(&house, db, arena), 60000, "soon");
    cr_assert(housekeeping_turn(&house, db, arena) > 0);
    cr_assert_str_eq(test_sql(db, arena, "SELECT count(*)::text FROM idempotency_keys"), "0");
}

Test(housekeeping, waits_when_the_database_is_away)
{
    db_free(db);
    test_database_drop(&database);
    db = db_new(&(struct db_config){
        .ring = test_ring(), .url = "postgresql://127.0.0.1:1/none", .schema = "auth"});
    cr_assert(housekeeping_turn(&house, db, arena) > 0);
    database = test_database_new();
}
