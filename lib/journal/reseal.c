#include "journal/reseal.h"

#include "base/clock.h"
#include "base/log.h"
#include "journal_sql.h"

#define PAGE_ROWS 500

const struct sealed_column journal_sealed = {"events.body", &sql_journal_events_page,
                                             &sql_journal_events_reseal};

struct pass {
    const struct sealed_column *column;
    int64_t key_id, began_us, done_us;
    const char *after_1, *after_2;
};

// A row as columns.
struct sealed_row {
    const char *key_1, *key_2;
    struct bytes old, new;
};

static bool worth_a_pass(const struct keyring *ring, const struct pass *pass, int64_t started_us)
{
    return pass->key_id != ring->keys[0].id || (ring->n > 1 && pass->began_us < started_us);
}

// *ret_ours false: another replica is at it.
static enum status enter(struct db *db, struct arena *arena, struct pass *pass, bool *ret_ours)
{
    const struct keyring *ring = db_keyring(db);
    struct db_params *params = db_params(arena);
    struct db_rows *rows = NULL;
    db_text(params, pass->column->name);
    db_int(params, ring->keys[0].id);
    db_time(params, clock_unix_us());
    enum status status = db_post(db, arena, &sql_journal_reseal_enter, params);
    params = db_params(arena);
    db_text(params, pass->column->name);
    if (status == STATUS_OK)
        status = db_run(db, arena, &sql_journal_reseal_lock, params, &rows);
    *ret_ours = status == STATUS_OK && db_count(rows) == 1;
    if (!*ret_ours)
        return status;
    pass->key_id = db_get_int(rows, 0, 0);
    pass->began_us = db_get_time(rows, 0, 1);
    pass->after_1 = db_get_text(rows, 0, 2);
    pass->after_2 = db_get_text(rows, 0, 3);
    pass->done_us = db_get_time(rows, 0, 4);
    return status;
}

static enum status note(struct db *db, struct arena *arena, const struct pass *pass)
{
    struct db_params *params = db_params(arena);
    db_text(params, pass->column->name);
    db_int(params, pass->key_id);
    db_time(params, pass->began_us);
    db_text(params, pass->after_1);
    db_text(params, pass->after_2);
    db_time(params, pass->done_us);
    return db_post(db, arena, &sql_journal_reseal_note, params);
}

// False: it can't be opened, and stays as it is.
static bool seal_anew(const struct keyring *ring, struct arena *arena, const char *context,
                      struct sealed_row *row)
{
    struct bytes plain = {0};
    if (!context || keyring_read(ring, arena, row->old, context, &plain) != STATUS_OK)
        return false;
    row->new = keyring_seal(ring, arena, plain, context);
    if (plain.at != row->old.at)
        crypto_wipe((void *)(uintptr_t)plain.at, plain.length);
    return row->new.at;
}

static enum status put(struct db *db, struct arena *arena, const struct pass *pass,
                       const struct sealed_row *items, size_t n)
{
    struct db_params *params = db_params(arena);
    if (n == 0)
        return STATUS_OK;
    db_texts(params, n, DB_COLUMN(items, key_1));
    db_texts(params, n, DB_COLUMN(items, key_2));
    db_byteas(params, n, DB_COLUMN(items, old));
    db_byteas(params, n, DB_COLUMN(items, new));
    log_info("sealed anew", LOG_S("column", pass->column->name), LOG_I("n", (int64_t)n));
    return db_post(db, arena, pass->column->put, params);
}

static enum status turn_page(struct db *db, struct arena *arena, struct pass *pass)
{
    const struct keyring *ring = db_keyring(db);
    struct db_params *params = db_params(arena);
    struct db_rows *rows = NULL;
    db_int(params, pass->key_id);
    db_text(params, pass->after_1);
    db_text(params, pass->after_2);
    db_int(params, PAGE_ROWS);
    enum status status = db_run(db, arena, pass->column->page, params, &rows);
    if (status != STATUS_OK)
        return status;
    size_t n = db_count(rows), sealed_n = 0;
    struct sealed_row *items = ARENA_ARRAY(arena, n, struct sealed_row);
    if (!items)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < n; i++) {
        struct sealed_row *row = &items[sealed_n];
        *row = (struct sealed_row){pass->after_1 = db_get_text(rows, i, 0),
                                   pass->after_2 = db_get_text(rows, i, 1),
                                   .old = db_get_bytea(rows, i, 3)};
        if (!row->old.at)
            continue;
        if (seal_anew(ring, arena, db_get_text(rows, i, 2), row))
            sealed_n++;
        else
            log_error("not sealed anew", LOG_S("column", pass->column->name),
                      LOG_S("of", row->key_1), LOG_S("id", row->key_2));
    }
    if (n < PAGE_ROWS)
        pass->done_us = clock_unix_us();
    return put(db, arena, pass, items, sealed_n);
}

static enum status reseal(struct db *db, struct arena *arena, struct pass *pass, int64_t started_us,
                          bool *ret_more)
{
    const struct keyring *ring = db_keyring(db);
    bool ours = false;
    enum status status = enter(db, arena, pass, &ours);
    if (!ours)
        return status;
    if (worth_a_pass(ring, pass, started_us))
        *pass =
            (struct pass){pass->column, ring->keys[0].id, clock_unix_us(), DB_TIME_NULL, "", ""};
    if (pass->done_us != DB_TIME_NULL)
        return STATUS_OK;
    status = turn_page(db, arena, pass);
    if (status == STATUS_OK)
        status = note(db, arena, pass);
    *ret_more = *ret_more || pass->done_us == DB_TIME_NULL;
    return status;
}

enum status journal_reseal(struct db *db, struct arena *arena, const struct sealed_column *column,
                           int64_t started_us, bool *ret_more)
{
    struct pass pass = {.column = column};
    enum status status = db_begin(db);
    if (status == STATUS_OK)
        status = reseal(db, arena, &pass, started_us, ret_more);
    if (status == STATUS_OK)
        return db_commit(db);
    db_rollback(db);
    return status;
}
