#include "claim.h"

#include <string.h>

#include "base/log.h"

// A busy tenant gets this part of what is free at first, and the rest when nobody else wants it.
#define SHARE 8

int64_t claim_lease_ms(const struct payments_state *state)
{
    return state->settings->provider_timeout_ms + LEASE_MARGIN_MS;
}

// A charge must not leave for a payment that isn't pending. It stays claimed; the query that
// follows the lease will find nothing at the provider.
void claim_hold_back(struct turn *turn, const struct payment_change *changes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct payment_change *change = &changes[i];
        if (change->result == CHANGE_APPLIED)
            continue;
        log_error("charge held back", LOG_S("payment", change->payment.id),
                  LOG_S("reason", change->problem.detail));
        for (size_t j = 0; j < turn->claimed_n; j++) {
            struct claimed *item = &turn->claimed[j];
            if (strcmp(item->operation.payment_id, change->payment.id) == 0 &&
                strcmp(item->operation.tenant_id, change->payment.tenant_id) == 0)
                item->held_back = true;
        }
    }
}

static void remember_place(struct claim_place *place, const struct key *keys, size_t n)
{
    if (n > 0 && strlen(keys[n - 1].tenant_id) < sizeof place->after_tenant)
        strncpy(place->after_tenant, keys[n - 1].tenant_id, sizeof place->after_tenant - 1);
}

// Whether some tenant may have had more than its share.
static bool share_was_full(const struct key *keys, size_t n, size_t share)
{
    size_t run = 0;
    for (size_t i = 0; i < n; i++) {
        run = i > 0 && strcmp(keys[i - 1].tenant_id, keys[i].tenant_id) == 0 ? run + 1 : 1;
        if (run == share)
            return true;
    }
    return false;
}

enum status claim_take(struct turn *turn, size_t room, struct key **ret, size_t *ret_n)
{
    size_t share = room / SHARE > 0 ? room / SHARE : 1, more_n = 0;
    struct key *more = NULL;
    struct claim_bounds bounds = {
        .now_us = turn->now_us,
        .lease_us = turn->lease_us,
        .after_tenant = turn->place->after_tenant,
        .per_tenant = (int64_t)share,
        .limit = (int64_t)room,
    };
    enum status status = store_operations_take(turn->db, turn->arena, &bounds, ret, ret_n);
    if (status != STATUS_OK || *ret_n == room || !share_was_full(*ret, *ret_n, share))
        return status;
    bounds.per_tenant = bounds.limit = (int64_t)(room - *ret_n);
    status = store_operations_take(turn->db, turn->arena, &bounds, &more, &more_n);
    if (status != STATUS_OK || more_n == 0)
        return status;
    struct key *all = ARENA_ARRAY(turn->arena, *ret_n + more_n, struct key);
    if (!all)
        return STATUS_RESOURCE_EXHAUSTED;
    memcpy(all, *ret, *ret_n * sizeof *all);
    memcpy(all + *ret_n, more, more_n * sizeof *all);
    *ret = all;
    *ret_n += more_n;
    return STATUS_OK;
}

enum status claim_taken(struct turn *turn, const struct key *keys, size_t n)
{
    enum status status = store_operations_claim(turn->db, turn->arena, keys, n, turn->now_us,
                                                turn->lease_us, &turn->claimed, &turn->claimed_n);
    for (size_t i = 0; status == STATUS_OK && i < turn->claimed_n; i++) {
        const struct operation *operation = &turn->claimed[i].operation;
        // A second attempt finds its payment already processing, or unknown.
        if (turn->claimed[i].send && operation->kind == OPERATION_CHARGE &&
            operation->attempts == 1)
            turn_follow(turn, operation, &(struct payment_act){.kind = ACT_SEND});
    }
    return status;
}

enum status claim_due(struct turn *turn, size_t room)
{
    struct key *keys = NULL;
    size_t n = 0;
    enum status status = claim_take(turn, room, &keys, &n);
    if (status != STATUS_OK || n == 0)
        return status;
    turn->leased_n = n;
    remember_place(turn->place, keys, n);
    return claim_taken(turn, keys, n);
}
