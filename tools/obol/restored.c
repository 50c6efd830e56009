#include "restored.h"

#include <string.h>

#include "journal/journal.h"
#include "payments_sql.h"
#include "refunds_sql.h"

const char *const restored_wrong_names[4] = {
    "payments whose refunds don't add up",
    "payments whose state and captured amount disagree",
    "operations that nothing would look at",
    "outbox rows without their event",
};

// Tenants and ids, as two columns.
struct name {
    const char *tenant_id, *id;
};

static enum status names_of(struct db *db, struct arena *arena, struct name **ret, size_t *ret_n)
{
    struct db_rows *rows = NULL;
    enum status status = db_run(db, arena, &sql_restored_reserving, NULL, &rows);
    *ret_n = status == STATUS_OK ? db_count(rows) : 0;
    *ret = ARENA_ARRAY(arena, *ret_n, struct name);
    if (!*ret)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < *ret_n; i++)
        (*ret)[i] = (struct name){db_get_text(rows, i, 0), db_get_text(rows, i, 1)};
    return status;
}

static bool among(const struct db_rows *rows, const char *id)
{
    for (size_t i = 0; i < db_count(rows); i++)
        if (strcmp(db_get_text(rows, i, 0), id) == 0)
            return true;
    return false;
}

static struct db_params *columns(struct arena *arena, const struct name *names, size_t n)
{
    struct db_params *params = db_params(arena);
    db_texts(params, n, DB_COLUMN(names, tenant_id));
    db_texts(params, n, DB_COLUMN(names, id));
    return params;
}

// A refund that was reserving when the backup was made may have been reserved and paid since, under
// a reference that nobody knows any more: driven on, it would be paid again. Its merchant has had
// no answer from this database.
static enum status forget(struct db *const *dbs, struct arena *arena, struct restored *ret)
{
    struct name *names;
    struct db_rows *known = NULL;
    size_t n, kept = 0;
    enum status status = names_of(dbs[PEER_REFUNDS], arena, &names, &n);
    if (status != STATUS_OK || n == 0)
        return status;
    status =
        db_run(dbs[PEER_PAYMENTS], arena, &sql_restored_reserved, columns(arena, names, n), &known);
    const char **ids = ARENA_ARRAY(arena, n, const char *);
    if (status != STATUS_OK || !ids)
        return status != STATUS_OK ? status : STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < n; i++)
        if (!among(known, names[i].id)) {
            ids[kept] = names[i].id;
            names[kept++] = names[i];
        }
    ret->forgot = ids;
    ret->forgot_n = kept;
    return kept ? db_run(dbs[PEER_REFUNDS], arena, &sql_restored_forget,
                         columns(arena, names, kept), NULL)
                : STATUS_OK;
}

static enum status doubt(struct db *db, struct arena *arena, struct restored *ret)
{
    struct db_rows *rows = NULL;
    enum status status = db_run(db, arena, &sql_restored_doubt, NULL, &rows);
    if (status != STATUS_OK)
        return status;
    ret->doubtful = (int64_t)db_count(rows);
    status = db_run(db, arena, &sql_restored_wrong, NULL, &rows);
    for (int i = 0; i < 4 && status == STATUS_OK; i++)
        ret->wrong[i] = db_get_int(rows, 0, i);
    return status;
}

enum status restored_settle(struct db *const *dbs, struct arena *arena, struct restored *ret)
{
    enum status status = STATUS_OK;
    *ret = (struct restored){.doubtful = 0};
    for (int i = 0; i < PEERS && status == STATUS_OK; i++) {
        status = db_begin(dbs[i]);
        if (status == STATUS_OK)
            status = journal_restored(dbs[i], arena);
        if (status == STATUS_OK)
            status = db_commit(dbs[i]);
        else
            db_rollback(dbs[i]);
    }
    if (status == STATUS_OK)
        status = doubt(dbs[PEER_PAYMENTS], arena, ret);
    return status == STATUS_OK ? forget(dbs, arena, ret) : status;
}
