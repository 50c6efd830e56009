#include "setup/store_volumes.h"

#include <assert.h>

#include "payments_sql.h"
#include "store.h"

#define ROUNDS_MAX 20

// Locks can only be taken in order when none is held from a try that failed: so each try is undone
// before the next.
static const struct db_statement savepoint = {"payments.volumes_savepoint", "SAVEPOINT volumes"};
static const struct db_statement undo = {"payments.volumes_undo", "ROLLBACK TO SAVEPOINT volumes"};

// What is known of an item.
struct pair {
    bool whole;    // all its slices are to be locked
    bool too_late; // its slice had room, and then had not
    size_t slices_n;
    struct volume_slice slices[VOLUME_SLICES];
};

struct take {
    struct db *db;
    struct arena *arena;
    struct volume_ask *items;
    struct pair *pairs;
    size_t n, slice;
    int64_t now_us;
};

// A slice as it shall be.
struct moved {
    const char *tenant_id, *currency;
    int64_t slice;
    struct volume_slice to;
};

static void read_row(struct take *take, const struct db_rows *rows, size_t row)
{
    size_t place = (size_t)db_get_int(rows, row, 0) - 1;
    bool fits = db_get_bool(rows, row, 1);
    struct pair *pair = &take->pairs[place];
    if (fits) {
        take->items[place].granted = db_get_bool(rows, row, 5);
        pair->too_late = !take->items[place].granted;
        return;
    }
    size_t slice = (size_t)db_get_int(rows, row, 2);
    assert(slice < VOLUME_SLICES);
    pair->slices[slice] = (struct volume_slice){
        .budget = db_get_int(rows, row, 3),
        .used = db_get_int(rows, row, 4),
    };
    pair->slices_n++;
}

static enum status try_all(struct take *take)
{
    struct db_params *params = db_params(take->arena);
    struct db_rows *rows = NULL;
    if (!params)
        return STATUS_RESOURCE_EXHAUSTED;
    const struct volume_ask *items = take->items;
    db_texts(params, take->n, DB_COLUMN(items, tenant_id));
    db_texts(params, take->n, DB_COLUMN(items, currency));
    db_ints(params, take->n, DB_COLUMN(items, amount));
    db_ints(params, take->n, DB_COLUMN(items, limit));
    db_bools(params, take->n, DB_COLUMN(take->pairs, whole));
    db_int(params, (int64_t)take->slice);
    db_time(params, take->now_us);
    for (size_t i = 0; i < take->n; i++) {
        take->items[i].granted = take->pairs[i].too_late = false;
        take->pairs[i].slices_n = 0;
    }
    enum status status = db_run(take->db, take->arena, &sql_volumes_take, params, &rows);
    for (size_t i = 0; status == STATUS_OK && i < db_count(rows); i++)
        read_row(take, rows, i);
    return status;
}

static bool missing(const struct take *take, size_t i)
{
    const struct pair *pair = &take->pairs[i];
    return !take->items[i].granted && !pair->too_late && pair->slices_n < VOLUME_SLICES;
}

static enum status make_missing(struct take *take)
{
    struct db_params *params = db_params(take->arena);
    struct volume_ask *wanted = ARENA_ARRAY(take->arena, take->n, struct volume_ask);
    if (!params || !wanted)
        return STATUS_RESOURCE_EXHAUSTED;
    size_t n = 0;
    for (size_t i = 0; i < take->n; i++)
        if (missing(take, i))
            wanted[n++] = take->items[i];
    if (n == 0)
        return STATUS_OK;
    db_texts(params, n, DB_COLUMN(wanted, tenant_id));
    db_texts(params, n, DB_COLUMN(wanted, currency));
    db_ints(params, n, DB_COLUMN(wanted, limit));
    db_time(params, take->now_us);
    return db_post(take->db, take->arena, &sql_volumes_make, params);
}

// Whether every item is granted or has all its slices locked; where not, what it takes is noted.
static bool all_in_hand(struct take *take)
{
    bool all = true;
    for (size_t i = 0; i < take->n; i++) {
        take->pairs[i].whole = take->pairs[i].whole || take->pairs[i].too_late;
        all = all && !take->pairs[i].too_late && !missing(take, i);
    }
    return all;
}

static enum status get_in_hand(struct take *take)
{
    for (int round = 0; round < ROUNDS_MAX; round++) {
        enum status status = db_post(take->db, take->arena, &savepoint, NULL);
        if (status == STATUS_OK)
            status = try_all(take);
        if (status != STATUS_OK || all_in_hand(take))
            return status;
        status = db_post(take->db, take->arena, &undo, NULL);
        if (status == STATUS_OK)
            status = make_missing(take);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_ABORTED;
}

static enum status write_moved(struct take *take, const struct moved *moved, size_t n)
{
    struct db_params *params = db_params(take->arena);
    if (!params)
        return STATUS_RESOURCE_EXHAUSTED;
    db_texts(params, n, DB_COLUMN(moved, tenant_id));
    db_texts(params, n, DB_COLUMN(moved, currency));
    db_ints(params, n, DB_COLUMN(moved, slice));
    db_ints(params, n, DB_COLUMN(moved, to.budget));
    db_ints(params, n, DB_COLUMN(moved, to.used));
    db_time(params, take->now_us);
    return db_post(take->db, take->arena, &sql_volumes_move, params);
}

// For those whose slices are all locked.
static enum status share_out(struct take *take)
{
    struct moved *moved = ARENA_ARRAY(take->arena, take->n * VOLUME_SLICES, struct moved);
    if (!moved)
        return STATUS_RESOURCE_EXHAUSTED;
    size_t moved_n = 0;
    for (size_t i = 0; i < take->n; i++) {
        struct volume_ask *item = &take->items[i];
        struct pair *pair = &take->pairs[i];
        bool changed = false;
        if (pair->slices_n == VOLUME_SLICES)
            item->granted =
                volume_share(pair->slices, item->limit, item->amount, take->slice, &changed);
        for (size_t k = 0; changed && k < VOLUME_SLICES; k++)
            moved[moved_n++] =
                (struct moved){item->tenant_id, item->currency, (int64_t)k, pair->slices[k]};
    }
    return moved_n ? write_moved(take, moved, moved_n) : STATUS_OK;
}

enum status store_volumes_take(struct db *db, struct arena *arena, struct volume_ask *items,
                               size_t n, size_t slice, int64_t now_us)
{
    assert(db_in_transaction(db) && slice < VOLUME_SLICES);
    if (n == 0)
        return STATUS_OK;
    struct take take = {db, arena, items, ARENA_ARRAY(arena, n, struct pair), n, slice, now_us};
    if (!take.pairs)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < n; i++)
        assert(items[i].amount > 0 && items[i].limit > 0);
    enum status status = get_in_hand(&take);
    return status == STATUS_OK ? share_out(&take) : status;
}

enum status store_volumes_sweep(struct db *db, struct arena *arena, int64_t now_us, size_t limit,
                                size_t *ret_removed)
{
    const struct sweep sweep = {&sql_volumes_sweep, now_us, limit};
    return store_sweep(db, arena, &sweep, ret_removed);
}
