#include "processor/claim.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "processor/reroute.h"

// A busy tenant gets this part of what is free at first, and the rest when nobody else wants it.
#define SHARE 8

#define AGAIN_MS 1000 // what finds no place now is looked at again after that

// A charge must not leave for a payment that isn't pending. It stays claimed; the query that
// follows the lease will find nothing at the provider.
void claim_hold_back(struct turn *turn, const struct payment_change *changes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct payment_change *change = &changes[i];
        if (change->result == CHANGE_APPLIED)
            continue;
        log_error("charge held back", LOG_S("payment", change->payment.id),
                  LOG_S("tenant", change->payment.tenant_id),
                  LOG_S("reason", change->problem.detail));
        for (size_t j = 0; j < turn->claimed_n; j++) {
            struct claimed *item = &turn->claimed[j];
            if (strcmp(item->operation.payment_id, change->payment.id) == 0 &&
                strcmp(item->operation.tenant_id, change->payment.tenant_id) == 0)
                item->held_back = true;
        }
    }
}

static void remember_place(struct claim_place *place, const struct leased *leased, size_t n)
{
    const char *last = n > 0 ? leased[n - 1].key.tenant_id : NULL;
    if (last && strlen(last) < sizeof place->after_tenant)
        strncpy(place->after_tenant, last, sizeof place->after_tenant - 1);
}

// Whether some tenant may have had more than its share.
static bool share_was_full(const struct leased *leased, size_t n, size_t share)
{
    size_t run = 0;
    for (size_t i = 0; i < n; i++) {
        run = i > 0 && strcmp(leased[i - 1].key.tenant_id, leased[i].key.tenant_id) == 0 ? run + 1
                                                                                         : 1;
        if (run == share)
            return true;
    }
    return false;
}

static enum status take_shares(struct turn *turn, size_t room, struct leased **ret, size_t *ret_n)
{
    size_t share = room / SHARE > 0 ? room / SHARE : 1, more_n = 0;
    struct leased *more = NULL;
    struct claim_bounds bounds = {
        .now_us = turn->now_us,
        .lease_ms = providers_total_ms_max(turn->state->providers) + LEASE_MARGIN_MS,
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
    struct leased *all = ARENA_ARRAY(turn->arena, *ret_n + more_n, struct leased);
    if (!all)
        return STATUS_RESOURCE_EXHAUSTED;
    memcpy(all, *ret, *ret_n * sizeof *all);
    memcpy(all + *ret_n, more, more_n * sizeof *all);
    *ret = all;
    *ret_n += more_n;
    return STATUS_OK;
}

// Puts what has a place first; *ret_n is how many that are.
static void place_long_ones(const struct turn *turn, struct leased *leased, size_t n, size_t *ret_n)
{
    size_t kept = 0, long_n = 0;
    for (size_t i = 0; i < n; i++) {
        struct leased item = leased[i];
        bool is_long = item.lease_ms > CLAIM_LONG_MS;
        if (is_long && long_n == turn->long_room)
            continue;
        long_n += is_long;
        leased[i] = leased[kept];
        leased[kept++] = item;
    }
    *ret_n = kept;
}

static enum status give_back(struct turn *turn, const struct leased *leased, size_t n)
{
    if (n == 0)
        return STATUS_OK;
    return store_operations_give_back(turn->db, turn->arena, leased, n,
                                      turn->now_us + AGAIN_MS * 1000);
}

enum status claim_take(struct turn *turn, size_t room, struct leased **ret, size_t *ret_n)
{
    size_t n = 0;
    *ret_n = 0;
    enum status status = take_shares(turn, room, ret, &n);
    if (status != STATUS_OK || n == 0)
        return status;
    turn->leased_n = n;
    remember_place(turn->place, *ret, n);
    place_long_ones(turn, *ret, n, ret_n);
    return give_back(turn, *ret + *ret_n, n - *ret_n);
}

static enum status list_shut(struct turn *turn, struct shut_circuits *ret)
{
    int64_t now_ms = clock_now_ns() / NS_PER_MS; // as breakers count it
    size_t n = 0;
    struct breaker_view *views = breakers_list(turn->state->breakers, turn->arena, now_ms, &n);
    *ret = (struct shut_circuits){.again_us = turn->now_us + AGAIN_MS * 1000};
    if (n == 0)
        return STATUS_OK;
    const char *simulator = providers_simulator(turn->state->providers)
                                ? providers_simulator(turn->state->providers)->id
                                : "";
    const char **ids = ARENA_ARRAY(turn->arena, n, const char *);
    int64_t *rooms = ARENA_ARRAY(turn->arena, n, int64_t);
    if (!views || !ids || !rooms)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < n; i++) {
        size_t room = breakers_room(turn->state->breakers, views[i].credential_id, now_ms);
        ids[i] = strcmp(views[i].credential_id, simulator) == 0 ? "" : views[i].credential_id;
        rooms[i] = room > INT32_MAX ? INT32_MAX : (int64_t)room;
    }
    *ret = (struct shut_circuits){ids, rooms, n, ret->again_us};
    return STATUS_OK;
}

static enum status reroute_charges(struct turn *turn, const struct operation *held, size_t n)
{
    struct reroute *items = ARENA_ARRAY(turn->arena, n, struct reroute);
    size_t items_n = 0;
    if (!items)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < n; i++)
        if (held[i].kind == OPERATION_CHARGE && held[i].stage == 0)
            items[items_n++] = (struct reroute){
                .before = &held[i],
                .error_code = "provider_unavailable",
                .error_message = "The provider is not available at the moment.",
            };
    return reroute_try(turn, items, items_n);
}

// Where a provider is not well its operations wait, or go elsewhere.
static enum status hold_back(struct turn *turn, const struct leased *leased, size_t n)
{
    struct shut_circuits shut;
    struct operation *held = NULL;
    size_t held_n = 0;
    enum status status = list_shut(turn, &shut);
    if (status != STATUS_OK || shut.n == 0)
        return status;
    status = store_operations_hold_back(turn->db, turn->arena, leased, n, &shut, &held, &held_n);
    return status == STATUS_OK ? reroute_charges(turn, held, held_n) : status;
}

enum status claim_taken(struct turn *turn, const struct leased *leased, size_t n)
{
    enum status status = hold_back(turn, leased, n);
    if (status == STATUS_OK)
        status = store_operations_claim(turn->db, turn->arena, leased, n, turn->now_us,
                                        &turn->claimed, &turn->claimed_n);
    for (size_t i = 0; status == STATUS_OK && i < turn->claimed_n; i++) {
        const struct operation *operation = &turn->claimed[i].operation;
        bool leaves = turn->claimed[i].send || operation->doubtful;
        // A second attempt finds its payment already processing, or unknown.
        if (leaves && operation->kind == OPERATION_CHARGE && turn->claimed[i].pending)
            turn_follow(turn, operation, &(struct payment_act){.kind = ACT_SEND});
    }
    return status;
}

enum status claim_due(struct turn *turn, size_t room)
{
    struct leased *leased = NULL;
    size_t n = 0;
    enum status status = claim_take(turn, room, &leased, &n);
    return status == STATUS_OK && n > 0 ? claim_taken(turn, leased, n) : status;
}
