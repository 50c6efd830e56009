#include "store.h"

#include "measure.h"
#include "webhooks_sql.h"

enum column { ID, URL, EVENTS, DESCRIPTION, ENABLED, DISABLED_REASON, CREATED_AT, EXTRA };

static struct endpoint endpoint_read(const struct db_rows *rows, size_t row, struct arena *arena,
                                     const char *tenant_id)
{
    struct endpoint endpoint = {
        .tenant_id = tenant_id,
        .id = db_get_text(rows, row, ID),
        .url = db_get_text(rows, row, URL),
        .description = db_get_text(rows, row, DESCRIPTION),
        .enabled = db_get_bool(rows, row, ENABLED),
        .disabled_reason = db_get_text(rows, row, DISABLED_REASON),
        .created_us = db_get_time(rows, row, CREATED_AT),
    };
    endpoint.events = db_get_texts(rows, row, EVENTS, arena, &endpoint.events_n);
    return endpoint;
}

static struct db_params *key_params(struct arena *arena, const char *tenant_id, const char *id)
{
    struct db_params *params = db_params(arena);
    db_text(params, tenant_id);
    db_text(params, id);
    return params;
}

enum status store_endpoint_count(struct db *db, struct arena *arena, const char *tenant_id,
                                 int64_t *ret)
{
    struct db_params *params = db_params(arena);
    db_text(params, tenant_id);
    enum status status = db_run(db, arena, &sql_lock_tenant, params, NULL);
    if (status != STATUS_OK)
        return status;
    struct db_rows *rows = NULL;
    params = db_params(arena);
    db_text(params, tenant_id);
    status = db_run(db, arena, &sql_count_endpoints, params, &rows);
    if (status == STATUS_OK)
        *ret = db_get_int(rows, 0, 0);
    return status;
}

enum status store_endpoint_insert(struct db *db, struct arena *arena,
                                  const struct endpoint *endpoint)
{
    struct db_params *params = key_params(arena, endpoint->tenant_id, endpoint->id);
    db_text(params, endpoint->url);
    db_texts(params, endpoint->events_n, endpoint->events, sizeof *endpoint->events);
    db_text(params, endpoint->description);
    db_bytea(params, endpoint->secret_sealed);
    db_time(params, endpoint->created_us);
    struct db_rows *rows = NULL;
    enum status status = db_run(db, arena, &sql_insert_endpoint, params, &rows);
    if (status == STATUS_OK && db_count(rows) == 0)
        return STATUS_ALREADY_EXISTS;
    return status;
}

static enum status one_endpoint(struct db *db, struct arena *arena,
                                const struct db_statement *statement, struct db_params *params,
                                const char *tenant_id, struct endpoint *ret)
{
    struct db_rows *rows = NULL;
    enum status status = db_run(db, arena, statement, params, &rows);
    if (status != STATUS_OK)
        return status;
    if (db_count(rows) == 0)
        return STATUS_NOT_FOUND;
    *ret = endpoint_read(rows, 0, arena, tenant_id);
    if (statement == &sql_lock_endpoint)
        ret->secret_sealed = db_get_bytea(rows, 0, EXTRA);
    else if (statement != &sql_get_endpoint)
        ret->sequence = db_get_int(rows, 0, EXTRA);
    return STATUS_OK;
}

enum status store_endpoint_get(struct db *db, struct arena *arena, const char *tenant_id,
                               const char *id, struct endpoint *ret)
{
    return one_endpoint(db, arena, &sql_get_endpoint, key_params(arena, tenant_id, id), tenant_id,
                        ret);
}

enum status store_endpoint_lock(struct db *db, struct arena *arena, const char *tenant_id,
                                const char *id, struct endpoint *ret)
{
    return one_endpoint(db, arena, &sql_lock_endpoint, key_params(arena, tenant_id, id), tenant_id,
                        ret);
}

enum status store_endpoint_raise_sequence(struct db *db, struct arena *arena, const char *tenant_id,
                                          const char *id, struct endpoint *ret)
{
    return one_endpoint(db, arena, &sql_next_endpoint_sequence, key_params(arena, tenant_id, id),
                        tenant_id, ret);
}

