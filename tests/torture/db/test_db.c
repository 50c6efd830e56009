#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "db/db.h"
#include "db/migrate.h"
#include "support/support.h"
#include "torture/support/torture.h"

#define ROWS 40

static struct test_database database;

static const struct db_statement insert = {
    "torture.insert",
    "INSERT INTO things (run, n, name, flag, at, body)"
    " SELECT $1::int8, k.n, k.name, k.flag, k.at, k.body"
    " FROM unnest($2::int8[], $3::text[], $4::bool[], $5::timestamptz[], $6::bytea[])"
    " AS k(n, name, flag, at, body)"};
static const struct db_statement mark = {"torture.mark",
                                         "UPDATE things SET flag = NOT flag WHERE run = $1::int8"};
static const struct db_statement read_all = {
    "torture.read", "SELECT n, name, flag, at, body, NULL::text, ARRAY[name, 'x'] FROM things "
                    "WHERE run = $1::int8 ORDER BY n"};

static const struct db_migration migration_items[] = {
    {1, "things",
     "CREATE TABLE things (run bigint, n bigint, name text, flag boolean, at timestamptz, body "
     "bytea);",
     "DROP TABLE things;"},
    {2, "more", "ALTER TABLE things ADD COLUMN more text;", "ALTER TABLE things DROP COLUMN more;"},
};

static struct db *open_db(const char *schema)
{
    return db_new(&(struct db_config){.url = database.url,
                                      .schema = schema,
                                      .application = "torture",
                                      .statement_timeout_ms = 10000,
                                      .lock_timeout_ms = 5000});
}

static void begin(void)
{
    database = test_database_new();
    struct db *db = open_db("torture");
    cr_ok(db_migrate_up(db, &(struct db_migrations){"torture", migration_items, 2}));
    db_free(db);
}

static void end(void)
{
    test_database_drop(&database);
}

struct thing {
    int64_t n, at_us;
    const char *name;
    bool flag;
    struct bytes body;
};

static enum status write_things(struct db *db, struct arena *arena, int64_t run)
{
    struct thing *things = ARENA_ARRAY(arena, ROWS, struct thing);
    if (!things)
        return STATUS_RESOURCE_EXHAUSTED;
    for (int i = 0; i < ROWS; i++) {
        const char *name = i % 7 ? arena_printf(arena, "thing %d", i) : NULL;
        if (i % 7 && !name)
            return STATUS_RESOURCE_EXHAUSTED;
        things[i] =
            (struct thing){i, 1700000000000000 + i, name, i % 2, bytes_of_string(name ? name : "")};
    }
    enum status status = db_begin(db);
    if (status != STATUS_OK)
        return status;
    struct db_params *params = db_params(arena);
    db_int(params, run);
    db_ints(params, ROWS, DB_COLUMN(things, n));
    db_texts(params, ROWS, DB_COLUMN(things, name));
    db_bools(params, ROWS, DB_COLUMN(things, flag));
    db_times(params, ROWS, DB_COLUMN(things, at_us));
    db_byteas(params, ROWS, DB_COLUMN(things, body));
    status = db_run(db, arena, &insert, params, NULL);
    if (status == STATUS_OK) {
        params = db_params(arena);
        db_int(params, run);
        status = db_post(db, arena, &mark, params);
    }
    if (status == STATUS_OK)
        return db_commit(db);
    db_rollback(db);
    return status;
}

static void check_row(const struct db_rows *rows, size_t i, struct arena *arena)
{
    size_t n = 0;
    const char *name = db_get_text(rows, i, 1), *expected = arena_printf(arena, "thing %zu", i);
    torture_check(db_get_int(rows, i, 0) == (int64_t)i && db_get_bool(rows, i, 2) == (i % 2 == 0));
    torture_check(db_get_time(rows, i, 3) == 1700000000000000 + (int64_t)i &&
                  db_is_null(rows, i, 5));
    torture_check(i % 7 ? name != NULL : name == NULL);
    torture_check(!name || !expected || strcmp(name, expected) == 0);
    torture_check(db_get_bytea(rows, i, 4).length == (name ? strlen(name) : 0));
    if (i % 7) {
        const char **texts = db_get_texts(rows, i, 6, arena, &n);
        torture_check(!texts || (n == 2 && strcmp(texts[0], name) == 0));
    }
}

// All of them or none.
static enum status read_things(struct db *db, struct arena *arena, int64_t run, size_t *ret_n)
{
    struct db_rows *rows = NULL;
    struct db_params *params = db_params(arena);
    db_int(params, run);
    enum status status = db_run(db, arena, &read_all, params, &rows);
    if (status != STATUS_OK)
        return status;
    *ret_n = db_count(rows);
    for (size_t i = 0; i < *ret_n; i++)
        check_row(rows, i, arena);
    return STATUS_OK;
}

static bool transactions(void)
{
    size_t n = 0, seen = ROWS + 1;
    int64_t run = getpid();
    torture_arm();
    struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    struct db *db = open_db("torture");
    if (!arena || !db) {
        db_free(db);
        arena_free(arena);
        return false;
    }
    enum status written = write_things(db, arena, run);
    enum status status = read_things(db, arena, run, &seen);
    torture_disarm();
    // What was said of it, held against what is there; the same connection serves again.
    for (int64_t i = 0; i < 200 && db_ping(db) != STATUS_OK; i++)
        usleep(10000);
    torture_check(read_things(db, arena, run, &n) == STATUS_OK);
    torture_check(n == ROWS || n == 0);
    torture_check(written != STATUS_OK || n == ROWS);
    torture_check(written == STATUS_OK || written == STATUS_UNKNOWN || n == 0);
    torture_check(status != STATUS_OK || seen == n);
    db_free(db);
    arena_free(arena);
    return written == STATUS_OK && status == STATUS_OK;
}

static bool migrations(void)
{
    char schema[32];
    int version = -1;
    snprintf(schema, sizeof schema, "m");
    for (int pid = getpid(); pid > 0; pid /= 10) // a schema's name has letters only
        snprintf(schema + strlen(schema), sizeof schema - strlen(schema), "%c", 'a' + pid % 10);
    const struct db_migrations mine = {schema, migration_items, 2};
    torture_arm();
    struct db *db = open_db(schema);
    if (!db)
        return false;
    enum status status = db_migrate_up(db, &mine);
    torture_disarm();
    for (int64_t i = 0; i < 200 && db_ping(db) != STATUS_OK; i++)
        usleep(10000);
    torture_check(db_migrate_version(db, &mine, &version) == STATUS_OK);
    torture_check(status != STATUS_OK || version == 2);
    torture_check(db_migrate_up(db, &mine) == STATUS_OK);
    torture_check(db_migrate_down(db, &mine, 2) == STATUS_OK);
    db_free(db);
    return status == STATUS_OK;
}

int main(void)
{
    const struct torture_scenario scenarios[] = {
        {.name = "transactions", .begin = begin, .end = end, .run = transactions},
        {.name = "migrations", .begin = begin, .end = end, .run = migrations},
    };
    return torture_main(scenarios, sizeof scenarios / sizeof *scenarios);
}
