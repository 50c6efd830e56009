// Leases, many at once. Those of one bucket are made as one, so that a statement has each row once,
// and what it grants goes round in the order of asking.
#include "rpc_tokens.h"

#include <stdlib.h>
#include <string.h>

#include "service/service.h"
#include "store_buckets.h"
#include "tenant.h"
#include "json/json.h"

struct ask {
    struct call *call;
    struct bucket_lease lease;
    struct bucket_lease *sum; // what it is part of; NULL: there is no limit
};

static int by_key(const void *a, const void *b)
{
    const struct ask *x = a, *y = b;
    return strcmp(x->lease.key, y->lease.key);
}

static void answer(struct call *call, const Obol__Auth__V1__LeaseTokensResponse *made)
{
    Obol__Auth__V1__LeaseTokensResponse *response = MESSAGE_NEW(
        call->arena, obol__auth__v1__lease_tokens_response, Obol__Auth__V1__LeaseTokensResponse);
    if (!response) {
        (void)problem_internal(&call->problem);
        return;
    }
    *response = *made;
    call_answer(call, &response->base);
}

static void refuse_all(struct ask *asks, size_t n, enum status status)
{
    for (size_t i = 0; i < n; i++)
        (void)call_refuse_status(asks[i].call, status);
}

// Rate and burst of tenants' buckets, from our own tables.
static enum status fill_rates(struct worker *worker, struct arena *arena, struct ask *asks,
                              size_t n)
{
    const struct auth_settings *settings = worker->state;
    const char **ids = ARENA_ARRAY(arena, n, const char *);
    struct ask **of = ARENA_ARRAY(arena, n, struct ask *);
    int64_t *rates = ARENA_ARRAY(arena, n, int64_t);
    size_t tenants = 0;
    if (!ids || !of || !rates)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < n; i++) {
        const char *id = bucket_tenant(asks[i].lease.key);
        if (!id)
            continue;
        of[tenants] = &asks[i];
        ids[tenants++] = id;
    }
    enum status status =
        tenants > 0 ? tenants_rates(worker->db, arena, ids, tenants, rates) : STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < tenants; i++) {
        int64_t rate = rates[i] == RATE_DEFAULT ? settings->tenant_rate_per_min : rates[i];
        of[i]->lease.rate_per_min = rate;
        of[i]->lease.burst = bucket_burst(rate);
    }
    return status;
}

// asks are sorted; those without a limit are left out.
static size_t join(struct ask *asks, size_t n, struct bucket_lease *ret)
{
    size_t sums = 0;
    for (size_t i = 0; i < n; i++) {
        struct bucket_lease *lease = &asks[i].lease;
        if (lease->rate_per_min == 0)
            continue;
        if (sums > 0 && strcmp(ret[sums - 1].key, lease->key) == 0)
            bucket_join(&ret[sums - 1], lease);
        else
            ret[sums++] = *lease;
        asks[i].sum = &ret[sums - 1];
    }
    return sums;
}

static void share_out(struct ask *ask)
{
    Obol__Auth__V1__LeaseTokensResponse made = OBOL__AUTH__V1__LEASE_TOKENS_RESPONSE__INIT;
    if (!ask->sum) {
        made.granted = ask->lease.wanted;
        answer(ask->call, &made);
        return;
    }
    bucket_answer(ask->sum, &made);
    made.granted = ask->lease.wanted < ask->sum->granted ? ask->lease.wanted : ask->sum->granted;
    ask->sum->granted -= made.granted;
    answer(ask->call, &made);
}

static enum status lease(struct worker *worker, struct arena *arena, struct ask *asks, size_t n)
{
    struct bucket_lease *sums = ARENA_ARRAY(arena, n, struct bucket_lease);
    enum status status = sums ? fill_rates(worker, arena, asks, n) : STATUS_RESOURCE_EXHAUSTED;
    if (status != STATUS_OK)
        return status;
    qsort(asks, n, sizeof *asks, by_key);
    size_t sums_n = join(asks, n, sums);
    if (sums_n > 0)
        status = buckets_lease(worker->db, arena, sums, sums_n, DB_TIME_NULL);
    for (size_t i = 0; status == STATUS_OK && i < n; i++)
        share_out(&asks[i]);
    return status;
}

void rpc_lease_tokens(void *context, struct call *const *calls, size_t n)
{
    struct worker *worker = context;
    struct arena *arena = worker->arena;
    struct ask *asks = ARENA_ARRAY(arena, n, struct ask);
    size_t asked = 0;
    for (size_t i = 0; i < n; i++) {
        struct call *call = calls[i];
        struct bucket_lease read;
        if (!asks)
            (void)call_refuse_status(call, STATUS_RESOURCE_EXHAUSTED);
        else if (bucket_read(CALL_REQUEST(call, Obol__Auth__V1__LeaseTokensRequest), &read,
                             &call->problem) == STATUS_OK)
            asks[asked++] = (struct ask){call, read, NULL};
    }
    enum status status = asked > 0 ? lease(worker, arena, asks, asked) : STATUS_OK;
    if (status != STATUS_OK)
        // What was granted before its answer was lost is lost too: the bucket errs on the safe
        // side.
        refuse_all(asks, asked, status == STATUS_UNKNOWN ? STATUS_UNAVAILABLE : status);
    arena_reset(arena);
}
