#include <string.h>

#include "base/log.h"
#include "payments_sql.h"
#include "personal.h"
#include "store.h"

static bool operation_decode(const struct db_rows *rows, size_t row, struct operation *ret)
{
    *ret = (struct operation){
        .tenant_id = db_get_text(rows, row, 0),
        .id = db_get_text(rows, row, 1),
        .payment_id = db_get_text(rows, row, 2),
        .refund_id = db_get_text(rows, row, 4),
        .amount = db_get_int(rows, row, 5),
        .currency = db_get_text(rows, row, 6),
        .provider = db_get_text(rows, row, 7),
        .accepted = db_get_bool(rows, row, 9),
        .acting = db_get_bool(rows, row, 10),
        .attempts = db_get_int(rows, row, 11),
        .queries = db_get_int(rows, row, 12),
        .revision = db_get_int(rows, row, 13),
        .lease_us = db_get_time(rows, row, 14),
        .sent_us = db_get_time(rows, row, 15),
        .due_us = db_get_time(rows, row, 16),
        .deadline_us = db_get_time(rows, row, 17),
        .created_us = db_get_time(rows, row, 18),
        .finished_us = db_get_time(rows, row, 19),
        .error_code = db_get_text(rows, row, 20),
        .error_message = db_get_text(rows, row, 21),
        .request_id = db_get_text(rows, row, 22),
        .traceparent = db_get_text(rows, row, 23),
        .credential_id = db_get_text(rows, row, 24),
        .provider_reference = db_get_text(rows, row, 25),
        .stage = db_get_int(rows, row, 26),
        .lease_ms = db_get_int(rows, row, 27),
    };
    return operation_kind_parse(db_get_text(rows, row, 3), &ret->kind) &&
           operation_status_parse(db_get_text(rows, row, 8), &ret->status);
}

enum status store_operations_take(struct db *db, struct arena *arena,
                                  const struct claim_bounds *bounds, struct leased **ret,
                                  size_t *ret_n)
{
    struct db_params *p = db_params(arena);
    struct db_rows *rows = NULL;
    if (!p)
        return STATUS_RESOURCE_EXHAUSTED;
    db_time(p, bounds->now_us);
    db_text(p, bounds->after_tenant);
    db_int(p, bounds->per_tenant);
    db_int(p, bounds->limit);
    db_int(p, bounds->lease_ms);
    enum status status = db_run(db, arena, &sql_operations_take, p, &rows);
    if (status != STATUS_OK)
        return status;
    struct leased *leased = ARENA_ARRAY(arena, db_count(rows), struct leased);
    if (!leased)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < db_count(rows); i++)
        leased[i] = (struct leased){{db_get_text(rows, i, 0), db_get_text(rows, i, 1)},
                                    db_get_time(rows, i, 2),
                                    db_get_int(rows, i, 3)};
    *ret = leased;
    *ret_n = db_count(rows);
    return STATUS_OK;
}

// From the columns of earlier versions, or the sealed one.
static void open_personal(struct db *db, struct arena *arena, const struct db_rows *rows,
                          size_t row, struct claimed *ret)
{
    const struct payment of = {.tenant_id = db_get_text(rows, row, 0),
                               .id = db_get_text(rows, row, 2)};
    struct personal personal = {
        .vpa = db_get_text(rows, row, 33),
        .msisdn = db_get_text(rows, row, 37),
        .email = db_get_text(rows, row, 41),
        .phone = db_get_text(rows, row, 42),
        .name = db_get_text(rows, row, 43),
    };
    ret->unreadable =
        !personal_open(db_keyring(db), arena, &of, db_get_bytea(rows, row, 46), &personal);
    ret->vpa = personal.vpa;
    ret->msisdn = personal.msisdn;
    ret->email = personal.email;
    ret->phone = personal.phone;
    ret->name = personal.name;
}

const char *testimony_context(struct arena *arena, const char *operation_id)
{
    return arena_printf(arena, "testimony:%s", operation_id);
}

// One that can't be opened is as if nothing had been told: the provider may tell it again.
static struct bytes open_testimony(struct db *db, struct arena *arena, const struct db_rows *rows,
                                   size_t row)
{
    struct bytes testimony = db_get_bytea(rows, row, 30);
    const char *id = db_get_text(rows, row, 1), *context = testimony_context(arena, id);
    if (!testimony.at)
        return testimony;
    if (context && keyring_read(db_keyring(db), arena, testimony, context, &testimony) == STATUS_OK)
        return testimony;
    log_error("a testimony can't be opened", LOG_S("operation", id),
              LOG_S("tenant", db_get_text(rows, row, 0)));
    return (struct bytes){0};
}

static bool claimed_decode(struct db *db, struct arena *arena, const struct db_rows *rows,
                           size_t row, struct claimed *ret)
{
    ret->send = db_get_bool(rows, row, 28);
    ret->provider_token = db_get_bytea(rows, row, 29);
    ret->testimony = open_testimony(db, arena, rows, row);
    ret->card_token = db_get_text(rows, row, 31);
    ret->method = db_get_text(rows, row, 32);
    ret->capture = db_get_text(rows, row, 34);
    ret->charge_reference = db_get_text(rows, row, 35);
    ret->charge_amount = db_get_int(rows, row, 36);
    ret->network = db_get_text(rows, row, 38);
    ret->return_url = db_get_text(rows, row, 39);
    ret->description = db_get_text(rows, row, 40);
    ret->pending = db_get_bool(rows, row, 44);
    ret->charge_provider_reference = db_get_text(rows, row, 45);
    open_personal(db, arena, rows, row, ret);
    bool known = operation_decode(rows, row, &ret->operation);
    ret->operation.doubtful = db_get_bool(rows, row, 47);
    return known;
}

