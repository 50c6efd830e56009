// Sending without waiting, and waiting. Inside a transaction the connection works in libpq's
// pipeline mode: BEGIN and whatever is posted travel with the next statement whose answer somebody
// needs.
#include <errno.h>
#include <poll.h>

#include "base/clock.h"
#include "db/connection.h"
#include "obs/pulse.h"

// Beyond statement_timeout a server that is alive has answered.
#define GRACE_MS 5000

// False when time is up or the socket failed.
static bool wait_socket(struct db *db, short events, int64_t deadline_ns)
{
    struct pollfd fd = {.fd = PQsocket(db->connection), .events = events};
    for (;;) {
        int64_t left_ms = deadline_ns == INT64_MAX ? -1 : clock_left_ms(deadline_ns);
        pulse_away();
        int n = poll(&fd, 1, (int)left_ms);
        pulse_back();
        if (n > 0)
            return true;
        if (n == 0 || errno != EINTR)
            return false;
    }
}

static bool flush(struct db *db, int64_t deadline_ns)
{
    for (;;) {
        int left = PQflush(db->connection);
        if (left <= 0)
            return left == 0;
        // Reading meanwhile: the server may be unable to take more until we have taken its answer.
        if (!wait_socket(db, POLLIN | POLLOUT, deadline_ns) || !PQconsumeInput(db->connection))
            return false;
    }
}

static bool receive(struct db *db, int64_t deadline_ns)
{
    while (PQisBusy(db->connection)) {
        if (!wait_socket(db, POLLIN, deadline_ns) || !PQconsumeInput(db->connection))
            return false;
    }
    return true;
}

static bool is_failure(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    return status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK && status != PGRES_EMPTY_QUERY;
}

static bool pipe_begin(struct db *db)
{
    if (PQpipelineStatus(db->connection) == PQ_PIPELINE_OFF && !PQenterPipelineMode(db->connection))
        return false;
    if (db->begun)
        return true;
    db->begun = true;
    db->posted[db->posted_n++] = "BEGIN";
    return PQsendQueryParams(db->connection, "BEGIN", 0, NULL, NULL, NULL, NULL, 0);
}

bool db_pipe(struct db *db, const char *name)
{
    if (!pipe_begin(db))
        return false;
    db->posted[db->posted_n++] = name;
    return true;
}

// The last result of one command, or its first failure. False: the connection is of no more use.
static bool take_one(struct db *db, int64_t deadline_ns, PGresult **ret)
{
    *ret = NULL;
    while (receive(db, deadline_ns)) {
        PGresult *next = PQgetResult(db->connection);
        if (!next)
            return PQstatus(db->connection) == CONNECTION_OK;
        if (*ret && is_failure(*ret)) {
            PQclear(next);
            continue;
        }
        PQclear(*ret);
        *ret = next;
    }
    return false;
}

static bool take_sync(struct db *db, int64_t deadline_ns)
{
    if (!receive(db, deadline_ns))
        return false;
    CLEANUP(PQclear) PGresult *sync = PQgetResult(db->connection);
    return PQresultStatus(sync) == PGRES_PIPELINE_SYNC && PQexitPipelineMode(db->connection);
}

// The result of the last that was posted, or of the first that failed: the server skips what comes
// behind it.
static bool take_posted(struct db *db, int64_t deadline_ns, PGresult **ret)
{
    bool alive = true;
    for (size_t i = 0; alive && i < db->posted_n; i++) {
        if (*ret && is_failure(*ret)) {
            CLEANUP(PQclear) PGresult *skipped = NULL;
            alive = take_one(db, deadline_ns, &skipped);
            continue;
        }
        PQclear(*ret);
        alive = take_one(db, deadline_ns, ret);
        db->last_name = db->posted[i];
    }
    db->posted_n = 0;
    return alive && take_sync(db, deadline_ns);
}

PGresult *db_await(struct db *db)
{
    bool bounded = db->config.statement_timeout_ms > 0 && !db->patient;
    int64_t deadline_ns =
        bounded ? clock_deadline_ns(db->config.statement_timeout_ms + GRACE_MS) : INT64_MAX;
    PGresult *kept = NULL;
    int64_t began_ns = clock_now_ns();
    bool piped = PQpipelineStatus(db->connection) != PQ_PIPELINE_OFF;
    bool alive = (!piped || PQpipelineSync(db->connection)) && flush(db, deadline_ns) &&
                 (piped ? take_posted(db, deadline_ns, &kept) : take_one(db, deadline_ns, &kept));
    if (alive && !db->patient)
        db_measure_answer(began_ns);
    if (alive)
        return kept;
    bool late = deadline_ns != INT64_MAX && clock_left_ms(deadline_ns) == 0;
    PQclear(kept);
    db_break(db, late ? "no answer in time" : PQerrorMessage(db->connection));
    return NULL;
}

enum status db_settle(struct db *db)
{
    if (db->transaction == DB_OUTSIDE || (db->begun && db->posted_n == 0))
        return STATUS_OK;
    CLEANUP(PQclear) PGresult *result = NULL;
    if (pipe_begin(db))
        result = db_await(db);
    else
        db_break(db, PQerrorMessage(db->connection));
    return result ? db_judge(db, result, db->last_name) : STATUS_ABORTED;
}
