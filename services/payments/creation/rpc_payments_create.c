#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "creation/create.h"
#include "rpc.h"

static bool has_key(const struct create_item *item)
{
    return item->claim.key != NULL;
}

static int by_key(const void *a, const void *b)
{
    const struct create_item *x = *(struct create_item *const *)a;
    const struct create_item *y = *(struct create_item *const *)b;
    int order = strcmp(x->claim.tenant_id, y->claim.tenant_id);
    order = order ? order : strcmp(x->claim.key, y->claim.key);
    return order ? order : (x > y) - (x < y);
}

static bool same_key(const struct create_item *x, const struct create_item *y)
{
    return strcmp(x->claim.key, y->claim.key) == 0 &&
           strcmp(x->claim.tenant_id, y->claim.tenant_id) == 0;
}

struct rounds {
    struct create_item *items;
    struct create_item **pending, **scratch;
    size_t pending_n;
    bool *later; // by the item's place in items
};

// A key comes once in a batch: who comes second waits for the next round, in which the first is
// decided.
static void defer_duplicates(struct rounds *rounds)
{
    size_t keyed = 0;
    for (size_t i = 0; i < rounds->pending_n; i++)
        if (has_key(rounds->pending[i]))
            rounds->scratch[keyed++] = rounds->pending[i];
    qsort(rounds->scratch, keyed, sizeof(struct create_item *), by_key);
    for (size_t i = 1; i < keyed; i++)
        rounds->later[rounds->scratch[i] - rounds->items] =
            same_key(rounds->scratch[i - 1], rounds->scratch[i]);
}

// Splits what is pending into this round and the rest.
static size_t next_round(struct rounds *rounds, struct batch_item **ret)
{
    size_t now = 0, rest = 0;
    defer_duplicates(rounds);
    for (size_t i = 0; i < rounds->pending_n; i++) {
        struct create_item *item = rounds->pending[i];
        if (rounds->later[item - rounds->items]) {
            rounds->later[item - rounds->items] = false;
            rounds->pending[rest++] = item;
        } else {
            ret[now++] = &item->base;
        }
    }
    rounds->pending_n = rest;
    return now;
}

static void run_rounds(struct worker *worker, struct arena *arena, struct create_item *items,
                       size_t n)
{
    struct rounds rounds = {
        .items = items,
        .pending = ARENA_ARRAY(arena, n, struct create_item *),
        .scratch = ARENA_ARRAY(arena, n, struct create_item *),
        .later = ARENA_ARRAY(arena, n, bool),
    };
    struct batch_item **round = ARENA_ARRAY(arena, n, struct batch_item *);
    bool full = !rounds.pending || !rounds.scratch || !rounds.later || !round;
    for (size_t i = 0; i < n; i++) {
        struct call *call = items[i].base.call;
        if (full || items[i].problem.status == STATUS_RESOURCE_EXHAUSTED)
            (void)call_refuse_status(call, STATUS_RESOURCE_EXHAUSTED);
        else if (items[i].problem.status != STATUS_OK && !has_key(&items[i]))
            call->problem = items[i].problem;
        else
            rounds.pending[rounds.pending_n++] = &items[i];
    }
    struct batch batch = {worker, arena, create_attempt, create_settle};
    while (rounds.pending_n > 0) {
        size_t now = next_round(&rounds, round);
        batch_run(&batch, round, now);
    }
}

// Reads only, so a lost answer is asked for again, and in the end nothing was accepted.
static enum status prepare(struct worker *worker, struct arena *arena, struct call *const *calls,
                           struct create_item *items, size_t n)
{
    enum status status = STATUS_UNKNOWN;
    for (int tries = 0; tries < 2 && status == STATUS_UNKNOWN; tries++) {
        memset(items, 0, n * sizeof *items);
        for (size_t i = 0; i < n; i++)
            items[i].base.call = calls[i];
        status = create_prepare(worker, arena, items, n, clock_unix_us());
    }
    return batch_read(status);
}

void rpc_create_payment(void *context, struct call *const *calls, size_t n)
{
    struct worker *worker = context;
    struct arena *arena = worker->arena;
    struct create_item *items = ARENA_ARRAY(arena, n, struct create_item);
    enum status status =
        items ? prepare(worker, arena, calls, items, n) : STATUS_RESOURCE_EXHAUSTED;
    if (status == STATUS_OK) {
        run_rounds(worker, arena, items, n);
        state_ring(worker->state, true);
    } else {
        for (size_t i = 0; i < n; i++)
            (void)call_refuse_status(calls[i], status);
    }
    arena_reset(arena);
}
