#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "payments_sql.h"
#include "personal.h"
#include "store.h"

// A payer's data that can't be opened must not keep money from moving: the payment goes on without.
static void open_personal(struct db *db, struct arena *arena, struct bytes sealed,
                          struct payment *payment)
{
    struct personal personal = {payment->vpa, payment->msisdn, payment->email, payment->phone,
                                payment->name};
    (void)personal_open(db_keyring(db), arena, payment, sealed, &personal);
    payment->vpa = personal.vpa;
    payment->msisdn = personal.msisdn;
    payment->email = personal.email;
    payment->phone = personal.phone;
    payment->name = personal.name;
}

static bool payment_decode(struct db *db, struct arena *arena, const struct db_rows *rows,
                           size_t row, struct payment *ret)
{
    *ret = (struct payment){
        .tenant_id = db_get_text(rows, row, 0),
        .id = db_get_text(rows, row, 1),
        .order_id = db_get_text(rows, row, 2),
        .order_own = db_get_bool(rows, row, 3),
        .amount = db_get_int(rows, row, 4),
        .currency = db_get_text(rows, row, 5),
        .method = db_get_text(rows, row, 6),
        .vpa = db_get_text(rows, row, 7),
        .card_token = db_get_text(rows, row, 8),
        .card_brand = db_get_text(rows, row, 9),
        .card_last4 = db_get_text(rows, row, 10),
        .card_expiry_month = db_get_int(rows, row, 11),
        .card_expiry_year = db_get_int(rows, row, 12),
        .capture = db_get_text(rows, row, 13),
        .unknown_operation = db_get_text(rows, row, 15),
        .amount_captured = db_get_int(rows, row, 16),
        .amount_refunded = db_get_int(rows, row, 17),
        .refund_reserved = db_get_int(rows, row, 18),
        .provider = db_get_text(rows, row, 19),
        .charge_operation_id = db_get_text(rows, row, 20),
        .action_url = db_get_text(rows, row, 21),
        .sequence = db_get_int(rows, row, 22),
        .error_code = db_get_text(rows, row, 23),
        .error_message = db_get_text(rows, row, 24),
        .description = db_get_text(rows, row, 25),
        .email = db_get_text(rows, row, 26),
        .phone = db_get_text(rows, row, 27),
        .name = db_get_text(rows, row, 28),
        .metadata = db_get_text(rows, row, 29),
        .request_id = db_get_text(rows, row, 30),
        .traceparent = db_get_text(rows, row, 31),
        .created_us = db_get_time(rows, row, 32),
        .updated_us = db_get_time(rows, row, 33),
        .credential_id = db_get_text(rows, row, 34),
        .msisdn = db_get_text(rows, row, 35),
        .network = db_get_text(rows, row, 36),
        .return_url = db_get_text(rows, row, 37),
        .earlier_attempts = db_get_text(rows, row, 38),
    };
    ret->test_mode = db_get_bool(rows, row, 40);
    open_personal(db, arena, db_get_bytea(rows, row, 39), ret);
    return payment_status_parse(db_get_text(rows, row, 14), &ret->status);
}

#define COLUMN_PLACE 41

static struct db_params *key_params(struct arena *arena, const struct key *keys, size_t n)
{
    struct db_params *params = db_params(arena);
    if (params) {
        db_texts(params, n, DB_COLUMN(keys, tenant_id));
        db_texts(params, n, DB_COLUMN(keys, id));
    }
    return params;
}

enum status store_payments_get(struct db *db, struct arena *arena, const struct key *keys, size_t n,
                               const struct payment **ret)
{
    struct db_params *params = key_params(arena, keys, n);
    struct payment *payments = ARENA_ARRAY(arena, n, struct payment);
    struct db_rows *rows = NULL;
    if (!params || !payments)
        return STATUS_RESOURCE_EXHAUSTED;
    memset(ret, 0, n * sizeof *ret);
    enum status status = db_run(db, arena, &sql_payments_get, params, &rows);
    for (size_t i = 0; status == STATUS_OK && i < db_count(rows); i++) {
        size_t place = (size_t)db_get_int(rows, i, COLUMN_PLACE) - 1;
        if (!payment_decode(db, arena, rows, i, &payments[place]))
            return STATUS_INTERNAL;
        ret[place] = &payments[place];
    }
    return status;
}

