#include <string.h>

#include "payments_sql.h"
#include "setup/store_setup.h"

static struct db_params *params_of(struct arena *arena, const char *tenant_id)
{
    struct db_params *params = db_params(arena);
    if (params)
        db_text(params, tenant_id);
    return params;
}

static enum status list(struct db *db, struct arena *arena, const struct db_statement *statement,
                        const char *tenant_id, struct db_rows **ret)
{
    struct db_params *params = params_of(arena, tenant_id);
    return params ? db_run(db, arena, statement, params, ret) : STATUS_RESOURCE_EXHAUSTED;
}

static struct sealed_credential credential_row(const struct db_rows *rows, size_t i,
                                               struct arena *arena, const char *tenant_id)
{
    enum { ID, PROVIDER, LABEL, LIVE, ENABLED, FIELDS, NAMES, CREATED_AT, UPDATED_AT };
    struct sealed_credential row = {
        .credential = {.id = db_get_text(rows, i, ID),
                       .tenant_id = tenant_id,
                       .provider = db_get_text(rows, i, PROVIDER),
                       .live = db_get_bool(rows, i, LIVE),
                       .enabled = db_get_bool(rows, i, ENABLED),
                       .label = db_get_text(rows, i, LABEL),
                       .created_us = db_get_time(rows, i, CREATED_AT),
                       .updated_us = db_get_time(rows, i, UPDATED_AT)},
        .sealed = db_get_bytea(rows, i, FIELDS),
    };
    row.names = db_get_texts(rows, i, NAMES, arena, &row.names_n);
    return row;
}

enum status store_credentials_list(struct db *db, struct arena *arena, const char *tenant_id,
                                   struct sealed_credential **ret, size_t *ret_n)
{
    struct db_rows *rows = NULL;
    enum status status = list(db, arena, &sql_credentials_list, tenant_id, &rows);
    if (status != STATUS_OK)
        return status;
    *ret = ARENA_ARRAY(arena, db_count(rows), struct sealed_credential);
    *ret_n = 0;
    if (!*ret)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < db_count(rows); i++)
        (*ret)[(*ret_n)++] = credential_row(rows, i, arena, tenant_id);
    return STATUS_OK;
}

enum status store_credential_put(struct db *db, struct arena *arena,
                                 const struct sealed_credential *row)
{
    const struct credential *credential = &row->credential;
    struct db_params *params = params_of(arena, credential->tenant_id);
    if (!params)
        return STATUS_RESOURCE_EXHAUSTED;
    db_text(params, credential->id);
    db_text(params, credential->provider);
    db_bool(params, credential->live);
    db_bool(params, credential->enabled);
    db_text(params, credential->label);
    db_bytea(params, row->sealed);
    db_texts(params, row->names_n, row->names, sizeof *row->names);
    db_time(params, credential->created_us);
    db_time(params, credential->updated_us);
    return db_run(db, arena, &sql_credentials_put, params, NULL);
}

enum status store_routes_list(struct db *db, struct arena *arena, const char *tenant_id,
                              struct route **ret, size_t *ret_n)
{
    enum { ID, PLACE, METHOD, CURRENCY, NETWORK, AMOUNT_MIN, AMOUNT_MAX, CREDENTIAL };
    struct db_rows *rows = NULL;
    enum status status = list(db, arena, &sql_routes_list, tenant_id, &rows);
    if (status != STATUS_OK)
        return status;
    *ret = ARENA_ARRAY(arena, db_count(rows), struct route);
    *ret_n = db_count(rows);
    for (size_t i = 0; *ret && i < *ret_n; i++)
        (*ret)[i] = (struct route){
            .id = db_get_text(rows, i, ID),
            .place = db_get_int(rows, i, PLACE),
            .method = db_get_text(rows, i, METHOD),
            .currency = db_get_text(rows, i, CURRENCY),
            .network = db_get_text(rows, i, NETWORK),
            .amount_min = db_get_int(rows, i, AMOUNT_MIN),
            .amount_max = db_get_int(rows, i, AMOUNT_MAX),
            .credential_id = db_get_text(rows, i, CREDENTIAL),
        };
    return *ret ? STATUS_OK : STATUS_RESOURCE_EXHAUSTED;
}

enum status store_routes_replace(struct db *db, struct arena *arena, const char *tenant_id,
                                 const struct route *routes, size_t n)
{
    enum status status = list(db, arena, &sql_routes_clear, tenant_id, NULL);
    if (status != STATUS_OK || n == 0)
        return status;
    struct db_params *params = params_of(arena, tenant_id);
    if (!params)
        return STATUS_RESOURCE_EXHAUSTED;
    db_texts(params, n, DB_COLUMN(routes, id));
    db_ints(params, n, DB_COLUMN(routes, place));
    db_texts(params, n, DB_COLUMN(routes, method));
    db_texts(params, n, DB_COLUMN(routes, currency));
    db_texts(params, n, DB_COLUMN(routes, network));
    db_ints(params, n, DB_COLUMN(routes, amount_min));
    db_ints(params, n, DB_COLUMN(routes, amount_max));
    db_texts(params, n, DB_COLUMN(routes, credential_id));
    return db_run(db, arena, &sql_routes_insert, params, NULL);
}

enum status store_limits_list(struct db *db, struct arena *arena, const char *tenant_id,
                              struct limit **ret, size_t *ret_n)
{
    enum { CURRENCY, MINIMUM, MAXIMUM, DAILY, REVIEW_ABOVE };
    struct db_rows *rows = NULL;
    enum status status = list(db, arena, &sql_limits_list, tenant_id, &rows);
    if (status != STATUS_OK)
        return status;
    *ret = ARENA_ARRAY(arena, db_count(rows), struct limit);
    *ret_n = db_count(rows);
    for (size_t i = 0; *ret && i < *ret_n; i++)
        (*ret)[i] = (struct limit){
            .currency = db_get_text(rows, i, CURRENCY),
            .minimum = db_get_int(rows, i, MINIMUM),
            .maximum = db_get_int(rows, i, MAXIMUM),
            .daily = db_get_int(rows, i, DAILY),
            .review_above = db_get_int(rows, i, REVIEW_ABOVE),
        };
    return *ret ? STATUS_OK : STATUS_RESOURCE_EXHAUSTED;
}

enum status store_limit_put(struct db *db, struct arena *arena, const char *tenant_id,
                            const struct limit *limit)
{
    bool none = !limit->minimum && !limit->maximum && !limit->daily && !limit->review_above;
    struct db_params *params = params_of(arena, tenant_id);
    if (!params)
        return STATUS_RESOURCE_EXHAUSTED;
    db_text(params, limit->currency);
    if (none)
        return db_run(db, arena, &sql_limits_remove, params, NULL);
    db_int(params, limit->minimum);
    db_int(params, limit->maximum);
    db_int(params, limit->daily);
    db_int(params, limit->review_above);
    return db_run(db, arena, &sql_limits_put, params, NULL);
}
