#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "support/support.h"

#include "silent.h"

static struct test_database database;
static struct db *db;
static struct arena *arena;

static void setup(void)
{
    database = test_database_new();
    db = test_db_open(&database, "store", NULL);
    arena = arena_new(ARENA_CAP_REQUEST);
    test_sql(db, arena, "CREATE TABLE t (n int8)");
}

static void teardown(void)
{
    arena_free(arena);
    db_free(db);
    test_database_drop(&database);
}

TestSuite(failover, .init = setup, .fini = teardown, .timeout = 60);

static const struct db_statement sql_insert = {"f.insert", "INSERT INTO t (n) VALUES (1)"};
static const struct db_statement sql_pid = {"f.pid", "SELECT pg_backend_pid()"};

static int64_t pid(void)
{
    struct db_rows *rows;
    cr_ok(db_run(db, arena, &sql_pid, NULL, &rows));
    return db_get_int(rows, 0, 0);
}

// A server that is no longer the primary says so at the first write.
static void demote(void)
{
    test_sql(db, arena, "SET default_transaction_read_only = on");
}

Test(failover, leaves_a_server_that_has_become_read_only)
{
    int64_t before = pid();
    demote();
    cr_ok(db_run(db, arena, &sql_insert, NULL, NULL)); // on a new connection
    cr_expect_neq(pid(), before);
    cr_expect_str_eq(test_sql(db, arena, "SELECT count(*) FROM t"), "1");
}

Test(failover, aborts_a_transaction_on_a_server_that_has_become_read_only)
{
    int64_t before = pid();
    demote();
    cr_ok(db_begin(db));
    cr_expect_eq(db_run(db, arena, &sql_insert, NULL, NULL), STATUS_ABORTED);
    db_rollback(db);
    demote();
    cr_ok(db_begin(db));
    cr_ok(db_post(db, arena, &sql_insert, NULL));
    cr_expect_eq(db_commit(db), STATUS_ABORTED);
    cr_ok(db_begin(db));
    cr_ok(db_run(db, arena, &sql_insert, NULL, NULL));
    cr_ok(db_commit(db));
    cr_expect_neq(pid(), before);
    cr_expect_str_eq(test_sql(db, arena, "SELECT count(*) FROM t"), "1");
}

Test(failover, takes_no_server_that_can_not_be_written_to)
{
    char url[640];
    snprintf(url, sizeof url, "%s%soptions=-c%%20default_transaction_read_only%%3Don", database.url,
             strchr(database.url, '?') ? "&" : "?");
    struct db *standby = db_new(&(struct db_config){.url = url, .schema = "store"});
    cr_expect_eq(db_ping(standby), STATUS_UNAVAILABLE);
    db_free(standby);
}

Test(failover, goes_on_to_the_next_server_when_the_first_is_away_or_silent)
{
    int silent, away = test_free_port();
    int fd = silent_server(&silent);
    const char *at = strchr(database.url, '@') + 1;
    char url[640];
    snprintf(url, sizeof url, "%.*s127.0.0.1:%d,127.0.0.1:%d,%s", (int)(at - database.url),
             database.url, away, silent, at);
    struct db *mine = db_new(&(struct db_config){.url = url, .schema = "store"});
    int64_t start_ns = clock_now_ns();
    cr_ok(db_ping(mine));
    cr_expect_lt(clock_now_ns() - start_ns, 10 * NS_PER_S);
    db_free(mine);
    close(fd);
}

// So does one that waits for a standby: statement_timeout is over by then, and bounds nothing.
Test(failover, does_not_know_the_outcome_of_a_commit_that_hangs)
{
    test_sql(db, arena,
             "CREATE FUNCTION hang() RETURNS trigger LANGUAGE plpgsql AS "
             "'BEGIN PERFORM pg_sleep(40); RETURN NULL; END'");
    test_sql(db, arena,
             "CREATE CONSTRAINT TRIGGER hang AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED "
             "FOR EACH ROW EXECUTE FUNCTION hang()");
    struct db *mine = db_new(
        &(struct db_config){.url = database.url, .schema = "store", .statement_timeout_ms = 100});
    cr_ok(db_begin(mine));
    cr_ok(db_run(mine, arena, &sql_insert, NULL, NULL));
    int64_t start_ns = clock_now_ns();
    cr_expect_eq(db_commit(mine), STATUS_UNKNOWN);
    cr_expect_lt(clock_now_ns() - start_ns, 15 * NS_PER_S);
    cr_ok(db_ping(mine));
    db_free(mine);
}
