#include "store.h"

#include <assert.h>
#include <string.h>

#include "auth_sql.h"

enum status tenant_insert(struct db *db, struct arena *arena, const struct tenant *tenant,
                          bool *ret_made)
{
    struct db_params *params = db_params(arena);
    db_text(params, tenant->id);
    db_text(params, tenant->name);
    db_time(params, tenant->created_us);
    db_int(params, tenant->rate_per_min);
    struct db_rows *rows;
    enum status status = db_run(db, arena, &sql_tenant_insert, params, &rows);
    if (status == STATUS_OK)
        *ret_made = db_count(rows) == 1;
    return status;
}

static struct tenant tenant_of_row(const struct db_rows *rows, size_t row)
{
    return (struct tenant){
        .id = db_get_text(rows, row, 0),
        .name = db_get_text(rows, row, 1),
        .created_us = db_get_time(rows, row, 2),
        .rate_per_min = db_get_int(rows, row, 3),
    };
}

enum status tenant_get(struct db *db, struct arena *arena, const char *id, struct tenant *ret)
{
    struct db_params *params = db_params(arena);
    db_text(params, id);
    struct db_rows *rows;
    enum status status = db_run(db, arena, &sql_tenant_get, params, &rows);
    if (status != STATUS_OK)
        return status;
    if (db_count(rows) == 0)
        return STATUS_NOT_FOUND;
    *ret = tenant_of_row(rows, 0);
    return STATUS_OK;
}

enum status tenant_set_rate(struct db *db, struct arena *arena, const char *id,
                            int64_t rate_per_min, struct tenant *ret)
{
    struct db_params *params = db_params(arena);
    db_text(params, id);
    db_int(params, rate_per_min);
    struct db_rows *rows;
    enum status status = db_run(db, arena, &sql_tenant_set_rate, params, &rows);
    if (status != STATUS_OK)
        return status;
    if (db_count(rows) == 0)
        return STATUS_NOT_FOUND;
    *ret = tenant_of_row(rows, 0);
    return STATUS_OK;
}

enum status tenant_list(struct db *db, struct arena *arena, const struct page *page,
                        struct tenant **ret, size_t *ret_n, bool *ret_more)
{
    struct db_params *params = db_params(arena);
    db_text(params, page->from);
    db_int(params, (int64_t)page->limit + 1);
    struct db_rows *rows;
    const struct db_statement *statement =
        page->newer ? &sql_tenant_list_newer : &sql_tenant_list_older;
    enum status status = db_run(db, arena, statement, params, &rows);
    if (status != STATUS_OK)
        return status;
    size_t n = page_shown(page, db_count(rows));
    struct tenant *items = ARENA_ARRAY(arena, n, struct tenant);
    if (!items)
        return STATUS_INTERNAL;
    for (size_t i = 0; i < n; i++)
        items[i] = tenant_of_row(rows, page_row(page, db_count(rows), i));
    *ret = items;
    *ret_n = n;
    *ret_more = page_has_more(page, db_count(rows));
    return STATUS_OK;
}

enum status key_insert(struct db *db, struct arena *arena, const struct api_key *key)
{
    struct db_params *params = db_params(arena);
    db_text(params, key->id);
    db_text(params, key->tenant_id);
    db_text(params, key->name);
    db_bytea(params, BYTES_OF_ARRAY(key->digest.at));
    db_time(params, key->created_us);
    struct db_rows *rows;
    enum status status = db_run(db, arena, &sql_key_insert, params, &rows);
    if (status != STATUS_OK || db_count(rows) == 1)
        return status;
    struct tenant tenant;
    status = tenant_get(db, arena, key->tenant_id, &tenant);
    return status == STATUS_OK ? STATUS_ALREADY_EXISTS : status;
}

static struct api_key key_of_row(const struct db_rows *rows, size_t row)
{
    return (struct api_key){
        .id = db_get_text(rows, row, 0),
        .tenant_id = db_get_text(rows, row, 1),
        .name = db_get_text(rows, row, 2),
        .created_us = db_get_time(rows, row, 3),
        .revoked_us = db_get_time(rows, row, 4),
    };
}

enum status key_list(struct db *db, struct arena *arena, const char *tenant_id,
                     const struct page *page, struct api_key **ret, size_t *ret_n, bool *ret_more)
{
    struct db_params *params = db_params(arena);
    db_text(params, tenant_id);
    db_text(params, page->from);
    db_int(params, (int64_t)page->limit + 1);
    struct db_rows *rows;
    const struct db_statement *statement = page->newer ? &sql_key_list_newer : &sql_key_list_older;
    enum status status = db_run(db, arena, statement, params, &rows);
    if (status != STATUS_OK)
        return status;
    size_t n = page_shown(page, db_count(rows));
    struct api_key *items = ARENA_ARRAY(arena, n, struct api_key);
    if (!items)
        return STATUS_INTERNAL;
    for (size_t i = 0; i < n; i++)
        items[i] = key_of_row(rows, page_row(page, db_count(rows), i));
    *ret = items;
    *ret_n = n;
    *ret_more = page_has_more(page, db_count(rows));
    return STATUS_OK;
}

enum status key_revoke(struct db *db, struct arena *arena, const char *id, int64_t now_us,
                       struct api_key *ret, bool *ret_changed)
{
    struct db_params *params = db_params(arena);
    db_text(params, id);
    db_time(params, now_us);
    struct db_rows *rows;
    enum status status = db_run(db, arena, &sql_key_revoke, params, &rows);
    if (status != STATUS_OK)
        return status;
    *ret_changed = db_count(rows) == 1;
    if (!*ret_changed) {
        params = db_params(arena);
        db_text(params, id);
        status = db_run(db, arena, &sql_key_get, params, &rows);
        if (status != STATUS_OK)
            return status;
    }
    if (db_count(rows) == 0)
        return STATUS_NOT_FOUND;
    *ret = key_of_row(rows, 0);
    return STATUS_OK;
}

enum status key_find(struct db *db, struct arena *arena, struct key_check *checks, size_t n)
{
    struct db_params *params = db_params(arena);
    db_texts(params, n, DB_COLUMN(checks, id));
    struct db_rows *rows;
    enum status status = db_run(db, arena, &sql_key_verify, params, &rows);
    if (status != STATUS_OK)
        return status;
    assert(db_count(rows) == n);
    for (size_t i = 0; i < n; i++) {
        checks[i].digest = db_get_bytea(rows, i, 0);
        checks[i].tenant_id = db_get_text(rows, i, 1);
        checks[i].rate_per_min = db_get_int(rows, i, 2);
    }
    return STATUS_OK;
}
