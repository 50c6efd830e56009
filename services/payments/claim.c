#include "claim.h"

#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "change.h"

// A busy tenant gets this part of what is free at first, and the rest when nobody else wants it.
#define SHARE 8

int64_t claim_lease_ms(const struct payments_state *state)
{
    return state->settings->provider_timeout_ms + LEASE_MARGIN_MS;
}

// A charge must not leave for a payment that isn't pending. It stays claimed; the query that
// follows the lease will find nothing at the provider.
static void hold_back(struct claimed *items, size_t n, const struct payment_change *change)
{
    log_error("charge held back", LOG_S("payment", change->payment.id),
              LOG_S("reason", change->problem.detail));
    for (size_t i = 0; i < n; i++)
        if (strcmp(items[i].operation.payment_id, change->payment.id) == 0 &&
            strcmp(items[i].operation.tenant_id, change->payment.tenant_id) == 0)
            items[i].held_back = true;
}

static enum status start_payments(struct db *db, struct claimed *items, size_t n, int64_t now_us,
                                  struct effects *effects)
{
    struct payment_change *changes = ARENA_ARRAY(effects->arena, n, struct payment_change);
    size_t changes_n = 0;
    if (!changes)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < n; i++) {
        const struct operation *operation = &items[i].operation;
        // A second attempt finds its payment already processing, or unknown.
        if (!items[i].send || operation->kind != OPERATION_CHARGE || operation->attempts > 1)
            continue;
        changes[changes_n++] = (struct payment_change){
            .payment = {operation->tenant_id, operation->payment_id},
            .act = {.kind = ACT_SEND},
            .cause = {.actor = "processor",
                      .request_id = operation->request_id,
                      .traceparent = operation->traceparent},
        };
    }
    enum status status = payments_change(db, changes, changes_n, now_us, effects);
    for (size_t i = 0; status == STATUS_OK && i < changes_n; i++)
        if (changes[i].result != CHANGE_APPLIED)
            hold_back(items, n, &changes[i]);
    return status;
}

static enum status claim_twice(struct db *db, struct arena *arena, struct claim_bounds *bounds,
                               size_t free_slots, struct claimed **ret, size_t *ret_n)
{
    struct claimed *more = NULL;
    size_t more_n = 0;
    bounds->per_tenant = (int64_t)(free_slots / SHARE > 0 ? free_slots / SHARE : 1);
    bounds->limit = (int64_t)free_slots;
    enum status status = store_operations_claim(db, arena, bounds, ret, ret_n);
    if (status != STATUS_OK || *ret_n == 0 || *ret_n == free_slots)
        return status;
    bounds->per_tenant = bounds->limit = (int64_t)(free_slots - *ret_n);
    status = store_operations_claim(db, arena, bounds, &more, &more_n);
    if (status != STATUS_OK || more_n == 0)
        return status;
    struct claimed *all = ARENA_ARRAY(arena, *ret_n + more_n, struct claimed);
    if (!all)
        return STATUS_RESOURCE_EXHAUSTED;
    memcpy(all, *ret, *ret_n * sizeof *all);
    memcpy(all + *ret_n, more, more_n * sizeof *all);
    *ret = all;
    *ret_n += more_n;
    return STATUS_OK;
}

static void remember_turn(struct claim_turn *turn, const struct claimed *items, size_t n)
{
    if (n > 0 && strlen(items[n - 1].operation.tenant_id) < sizeof turn->after_tenant)
        strncpy(turn->after_tenant, items[n - 1].operation.tenant_id,
                sizeof turn->after_tenant - 1);
}

enum status claim_operations(const struct payments_state *state, struct db *db, struct arena *arena,
                             struct claim_turn *turn, size_t free_slots, struct claimed **ret,
                             size_t *ret_n)
{
    struct effects effects = effects_begin(arena);
    struct claim_bounds bounds = {.now_us = clock_unix_us(), .after_tenant = turn->after_tenant};
    bounds.lease_us = bounds.now_us + claim_lease_ms(state) * 1000;
    (void)failpoint_hit("charge.before_claim");
    enum status status = db_begin(db);
    if (status == STATUS_OK)
        status = claim_twice(db, arena, &bounds, free_slots, ret, ret_n);
    if (status == STATUS_OK)
        status = start_payments(db, *ret, *ret_n, bounds.now_us, &effects);
    if (status == STATUS_OK)
        status = effects_write(&effects, db);
    if (status != STATUS_OK || *ret_n == 0) {
        db_rollback(db);
        return status;
    }
    // UNKNOWN: perhaps they are ours. Nothing was sent, so their lease runs out and they are asked
    // about.
    status = db_commit(db);
    if (status == STATUS_OK) {
        remember_turn(turn, *ret, *ret_n);
        (void)failpoint_hit("charge.claimed");
        if (effects.events_n > 0)
            state_ring(state, false);
    }
    return status;
}
