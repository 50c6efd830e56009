#include "payments_sql.h"
#include "setup/store_setup.h"

enum status store_tenant_modes_list(struct db *db, struct arena *arena,
                                    const char *const *tenant_ids, size_t n,
                                    struct tenant_mode *ret)
{
    enum { ID, TEST_MODE, SETTLED, UPDATED_AT, LIVE_N, TEST_N };
    struct db_params *params = db_params(arena);
    struct db_rows *rows = NULL;
    if (!params)
        return STATUS_RESOURCE_EXHAUSTED;
    db_texts(params, n, tenant_ids, sizeof *tenant_ids);
    enum status status = db_run(db, arena, &sql_tenant_modes_list, params, &rows);
    for (size_t i = 0; status == STATUS_OK && i < n; i++)
        ret[i] = (struct tenant_mode){
            .tenant_id = db_get_text(rows, i, ID),
            .test_mode = db_get_bool(rows, i, TEST_MODE),
            .settled = db_get_bool(rows, i, SETTLED),
            .updated_us = db_get_time(rows, i, UPDATED_AT),
            .live_n = db_get_int(rows, i, LIVE_N),
            .test_n = db_get_int(rows, i, TEST_N),
        };
    return status;
}

enum status store_tenant_mode_put(struct db *db, struct arena *arena,
                                  const struct tenant_mode *mode)
{
    struct db_params *params = db_params(arena);
    if (!params)
        return STATUS_RESOURCE_EXHAUSTED;
    db_text(params, mode->tenant_id);
    db_bool(params, mode->test_mode);
    db_time(params, mode->updated_us);
    return db_run(db, arena, &sql_tenant_modes_put, params, NULL);
}
