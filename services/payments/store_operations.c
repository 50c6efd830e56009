#include <string.h>

#include "payments_sql.h"
#include "store.h"

enum status store_operations_update(struct db *db, struct arena *arena,
                                    const struct operation *operations, size_t n, int64_t now_us)
{
    struct db_params *p = db_params(arena);
    const char **statuses = ARENA_ARRAY(arena, n, const char *);
    if (!p || !statuses)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < n; i++)
        statuses[i] = operation_status_name(operations[i].status);
    db_texts(p, n, DB_COLUMN(operations, tenant_id));
    db_texts(p, n, DB_COLUMN(operations, id));
    db_texts(p, n, statuses, sizeof *statuses);
    db_bools(p, n, DB_COLUMN(operations, accepted));
    db_bools(p, n, DB_COLUMN(operations, acting));
    db_ints(p, n, DB_COLUMN(operations, queries));
    db_ints(p, n, DB_COLUMN(operations, revision));
    db_times(p, n, DB_COLUMN(operations, due_us));
    db_times(p, n, DB_COLUMN(operations, deadline_us));
    db_times(p, n, DB_COLUMN(operations, finished_us));
    db_texts(p, n, DB_COLUMN(operations, error_code));
    db_texts(p, n, DB_COLUMN(operations, error_message));
    db_time(p, now_us);
    db_texts(p, n, DB_COLUMN(operations, provider_reference));
    db_ints(p, n, DB_COLUMN(operations, stage));
    return db_post(db, arena, &sql_operations_update, p);
}

enum status store_operations_insert(struct db *db, struct arena *arena,
                                    const struct operation *operations, size_t n, int64_t now_us,
                                    size_t *ret_n)
{
    struct db_params *p = db_params(arena);
    const char **kinds = ARENA_ARRAY(arena, n, const char *);
    struct db_rows *rows = NULL;
    if (!p || !kinds)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < n; i++)
        kinds[i] = operation_kind_name(operations[i].kind);
    db_texts(p, n, DB_COLUMN(operations, tenant_id));
    db_texts(p, n, DB_COLUMN(operations, id));
    db_texts(p, n, DB_COLUMN(operations, payment_id));
    db_texts(p, n, kinds, sizeof *kinds);
    db_texts(p, n, DB_COLUMN(operations, refund_id));
    db_ints(p, n, DB_COLUMN(operations, amount));
    db_texts(p, n, DB_COLUMN(operations, currency));
    db_texts(p, n, DB_COLUMN(operations, provider));
    db_texts(p, n, DB_COLUMN(operations, request_id));
    db_texts(p, n, DB_COLUMN(operations, traceparent));
    db_time(p, now_us);
    db_texts(p, n, DB_COLUMN(operations, credential_id));
    db_ints(p, n, DB_COLUMN(operations, lease_ms));
    enum status status = db_run(db, arena, &sql_operations_insert, p, &rows);
    if (status == STATUS_OK)
        *ret_n = db_count(rows);
    return status;
}

enum status store_operations_take_back(struct db *db, struct arena *arena,
                                       const struct payment *payment, int64_t now_us,
                                       bool *ret_taken)
{
    struct db_params *p = db_params(arena);
    struct db_rows *rows = NULL;
    if (!p)
        return STATUS_RESOURCE_EXHAUSTED;
    db_text(p, payment->tenant_id);
    db_text(p, payment->id);
    db_text(p, payment->charge_operation_id);
    db_time(p, now_us);
    enum status status = db_run(db, arena, &sql_operations_take_back, p, &rows);
    if (status == STATUS_OK)
        *ret_taken = db_count(rows) == 1;
    return status;
}

