#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/failpoint.h"
#include "support/measures.h"

static struct test_database database;
static struct db *db, *other;
static struct arena *arena;

static void setup(void)
{
    database = test_database_new();
    db = test_db_open(&database, "store", NULL);
    other = db_new(&(struct db_config){.ring = test_ring(),
                                       .url = database.url,
                                       .schema = "store",
                                       .application = "other",
                                       .statement_timeout_ms = 1000,
                                       .lock_timeout_ms = 100});
    arena = arena_new(ARENA_CAP_REQUEST);
    test_sql(db, arena, "CREATE TABLE t (n int8 PRIMARY KEY, at text CHECK (length(at) < 5))");
}

static void teardown(void)
{
    arena_free(arena);
    db_free(db);
    db_free(other);
    test_database_drop(&database);
}

TestSuite(transaction, .init = setup, .fini = teardown, .timeout = 60);

static const struct db_statement sql_insert = {"t.insert", "INSERT INTO t (n, at) VALUES ($1, $2)"};
static const struct db_statement sql_lock = {"t.lock", "SELECT n FROM t WHERE n = $1 FOR UPDATE"};

static enum status insert(struct db *into, int64_t n, const char *at)
{
    struct db_params *params = db_params(arena);
    db_int(params, n);
    db_text(params, at);
    return db_run(into, arena, &sql_insert, params, NULL);
}

static enum status lock(struct db *in, int64_t n)
{
    struct db_params *params = db_params(arena);
    db_int(params, n);
    return db_run(in, arena, &sql_lock, params, NULL);
}

static const char *count(void)
{
    return test_sql(other, arena, "SELECT count(*) FROM t");
}

Test(transaction, keeps_what_is_committed_and_drops_what_is_rolled_back)
{
    cr_assert_not(db_in_transaction(db));
    cr_ok(db_begin(db));
    cr_assert(db_in_transaction(db));
    cr_ok(insert(db, 1, "a"));
    cr_assert_str_eq(count(), "0");
    cr_ok(db_commit(db));
    cr_assert_not(db_in_transaction(db));
    cr_assert_str_eq(count(), "1");
    cr_ok(db_begin(db));
    cr_ok(insert(db, 2, "b"));
    db_rollback(db);
    cr_assert_str_eq(count(), "1");
    db_rollback(db);
}

