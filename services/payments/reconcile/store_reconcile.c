#include "reconcile/store_reconcile.h"

#include <string.h>

#include "payments_sql.h"
#include "personal.h"

enum column {
    ID,
    PAYMENT_ID,
    PROVIDER_REFERENCE,
    KIND,
    AMOUNT,
    CURRENCY,
    STATUS,
    FINISHED_AT,
    CREATED_AT,
    STAGE,
    METHOD,
    VPA,
    MSISDN,
    NETWORK,
    CAPTURE,
    CHARGE_REFERENCE,
    CHARGE_PROVIDER_REFERENCE,
    CHARGE_AMOUNT,
    PAYMENT_STATUS,
    PERSONAL,
    TENANT_ID
};

static struct provider_act act_of(struct db *db, struct arena *arena, const struct db_rows *rows,
                                  size_t i, enum operation_kind kind)
{
    struct personal personal = {.vpa = db_get_text(rows, i, VPA),
                                .msisdn = db_get_text(rows, i, MSISDN)};
    (void)personal_open(db_keyring(db), arena,
                        &(struct payment){.tenant_id = db_get_text(rows, i, TENANT_ID),
                                          .id = db_get_text(rows, i, PAYMENT_ID)},
                        db_get_bytea(rows, i, PERSONAL), &personal);
    return (struct provider_act){
        .kind = kind,
        .reference = db_get_text(rows, i, ID),
        .stage = db_get_int(rows, i, STAGE),
        .provider_reference = db_get_text(rows, i, PROVIDER_REFERENCE),
        .charge_reference = db_get_text(rows, i, CHARGE_REFERENCE),
        .charge_provider_reference = db_get_text(rows, i, CHARGE_PROVIDER_REFERENCE),
        .amount = db_get_int(rows, i, AMOUNT),
        .charge_amount = db_get_int(rows, i, CHARGE_AMOUNT),
        .currency = db_get_text(rows, i, CURRENCY),
        .method = db_get_text(rows, i, METHOD),
        .vpa = personal.vpa,
        .msisdn = personal.msisdn,
        .network = db_get_text(rows, i, NETWORK),
        .capture = strcmp(db_get_text(rows, i, CAPTURE), "automatic") == 0,
        .created_us = db_get_time(rows, i, CREATED_AT),
    };
}

static bool decode(struct db *db, struct arena *arena, const struct db_rows *rows, size_t i,
                   struct book_row *ret)
{
    enum operation_kind kind;
    if (!operation_kind_parse(db_get_text(rows, i, KIND), &kind))
        return false;
    bool succeeded = strcmp(db_get_text(rows, i, STATUS), "succeeded") == 0;
    bool canceled = strcmp(db_get_text(rows, i, PAYMENT_STATUS), "canceled") == 0;
    *ret = (struct book_row){
        .row = {.operation_id = db_get_text(rows, i, ID),
                .payment_id = db_get_text(rows, i, PAYMENT_ID),
                .provider_reference = db_get_text(rows, i, PROVIDER_REFERENCE),
                .kind = kind,
                .amount = db_get_int(rows, i, AMOUNT),
                .currency = db_get_text(rows, i, CURRENCY),
                .booked = succeeded ? BOOKED_SUCCEEDED : BOOKED_FAILED,
                .taken_back = kind == OPERATION_CHARGE && succeeded && canceled},
        .act = act_of(db, arena, rows, i, kind),
        .finished_us = db_get_time(rows, i, FINISHED_AT),
    };
    return true;
}

static enum status decode_all(struct db *db, struct arena *arena, const struct db_rows *rows,
                              struct book_row **ret, size_t *ret_n)
{
    struct book_row *items = ARENA_ARRAY(arena, db_count(rows), struct book_row);
    if (!items)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < db_count(rows); i++)
        if (!decode(db, arena, rows, i, &items[i]))
            return STATUS_INTERNAL;
    *ret = items;
    *ret_n = db_count(rows);
    return STATUS_OK;
}