enum status store_operations_tombstone(struct db *db, struct arena *arena,
                                       const struct operation *operation, int64_t now_us,
                                       bool *ret_made)
{
    struct db_params *p = db_params(arena);
    struct db_rows *rows = NULL;
    if (!p)
        return STATUS_RESOURCE_EXHAUSTED;
    db_text(p, operation->tenant_id);
    db_text(p, operation->id);
    db_text(p, operation->payment_id);
    db_text(p, operation->refund_id);
    db_time(p, now_us);
    enum status status = db_run(db, arena, &sql_operations_tombstone, p, &rows);
    if (status == STATUS_OK)
        *ret_made = db_count(rows) == 1;
    return status;
}

enum status store_operations_finish_live(struct db *db, struct arena *arena,
                                         const struct key *payment,
                                         const struct act_decision *decision, int64_t now_us,
                                         struct finished_act *ret)
{
    struct db_params *p = db_params(arena);
    struct db_rows *rows = NULL;
    if (!p)
        return STATUS_RESOURCE_EXHAUSTED;
    db_text(p, payment->tenant_id);
    db_text(p, payment->id);
    db_text(p, operation_status_name(decision->as));
    db_time(p, now_us);
    db_text(p, decision->provider_reference);
    *ret = (struct finished_act){0};
    enum status status = db_run(db, arena, &sql_operations_finish_live, p, &rows);
    if (status != STATUS_OK || db_count(rows) == 0)
        return status;
    ret->amount = db_get_int(rows, 0, 1);
    return operation_kind_parse(db_get_text(rows, 0, 0), &ret->kind) ? STATUS_OK : STATUS_INTERNAL;
}

enum status store_operations_recharge(struct db *db, struct arena *arena,
                                      const struct payment *payment, const char *operation_id,
                                      int64_t lease_ms, int64_t now_us)
{
    struct db_params *p = db_params(arena);
    struct db_rows *rows = NULL;
    if (!p)
        return STATUS_RESOURCE_EXHAUSTED;
    db_text(p, payment->tenant_id);
    db_text(p, payment->id);
    db_text(p, payment->charge_operation_id);
    db_text(p, operation_id);
    db_time(p, now_us);
    db_int(p, lease_ms);
    enum status status = db_run(db, arena, &sql_operations_recharge, p, &rows);
    if (status == STATUS_OK && db_count(rows) != 1)
        return STATUS_INTERNAL;
    return status;
}

enum status store_operations_give_back(struct db *db, struct arena *arena,
                                       const struct leased *leased, size_t n, int64_t again_us)
{
    struct db_params *p = db_params(arena);
    if (!p)
        return STATUS_RESOURCE_EXHAUSTED;
    db_texts(p, n, DB_COLUMN(leased, key.id));
    db_times(p, n, DB_COLUMN(leased, lease_us));
    db_time(p, again_us);
    return db_post(db, arena, &sql_operations_give_back, p);
}

enum status store_attempts_finish(struct db *db, struct arena *arena,
                                  const struct attempt_end *ends, size_t n, int64_t now_us)
{
    struct db_params *p = db_params(arena);
    if (!p)
        return STATUS_RESOURCE_EXHAUSTED;
    db_texts(p, n, DB_COLUMN(ends, tenant_id));
    db_texts(p, n, DB_COLUMN(ends, operation_id));
    db_ints(p, n, DB_COLUMN(ends, attempt));
    db_texts(p, n, DB_COLUMN(ends, outcome));
    db_ints(p, n, DB_COLUMN(ends, duration_us));
    db_ints(p, n, DB_COLUMN(ends, http_status));
    db_time(p, now_us);
    return db_post(db, arena, &sql_attempts_finish, p);
}

enum status store_jobs_count(struct db *db, struct arena *arena, const char *tenant_id,
                             int64_t since_us, int64_t counts[4])
{
    struct db_params *p = db_params(arena);
    struct db_rows *rows = NULL;
    if (!p)
        return STATUS_RESOURCE_EXHAUSTED;
    db_text(p, tenant_id);
    db_time(p, since_us);
    enum status status = db_run(db, arena, &sql_jobs_count, p, &rows);
    for (int i = 0; status == STATUS_OK && i < 4; i++)
        counts[i] = db_get_int(rows, 0, i);
    return status;
}
