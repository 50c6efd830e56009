#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "obs/health.h"
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
}

static void teardown(void)
{
    arena_free(arena);
    db_free(db);
    test_database_drop(&database);
}

TestSuite(connection, .init = setup, .fini = teardown, .timeout = 60);

static const struct db_statement sql_pid = {"test.pid", "SELECT pg_backend_pid()"};

static enum status pid(int64_t *ret)
{
    struct db_rows *rows;
    enum status status = db_run(db, arena, &sql_pid, NULL, &rows);
    if (status == STATUS_OK)
        *ret = db_get_int(rows, 0, 0);
    return status;
}

Test(connection, carries_the_session_settings)
{
    cr_assert_str_eq(test_sql(db, arena, "SHOW search_path"), "store");
    cr_assert_str_eq(test_sql(db, arena, "SHOW statement_timeout"), "20s");
    cr_assert_str_eq(test_sql(db, arena, "SHOW lock_timeout"), "5s");
    cr_assert_str_eq(test_sql(db, arena, "SHOW application_name"), "test");
    cr_assert_str_eq(test_sql(db, arena, "SHOW timezone"), "UTC");
    cr_assert_str_eq(test_sql(db, arena, "SELECT 1 WHERE false"), "");
}

Test(connection, keeps_the_options_of_the_url)
{
    char url[640];
    snprintf(url, sizeof url, "%s%soptions=-c%%20work_mem%%3D7MB", database.url,
             strchr(database.url, '?') ? "&" : "?");
    struct db *mine =
        db_new(&(struct db_config){.ring = test_ring(), .url = url, .schema = "store"});
    cr_assert_str_eq(test_sql(mine, arena, "SHOW work_mem"), "7MB");
    cr_assert_str_eq(test_sql(mine, arena, "SHOW search_path"), "store");
    db_free(mine);
}

Test(connection, prepares_once_and_runs_many)
{
    int64_t a, b;
    cr_ok(pid(&a));
    cr_ok(pid(&b));
    cr_assert_eq(a, b);
    cr_assert_str_eq(
        test_sql(db, arena, "SELECT count(*) FROM pg_prepared_statements WHERE name = 'test.pid'"),
        "1");
}

Test(connection, prepares_more_statements_than_fit_at_first)
{
    static struct db_statement statements[200];
    static char names[200][16];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 200; i++) {
            snprintf(names[i], sizeof names[i], "many.%d", i);
            statements[i] = (struct db_statement){names[i], "SELECT 1"};
            cr_ok(db_run(db, arena, &statements[i], NULL, NULL));
        }
    }
    cr_assert_str_eq(
        test_sql(db, arena, "SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'many.%'"),
        "200");
}

Test(connection, comes_back_when_it_died_while_idle)
{
    int64_t before, after;
    cr_ok(pid(&before));
    test_database_disconnect(&database);
    cr_ok(pid(&after));
    cr_assert_neq(before, after);
}

Test(connection, is_unknown_when_it_breaks_under_a_statement)
{
    int64_t ignored;
    cr_ok(pid(&ignored));
    failpoint_arm("db.query.broken=fail");
    cr_assert_eq(pid(&ignored), STATUS_UNKNOWN);
    cr_ok(pid(&ignored));
}

Test(connection, is_unavailable_at_once_within_the_backoff)
{
    char url[64];
    snprintf(url, sizeof url, "postgresql://postgres@127.0.0.1:%d/none", test_free_port());
    struct db *away = db_new(&(struct db_config){.ring = test_ring(), .url = url});
    cr_assert_eq(db_ping(away), STATUS_UNAVAILABLE);
    int64_t start_ns = clock_now_ns();
    for (int i = 0; i < 1000; i++)
        cr_assert_eq(db_ping(away), STATUS_UNAVAILABLE);
    cr_assert_lt(clock_now_ns() - start_ns, 5 * NS_PER_S);
    cr_assert_eq(db_begin(away), STATUS_UNAVAILABLE);
    cr_assert_eq(db_run(away, arena, &sql_pid, NULL, NULL), STATUS_UNAVAILABLE);
    cr_assert_eq(db_script(away, arena, "SELECT 1", NULL), STATUS_UNAVAILABLE);
    db_free(away);
}

static bool answers(void *context)
{
    return db_ping(context) == STATUS_OK;
}

// A relay in front of the server would be the real thing; a database that is made late does as
// well.
Test(connection, comes_up_when_the_database_does)
{
    struct test_database late = test_database_new();
    test_database_drop(&late);
    char url[512];
    snprintf(url, sizeof url, "%.*s%s", (int)(strstr(database.url, database.name) - database.url),
             database.url, late.name);
    struct db *mine = db_new(&(struct db_config){.ring = test_ring(), .url = url});
    cr_assert_eq(db_ping(mine), STATUS_UNAVAILABLE);
    char *script = arena_printf(arena, "CREATE DATABASE %s", late.name);
    cr_ok(db_script(db, arena, script, NULL));
    test_wait(answers, mine, 10000, "the connection comes back by itself");
    db_free(mine);
    test_database_drop(&late);
}

Test(connection, does_not_wait_for_ever_for_a_server_that_is_silent)
{
    int port;
    int fd = silent_server(&port);
    char url[64];
    snprintf(url, sizeof url, "postgresql://postgres@127.0.0.1:%d/none", port);
    struct db *mine = db_new(&(struct db_config){.ring = test_ring(), .url = url});
    int64_t start_ns = clock_now_ns();
    cr_assert_eq(db_ping(mine), STATUS_UNAVAILABLE);
    cr_assert_lt(clock_now_ns() - start_ns, 10 * NS_PER_S);
    db_free(mine);
    close(fd);
}

struct watch {
    struct health *health;
    atomic_bool over, stuck;
};

