#include "creation/store_creation.h"

#include "payments_sql.h"

enum status store_creation_get(struct db *db, struct arena *arena, struct payment_creation *ret)
{
    struct db_params *params = db_params(arena);
    struct db_rows *rows = NULL;
    if (!params)
        return STATUS_RESOURCE_EXHAUSTED;
    enum status status = db_run(db, arena, &sql_creation_get, params, &rows);
    if (status != STATUS_OK)
        return status;
    *ret = (struct payment_creation){.reason = "", .changed_by = "", .changed_us = DB_TIME_NULL};
    if (db_count(rows) == 1)
        *ret = (struct payment_creation){
            .stopped = db_get_bool(rows, 0, 0),
            .reason = db_get_text(rows, 0, 1),
            .changed_by = db_get_text(rows, 0, 2),
            .changed_us = db_get_time(rows, 0, 3),
        };
    return STATUS_OK;
}

enum status store_creation_put(struct db *db, struct arena *arena,
                               const struct payment_creation *creation)
{
    struct db_params *params = db_params(arena);
    if (!params)
        return STATUS_RESOURCE_EXHAUSTED;
    db_bool(params, creation->stopped);
    db_text(params, creation->reason);
    db_text(params, creation->changed_by);
    db_time(params, creation->changed_us);
    return db_run(db, arena, &sql_creation_put, params, NULL);
}