enum status store_payments_lock(struct db *db, struct arena *arena, const struct key *keys,
                                size_t n, struct payment **ret, size_t *ret_n)
{
    struct db_params *params = key_params(arena, keys, n);
    struct db_rows *rows = NULL;
    if (!params)
        return STATUS_RESOURCE_EXHAUSTED;
    enum status status = db_run(db, arena, &sql_payments_lock, params, &rows);
    if (status != STATUS_OK)
        return status;
    struct payment *payments = ARENA_ARRAY(arena, db_count(rows), struct payment);
    if (!payments)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < db_count(rows); i++)
        if (!payment_decode(db, arena, rows, i, &payments[i]))
            return STATUS_INTERNAL;
    *ret = payments;
    *ret_n = db_count(rows);
    return STATUS_OK;
}

enum status store_payments_update(struct db *db, struct arena *arena,
                                  const struct payment_update *updates, size_t n, int64_t now_us)
{
    struct db_params *p = db_params(arena);
    const char **from = ARENA_ARRAY(arena, n, const char *);
    const char **to = ARENA_ARRAY(arena, n, const char *);
    struct db_rows *rows = NULL;
    if (!p || !from || !to)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < n; i++) {
        from[i] = payment_status_name(updates[i].seen_status);
        to[i] = payment_status_name(updates[i].payment.status);
    }
    db_texts(p, n, DB_COLUMN(updates, payment.tenant_id));
    db_texts(p, n, DB_COLUMN(updates, payment.id));
    db_ints(p, n, DB_COLUMN(updates, seen_sequence));
    db_texts(p, n, from, sizeof *from);
    db_texts(p, n, to, sizeof *to);
    db_texts(p, n, DB_COLUMN(updates, payment.unknown_operation));
    db_ints(p, n, DB_COLUMN(updates, payment.amount_captured));
    db_ints(p, n, DB_COLUMN(updates, payment.amount_refunded));
    db_ints(p, n, DB_COLUMN(updates, payment.refund_reserved));
    db_texts(p, n, DB_COLUMN(updates, payment.charge_operation_id));
    db_texts(p, n, DB_COLUMN(updates, payment.action_url));
    db_ints(p, n, DB_COLUMN(updates, payment.sequence));
    db_texts(p, n, DB_COLUMN(updates, payment.error_code));
    db_time(p, now_us);
    db_texts(p, n, DB_COLUMN(updates, payment.error_message));
    enum status status = db_run(db, arena, &sql_payments_update, p, &rows);
    if (status == STATUS_OK && db_count(rows) != n)
        return STATUS_ABORTED;
    return status;
}

enum status store_payments_reroute(struct db *db, struct arena *arena,
                                   const struct payment_update *updates, size_t n)
{
    struct db_params *p = db_params(arena);
    if (!p)
        return STATUS_RESOURCE_EXHAUSTED;
    db_texts(p, n, DB_COLUMN(updates, payment.tenant_id));
    db_texts(p, n, DB_COLUMN(updates, payment.id));
    db_texts(p, n, DB_COLUMN(updates, payment.provider));
    db_texts(p, n, DB_COLUMN(updates, payment.credential_id));
    db_texts(p, n, DB_COLUMN(updates, payment.earlier_attempts));
    return db_post(db, arena, &sql_payments_reroute, p);
}

