#include "callbacks/store_callbacks.h"

#include <stdlib.h>
#include <string.h>

#include "payments_sql.h"

#define UNKNOWN_KEPT_US (30 * 24 * 3600 * 1000000LL)

// In the caller's transaction, or in one of its own.
static enum status take(struct db *db, struct arena *arena, struct callback_named *items, size_t n,
                        int64_t now_us)
{
    struct db_params *p = db_params(arena);
    struct db_rows *rows = NULL;
    db_texts(p, n, DB_COLUMN(items, reference));
    db_texts(p, n, DB_COLUMN(items, provider));
    db_texts(p, n, DB_COLUMN(items, tenant_id));
    db_time(p, now_us);
    db_bool(p, !db_in_transaction(db));
    enum status status = db_run(db, arena, &sql_callbacks_take, p, &rows);
    for (size_t i = 0; status == STATUS_OK && i < db_count(rows); i++) {
        struct callback_named *item = &items[db_get_int(rows, i, 0) - 1];
        bool open = db_get_bool(rows, i, 1), known = db_get_bool(rows, i, 2);
        item->found = open ? FOUND_OPEN : known ? FOUND_FINISHED : FOUND_NOTHING;
    }
    return status;
}

enum status store_callbacks_take(struct db *db, struct arena *arena, struct callback_named *items,
                                 size_t n, int64_t now_us)
{
    return take(db, arena, items, n, now_us);
}

// A statement applies once to a row: of several that name it, the last one stays.
static enum status keep_testimony(struct db *db, struct arena *arena,
                                  const struct callback_named *items, size_t n)
{
    struct callback_named *last = ARENA_ARRAY(arena, n, struct callback_named);
    struct db_params *p = db_params(arena);
    size_t last_n = 0;
    if (!last)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < n; i++)
        if (i + 1 == n || strcmp(items[i].reference, items[i + 1].reference) != 0 ||
            strcmp(items[i].credential_id, items[i + 1].credential_id) != 0)
            last[last_n++] = items[i];
    for (size_t i = 0; i < last_n; i++) {
        const char *context = testimony_context(arena, last[i].reference);
        if (context)
            last[i].testimony = keyring_seal(db_keyring(db), arena, last[i].testimony, context);
        if (!context || !last[i].testimony.at)
            return STATUS_RESOURCE_EXHAUSTED;
    }
    db_texts(p, last_n, DB_COLUMN(last, reference));
    db_texts(p, last_n, DB_COLUMN(last, tenant_id));
    db_texts(p, last_n, DB_COLUMN(last, provider));
    db_texts(p, last_n, DB_COLUMN(last, credential_id));
    db_byteas(p, last_n, DB_COLUMN(last, testimony));
    return db_post(db, arena, &sql_operations_testify, p);
}

enum status store_callbacks_testify(struct db *db, struct arena *arena,
                                    struct callback_named *items, size_t n, int64_t now_us)
{
    enum status status = db_begin(db);
    if (status == STATUS_OK)
        status = keep_testimony(db, arena, items, n);
    if (status == STATUS_OK)
        status = take(db, arena, items, n, now_us);
    if (status == STATUS_OK)
        return db_commit(db);
    db_rollback(db);
    return status;
}

const char *unknown_callback_context(struct arena *arena, const char *id)
{
    return arena_printf(arena, "callback:%s", id);
}

// Two that keep the same must not wait for each other crosswise.
static int by_digest(const void *a, const void *b)
{
    const struct unknown_callback *x = a, *y = b;
    return memcmp(x->digest.at, y->digest.at, SHA256_BYTES);
}

enum status store_unknown_callbacks_keep(struct db *db, struct arena *arena,
                                         struct unknown_callback *items, size_t n, int64_t now_us)
{
    struct db_params *p = db_params(arena);
    qsort(items, n, sizeof *items, by_digest);
    db_texts(p, n, DB_COLUMN(items, id));
    db_texts(p, n, DB_COLUMN(items, tenant_id));
    db_texts(p, n, DB_COLUMN(items, provider));
    db_texts(p, n, DB_COLUMN(items, credential_id));
    db_byteas(p, n, DB_COLUMN(items, digest));
    db_byteas(p, n, DB_COLUMN(items, body));
    db_time(p, now_us);
    db_int(p, UNKNOWN_CALLBACKS_OF_A_DAY);
    return db_run(db, arena, &sql_unknown_callbacks_keep, p, NULL);
}

enum status store_unknown_callbacks_sweep(struct db *db, struct arena *arena, int64_t now_us,
                                          size_t limit, size_t *ret_removed)
{
    const struct sweep sweep = {&sql_unknown_callbacks_sweep, now_us - UNKNOWN_KEPT_US, limit};
    return store_sweep(db, arena, &sweep, ret_removed);
}

enum status store_callback_counts_add(struct db *db, struct arena *arena,
                                      const struct callback_count *counts, size_t n)
{
    struct db_params *p = db_params(arena);
    db_texts(p, n, DB_COLUMN(counts, tenant_id));
    db_texts(p, n, DB_COLUMN(counts, provider));
    db_texts(p, n, DB_COLUMN(counts, outcome));
    db_ints(p, n, DB_COLUMN(counts, n));
    db_times(p, n, DB_COLUMN(counts, last_us));
    return db_run(db, arena, &sql_callback_counts_add, p, NULL);
}

enum status store_callback_counts_get(struct db *db, struct arena *arena, const char *tenant_id,
                                      const char *provider, bool shared,
                                      struct callback_count **ret, size_t *ret_n)
{
    const char *tenants[] = {tenant_id, ""};
    struct db_params *p = db_params(arena);
    struct db_rows *rows = NULL;
    db_texts(p, shared ? 2 : 1, tenants, sizeof *tenants);
    db_text(p, provider);
    enum status status = db_run(db, arena, &sql_callback_counts_get, p, &rows);
    if (status != STATUS_OK)
        return status;
    struct callback_count *counts = ARENA_ARRAY(arena, db_count(rows), struct callback_count);
    if (!counts)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < db_count(rows); i++)
        counts[i] = (struct callback_count){tenant_id, provider, db_get_text(rows, i, 0),
                                            db_get_int(rows, i, 1), db_get_time(rows, i, 2)};
    *ret = counts;
    *ret_n = db_count(rows);
    return STATUS_OK;
}

enum status store_operations_nudge(struct db *db, struct arena *arena, const struct key *payments,
                                   size_t n, int64_t now_us, int64_t interval_us)
{
    struct db_params *p = db_params(arena);
    db_texts(p, n, DB_COLUMN(payments, tenant_id));
    db_texts(p, n, DB_COLUMN(payments, id));
    db_time(p, now_us);
    db_time(p, now_us - interval_us);
    enum status status = db_begin(db);
    if (status == STATUS_OK)
        status = db_post(db, arena, &sql_commit_relaxed, NULL);
    if (status == STATUS_OK)
        status = db_post(db, arena, &sql_operations_nudge, p);
    if (status == STATUS_OK)
        return db_commit(db);
    db_rollback(db);
    return status;
}