enum status store_endpoint_disable(struct db *db, struct arena *arena, const char *tenant_id,
                                   const char *id, const char *reason, struct endpoint *ret)
{
    struct db_params *params = key_params(arena, tenant_id, id);
    db_text(params, reason);
    return one_endpoint(db, arena, &sql_disable_endpoint, params, tenant_id, ret);
}

enum status store_endpoint_list(struct db *db, struct arena *arena, const char *tenant_id,
                                const struct page *page, struct endpoint **ret, size_t *ret_n)
{
    struct db_params *params = db_params(arena);
    db_text(params, tenant_id);
    db_text(params, page->from);
    db_bool(params, page->newer);
    db_int(params, (int64_t)page->limit + 1);
    struct db_rows *rows = NULL;
    enum status status = db_run(db, arena, &sql_list_endpoints, params, &rows);
    if (status != STATUS_OK)
        return status;
    size_t n = db_count(rows);
    struct endpoint *items = ARENA_ARRAY(arena, n, struct endpoint);
    if (!items)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < n; i++)
        items[i] = endpoint_read(rows, i, arena, tenant_id);
    *ret = items;
    *ret_n = n;
    return STATUS_OK;
}

static enum status one_row(struct db *db, struct arena *arena, const struct db_statement *statement,
                           struct db_params *params)
{
    struct db_rows *rows = NULL;
    enum status status = db_run(db, arena, statement, params, &rows);
    if (status == STATUS_OK && db_count(rows) == 0)
        return STATUS_NOT_FOUND;
    return status;
}

enum status store_endpoint_update(struct db *db, struct arena *arena,
                                  const struct endpoint *endpoint)
{
    struct db_params *params = key_params(arena, endpoint->tenant_id, endpoint->id);
    db_text(params, endpoint->url);
    db_texts(params, endpoint->events_n, endpoint->events, sizeof *endpoint->events);
    db_text(params, endpoint->description);
    db_bool(params, endpoint->enabled);
    db_text(params, endpoint->disabled_reason);
    return one_row(db, arena, &sql_update_endpoint, params);
}

enum status store_endpoint_delete(struct db *db, struct arena *arena, const char *tenant_id,
                                  const char *id)
{
    return one_row(db, arena, &sql_delete_endpoint, key_params(arena, tenant_id, id));
}

enum status store_endpoint_rotate(struct db *db, struct arena *arena,
                                  const struct endpoint *endpoint, struct bytes sealed,
                                  int64_t old_until_us)
{
    struct db_params *params = key_params(arena, endpoint->tenant_id, endpoint->id);
    db_bytea(params, sealed);
    db_time(params, old_until_us);
    return one_row(db, arena, &sql_rotate_secret, params);
}

enum status store_fail_pending(struct db *db, struct arena *arena, const char *tenant_id,
                               const char *endpoint_id, const char *reason)
{
    struct db_params *params = key_params(arena, tenant_id, endpoint_id);
    db_text(params, reason);
    struct db_rows *rows = NULL;
    enum status status = db_run(db, arena, &sql_fail_pending, params, &rows);
    if (status == STATUS_OK)
        tally_deliveries(db, "failed", (int64_t)db_count(rows));
    return status;
}

enum status store_endpoints_for(struct db *db, struct arena *arena, const char *const *tenants,
                                size_t tenants_n, struct endpoint **ret, size_t *ret_n)
{
    struct db_params *params = db_params(arena);
    db_texts(params, tenants_n, tenants, sizeof *tenants);
    struct db_rows *rows = NULL;
    enum status status = db_run(db, arena, &sql_match_endpoints, params, &rows);
    if (status != STATUS_OK)
        return status;
    size_t n = db_count(rows);
    struct endpoint *items = ARENA_ARRAY(arena, n, struct endpoint);
    if (!items)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < n; i++) {
        items[i].tenant_id = db_get_text(rows, i, 0);
        items[i].id = db_get_text(rows, i, 1);
        items[i].url = db_get_text(rows, i, 2);
        items[i].events = db_get_texts(rows, i, 3, arena, &items[i].events_n);
    }
    *ret = items;
    *ret_n = n;
    return STATUS_OK;
}
