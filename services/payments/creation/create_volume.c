// A day's volume of tenants that have such a limit: taken in the transaction that accepts the
// payments.
#include <stdlib.h>
#include <string.h>

#include "creation/create.h"
#include "setup/store_volumes.h"

static bool counts(const struct create_item *item)
{
    return item->verdict == CREATE_GOES && item->daily_limit > 0;
}

static int by_tenant(const void *a, const void *b)
{
    const struct payment *x = &(*(struct create_item *const *)a)->new.payment;
    const struct payment *y = &(*(struct create_item *const *)b)->new.payment;
    int order = strcmp(x->tenant_id, y->tenant_id);
    return order ? order : strcmp(x->currency, y->currency);
}

static struct volume_ask ask_of(const struct create_item *item)
{
    const struct payment *payment = &item->new.payment;
    return (struct volume_ask){.tenant_id = payment->tenant_id,
                               .currency = payment->currency,
                               .amount = payment->amount,
                               .limit = item->daily_limit};
}

// Threads that make payments side by side use slices of their own, mostly.
static size_t slice_of(const struct worker *worker)
{
    return ((uintptr_t)worker >> 6) % VOLUME_SLICES;
}

static void refuse(struct create_refusals *refusals, struct create_item *item)
{
    struct problem problem = {0};
    (void)problem_set(&problem, STATUS_INVALID_ARGUMENT, "daily_limit_exceeded", "amount",
                      "The day's volume in %s would pass its limit.", item->new.payment.currency);
    refusals->refuse(refusals->context, item, &problem);
}

static enum status take_singly(struct worker *worker, struct arena *arena,
                               struct create_item *const *items, size_t n,
                               struct create_refusals *refusals)
{
    for (size_t i = 0; i < n; i++) {
        struct volume_ask ask = ask_of(items[i]);
        enum status status = store_volumes_take(worker->db, arena, &ask, 1, slice_of(worker),
                                                items[i]->new.payment.created_us);
        if (status != STATUS_OK)
            return status;
        if (!ask.granted)
            refuse(refusals, items[i]);
    }
    return STATUS_OK;
}

// Payments of one tenant in one currency.
struct run {
    struct create_item *const *items;
    size_t n;
};

static size_t find_runs(struct create_item *const *items, size_t n, struct run *ret)
{
    size_t runs = 0;
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || by_tenant(&items[i - 1], &items[i]) != 0)
            ret[runs++] = (struct run){&items[i], 0};
        ret[runs - 1].n++;
    }
    return runs;
}

// All of a run at once, and one by one where that is too much.
static enum status take_runs(struct worker *worker, struct arena *arena, const struct run *runs,
                             size_t n, struct create_refusals *refusals)
{
    struct volume_ask *sums = ARENA_ARRAY(arena, n, struct volume_ask);
    if (!sums)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < n; i++) {
        sums[i] = ask_of(runs[i].items[0]);
        for (size_t j = 1; j < runs[i].n; j++)
            sums[i].amount += runs[i].items[j]->new.payment.amount;
    }
    enum status status = store_volumes_take(worker->db, arena, sums, n, slice_of(worker),
                                            runs[0].items[0]->new.payment.created_us);
    for (size_t i = 0; status == STATUS_OK && i < n; i++)
        if (!sums[i].granted)
            status = take_singly(worker, arena, runs[i].items, runs[i].n, refusals);
    return status;
}

enum status create_take_volumes(struct worker *worker, struct arena *arena,
                                struct create_item *const *items, size_t n,
                                struct create_refusals *refusals)
{
    struct create_item **counted = ARENA_ARRAY(arena, n, struct create_item *);
    struct run *runs = ARENA_ARRAY(arena, n, struct run);
    size_t counted_n = 0;
    if (!counted || !runs)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < n; i++)
        if (counts(items[i]))
            counted[counted_n++] = items[i];
    if (counted_n == 0)
        return STATUS_OK;
    qsort(counted, counted_n, sizeof(struct create_item *), by_tenant);
    return take_runs(worker, arena, runs, find_runs(counted, counted_n, runs), refusals);
}
