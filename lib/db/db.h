// PostgreSQL, through one connection a thread: prepared statements, binary parameters and arrays,
// binary results. A struct db belongs to the thread that made it.
//
// Connections come back by themselves: a call on a broken connection tries once to reconnect and,
// within the backoff (100 ms doubling to 5 s), returns UNAVAILABLE at once. Statements are prepared
// on first use on each connection. What a status means here:
//   OK           done
//   UNAVAILABLE  certainly not done: no connection, or it broke before the statement left
//   UNKNOWN      the connection broke after a COMMIT (or a statement outside a transaction) had
//   left ABORTED      rolled back by the server for a reason that goes away: deadlock (40P01),
//   serialization (40001),
//                lock_timeout (55P03), the connection lost inside a transaction
//   INVALID_ARGUMENT  a data error (SQLSTATE class 22 or 23), db_error says which; in a batch this
//   alone
//                     is a reason to try the items one by one
//   DEADLINE_EXCEEDED statement_timeout (57014)
//   INTERNAL     everything else; the text is logged here, once, and goes no further
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/status.h"

struct health;
struct keyring;
struct metric_series;

// Static storage: a connection remembers which it has prepared.
struct db_statement {
    const char *name; // unique in the process: "payments.insert_payments"; "": not kept prepared
    const char *text; // one statement, $n parameters with casts where the type is not plain
};

struct db_config {
    const char *url;         // libpq URI or conninfo; multi-host allowed
    const char *schema;      // search_path, unquoted [a-z_]+; NULL: the server's default
    const char *application; // application_name
    int64_t statement_timeout_ms, lock_timeout_ms; // 0: none
    bool
        relaxed; // a commit does not wait for the disk: only for what is done again when it is lost
    struct health *health; // may be NULL; reported under dependency
    int dependency;
    const struct keyring *ring; // what those above seal their columns with; carried only
};

struct db;

// Does not wait for the server: the first statement connects. Never NULL but when out of memory.
// config is copied, strings and all.
struct db *db_new(const struct db_config *config);
void db_free(struct db *db);
// The ring of its config: sealed columns are written and read with it.
const struct keyring *db_keyring(const struct db *db);
// Connects if needed; OK when a trivial statement is answered.
MUST_USE enum status db_ping(struct db *db);

// --- Parameters: added in order, $1 first. All are copied or borrowed until db_run or db_post
// returns.
struct db_params;
#define DB_PARAMS_MAX 48
struct db_params *db_params(struct arena *arena);
void db_text(struct db_params *params, const char *value); // NULL: SQL NULL
void db_int(struct db_params *params, int64_t value);      // int8
void db_bool(struct db_params *params, bool value);
void db_time(struct db_params *params, int64_t unix_us);     // timestamptz; DB_TIME_NULL: NULL
void db_bytea(struct db_params *params, struct bytes value); // at NULL: SQL NULL
#define DB_TIME_NULL INT64_MIN

// Arrays, for unnest: the column of n structs that lie `stride` bytes apart.
//   db_texts(p, n, DB_COLUMN(rows, tenant_id))
#define DB_COLUMN(rows, field) &(rows)->field, sizeof *(rows)
void db_texts(struct db_params *params, size_t n, const char *const *first, size_t stride);
void db_ints(struct db_params *params, size_t n, const int64_t *first, size_t stride);
void db_bools(struct db_params *params, size_t n, const bool *first, size_t stride);
void db_times(struct db_params *params, size_t n, const int64_t *first, size_t stride);
void db_byteas(struct db_params *params, size_t n, const struct bytes *first, size_t stride);

// --- Running. rows live in the arena (released with it); ret_rows may be NULL when none are
// wanted.
struct db_rows;
MUST_USE enum status db_run(struct db *db, struct arena *arena,
                            const struct db_statement *statement, struct db_params *params,
                            struct db_rows **ret_rows);
// Sends a statement whose rows nobody wants, and does not wait: inside a transaction its failure
// shows at the next db_run, or at db_commit, which then has rolled back. Outside one: db_run.
MUST_USE enum status db_post(struct db *db, struct arena *arena,
                             const struct db_statement *statement, struct db_params *params);
size_t db_count(const struct db_rows *rows); // rows returned, or affected when none are returned
bool db_is_null(const struct db_rows *rows, size_t row, int column);
// The declared type must fit the getter (int2/int4/int8, text-like, …): asserted.
const char *db_get_text(const struct db_rows *rows, size_t row, int column); // NULL for NULL
int64_t db_get_int(const struct db_rows *rows, size_t row, int column);      // 0 for NULL
bool db_get_bool(const struct db_rows *rows, size_t row, int column);
int64_t db_get_time(const struct db_rows *rows, size_t row, int column); // DB_TIME_NULL for NULL
struct bytes db_get_bytea(const struct db_rows *rows, size_t row, int column);
// A text[] without NULL elements, into the arena; *ret_n items.
const char **db_get_texts(const struct db_rows *rows, size_t row, int column, struct arena *arena,
                          size_t *ret_n);

// --- Transactions (READ COMMITTED). A failed statement leaves the transaction to be rolled back.
// Connects if needed; BEGIN itself leaves with the first statement.
MUST_USE enum status db_begin(struct db *db);
// UNKNOWN: the answer was lost; find out by reading what the transaction would have written. With
// any other failure it is rolled back, and the transaction is over.
MUST_USE enum status db_commit(struct db *db);
void db_rollback(struct db *db); // harmless outside a transaction
bool db_in_transaction(const struct db *db);

// Counts what the transaction does, once it is committed: what is rolled back, or whose COMMIT was
// lost, counts nothing. Outside one: at once. An amount below zero takes back what the same
// transaction has counted, and no more than that.
void db_tally(struct db *db, struct metric_series *series, int64_t amount);

struct db_error {
    char sqlstate[6];
    char constraint[64]; // "" when none
};
// Of the last call that failed.
const struct db_error *db_last_error(const struct db *db);
// Why the last try to connect failed, for operators; "" when none did. Names no password.
const char *db_refused(const struct db *db);
