#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "db/connection.h"
#include "db/params.h"
#include "db/rows.h"

// PostgreSQL cuts longer names silently.
#define STATEMENT_NAME_MAX 63

static bool is_class(const char *sqlstate, const char *prefix)
{
    return strncmp(sqlstate, prefix, strlen(prefix)) == 0;
}

// A plan made before a migration; only a new connection (or a new name) gets a new one.
static bool is_plan_stale(const struct db *db, const PGresult *result)
{
    if (is_class(db->error.sqlstate, "26000"))
        return true;
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    return is_class(db->error.sqlstate, "0A000") && text && strstr(text, "cached plan");
}

static enum status status_of(const char *sqlstate)
{
    static const struct {
        const char *prefix;
        enum status status;
    } table[] = {
        {"40P01", STATUS_ABORTED},           // deadlock
        {"40001", STATUS_ABORTED},           // serialization
        {"55P03", STATUS_ABORTED},           // lock_timeout
        {"25P02", STATUS_ABORTED},           // an earlier statement of the transaction failed
        {"25006", STATUS_ABORTED},           // read only: no longer the primary
        {"57014", STATUS_DEADLINE_EXCEEDED}, // statement_timeout
        {"22", STATUS_INVALID_ARGUMENT},     {"23", STATUS_INVALID_ARGUMENT},
        {"53", STATUS_UNAVAILABLE}, // out of disk, memory, connections
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (is_class(sqlstate, table[i].prefix))
            return table[i].status;
    }
    return STATUS_INTERNAL;
}

static void copy_field(char *out, size_t size, const PGresult *result, int field)
{
    const char *text = PQresultErrorField(result, field);
    size_t length = text ? strnlen(text, size - 1) : 0;
    if (length > 0)
        memcpy(out, text, length);
    out[length] = '\0';
}

enum status db_judge(struct db *db, const PGresult *result, const char *statement)
{
    switch (PQresultStatus(result)) {
    case PGRES_TUPLES_OK:
    case PGRES_COMMAND_OK:
    case PGRES_EMPTY_QUERY:
        db_report(db, true, -1);
        return STATUS_OK;
    default:
        break;
    }
    copy_field(db->error.sqlstate, sizeof db->error.sqlstate, result, PG_DIAG_SQLSTATE);
    copy_field(db->error.constraint, sizeof db->error.constraint, result, PG_DIAG_CONSTRAINT_NAME);
    db_measure_error(db->error.sqlstate);
    if (is_plan_stale(db, result)) {
        db->stale = true;
        return STATUS_ABORTED;
    }
    // A demoted primary stays connected; the next connection finds the new one.
    db->stale = db->stale || is_class(db->error.sqlstate, "25006");
    enum status status = status_of(db->error.sqlstate);
    if (status == STATUS_INTERNAL)
        // The primary text only: the detail may show a row.
        log_error("db.statement_failed", LOG_S("statement", statement),
                  LOG_S("sqlstate", db->error.sqlstate),
                  LOG_S("text", PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY)));
    return status;
}

// What the loss of a connection means for a statement that had left.
static enum status lost(const struct db *db)
{
    return db->transaction == DB_LOST ? STATUS_ABORTED : STATUS_UNKNOWN;
}

static enum status prepare(struct db *db, const struct db_statement *statement,
                           const struct db_params *params)
{
    if (statement->name[0] && db_prepared_has(&db->prepared, statement))
        return STATUS_OK;
    enum status status = db_settle(db);
    if (status != STATUS_OK)
        return status;
    // Before the server has it: what it holds and we don't know of could never be prepared again.
    if (statement->name[0] && !db_prepared_reserve(&db->prepared))
        return STATUS_RESOURCE_EXHAUSTED;
    if (!PQsendPrepare(db->connection, statement->name, statement->text, params ? params->n : 0,
                       params ? params->types : NULL)) {
        db_break(db, PQerrorMessage(db->connection));
        return STATUS_UNAVAILABLE;
    }
    CLEANUP(PQclear) PGresult *result = db_await(db);
    if (!result)
        return STATUS_UNAVAILABLE;
    status = db_judge(db, result, statement->name);
    if (status == STATUS_OK && statement->name[0])
        db_prepared_add(&db->prepared, statement);
    return status;
}