Test(transaction, names_a_data_error_and_its_constraint)
{
    cr_ok(insert(db, 1, "a"));
    cr_assert_eq(insert(db, 1, "a"), STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(db_last_error(db)->sqlstate, "23505");
    cr_assert_str_eq(db_last_error(db)->constraint, "t_pkey");
    cr_assert_eq(insert(db, 2, "too long"), STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(db_last_error(db)->sqlstate, "23514");
    cr_assert_str_eq(db_last_error(db)->constraint, "t_at_check");
    cr_assert_eq(db_run(db, arena, &(struct db_statement){"", "SELECT 1 / 0"}, NULL, NULL),
                 STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(db_last_error(db)->sqlstate, "22012");
    cr_ok(insert(db, 2, "b"));
    cr_assert_str_eq(db_last_error(db)->sqlstate, "");
}

Test(transaction, commits_nothing_after_a_failed_statement)
{
    cr_ok(db_begin(db));
    cr_ok(insert(db, 1, "a"));
    cr_assert_eq(insert(db, 1, "a"), STATUS_INVALID_ARGUMENT);
    cr_assert_eq(insert(db, 2, "a"), STATUS_ABORTED);
    cr_assert_eq(db_commit(db), STATUS_ABORTED);
    cr_assert_not(db_in_transaction(db));
    cr_assert_str_eq(count(), "0");
    cr_ok(insert(db, 1, "a"));
}

Test(transaction, keeps_the_error_through_a_rollback)
{
    cr_ok(db_begin(db));
    cr_ok(insert(db, 1, "a"));
    cr_assert_eq(insert(db, 1, "a"), STATUS_INVALID_ARGUMENT);
    db_rollback(db);
    cr_assert_str_eq(db_last_error(db)->constraint, "t_pkey");
}

Test(transaction, is_aborted_by_lock_timeout)
{
    cr_ok(insert(db, 1, "a"));
    cr_ok(db_begin(db));
    cr_ok(lock(db, 1));
    cr_ok(db_begin(other));
    cr_assert_eq(lock(other, 1), STATUS_ABORTED);
    cr_assert_str_eq(db_last_error(other)->sqlstate, "55P03");
    db_rollback(other);
    cr_ok(db_commit(db));
    cr_ok(lock(other, 1));
}

struct crossing {
    struct db *db;
    int64_t second;
    enum status status;
};

static void *lock_second(void *context)
{
    struct crossing *crossing = context;
    struct arena *own = arena_new(ARENA_CAP_REQUEST);
    struct db_params *params = db_params(own);
    db_int(params, crossing->second);
    crossing->status = db_run(crossing->db, own, &sql_lock, params, NULL);
    arena_free(own);
    return NULL;
}

Test(transaction, is_aborted_by_a_deadlock)
{
    struct db *third =
        db_new(&(struct db_config){.ring = test_ring(), .url = database.url, .schema = "store"});
    cr_ok(insert(db, 1, "a"));
    cr_ok(insert(db, 2, "a"));
    cr_ok(db_begin(db));
    cr_ok(db_begin(third));
    cr_ok(lock(db, 1));
    cr_ok(lock(third, 2));
    struct crossing crossing = {.db = third, .second = 1};
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, lock_second, &crossing), 0);
    enum status mine = lock(db, 2);
    db_rollback(db);
    pthread_join(thread, NULL);
    cr_assert((mine == STATUS_ABORTED) != (crossing.status == STATUS_ABORTED), "%s %s",
              status_name(mine), status_name(crossing.status));
    db_free(third);
}

Test(transaction, ends_at_statement_timeout)
{
    cr_assert_eq(
        db_run(other, arena, &(struct db_statement){"", "SELECT pg_sleep(20)::text"}, NULL, NULL),
        STATUS_DEADLINE_EXCEEDED);
    cr_assert_str_eq(db_last_error(other)->sqlstate, "57014");
    cr_ok(db_ping(other));
}

Test(transaction, is_aborted_when_its_connection_is_lost)
{
    cr_ok(db_begin(db));
    cr_ok(insert(db, 1, "a"));
    test_database_disconnect(&database);
    cr_assert_eq(insert(db, 2, "a"), STATUS_ABORTED);
    cr_assert(db_in_transaction(db));
    cr_assert_eq(insert(db, 3, "a"), STATUS_ABORTED);
    cr_assert_eq(db_ping(db), STATUS_ABORTED);
    cr_assert_eq(db_script(db, arena, "SELECT 1", NULL), STATUS_ABORTED);
    db_rollback(db);
    cr_assert_not(db_in_transaction(db));
    cr_ok(insert(db, 4, "a"));
    cr_assert_str_eq(count(), "1");
}

Test(transaction, cannot_commit_when_its_connection_was_lost)
{
    cr_ok(db_begin(db));
    cr_ok(insert(db, 1, "a"));
    failpoint_arm("db.query.broken=fail");
    cr_assert_eq(insert(db, 2, "a"), STATUS_ABORTED);
    cr_assert_eq(db_commit(db), STATUS_ABORTED);
    cr_assert_str_eq(count(), "0");
}

Test(transaction, begins_anew_on_a_connection_that_died_while_idle)
{
    cr_ok(db_ping(db));
    test_database_disconnect(&database);
    cr_ok(db_begin(db));
    cr_ok(insert(db, 1, "a"));
    cr_ok(db_commit(db));
}

Test(transaction, is_unknown_when_the_answer_to_commit_is_lost)
{
    cr_ok(db_begin(db));
    cr_ok(insert(db, 1, "a"));
    failpoint_arm("db.commit.lost=fail");
    cr_assert_eq(db_commit(db), STATUS_UNKNOWN);
    cr_assert_not(db_in_transaction(db));
    cr_assert_str_eq(count(), "1");
    cr_ok(insert(db, 2, "a"));
}

Test(transaction, is_unknown_when_the_connection_is_dead_at_commit)
{
    cr_ok(db_begin(db));
    cr_ok(insert(db, 1, "a"));
    test_database_disconnect(&database);
    cr_assert_eq(db_commit(db), STATUS_UNKNOWN);
    cr_assert_str_eq(count(), "0");
}

Test(transaction, is_aborted_when_commit_never_left)
{
    cr_ok(db_begin(db));
    cr_ok(insert(db, 1, "a"));
    failpoint_arm("db.commit.fail=fail");
    cr_assert_eq(db_commit(db), STATUS_ABORTED);
    cr_assert_str_eq(count(), "0");
    cr_ok(insert(db, 1, "a"));
}

Test(transaction, reports_a_deferred_constraint_at_commit)
{
    test_sql(db, arena, "CREATE TABLE u (n int8 REFERENCES t (n) DEFERRABLE INITIALLY DEFERRED)");
    cr_ok(db_begin(db));
    cr_ok(db_run(db, arena, &(struct db_statement){"", "INSERT INTO u VALUES (9)"}, NULL, NULL));
    cr_assert_eq(db_commit(db), STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(db_last_error(db)->constraint, "u_n_fkey");
    cr_assert_not(db_in_transaction(db));
}

static enum status post(struct db *into, int64_t n, const char *at)
{
    struct db_params *params = db_params(arena);
    db_int(params, n);
    db_text(params, at);
    return db_post(into, arena, &sql_insert, params);
}

Test(transaction, keeps_what_was_posted)
{
    cr_ok(db_begin(db));
    for (int64_t n = 0; n < 100; n++) // more than travel together
        cr_ok(post(db, n, "a"));
    cr_ok(insert(db, 100, "b"));
    cr_ok(post(db, 101, "c"));
    cr_ok(db_commit(db));
    cr_assert_str_eq(count(), "102");
    cr_ok(post(db, 102, "d"));
    cr_assert_str_eq(count(), "103");
}

Test(transaction, learns_at_commit_what_a_posted_statement_failed_with)
{
    cr_ok(insert(db, 1, "a"));
    cr_ok(db_begin(db));
    cr_ok(post(db, 2, "a"));
    cr_ok(post(db, 1, "a"));
    cr_ok(post(db, 3, "a"));
    cr_assert_eq(db_commit(db), STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(db_last_error(db)->constraint, "t_pkey");
    cr_assert_not(db_in_transaction(db));
    cr_assert_str_eq(count(), "1");
    cr_ok(insert(db, 2, "a"));
}

Test(transaction, learns_at_the_next_answer_what_a_posted_statement_failed_with)
{
    cr_ok(db_begin(db));
    cr_ok(post(db, 1, "too long"));
    cr_assert_eq(insert(db, 2, "a"), STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(db_last_error(db)->constraint, "t_at_check");
    cr_assert_eq(insert(db, 3, "a"), STATUS_ABORTED);
    db_rollback(db);
    cr_assert_str_eq(count(), "0");
}

Test(transaction, forgets_what_was_posted_when_rolled_back)
{
    cr_ok(db_begin(db));
    cr_ok(post(db, 1, "a"));
    db_rollback(db);
    cr_ok(db_begin(db));
    db_rollback(db);
    cr_ok(db_begin(db));
    cr_ok(db_commit(db));
    cr_assert_str_eq(count(), "0");
}

Test(transaction, is_unknown_when_the_connection_dies_with_posted_statements)
{
    cr_ok(db_begin(db));
    cr_ok(insert(db, 1, "a"));
    cr_ok(post(db, 2, "a"));
    test_database_disconnect(&database);
    cr_assert_eq(db_commit(db), STATUS_UNKNOWN);
    cr_assert_str_eq(count(), "0");
    cr_ok(db_begin(db));
    cr_ok(post(db, 1, "a"));
    cr_ok(db_commit(db));
    cr_assert_str_eq(count(), "1");
}

static struct metric_series *tallied(void)
{
    return metric_series(metric_counter("tallied_total", "T.", NULL), NULL);
}

Test(transaction, tallies_what_is_committed_and_nothing_else)
{
    db_tally(db, tallied(), 1); // outside: at once
    cr_assert_eq(test_metric("tallied_total"), 1);
    cr_ok(db_begin(db));
    cr_ok(insert(db, 1, "a"));
    db_tally(db, tallied(), 10);
    db_tally(db, tallied(), -3);
    cr_assert_eq(test_metric("tallied_total"), 1);
    cr_ok(db_commit(db));
    cr_assert_eq(test_metric("tallied_total"), 8);
    cr_ok(db_begin(db));
    db_tally(db, tallied(), 100);
    db_rollback(db);
    cr_ok(db_begin(db)); // what was rolled back is not counted by the next one either
    db_tally(db, tallied(), -5);
    cr_ok(db_commit(db));
    cr_assert_eq(test_metric("tallied_total"), 8);
}

Test(transaction, tallies_nothing_where_the_commit_failed_or_its_answer_was_lost)
{
    cr_ok(db_begin(db));
    cr_ok(insert(db, 1, "a"));
    db_tally(db, tallied(), 1);
    failpoint_arm("db.commit.lost=fail");
    cr_assert_eq(db_commit(db), STATUS_UNKNOWN);
    failpoint_arm("");
    cr_ok(db_begin(db));
    cr_assert_eq(insert(db, 2, "too long"), STATUS_INVALID_ARGUMENT);
    db_tally(db, tallied(), 1);
    cr_assert_eq(db_commit(db), STATUS_ABORTED);
    cr_ok(db_begin(db));
    db_tally(db, tallied(), 1);
    test_database_disconnect(&database);
    cr_assert_eq(insert(db, 3, "a"), STATUS_ABORTED);
    cr_assert_eq(db_commit(db), STATUS_ABORTED);
    cr_assert_eq(test_metric("tallied_total"), 0);
}

Test(transaction, connections_are_shown_by_what_they_do)
{
    double down = test_metric("obol_db_connections{state=\"down\"}");
    double idle = test_metric("obol_db_connections{state=\"idle\"}");
    double most = test_metric("obol_db_connections_max");
    cr_ok(db_begin(db));
    cr_ok(insert(db, 1, "a"));
    cr_assert_eq(test_metric("obol_db_connections{state=\"busy\"}"), 1);
    cr_assert_eq(test_metric("obol_db_connections{state=\"idle\"}"), idle - 1);
    cr_ok(db_commit(db));
    cr_assert_eq(test_metric("obol_db_connections{state=\"busy\"}"), 0);
    cr_assert_eq(test_metric("obol_db_connections{state=\"idle\"}"), idle);
    struct db *third = db_new(&(struct db_config){.url = database.url, .schema = "store"});
    cr_assert_eq(test_metric("obol_db_connections{state=\"down\"}"), down + 1);
    cr_assert_eq(test_metric("obol_db_connections_max"), most + 1);
    db_free(third);
    cr_assert_eq(test_metric("obol_db_connections{state=\"down\"}"), down);
    cr_assert_eq(test_metric("obol_db_connections_max"), most);
}

Test(transaction, failures_and_waits_are_counted)
{
    double waits = test_metric("obol_db_statement_duration_seconds_count");
    cr_assert_eq(insert(db, 1, "too long"), STATUS_INVALID_ARGUMENT);
    cr_assert_eq(test_metric("obol_db_errors_total{class=\"23\"}"), 1);
    cr_assert_geq(test_metric("obol_db_statement_duration_seconds_count"), waits + 1);
    cr_ok(db_begin(db));
    test_database_disconnect(&database);
    cr_assert_eq(insert(db, 2, "a"), STATUS_ABORTED);
    db_rollback(db);
    cr_assert_geq(test_metric("obol_db_errors_total{class=\"08\"}"), 1);
}