static void book_params(struct db_params *p, const struct book *book)
{
    db_text(p, book->tenant_id);
    db_text(p, book->provider);
    db_text(p, book->credential_id);
}

enum status store_book_page(struct db *db, struct arena *arena, const struct book *book,
                            const struct book_page *page, struct book_row **ret, size_t *ret_n)
{
    struct db_params *p = db_params(arena);
    struct db_rows *rows = NULL;
    book_params(p, book);
    db_time(p, page->from_us);
    db_time(p, page->until_us);
    db_time(p, page->after_us == DB_TIME_NULL ? page->from_us : page->after_us);
    db_text(p, page->after_id);
    db_int(p, (int64_t)page->limit);
    enum status status = db_run(db, arena, &sql_book_page, p, &rows);
    return status == STATUS_OK ? decode_all(db, arena, rows, ret, ret_n) : status;
}

enum status store_book_left_over(struct db *db, struct arena *arena, const struct book *book,
                                 const char *day, struct book_row **ret, size_t *ret_n)
{
    struct db_params *p = db_params(arena);
    struct db_rows *rows = NULL;
    book_params(p, book);
    db_text(p, day);
    enum status status = db_run(db, arena, &sql_book_left_over, p, &rows);
    return status == STATUS_OK ? decode_all(db, arena, rows, ret, ret_n) : status;
}

enum status store_book_until(struct db *db, struct arena *arena, const struct book *book,
                             const char *day, int64_t *ret_us)
{
    struct db_params *p = db_params(arena);
    struct db_rows *rows = NULL;
    book_params(p, book);
    db_text(p, day);
    enum status status = db_run(db, arena, &sql_book_until, p, &rows);
    if (status == STATUS_OK)
        *ret_us = db_count(rows) > 0 ? db_get_time(rows, 0, 0) : DB_TIME_NULL;
    return status;
}

enum status store_book_names(struct db *db, struct arena *arena, const struct book *book,
                             const char *after_id, size_t limit, struct our_row **ret,
                             size_t *ret_n)
{
    struct db_params *p = db_params(arena);
    struct db_rows *rows = NULL;
    book_params(p, book);
    db_text(p, after_id);
    db_int(p, (int64_t)limit);
    enum status status = db_run(db, arena, &sql_book_names, p, &rows);
    if (status != STATUS_OK)
        return status;
    struct our_row *items = ARENA_ARRAY(arena, db_count(rows), struct our_row);
    if (!items)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < db_count(rows); i++) {
        items[i] = (struct our_row){.operation_id = db_get_text(rows, i, 0),
                                    .provider_reference = db_get_text(rows, i, 1)};
        if (!operation_kind_parse(db_get_text(rows, i, 2), &items[i].kind))
            return STATUS_INTERNAL;
    }
    *ret = items;
    *ret_n = db_count(rows);
    return STATUS_OK;
}

// --- What came of it
static enum status insert_differences(struct db *db, struct arena *arena,
                                      const struct reconciliation *run,
                                      const struct reconcile *result)
{
    size_t n = result->differences_n;
    const char **kinds = ARENA_ARRAY(arena, n, const char *);
    struct db_params *p = db_params(arena);
    if (!kinds)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < n; i++)
        kinds[i] = difference_kind_name(result->differences[i].kind);
    db_text(p, run->tenant_id);
    db_text(p, run->id);
    db_texts(p, n, kinds, sizeof *kinds);
    db_texts(p, n, DB_COLUMN(result->differences, reference));
    db_texts(p, n, DB_COLUMN(result->differences, operation_id));
    db_texts(p, n, DB_COLUMN(result->differences, payment_id));
    db_texts(p, n, DB_COLUMN(result->differences, ours));
    db_texts(p, n, DB_COLUMN(result->differences, theirs));
    return db_run(db, arena, &sql_reconciliation_differences_insert, p, NULL);
}

