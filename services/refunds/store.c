#include "store.h"

#include <string.h>

#include "base/clock.h"
#include "refunds_sql.h"

#define DRIVE_FIRST_US (5 * US_PER_S)

static struct refund row_read(const struct db_rows *rows, size_t row)
{
    return (struct refund){
        .tenant_id = db_get_text(rows, row, 0),
        .id = db_get_text(rows, row, 1),
        .payment_id = db_get_text(rows, row, 2),
        .requested = db_get_int(rows, row, 3),
        .amount = db_get_int(rows, row, 4),
        .currency = db_get_text(rows, row, 5),
        .reason = db_get_text(rows, row, 6),
        .status = db_get_text(rows, row, 7),
        .sequence = db_get_int(rows, row, 8),
        .error_code = db_get_text(rows, row, 9),
        .error_message = db_get_text(rows, row, 10),
        .operation_revision = db_get_int(rows, row, 11),
        .idempotency_key = db_get_text(rows, row, 12),
        .actor = db_get_text(rows, row, 13),
        .request_id = db_get_text(rows, row, 14),
        .traceparent = db_get_text(rows, row, 15),
        .created_us = db_get_time(rows, row, 16),
        .processed_us = db_get_time(rows, row, 17),
        .drives = db_get_int(rows, row, 18),
    };
}

static enum status rows_read(struct db *db, struct arena *arena,
                             const struct db_statement *statement, struct db_params *params,
                             struct refund **ret, size_t *ret_n)
{
    struct db_rows *rows = NULL;
    *ret = NULL;
    *ret_n = 0;
    enum status status = db_run(db, arena, statement, params, &rows);
    if (status != STATUS_OK)
        return status;
    size_t n = db_count(rows);
    struct refund *refunds = ARENA_ARRAY(arena, n + 1, struct refund);
    if (!refunds)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < n; i++)
        refunds[i] = row_read(rows, i);
    *ret = refunds;
    *ret_n = n;
    return STATUS_OK;
}

enum status refund_insert(struct db *db, struct arena *arena, const struct refund *refund)
{
    struct db_params *params = db_params(arena);
    db_text(params, refund->tenant_id);
    db_text(params, refund->id);
    db_text(params, refund->payment_id);
    db_int(params, refund->requested);
    db_text(params, refund->reason);
    db_text(params, refund->idempotency_key);
    db_text(params, refund->actor);
    db_text(params, refund->request_id);
    db_text(params, refund->traceparent);
    db_time(params, refund->created_us);
    db_time(params, refund->created_us + DRIVE_FIRST_US);
    return db_post(db, arena, &sql_insert_refund, params);
}

static struct db_params *keys_of(struct arena *arena, const struct refund *keys, size_t n)
{
    struct db_params *params = db_params(arena);
    db_texts(params, n, DB_COLUMN(keys, tenant_id));
    db_texts(params, n, DB_COLUMN(keys, id));
    return params;
}

enum status refunds_lock(struct db *db, struct arena *arena, const struct refund *keys, size_t n,
                         struct refund **ret, size_t *ret_n)
{
    return rows_read(db, arena, &sql_lock_refunds, keys_of(arena, keys, n), ret, ret_n);
}

enum status refunds_get(struct db *db, struct arena *arena, const struct refund *keys, size_t n,
                        struct refund **ret, size_t *ret_n)
{
    return rows_read(db, arena, &sql_get_refunds, keys_of(arena, keys, n), ret, ret_n);
}

enum status refund_get(struct db *db, struct arena *arena, const char *tenant_id, const char *id,
                       bool lock, struct refund *ret)
{
    struct refund key = {.tenant_id = tenant_id, .id = id};
    struct refund *found = NULL;
    size_t n = 0;
    enum status status = lock ? refunds_lock(db, arena, &key, 1, &found, &n)
                              : refunds_get(db, arena, &key, 1, &found, &n);
    if (status != STATUS_OK)
        return status;
    if (n == 0)
        return STATUS_NOT_FOUND;
    *ret = found[0];
    return STATUS_OK;
}

struct update_row {
    int64_t drive_us, now_us;
};

enum status refunds_update(struct db *db, struct arena *arena, struct refund *refunds, size_t n,
                           int64_t now_us)
{
    struct update_row *times = ARENA_ARRAY(arena, n, struct update_row);
    if (!times)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < n; i++)
        times[i] = (struct update_row){now_us + DRIVE_FIRST_US * 6, now_us};
    struct db_params *params = db_params(arena);
    db_texts(params, n, DB_COLUMN(refunds, tenant_id));
    db_texts(params, n, DB_COLUMN(refunds, id));
    db_texts(params, n, DB_COLUMN(refunds, status));
    db_ints(params, n, DB_COLUMN(refunds, amount));
    db_texts(params, n, DB_COLUMN(refunds, currency));
    db_ints(params, n, DB_COLUMN(refunds, sequence));
    db_texts(params, n, DB_COLUMN(refunds, error_code));
    db_texts(params, n, DB_COLUMN(refunds, error_message));
    db_ints(params, n, DB_COLUMN(refunds, operation_revision));
    db_times(params, n, DB_COLUMN(refunds, processed_us));
    db_times(params, n, DB_COLUMN(times, drive_us));
    db_times(params, n, DB_COLUMN(times, now_us));
    return db_post(db, arena, &sql_update_refunds, params);
}

enum status refund_delete(struct db *db, struct arena *arena, const struct refund *refund,
                          bool *ret_removed)
{
    struct db_params *params = db_params(arena);
    struct db_rows *rows = NULL;
    db_text(params, refund->tenant_id);
    db_text(params, refund->id);
    enum status status = db_run(db, arena, &sql_delete_reserving, params, &rows);
    *ret_removed = status == STATUS_OK && db_count(rows) > 0;
    return status;
}

enum status refunds_due(struct db *db, struct arena *arena, size_t limit, struct refund **ret,
                        size_t *ret_n)
{
    struct db_params *params = db_params(arena);
    db_int(params, (int64_t)limit);
    return rows_read(db, arena, &sql_due_refunds, params, ret, ret_n);
}

enum status refunds_list(struct db *db, struct arena *arena, const struct refund_filter *filter,
                         const struct page *page, struct refund **ret, size_t *ret_n)
{
    struct db_params *params = db_params(arena);
    db_text(params, filter->tenant_id);
    db_text(params, page->from);
    db_text(params, page->since.text);
    db_text(params, page->until.text);
    db_text(params, filter->payment_id);
    db_text(params, filter->status);
    db_int(params, (int64_t)page->limit + 1);
    return rows_read(db, arena, page->newer ? &sql_list_refunds_newer : &sql_list_refunds_older,
                     params, ret, ret_n);
}

enum status refunds_count(struct db *db, struct arena *arena, const char *tenant_id,
                          int64_t counts[4])
{
    struct db_params *params = db_params(arena);
    struct db_rows *rows = NULL;
    db_text(params, tenant_id);
    enum status status = db_run(db, arena, &sql_count_jobs, params, &rows);
    for (int i = 0; status == STATUS_OK && i < 4; i++)
        counts[i] = db_get_int(rows, 0, i);
    return status;
}
