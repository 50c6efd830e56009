#include <assert.h>
#include <string.h>

#include "base/failpoint.h"
#include "db/connection.h"

// NULL: the connection is gone.
static PGresult *command(struct db *db, const char *text)
{
    if (PQsendQuery(db->connection, text))
        return db_await(db);
    db_break(db, PQerrorMessage(db->connection));
    return NULL;
}

enum status db_begin(struct db *db)
{
    assert(db->transaction == DB_OUTSIDE);
    db_error_clear(db);
    // A BEGIN that is lost has done nothing: once more, on a new connection.
    for (int i = 0; i < 2; i++) {
        enum status status = db_connect(db);
        if (status != STATUS_OK)
            return status;
        CLEANUP(PQclear) PGresult *result = command(db, "BEGIN");
        if (!result)
            continue;
        status = db_judge(db, result, "BEGIN");
        if (status == STATUS_OK)
            db->transaction = DB_INSIDE;
        return status;
    }
    return STATUS_UNAVAILABLE;
}

enum status db_commit(struct db *db)
{
    assert(db->transaction != DB_OUTSIDE);
    db_error_clear(db);
    if (db->transaction == DB_INSIDE && failpoint_hit("db.commit.fail"))
        db_break(db, "failpoint");
    enum db_transaction was = db->transaction;
    db->transaction = DB_OUTSIDE;
    if (was == DB_LOST)
        return STATUS_ABORTED;
    CLEANUP(PQclear) PGresult *result = command(db, "COMMIT");
    if (result && failpoint_hit("db.commit.lost")) {
        db_break(db, "failpoint");
        return STATUS_UNKNOWN;
    }
    if (!result)
        return STATUS_UNKNOWN;
    enum status status = db_judge(db, result, "COMMIT");
    // COMMIT of a failed transaction rolls it back and says so in its tag only.
    if (status == STATUS_OK && strcmp(PQcmdStatus(result), "COMMIT") != 0)
        return STATUS_ABORTED;
    return status;
}

void db_rollback(struct db *db)
{
    if (db->transaction == DB_INSIDE) {
        // The caller wants to know afterwards why it rolls back.
        struct db_error why = db->error;
        CLEANUP(PQclear) PGresult *result = command(db, "ROLLBACK");
        if (result && db_judge(db, result, "ROLLBACK") != STATUS_OK)
            db_break(db, "ROLLBACK failed");
        db->error = why;
    }
    db->transaction = DB_OUTSIDE;
}

bool db_in_transaction(const struct db *db)
{
    return db->transaction != DB_OUTSIDE;
}
