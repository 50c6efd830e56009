#include "housekeeping.h"

#include "base/clock.h"
#include "callbacks/store_callbacks.h"
#include "creation/store_payers.h"
#include "payments_sql.h"
#include "personal.h"
#include "service/service.h"
#include "setup/store_volumes.h"
#include "store.h"

static enum status (*const sweeps[])(struct db *, struct arena *, int64_t now_us, size_t limit,
                                     size_t *ret_removed) = {
    store_card_tokens_sweep,
    store_unknown_callbacks_sweep,
    store_volumes_sweep,
    store_payers_sweep,
};

#define COLUMN(name_)                                                                              \
    {                                                                                              \
        "payments." #name_, &sql_##name_##_page, &sql_##name_##_reseal                             \
    }
const struct sealed_column payments_sealed[] = {
    COLUMN(personal),    COLUMN(card_tokens),       COLUMN(operation_tokens),
    COLUMN(testimonies), COLUMN(unknown_callbacks), COLUMN(provider_credentials),
};
const size_t payments_sealed_n = sizeof payments_sealed / sizeof *payments_sealed;

// A row of an earlier version.
static struct payment plain_row(const struct db_rows *rows, size_t i)
{
    return (struct payment){
        .tenant_id = db_get_text(rows, i, 0),
        .id = db_get_text(rows, i, 1),
        .vpa = db_get_text(rows, i, 2),
        .msisdn = db_get_text(rows, i, 3),
        .email = db_get_text(rows, i, 4),
        .phone = db_get_text(rows, i, 5),
        .name = db_get_text(rows, i, 6),
    };
}

static enum status put_sealed(struct db *db, struct arena *arena, const struct db_rows *rows)
{
    size_t n = db_count(rows);
    struct new_payment *items = ARENA_ARRAY(arena, n, struct new_payment);
    struct db_params *params = db_params(arena);
    bool full = !items || !params;
    for (size_t i = 0; !full && i < n; i++) {
        items[i] = (struct new_payment){.payment = plain_row(rows, i)};
        items[i].personal = personal_seal(db_keyring(db), arena, &items[i].payment, &full);
    }
    if (full)
        return STATUS_RESOURCE_EXHAUSTED;
    db_texts(params, n, DB_COLUMN(items, payment.tenant_id));
    db_texts(params, n, DB_COLUMN(items, payment.id));
    db_byteas(params, n, DB_COLUMN(items, personal));
    return db_post(db, arena, &sql_personal_put, params);
}

static enum status seal_plain(struct db *db, struct arena *arena, bool *ret_more)
{
    struct db_params *params = db_params(arena);
    struct db_rows *rows = NULL;
    enum status status = db_begin(db);
    if (status != STATUS_OK)
        return status;
    db_int(params, SERVICE_SWEEP_ROWS);
    status = db_run(db, arena, &sql_personal_plain, params, &rows);
    if (status == STATUS_OK && db_count(rows) > 0)
        status = put_sealed(db, arena, rows);
    if (status == STATUS_OK)
        status = db_commit(db);
    if (status == STATUS_OK)
        *ret_more = *ret_more || db_count(rows) >= SERVICE_SWEEP_ROWS;
    else
        db_rollback(db);
    return status;
}

enum status sweep_payments(void *context, struct db *db, struct arena *arena, bool *ret_more)
{
    (void)context;
    int64_t now_us = clock_unix_us();
    for (size_t i = 0; i < sizeof sweeps / sizeof *sweeps; i++) {
        size_t removed = 0;
        enum status status = sweeps[i](db, arena, now_us, SERVICE_SWEEP_ROWS, &removed);
        if (status != STATUS_OK)
            return status;
        if (removed >= SERVICE_SWEEP_ROWS)
            *ret_more = true;
    }
    return seal_plain(db, arena, ret_more);
}
