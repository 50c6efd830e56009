#include "sessions/store_sessions.h"

#include "payments_sql.h"

static struct db_params *params_of(struct arena *arena, struct session_name name)
{
    struct db_params *params = db_params(arena);
    if (!params)
        return NULL;
    db_text(params, name.credential_id);
    db_text(params, name.name);
    return params;
}

enum status store_session_get(struct db *db, struct arena *arena, struct session_name name,
                              struct session_row *ret)
{
    struct db_params *params = params_of(arena, name);
    struct db_rows *rows = NULL;
    if (!params)
        return STATUS_RESOURCE_EXHAUSTED;
    enum status status = db_run(db, arena, &sql_sessions_get, params, &rows);
    if (status != STATUS_OK)
        return status;
    if (db_count(rows) == 0)
        return STATUS_NOT_FOUND;
    *ret = (struct session_row){
        .sealed = db_get_bytea(rows, 0, 0),
        .granted_us = db_get_time(rows, 0, 1),
        .expires_us = db_get_time(rows, 0, 2),
    };
    return STATUS_OK;
}

enum status store_session_lease(struct db *db, struct arena *arena,
                                const struct session_lease *lease, bool *ret_leased)
{
    struct db_params *params = params_of(arena, lease->name);
    struct db_rows *rows = NULL;
    if (!params)
        return STATUS_RESOURCE_EXHAUSTED;
    db_time(params, lease->seen_us);
    db_time(params, lease->now_us);
    db_time(params, lease->until_us);
    enum status status = db_run(db, arena, &sql_sessions_lease, params, &rows);
    if (status == STATUS_OK)
        *ret_leased = db_count(rows) == 1;
    return status;
}

enum status store_session_put(struct db *db, struct arena *arena, struct session_name name,
                              const struct session_row *row)
{
    struct db_params *params = params_of(arena, name);
    if (!params)
        return STATUS_RESOURCE_EXHAUSTED;
    db_bytea(params, row->sealed);
    db_time(params, row->granted_us);
    db_time(params, row->expires_us);
    return db_run(db, arena, &sql_sessions_put, params, NULL);
}

enum status store_session_release(struct db *db, struct arena *arena,
                                  const struct session_lease *lease)
{
    struct db_params *params = params_of(arena, lease->name);
    if (!params)
        return STATUS_RESOURCE_EXHAUSTED;
    db_time(params, lease->until_us);
    return db_run(db, arena, &sql_sessions_release, params, NULL);
}
