// Inside the room: the connection behind struct db. Nothing outside lib/db includes this.
#pragma once
#include <libpq-fe.h>

#include "base/cleanup.h"
#include "db/db.h"

DEFINE_CLEANUP(PQclear, PGresult *)

enum db_transaction {
    DB_OUTSIDE,
    DB_INSIDE,
    DB_LOST, // the connection went away inside: everything is ABORTED until db_rollback
};

// The statements that this connection has prepared: an open-addressed set by name.
struct db_prepared {
    const struct db_statement **slots;
    size_t n, capacity;
};

// How it is shown.
enum db_state { DB_DOWN, DB_IDLE, DB_BUSY };
#define DB_STATES 3

// What a transaction will have done.
struct db_count {
    struct metric_series *series;
    int64_t amount;
};

// BEGIN, what is posted, and the statement that waits for them.
#define DB_POSTED_MAX 16

struct db {
    struct db_config config; // its strings are the caller's: not used after db_new
    char *url, *application;
    char *options; // startup options: search_path, timeouts
    PGconn *connection;
    struct db_prepared prepared;
    enum db_transaction transaction;
    bool begun;                        // BEGIN has left
    const char *posted[DB_POSTED_MAX]; // names of what has left and is not judged yet
    size_t posted_n;
    const char *last_name; // of what db_await gave last
    bool stale;   // a plan is out of date: the connection is replaced once no transaction is open
    bool patient; // migrations: waits without a bound
    int64_t backoff_ms, retry_at_ns, reported_ns;
    int64_t renew_ms, renew_at_ns; // plans are made anew then
    struct db_error error;
    enum db_state state;
    struct db_count *counts;
    size_t counts_n, counts_max;
    char refused[256];
};

// measures.c: what the room counts.
void db_measures_join(struct db *db);
void db_measures_leave(struct db *db);
void db_show(struct db *db, bool busy); // after whatever may have changed its state
void db_measure_answer(int64_t began_ns);
void db_measure_error(const char *sqlstate);
#define DB_CONNECTION_LOST "08000" // ours, where the server could not say one
void db_counts_end(struct db *db, bool committed);

// Connected, or tried to; OK or UNAVAILABLE. Only outside a transaction.
MUST_USE enum status db_connect(struct db *db);
// The connection is of no more use. Inside a transaction that makes it DB_LOST.
void db_break(struct db *db, const char *why);
void db_report(struct db *db, bool up, int64_t latency_us);

// Before a command is sent inside a transaction: it will be answered together with all that was
// posted before it. False: sending failed.
MUST_USE bool db_pipe(struct db *db, const char *name);
// Sends what is queued and waits for the result of the last command, or the first failure. NULL:
// the connection broke, or didn't answer in time; db_break has been called.
PGresult *db_await(struct db *db);
// Waits for what was posted, BEGIN included: a command of another kind can be sent after it.
MUST_USE enum status db_settle(struct db *db);
// What a result means; fills db->error for failures and logs what has nowhere else to go.
enum status db_judge(struct db *db, const PGresult *result, const char *statement);
// Clears the error of the last call.
void db_error_clear(struct db *db);

bool db_prepared_has(const struct db_prepared *prepared, const struct db_statement *statement);
bool db_prepared_reserve(struct db_prepared *prepared); // room for one more; false: no memory
void db_prepared_add(struct db_prepared *prepared, const struct db_statement *statement);
void db_prepared_clear(struct db_prepared *prepared);