enum status store_reconciliation_insert(struct db *db, struct arena *arena,
                                        const struct reconciliation *run,
                                        const struct reconcile *result, bool *ret_made)
{
    struct db_params *p = db_params(arena);
    struct db_rows *rows = NULL;
    db_text(p, run->tenant_id);
    db_text(p, run->id);
    db_text(p, run->provider);
    db_text(p, run->credential_id);
    db_text(p, run->day);
    db_text(p, run->source);
    db_bool(p, run->daily);
    db_int(p, result->matched);
    for (int kind = DIFFERENCE_MISSING_HERE; kind < DIFFERENCE_KINDS; kind++)
        db_int(p, result->differ[kind]);
    db_texts(p, result->left_over_n, result->left_over, sizeof *result->left_over);
    db_time(p, run->created_us);
    db_time(p, run->until_us);
    enum status status = db_run(db, arena, &sql_reconciliations_insert, p, &rows);
    if (status != STATUS_OK)
        return status;
    *ret_made = db_count(rows) == 1;
    return *ret_made && result->differences_n > 0 ? insert_differences(db, arena, run, result)
                                                  : STATUS_OK;
}

enum status store_reconciliations_count(struct db *db, struct arena *arena, const char *day,
                                        struct difference_count **ret, size_t *ret_n)
{
    struct db_params *p = db_params(arena);
    struct db_rows *rows = NULL;
    db_text(p, day);
    enum status status = db_run(db, arena, &sql_reconciliations_count, p, &rows);
    if (status != STATUS_OK)
        return status;
    struct difference_count *items = ARENA_ARRAY(arena, db_count(rows), struct difference_count);
    if (!items)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < db_count(rows); i++) {
        items[i].provider = db_get_text(rows, i, 0);
        for (int kind = DIFFERENCE_MISSING_HERE; kind < DIFFERENCE_KINDS; kind++)
            items[i].differ[kind] = db_get_int(rows, i, kind);
    }
    *ret = items;
    *ret_n = db_count(rows);
    return STATUS_OK;
}

// --- The daily job
enum status store_reconcile_next(struct db *db, struct arena *arena, const char *day,
                                 const struct key *after, struct key *ret,
                                 const char **ret_provider)
{
    struct db_params *p = db_params(arena);
    struct db_rows *rows = NULL;
    db_text(p, day);
    db_text(p, after->tenant_id);
    db_text(p, after->id);
    enum status status = db_run(db, arena, &sql_reconcile_next, p, &rows);
    *ret = (struct key){0};
    if (status != STATUS_OK || db_count(rows) == 0)
        return status;
    *ret = (struct key){db_get_text(rows, 0, 0), db_get_text(rows, 0, 1)};
    *ret_provider = db_get_text(rows, 0, 2);
    return STATUS_OK;
}

enum status store_reconcile_done(struct db *db, struct arena *arena, const struct key *credential,
                                 const char *day, bool *ret_done)
{
    struct db_params *p = db_params(arena);
    struct db_rows *rows = NULL;
    db_text(p, credential->tenant_id);
    db_text(p, credential->id);
    db_text(p, day);
    enum status status = db_run(db, arena, &sql_reconcile_done, p, &rows);
    if (status == STATUS_OK)
        *ret_done = db_get_bool(rows, 0, 0);
    return status;
}

enum status store_reconcile_lock(struct db *db, struct arena *arena, const char *credential_id,
                                 const char *day, bool *ret_locked)
{
    struct db_params *p = db_params(arena);
    struct db_rows *rows = NULL;
    db_text(p, credential_id);
    db_text(p, day);
    enum status status = db_run(db, arena, &sql_reconcile_lock, p, &rows);
    if (status == STATUS_OK)
        *ret_locked = db_get_bool(rows, 0, 0);
    return status;
}

enum status store_reconcile_unlock(struct db *db, struct arena *arena, const char *credential_id,
                                   const char *day)
{
    struct db_params *p = db_params(arena);
    struct db_rows *rows = NULL;
    db_text(p, credential_id);
    db_text(p, day);
    return db_run(db, arena, &sql_reconcile_unlock, p, &rows);
}