enum status store_payments_insert(struct db *db, struct arena *arena,
                                  const struct new_payment *const *items, size_t n, int64_t now_us)
{
    struct db_params *p = db_params(arena);
    struct new_payment *rows = ARENA_ARRAY(arena, n, struct new_payment);
    if (!p || !rows)
        return STATUS_RESOURCE_EXHAUSTED;
    bool full = false;
    for (size_t i = 0; i < n; i++) {
        rows[i] = *items[i];
        rows[i].personal = personal_seal(db_keyring(db), arena, &rows[i].payment, &full);
    }
    if (full)
        return STATUS_RESOURCE_EXHAUSTED;
    db_texts(p, n, DB_COLUMN(rows, payment.tenant_id));
    db_texts(p, n, DB_COLUMN(rows, payment.id));
    db_texts(p, n, DB_COLUMN(rows, payment.charge_operation_id));
    db_texts(p, n, DB_COLUMN(rows, payment.order_id));
    db_bools(p, n, DB_COLUMN(rows, payment.order_own));
    db_ints(p, n, DB_COLUMN(rows, payment.amount));
    db_texts(p, n, DB_COLUMN(rows, payment.currency));
    db_texts(p, n, DB_COLUMN(rows, payment.method));
    db_byteas(p, n, DB_COLUMN(rows, personal));
    db_texts(p, n, DB_COLUMN(rows, payment.card_token));
    db_texts(p, n, DB_COLUMN(rows, payment.card_brand));
    db_texts(p, n, DB_COLUMN(rows, payment.card_last4));
    db_ints(p, n, DB_COLUMN(rows, payment.card_expiry_month));
    db_ints(p, n, DB_COLUMN(rows, payment.card_expiry_year));
    db_texts(p, n, DB_COLUMN(rows, payment.capture));
    db_texts(p, n, DB_COLUMN(rows, payment.provider));
    db_byteas(p, n, DB_COLUMN(rows, provider_token));
    db_texts(p, n, DB_COLUMN(rows, payment.description));
    db_texts(p, n, DB_COLUMN(rows, payment.metadata));
    db_texts(p, n, DB_COLUMN(rows, payment.request_id));
    db_texts(p, n, DB_COLUMN(rows, payment.traceparent));
    db_time(p, now_us);
    db_texts(p, n, DB_COLUMN(rows, payment.credential_id));
    db_texts(p, n, DB_COLUMN(rows, payment.network));
    db_texts(p, n, DB_COLUMN(rows, payment.return_url));
    db_ints(p, n, DB_COLUMN(rows, lease_ms));
    db_ints(p, n, DB_COLUMN(rows, payment.sequence));
    db_bools(p, n, DB_COLUMN(rows, review));
    db_texts(p, n, DB_COLUMN(rows, payment.error_code));
    db_texts(p, n, DB_COLUMN(rows, payment.error_message));
    db_byteas(p, n, DB_COLUMN(rows, payer));
    db_bools(p, n, DB_COLUMN(rows, payment.test_mode));
    return db_post(db, arena, &sql_payments_insert, p);
}

enum status store_payments_existing(struct db *db, struct arena *arena, const struct key *keys,
                                    size_t n, bool *exists)
{
    struct db_params *params = key_params(arena, keys, n);
    struct db_rows *rows = NULL;
    if (!params)
        return STATUS_RESOURCE_EXHAUSTED;
    memset(exists, 0, n * sizeof *exists);
    enum status status = db_run(db, arena, &sql_payments_existing, params, &rows);
    for (size_t i = 0; status == STATUS_OK && i < db_count(rows); i++)
        exists[db_get_int(rows, i, 0) - 1] = true;
    return status;
}

static void add_times(struct db_params *p, const struct page *page)
{
    db_time(p, page->created_gte_us);
    db_time(p, page->created_lt_us);
    db_int(p, (int64_t)page->limit + 1);
}

enum status store_payments_list(struct db *db, struct arena *arena, const char *tenant_id,
                                const struct page *page, const struct payment_filter *filter,
                                struct key **ret, size_t *ret_n)
{
    struct db_params *p = db_params(arena);
    struct db_rows *rows = NULL;
    const struct db_statement *statement =
        page->newer ? &sql_payments_list_back : &sql_payments_list;
    if (!p)
        return STATUS_RESOURCE_EXHAUSTED;
    db_text(p, tenant_id);
    if (filter->order_id) {
        statement = page->newer ? &sql_payments_list_order_back : &sql_payments_list_order;
        db_text(p, filter->order_id);
        db_text(p, page->from);
        db_text(p, filter->status);
        db_text(p, filter->method);
    } else {
        db_text(p, page->from);
        db_text(p, filter->status);
        db_text(p, NULL);
        db_text(p, filter->method);
        db_text(p, page->since.text);
        db_text(p, page->until.text);
    }
    add_times(p, page);
    db_text(p, filter->test_mode);
    enum status status = db_run(db, arena, statement, p, &rows);
    if (status != STATUS_OK)
        return status;
    struct key *keys = ARENA_ARRAY(arena, db_count(rows), struct key);
    if (!keys)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < db_count(rows); i++)
        keys[i] = (struct key){tenant_id, db_get_text(rows, i, 0)};
    *ret = keys;
    *ret_n = db_count(rows);
    return STATUS_OK;
}
