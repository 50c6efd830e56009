#include "creation/store_payers.h"

#include <assert.h>
#include <string.h>

#include "payments_sql.h"

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

enum status store_payers_attempt(struct db *db, struct arena *arena, struct payer_ask *asks,
                                 size_t n, int64_t per_minute)
{
    struct db_params *params = db_params(arena);
    struct db_rows *rows = NULL;
    if (!params)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < n && per_minute > 0; i++)
        asks[i].granted = least(asks[i].wanted, per_minute);
    db_texts(params, n, DB_COLUMN(asks, tenant_id));
    db_byteas(params, n, DB_COLUMN(asks, payer));
    if (per_minute > 0) {
        db_ints(params, n, DB_COLUMN(asks, granted));
        db_int(params, per_minute);
    } else {
        db_ints(params, n, DB_COLUMN(asks, wanted));
    }
    enum status status = db_run(
        db, arena, per_minute > 0 ? &sql_payers_attempt : &sql_payers_blocked, params, &rows);
    if (status != STATUS_OK)
        return status;
    assert(db_count(rows) == n);
    for (size_t i = 0; i < n; i++) {
        struct bytes payer = db_get_bytea(rows, i, 1);
        assert(payer.length == asks[i].payer.length &&
               memcmp(payer.at, asks[i].payer.at, payer.length) == 0);
        asks[i].granted = db_get_int(rows, i, 2);
        asks[i].blocked = db_get_bool(rows, i, 3);
        asks[i].wait_s = db_get_int(rows, i, 4);
    }
    return STATUS_OK;
}

enum status store_payers_fail(struct db *db, struct arena *arena, const struct key *payments,
                              size_t n, const struct payer_block *block)
{
    struct db_params *params = db_params(arena);
    if (!params)
        return STATUS_RESOURCE_EXHAUSTED;
    db_texts(params, n, DB_COLUMN(payments, tenant_id));
    db_texts(params, n, DB_COLUMN(payments, id));
    db_int(params, block->failures);
    db_int(params, block->block_s);
    return db_post(db, arena, &sql_payers_fail, params);
}

enum status store_payers_unblock(struct db *db, struct arena *arena, const struct key *payment,
                                 bool *ret_known, bool *ret_was_blocked)
{
    struct db_params *params = db_params(arena);
    struct db_rows *rows = NULL;
    if (!params)
        return STATUS_RESOURCE_EXHAUSTED;
    db_text(params, payment->tenant_id);
    db_text(params, payment->id);
    enum status status = db_run(db, arena, &sql_payers_unblock, params, &rows);
    if (status != STATUS_OK)
        return status;
    if (db_count(rows) == 0)
        return STATUS_NOT_FOUND;
    *ret_known = db_get_bool(rows, 0, 0);
    *ret_was_blocked = db_get_bool(rows, 0, 1);
    return STATUS_OK;
}

enum status store_payers_sweep(struct db *db, struct arena *arena, int64_t now_us, size_t limit,
                               size_t *ret_removed)
{
    const struct sweep sweep = {&sql_payers_sweep, now_us, limit};
    return store_sweep(db, arena, &sweep, ret_removed);
}
