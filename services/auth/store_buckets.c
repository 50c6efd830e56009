#include "store_buckets.h"

#include <assert.h>
#include <string.h>

#include "auth_sql.h"

enum status buckets_lease(struct db *db, struct arena *arena, struct bucket_lease *leases, size_t n,
                          int64_t now_us)
{
    struct db_params *params = db_params(arena);
    struct db_rows *rows;
    if (!params)
        return STATUS_RESOURCE_EXHAUSTED;
    db_texts(params, n, DB_COLUMN(leases, key));
    db_ints(params, n, DB_COLUMN(leases, rate_per_min));
    db_ints(params, n, DB_COLUMN(leases, burst));
    db_ints(params, n, DB_COLUMN(leases, wanted));
    db_ints(params, n, DB_COLUMN(leases, returned));
    db_ints(params, now_us == DB_TIME_NULL ? 0 : 1, &now_us, sizeof now_us);
    enum status status = db_run(db, arena, &sql_buckets_lease, params, &rows);
    if (status != STATUS_OK)
        return status;
    assert(db_count(rows) == n);
    for (size_t i = 0; i < n; i++) {
        assert(strcmp(db_get_text(rows, i, 0), leases[i].key) == 0);
        leases[i].granted = db_get_int(rows, i, 1);
        leases[i].empty_us = db_get_int(rows, i, 2);
    }
    return STATUS_OK;
}

enum status tenants_rates(struct db *db, struct arena *arena, const char *const *tenant_ids,
                          size_t n, int64_t *rates)
{
    struct db_params *params = db_params(arena);
    struct db_rows *rows;
    if (!params)
        return STATUS_RESOURCE_EXHAUSTED;
    db_texts(params, n, tenant_ids, sizeof *tenant_ids);
    enum status status = db_run(db, arena, &sql_tenants_rates, params, &rows);
    if (status != STATUS_OK)
        return status;
    assert(db_count(rows) == n);
    for (size_t i = 0; i < n; i++)
        rates[i] = db_get_int(rows, i, 0);
    return STATUS_OK;
}

enum status buckets_sweep(struct db *db, struct arena *arena, int64_t before_us, size_t limit,
                          size_t *ret_removed)
{
    struct db_params *params = db_params(arena);
    struct db_rows *rows;
    if (!params)
        return STATUS_RESOURCE_EXHAUSTED;
    db_int(params, before_us);
    db_int(params, (int64_t)limit);
    enum status status = db_run(db, arena, &sql_buckets_sweep, params, &rows);
    if (status == STATUS_OK)
        *ret_removed = db_count(rows);
    return status;
}
