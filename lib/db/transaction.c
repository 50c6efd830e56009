#include <assert.h>
#include <string.h>

#include "base/failpoint.h"
#include "db/connection.h"

// NULL: the connection is gone.
static PGresult *command(struct db *db, const char *text)
{
    if (db_pipe(db, text) && PQsendQueryParams(db->connection, text, 0, NULL, NULL, NULL, NULL, 0))
        return db_await(db);
    db_break(db, PQerrorMessage(db->connection));
    return NULL;
}

// BEGIN itself leaves with the first statement.
enum status db_begin(struct db *db)
{
    assert(db->transaction == DB_OUTSIDE);
    db_error_clear(db);
    enum status status = db_connect(db);
    if (status == STATUS_OK)
        db->transaction = DB_INSIDE;
    db_show(db, status == STATUS_OK);
    return status;
}

static enum status commit(struct db *db)
{
    CLEANUP(PQclear) PGresult *result = command(db, "COMMIT");
    if (result && failpoint_hit("db.commit.lost"))
        db_break(db, "failpoint");
    if (!db->connection)
        return STATUS_UNKNOWN;
    enum status status = db_judge(db, result, db->last_name);
    // COMMIT of a failed transaction rolls it back and says so in its tag only.
    if (status == STATUS_OK && strcmp(PQcmdStatus(result), "COMMIT") != 0)
        status = STATUS_ABORTED;
    else if (status != STATUS_OK && strcmp(db->last_name, "COMMIT") != 0)
        db_rollback(db); // something posted failed, and COMMIT was skipped
    return status;
}

enum status db_commit(struct db *db)
{
    assert(db->transaction != DB_OUTSIDE);
    db_error_clear(db);
    if (db->transaction == DB_INSIDE && failpoint_hit("db.commit.fail"))
        db_break(db, "failpoint");
    enum status status = STATUS_OK;
    if (db->transaction == DB_LOST)
        status = STATUS_ABORTED;
    else if (db->begun)
        status = commit(db);
    db->transaction = DB_OUTSIDE;
    db->begun = false;
    db_counts_end(db, status == STATUS_OK);
    db_show(db, false);
    return status;
}

// The server skips a ROLLBACK that travels behind a failure, so what is posted is waited for first.
static void rollback(struct db *db)
{
    struct db_error why = db->error; // the caller wants to know afterwards why it rolls back
    enum status settled = db_settle(db);
    (void)settled; // whatever it was, it is undone now
    if (db->transaction == DB_INSIDE) {
        CLEANUP(PQclear) PGresult *result = command(db, "ROLLBACK");
        if (result && db_judge(db, result, "ROLLBACK") != STATUS_OK)
            db_break(db, "ROLLBACK failed");
    }
    db->error = why;
}

void db_rollback(struct db *db)
{
    if (db->transaction == DB_INSIDE && db->begun)
        rollback(db);
    db->transaction = DB_OUTSIDE;
    db->begun = false;
    db_counts_end(db, false);
    db_show(db, false);
}

bool db_in_transaction(const struct db *db)
{
    return db->transaction != DB_OUTSIDE;
}