static void *watch(void *argument)
{
    struct watch *watch = argument;
    const struct timespec pause = {.tv_nsec = 20000000};
    while (!atomic_load(&watch->over)) {
        if (health_stuck(watch->health))
            atomic_store(&watch->stuck, true);
        nanosleep(&pause, NULL);
    }
    return NULL;
}

// While work(server) waits, nobody takes the thread for one that is stuck.
static void without_being_stuck(void (*work)(const char *url), const char *url)
{
    struct watch watched = {.health = health_new("s", "v")};
    struct pulse *pulse = health_pulse(watched.health, "this one");
    health_stuck_after(watched.health, 1000);
    pthread_t thread;
    pthread_create(&thread, NULL, watch, &watched);
    pulse_busy(pulse);
    work(url);
    cr_assert_neq(atomic_load(&pulse->busy_since_ns), 0, "it is at work again");
    pulse_rest(pulse);
    atomic_store(&watched.over, true);
    pthread_join(thread, NULL);
    cr_assert_not(atomic_load(&watched.stuck));
    health_free(watched.health);
}

static void wait_for_answer(const char *url)
{
    struct db *mine =
        db_new(&(struct db_config){.ring = test_ring(), .url = url, .schema = "store"});
    cr_ok(
        db_run(mine, arena, &(struct db_statement){"", "SELECT pg_sleep(2.5)::text"}, NULL, NULL));
    db_free(mine);
}

static void wait_for_connection(const char *url)
{
    struct db *mine = db_new(&(struct db_config){.ring = test_ring(), .url = url});
    cr_assert_eq(db_ping(mine), STATUS_UNAVAILABLE);
    db_free(mine);
}

Test(connection, whoever_waits_for_the_database_is_not_stuck)
{
    int port;
    int fd = silent_server(&port);
    char url[64];
    snprintf(url, sizeof url, "postgresql://postgres@127.0.0.1:%d/none", port);
    without_being_stuck(wait_for_answer, database.url);
    without_being_stuck(wait_for_connection, url);
    close(fd);
}

Test(connection, gives_a_hung_server_up_after_its_time)
{
    struct db *mine = db_new(&(struct db_config){
        .ring = test_ring(), .url = database.url, .schema = "store", .statement_timeout_ms = 100});
    cr_ok(db_ping(mine));
    // The server's own timeout is taken away, so that only the client's patience is left.
    test_sql(mine, arena, "SET statement_timeout = 0");
    int64_t start_ns = clock_now_ns();
    cr_assert_eq(
        db_run(mine, arena, &(struct db_statement){"", "SELECT pg_sleep(40)::text"}, NULL, NULL),
        STATUS_UNKNOWN);
    int64_t took_ns = clock_now_ns() - start_ns;
    cr_assert_gt(took_ns, 5 * NS_PER_S);
    cr_assert_lt(took_ns, 15 * NS_PER_S);
    cr_ok(db_ping(mine));
    db_free(mine);
}

Test(connection, makes_a_new_plan_when_a_table_changed)
{
    static const struct db_statement all = {"test.all", "SELECT * FROM t"};
    test_sql(db, arena, "CREATE TABLE t (a int8); INSERT INTO t VALUES (1)");
    struct db_rows *rows;
    cr_ok(db_run(db, arena, &all, NULL, &rows));
    test_sql(db, arena, "ALTER TABLE t ADD b text DEFAULT 'new'");
    cr_ok(db_run(db, arena, &all, NULL, &rows));
    cr_assert_str_eq(db_get_text(rows, 0, 1), "new");
}

Test(connection, aborts_a_transaction_whose_plan_is_old_and_succeeds_next_time)
{
    static const struct db_statement all = {"test.all", "SELECT * FROM t"};
    test_sql(db, arena, "CREATE TABLE t (a int8)");
    cr_ok(db_run(db, arena, &all, NULL, NULL));
    test_sql(db, arena, "ALTER TABLE t ADD b text");
    cr_ok(db_begin(db));
    cr_assert_eq(db_run(db, arena, &all, NULL, NULL), STATUS_ABORTED);
    db_rollback(db);
    cr_ok(db_begin(db));
    cr_ok(db_run(db, arena, &all, NULL, NULL));
    cr_ok(db_commit(db));
}

Test(connection, fails_internally_for_a_broken_statement_and_lives_on)
{
    cr_assert_eq(
        db_run(db, arena, &(struct db_statement){"", "SELECT nothing FROM nowhere"}, NULL, NULL),
        STATUS_INTERNAL);
    cr_assert_str_eq(db_last_error(db)->sqlstate, "42P01");
    cr_assert_eq(db_script(db, arena, "SELEC 1", NULL), STATUS_INTERNAL);
    cr_ok(db_ping(db));
}

Test(connection, reports_to_health)
{
    struct health *health = health_new("test", "0");
    int dependency = health_add(health, "postgres", true);
    struct db *mine = db_new(&(struct db_config){
        .ring = test_ring(), .url = database.url, .health = health, .dependency = dependency});
    cr_assert_not(health_ready(health));
    cr_ok(db_ping(mine));
    cr_assert(health_ready(health));
    db_free(mine);
    char url[64];
    snprintf(url, sizeof url, "postgresql://postgres@127.0.0.1:%d/none", test_free_port());
    mine = db_new(&(struct db_config){
        .ring = test_ring(), .url = url, .health = health, .dependency = dependency});
    cr_assert_eq(db_ping(mine), STATUS_UNAVAILABLE);
    cr_assert_not(health_ready(health));
    db_free(mine);
    health_free(health);
}

Test(connection, may_be_freed_unused)
{
    db_free(db_new(&(struct db_config){.ring = test_ring(), .url = database.url}));
    db_free(NULL);
}
