#include <string.h>

#include "payments_sql.h"
#include "store.h"

static void order_decode(const struct db_rows *rows, size_t row, struct order *ret)
{
    *ret = (struct order){
        .tenant_id = db_get_text(rows, row, 0),
        .id = db_get_text(rows, row, 1),
        .amount = db_get_int(rows, row, 2),
        .currency = db_get_text(rows, row, 3),
        .receipt = db_get_text(rows, row, 4),
        .notes = db_get_text(rows, row, 5),
        .status = db_get_text(rows, row, 6),
        .reusable = db_get_bool(rows, row, 7),
        .active_payment_id = db_get_text(rows, row, 8),
        .created_us = db_get_time(rows, row, 9),
    };
}

#define COLUMN_PLACE 10

enum status store_orders_get(struct db *db, struct arena *arena, const struct key *keys, size_t n,
                             const struct order **ret)
{
    struct db_params *params = db_params(arena);
    struct order *orders = ARENA_ARRAY(arena, n, struct order);
    struct db_rows *rows = NULL;
    if (!params || !orders)
        return STATUS_RESOURCE_EXHAUSTED;
    db_texts(params, n, DB_COLUMN(keys, tenant_id));
    db_texts(params, n, DB_COLUMN(keys, id));
    memset(ret, 0, n * sizeof *ret);
    enum status status = db_run(db, arena, &sql_orders_get, params, &rows);
    for (size_t i = 0; status == STATUS_OK && i < db_count(rows); i++) {
        size_t place = (size_t)db_get_int(rows, i, COLUMN_PLACE) - 1;
        order_decode(rows, i, &orders[place]);
        ret[place] = &orders[place];
    }
    return status;
}

static size_t find_key(const struct key *keys, size_t n, const char *tenant_id, const char *id)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(keys[i].id, id) == 0 && strcmp(keys[i].tenant_id, tenant_id) == 0)
            return i;
    return n;
}

enum status store_orders_take(struct db *db, struct arena *arena, const struct key *keys,
                              const char *const *payment_ids, size_t n, bool *taken)
{
    struct db_params *params = db_params(arena);
    struct db_rows *rows = NULL;
    if (!params)
        return STATUS_RESOURCE_EXHAUSTED;
    db_texts(params, n, DB_COLUMN(keys, tenant_id));
    db_texts(params, n, DB_COLUMN(keys, id));
    db_texts(params, n, payment_ids, sizeof *payment_ids);
    memset(taken, 0, n * sizeof *taken);
    enum status status = db_run(db, arena, &sql_orders_take, params, &rows);
    for (size_t i = 0; status == STATUS_OK && i < db_count(rows); i++) {
        size_t at = find_key(keys, n, db_get_text(rows, i, 0), db_get_text(rows, i, 1));
        if (at < n)
            taken[at] = true;
    }
    return status;
}

enum status store_orders_follow(struct db *db, struct arena *arena,
                                const struct order_following *items, size_t n)
{
    struct db_params *params = db_params(arena);
    if (!params)
        return STATUS_RESOURCE_EXHAUSTED;
    db_texts(params, n, DB_COLUMN(items, order.tenant_id));
    db_texts(params, n, DB_COLUMN(items, order.id));
    db_texts(params, n, DB_COLUMN(items, payment_id));
    db_bools(params, n, DB_COLUMN(items, paid));
    return db_post(db, arena, &sql_orders_follow, params);
}

enum status store_orders_insert(struct db *db, struct arena *arena, const struct order *order,
                                bool *ret_made)
{
    struct db_params *params = db_params(arena);
    struct db_rows *rows = NULL;
    if (!params)
        return STATUS_RESOURCE_EXHAUSTED;
    db_text(params, order->tenant_id);
    db_text(params, order->id);
    db_int(params, order->amount);
    db_text(params, order->currency);
    db_text(params, order->receipt);
    db_text(params, order->notes);
    db_bool(params, order->reusable);
    db_time(params, order->created_us);
    enum status status = db_run(db, arena, &sql_orders_insert, params, &rows);
    if (status == STATUS_OK)
        *ret_made = db_count(rows) == 1;
    return status;
}

enum status store_orders_list(struct db *db, struct arena *arena, const char *tenant_id,
                              const struct page *page, const char *status_filter,
                              struct order **ret, size_t *ret_n)
{
    struct db_params *p = db_params(arena);
    struct db_rows *rows = NULL;
    if (!p)
        return STATUS_RESOURCE_EXHAUSTED;
    db_text(p, tenant_id);
    db_text(p, page->cursor);
    db_text(p, status_filter);
    db_time(p, page->created_gte_us);
    db_time(p, page->created_lt_us);
    db_int(p, (int64_t)page->limit + 1);
    enum status status =
        db_run(db, arena, page->newer ? &sql_orders_list_back : &sql_orders_list, p, &rows);
    if (status != STATUS_OK)
        return status;
    struct order *orders = ARENA_ARRAY(arena, db_count(rows), struct order);
    if (!orders)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < db_count(rows); i++)
        order_decode(rows, i, &orders[i]);
    *ret = orders;
    *ret_n = db_count(rows);
    return STATUS_OK;
}
