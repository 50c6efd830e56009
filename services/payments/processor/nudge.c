#include "processor/nudge.h"

#include "callbacks/store_callbacks.h"
#include "state.h"

static int64_t scaled_us(const struct payments_state *state, int64_t ms)
{
    return ms * 10 * state->settings->provider_times_percent;
}

static bool is_due(const struct payments_state *state, const struct payment *payment,
                   int64_t now_us)
{
    if (payment->status != PAYMENT_PROCESSING && payment->status != PAYMENT_UNKNOWN)
        return false;
    const struct provider *provider = providers_find(state->providers, payment->provider);
    int64_t quiet_us = now_us - payment->updated_us;
    return provider && provider->query && quiet_us >= scaled_us(state, NUDGE_AFTER_MS) &&
           quiet_us >= provider->query_after_ms * 1000;
}

void nudge(struct worker *worker, const struct payment *const *payments, size_t n, int64_t now_us)
{
    const struct payments_state *state = worker->state;
    struct key *keys = NULL;
    size_t keys_n = 0;
    for (size_t i = 0; i < n; i++) {
        if (!payments[i] || !is_due(state, payments[i], now_us))
            continue;
        if (!keys)
            keys = ARENA_ARRAY(worker->arena, n, struct key);
        if (!keys)
            return;
        keys[keys_n++] = (struct key){payments[i]->tenant_id, payments[i]->id};
    }
    if (keys_n == 0)
        return;
    int64_t every_us = scaled_us(state, NUDGE_EVERY_MS);
    if (store_operations_nudge(worker->db, worker->arena, keys, keys_n, now_us, every_us) ==
        STATUS_OK)
        state_ring(state, true);
}