static bool send(struct db *db, const struct db_statement *statement,
                 const struct db_params *params)
{
    static const int binary[DB_PARAMS_MAX] = {[0 ... DB_PARAMS_MAX - 1] = 1};
    bool sent = (db->transaction == DB_OUTSIDE || db_pipe(db, statement->name)) &&
                PQsendQueryPrepared(db->connection, statement->name, params ? params->n : 0,
                                    params ? params->values : NULL, params ? params->lengths : NULL,
                                    binary, 1);
    if (!sent)
        db_break(db, PQerrorMessage(db->connection));
    return sent;
}

static enum status execute(struct db *db, const struct db_statement *statement,
                           const struct db_params *params, struct db_rows *rows)
{
    if (!send(db, statement, params))
        return lost(db);
    if (failpoint_hit("db.query.broken")) {
        db_break(db, "failpoint");
        return lost(db);
    }
    rows->result = db_await(db);
    return rows->result ? db_judge(db, rows->result, statement->name) : lost(db);
}

// One try on one connection. UNAVAILABLE with no transaction open may be tried again.
static enum status attempt(struct db *db, const struct db_statement *statement,
                           const struct db_params *params, struct db_rows *rows)
{
    if (db->transaction == DB_OUTSIDE) {
        enum status status = db_connect(db);
        if (status != STATUS_OK)
            return status;
        db_show(db, true);
    }
    enum status status = prepare(db, statement, params);
    if (status != STATUS_OK)
        return db->transaction == DB_LOST ? STATUS_ABORTED : status;
    return execute(db, statement, params, rows);
}

static void rows_clear(void *rows)
{
    PQclear(((struct db_rows *)rows)->result);
}

enum status db_run(struct db *db, struct arena *arena, const struct db_statement *statement,
                   struct db_params *params, struct db_rows **ret_rows)
{
    assert(strlen(statement->name) <= STATEMENT_NAME_MAX);
    db_error_clear(db);
    if (db->transaction == DB_LOST)
        return STATUS_ABORTED;
    // Room for the result is made first: a statement that was done must not fail for want of
    // memory.
    struct db_rows *rows = ARENA_NEW(arena, struct db_rows);
    if ((params && params->full) || !rows || !arena_defer(arena, rows_clear, rows))
        return STATUS_RESOURCE_EXHAUSTED;
    bool had_connection = db->connection;
    enum status status = attempt(db, statement, params, rows);
    // Twice at most: the connection died before the statement left, or its plan was from before a
    // migration. Either way nothing has happened.
    bool again = status == STATUS_UNAVAILABLE && had_connection && !db->connection;
    if (db->transaction == DB_OUTSIDE && (again || db->stale)) {
        rows_clear(rows);
        rows->result = NULL;
        db_error_clear(db);
        status = attempt(db, statement, params, rows);
    }
    db_show(db, db->transaction != DB_OUTSIDE);
    if (status == STATUS_OK && ret_rows)
        *ret_rows = rows;
    return status;
}

enum status db_post(struct db *db, struct arena *arena, const struct db_statement *statement,
                    struct db_params *params)
{
    if (db->transaction == DB_OUTSIDE)
        return db_run(db, arena, statement, params, NULL);
    db_error_clear(db);
    if (db->transaction == DB_LOST)
        return STATUS_ABORTED;
    if (params && params->full)
        return STATUS_RESOURCE_EXHAUSTED;
    enum status status = db->posted_n + 2 < DB_POSTED_MAX ? STATUS_OK : db_settle(db);
    if (status == STATUS_OK)
        status = prepare(db, statement, params);
    if (status == STATUS_OK && send(db, statement, params))
        return STATUS_OK;
    return db->transaction == DB_LOST ? STATUS_ABORTED : status;
}

const struct db_error *db_last_error(const struct db *db)
{
    return &db->error;
}

enum status db_ping(struct db *db)
{
    if (db->transaction == DB_LOST)
        return STATUS_ABORTED;
    int64_t start_ns = clock_now_ns();
    if (db->transaction == DB_OUTSIDE) {
        enum status status = db_connect(db);
        if (status != STATUS_OK)
            return status;
    }
    CLEANUP(PQclear) PGresult *result = NULL;
    if (db_settle(db) != STATUS_OK)
        return STATUS_ABORTED;
    if (PQsendQuery(db->connection, "SELECT 1"))
        result = db_await(db);
    else
        db_break(db, PQerrorMessage(db->connection));
    enum status status = result ? db_judge(db, result, "ping") : STATUS_UNAVAILABLE;
    if (status == STATUS_OK)
        db->reported_ns = 0;
    db_report(db, status == STATUS_OK, (clock_now_ns() - start_ns) / 1000);
    return status;
}
