#include "setup/store_setup.h"

#include <string.h>

#include "payments_sql.h"

enum kind { KIND_CREDENTIAL = 1, KIND_ROUTE, KIND_LIMIT, KIND_MODE };
enum column {
    KIND,
    ID,
    TEXT_A,
    TEXT_B,
    TEXT_C,
    TEXT_D,
    LIVE,
    ENABLED,
    FIELDS,
    CREATED_AT,
    UPDATED_AT,
    PLACE,
    NUMBER_1,
    NUMBER_2,
    NUMBER_3,
    NUMBER_4
};

const char *credential_context(struct arena *arena, const char *tenant_id, const char *id)
{
    return arena_printf(arena, "credential:%s/%s", tenant_id, id);
}

enum status credential_open(const struct keyring *ring, struct arena *arena,
                            const struct sealed_credential *row, const struct json_value **ret)
{
    const struct credential *credential = &row->credential;
    const char *context = credential_context(arena, credential->tenant_id, credential->id);
    struct bytes plain = {0};
    if (!context)
        return STATUS_RESOURCE_EXHAUSTED;
    enum status status = keyring_open(ring, arena, row->sealed, context, &plain);
    if (status != STATUS_OK)
        return status;
    status = json_parse(arena, plain, ret);
    crypto_wipe((void *)(uintptr_t)plain.at, plain.length);
    return status == STATUS_INVALID_ARGUMENT ? STATUS_DATA_LOSS : status;
}

static struct sealed_credential credential_row(const struct db_rows *rows, size_t i,
                                               const char *tenant_id)
{
    return (struct sealed_credential){
        .credential = {.id = db_get_text(rows, i, ID),
                       .tenant_id = tenant_id,
                       .provider = db_get_text(rows, i, TEXT_A),
                       .live = db_get_bool(rows, i, LIVE),
                       .enabled = db_get_bool(rows, i, ENABLED),
                       .label = db_get_text(rows, i, TEXT_B),
                       .created_us = db_get_time(rows, i, CREATED_AT),
                       .updated_us = db_get_time(rows, i, UPDATED_AT)},
        .sealed = db_get_bytea(rows, i, FIELDS),
    };
}

static struct route route_row(const struct db_rows *rows, size_t i)
{
    return (struct route){
        .id = db_get_text(rows, i, ID),
        .place = db_get_int(rows, i, PLACE),
        .method = db_get_text(rows, i, TEXT_A),
        .currency = db_get_text(rows, i, TEXT_B),
        .network = db_get_text(rows, i, TEXT_C),
        .amount_min = db_get_int(rows, i, NUMBER_1),
        .amount_max = db_get_int(rows, i, NUMBER_2),
        .credential_id = db_get_text(rows, i, TEXT_D),
    };
}

static struct limit limit_row(const struct db_rows *rows, size_t i)
{
    return (struct limit){
        .currency = db_get_text(rows, i, ID),
        .minimum = db_get_int(rows, i, NUMBER_1),
        .maximum = db_get_int(rows, i, NUMBER_2),
        .daily = db_get_int(rows, i, NUMBER_3),
        .review_above = db_get_int(rows, i, NUMBER_4),
    };
}

static size_t count_kind(const struct db_rows *rows, enum kind kind)
{
    size_t n = 0;
    for (size_t i = 0; i < db_count(rows); i++)
        n += db_get_int(rows, i, KIND) == (int64_t)kind;
    return n;
}

static enum status rows_sort(struct arena *arena, const struct db_rows *rows, const char *tenant_id,
                             struct setup_rows *ret)
{
    struct sealed_credential *credentials =
        ARENA_ARRAY(arena, count_kind(rows, KIND_CREDENTIAL), struct sealed_credential);
    struct route *routes = ARENA_ARRAY(arena, count_kind(rows, KIND_ROUTE), struct route);
    struct limit *limits = ARENA_ARRAY(arena, count_kind(rows, KIND_LIMIT), struct limit);
    if (!credentials || !routes || !limits)
        return STATUS_RESOURCE_EXHAUSTED;
    *ret = (struct setup_rows){.credentials = credentials, .routes = routes, .limits = limits};
    for (size_t i = 0; i < db_count(rows); i++) {
        switch ((enum kind)db_get_int(rows, i, KIND)) {
        case KIND_CREDENTIAL:
            credentials[ret->credentials_n++] = credential_row(rows, i, tenant_id);
            break;
        case KIND_ROUTE:
            routes[ret->routes_n++] = route_row(rows, i);
            break;
        case KIND_LIMIT:
            limits[ret->limits_n++] = limit_row(rows, i);
            break;
        case KIND_MODE:
            ret->mode_settled = true;
            ret->test_mode = !db_get_bool(rows, i, LIVE);
            break;
        }
    }
    return STATUS_OK;
}

static enum status run_by(struct db *db, struct arena *arena, const struct db_statement *statement,
                          const char *key, struct db_rows **ret)
{
    struct db_params *params = db_params(arena);
    if (!params)
        return STATUS_RESOURCE_EXHAUSTED;
    db_text(params, key);
    return db_run(db, arena, statement, params, ret);
}

enum status store_setup_read(struct db *db, struct arena *arena, const char *tenant_id,
                             struct setup_rows *ret)
{
    struct db_rows *rows = NULL;
    enum status status = run_by(db, arena, &sql_setup_read, tenant_id, &rows);
    return status == STATUS_OK ? rows_sort(arena, rows, tenant_id, ret) : status;
}

enum status store_setup_lock(struct db *db, struct arena *arena, const char *tenant_id)
{
    return run_by(db, arena, &sql_setup_lock, tenant_id, NULL);
}

enum status store_credential_owner(struct db *db, struct arena *arena, const char *id,
                                   const char **ret_tenant_id)
{
    struct db_rows *rows = NULL;
    enum status status = run_by(db, arena, &sql_credentials_owner, id, &rows);
    if (status != STATUS_OK)
        return status;
    if (db_count(rows) == 0)
        return STATUS_NOT_FOUND;
    *ret_tenant_id = db_get_text(rows, 0, 0);
    return STATUS_OK;
}