enum status store_operations_claim(struct db *db, struct arena *arena, const struct leased *leased,
                                   size_t n, int64_t now_us, struct claimed **ret, size_t *ret_n)
{
    struct db_params *p = db_params(arena);
    struct db_rows *rows = NULL;
    if (!p)
        return STATUS_RESOURCE_EXHAUSTED;
    db_texts(p, n, DB_COLUMN(leased, key.id));
    db_time(p, now_us);
    db_times(p, n, DB_COLUMN(leased, lease_us));
    enum status status = db_run(db, arena, &sql_operations_claim, p, &rows);
    if (status != STATUS_OK)
        return status;
    struct claimed *items = ARENA_ARRAY(arena, db_count(rows), struct claimed);
    if (!items)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < db_count(rows); i++)
        if (!claimed_decode(db, arena, rows, i, &items[i]))
            return STATUS_INTERNAL;
    *ret = items;
    *ret_n = db_count(rows);
    return STATUS_OK;
}

static enum status decode_all(struct arena *arena, const struct db_rows *rows,
                              struct operation **ret, size_t *ret_n)
{
    struct operation *operations = ARENA_ARRAY(arena, db_count(rows), struct operation);
    if (!operations)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < db_count(rows); i++)
        if (!operation_decode(rows, i, &operations[i]))
            return STATUS_INTERNAL;
    *ret = operations;
    *ret_n = db_count(rows);
    return STATUS_OK;
}

enum status store_operations_lock(struct db *db, struct arena *arena, const struct key *keys,
                                  size_t n, struct operation **ret, size_t *ret_n)
{
    struct db_params *p = db_params(arena);
    struct db_rows *rows = NULL;
    if (!p)
        return STATUS_RESOURCE_EXHAUSTED;
    db_texts(p, n, DB_COLUMN(keys, id));
    enum status status = db_run(db, arena, &sql_operations_lock, p, &rows);
    return status == STATUS_OK ? decode_all(arena, rows, ret, ret_n) : status;
}

enum status store_operations_hold_back(struct db *db, struct arena *arena,
                                       const struct leased *leased, size_t n,
                                       const struct shut_circuits *shut, struct operation **ret,
                                       size_t *ret_n)
{
    struct db_params *p = db_params(arena);
    struct db_rows *rows = NULL;
    if (!p)
        return STATUS_RESOURCE_EXHAUSTED;
    db_texts(p, n, DB_COLUMN(leased, key.id));
    db_times(p, n, DB_COLUMN(leased, lease_us));
    db_texts(p, shut->n, shut->credential_ids, sizeof *shut->credential_ids);
    db_ints(p, shut->n, shut->rooms, sizeof *shut->rooms);
    db_time(p, shut->again_us);
    enum status status = db_run(db, arena, &sql_operations_hold_back, p, &rows);
    return status == STATUS_OK ? decode_all(arena, rows, ret, ret_n) : status;
}

enum status store_operations_by_refund(struct db *db, struct arena *arena,
                                       const struct key *refunds, size_t n, struct operation **ret)
{
    struct db_params *p = db_params(arena);
    struct db_rows *rows = NULL;
    struct operation *found = NULL;
    size_t found_n = 0;
    if (!p)
        return STATUS_RESOURCE_EXHAUSTED;
    db_texts(p, n, DB_COLUMN(refunds, tenant_id));
    db_texts(p, n, DB_COLUMN(refunds, id));
    enum status status = db_run(db, arena, &sql_operations_by_refund, p, &rows);
    if (status == STATUS_OK)
        status = decode_all(arena, rows, &found, &found_n);
    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < n; i++) {
        ret[i] = NULL;
        for (size_t j = 0; j < found_n && !ret[i]; j++)
            if (strcmp(found[j].refund_id, refunds[i].id) == 0 &&
                strcmp(found[j].tenant_id, refunds[i].tenant_id) == 0)
                ret[i] = &found[j];
    }
    return STATUS_OK;
}

enum status store_operations_lock_refund(struct db *db, struct arena *arena,
                                         const struct key *refund, struct operation **ret)
{
    struct db_params *p = db_params(arena);
    struct db_rows *rows = NULL;
    struct operation *found = NULL;
    size_t n = 0;
    if (!p)
        return STATUS_RESOURCE_EXHAUSTED;
    db_text(p, refund->tenant_id);
    db_text(p, refund->id);
    enum status status = db_run(db, arena, &sql_operations_lock_refund, p, &rows);
    if (status == STATUS_OK)
        status = decode_all(arena, rows, &found, &n);
    *ret = status == STATUS_OK && n > 0 ? found : NULL;
    return status;
}

enum status store_operations_reference(struct db *db, struct arena *arena,
                                       const struct key *operation, const char **ret)
{
    struct db_params *p = db_params(arena);
    struct db_rows *rows = NULL;
    if (!p)
        return STATUS_RESOURCE_EXHAUSTED;
    db_text(p, operation->tenant_id);
    db_text(p, operation->id);
    enum status status = db_run(db, arena, &sql_operations_reference, p, &rows);
    if (status == STATUS_OK)
        *ret = db_count(rows) > 0 ? db_get_text(rows, 0, 0) : NULL;
    return status;
}
