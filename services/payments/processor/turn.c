#include "processor/turn.h"

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "creation/store_payers.h"
#include "processor/claim.h"
#include "processor/flush.h"

void turn_follow(struct turn *turn, const struct operation *operation,
                 const struct payment_act *act)
{
    if (turn->changes_n == turn->changes_max)
        return; // never: an item leads to two at most
    turn->changes[turn->changes_n++] = (struct payment_change){
        .payment = {operation->tenant_id, operation->payment_id},
        .act = *act,
        .cause = {.actor = "processor",
                  .request_id = operation->request_id,
                  .traceparent = operation->traceparent},
    };
}

// One transaction: outcomes of items, and claims: either as many as there is room, or of what is
// leased already.
struct attempt {
    const struct finished *items;
    size_t n, room;
    const struct leased *taken;
    size_t taken_n;
};

// A payment is declined once, so it counts once.
static enum status count_declined(struct turn *turn)
{
    const struct payments_settings *settings = turn->state->settings;
    const struct payer_block block = {settings->payer_failures_block, settings->payer_block_s};
    struct key *declined = ARENA_ARRAY(turn->arena, turn->changes_n, struct key);
    size_t n = 0;
    if (!declined)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; block.failures > 0 && i < turn->changes_n; i++) {
        const struct payment_change *change = &turn->changes[i];
        if (change->result == CHANGE_APPLIED && change->act.kind == ACT_DECLINED &&
            change->act.by_payer)
            declined[n++] = change->payment;
    }
    return n > 0 ? store_payers_fail(turn->db, turn->arena, declined, n, &block) : STATUS_OK;
}

static enum status steps(struct turn *turn, const struct attempt *attempt)
{
    enum status status = STATUS_OK;
    if (attempt->n > 0)
        status = flush_outcomes(turn, attempt->items, attempt->n);
    size_t outcomes_n = turn->changes_n;
    if (status == STATUS_OK && attempt->room > 0)
        status = claim_due(turn, attempt->room);
    if (status == STATUS_OK && attempt->taken)
        status = claim_taken(turn, attempt->taken, attempt->taken_n);
    if (status == STATUS_OK)
        status =
            payments_change(turn->db, turn->changes, turn->changes_n, turn->now_us, &turn->effects);
    if (status == STATUS_OK)
        status = count_declined(turn);
    if (status == STATUS_OK)
        status = effects_write(&turn->effects, turn->db);
    if (status != STATUS_OK)
        return status;
    flush_report(turn->changes, outcomes_n);
    claim_hold_back(turn, turn->changes + outcomes_n, turn->changes_n - outcomes_n);
    if (attempt->n > 0 && failpoint_hit("outcome.before_commit"))
        return STATUS_ABORTED;
    return STATUS_OK;
}

static enum status commit(struct turn *turn, const struct attempt *attempt)
{
    // UNKNOWN: perhaps the claims are ours. Nothing was sent, so their lease runs out and they are
    // asked about.
    enum status status = db_commit(turn->db);
    if (status != STATUS_OK)
        return status;
    if (attempt->n > 0)
        (void)failpoint_hit("outcome.committed");
    if (turn->claimed_n > 0)
        (void)failpoint_hit("charge.claimed");
    if (turn->effects.events_n > 0)
        state_ring(turn->state, false);
    return STATUS_OK;
}

static enum status try_at(struct turn *turn, const struct attempt *attempt)
{
    turn->changes_max = 2 * attempt->n + attempt->room + attempt->taken_n;
    turn->now_us = clock_unix_us();
    turn->changes = ARENA_ARRAY(turn->arena, turn->changes_max, struct payment_change);
    turn->changes_n = 0;
    turn->effects = effects_begin(turn->arena);
    turn->claimed_n = turn->leased_n = 0;
    if (!turn->changes)
        return STATUS_RESOURCE_EXHAUSTED;
    if (attempt->room > 0)
        (void)failpoint_hit("charge.before_claim");
    enum status status = db_begin(turn->db);
    if (status == STATUS_OK)
        status = steps(turn, attempt);
    if (status == STATUS_OK && attempt->n + attempt->taken_n + turn->leased_n > 0)
        status = commit(turn, attempt);
    else
        db_rollback(turn->db);
    if (status != STATUS_OK)
        turn->claimed_n = 0;
    return status;
}

// Something in the data, or a fault of ours: it would be the same the next time, for all of them.
static bool lasting(enum status status)
{
    return status == STATUS_INVALID_ARGUMENT || status == STATUS_INTERNAL ||
           status == STATUS_RESOURCE_EXHAUSTED;
}

static void settle(struct turn *turn)
{
    for (size_t i = 0; i < turn->finished_n; i++)
        turn->settled[i] = true;
}

// An operation whose outcome can't be recorded is asked about again when its lease has run out.
static enum status record_singly(struct turn *turn)
{
    enum status worst = STATUS_OK;
    for (size_t i = 0; i < turn->finished_n; i++) {
        const struct finished *item = &turn->finished[i];
        arena_reset(turn->arena);
        enum status status = try_at(turn, &(struct attempt){.items = item, .n = 1});
        if (lasting(status))
            log_error("outcome not recorded", LOG_FINISHED(item),
                      LOG_S("act", outcome_name(item->act.outcome.kind)),
                      LOG_S("query", outcome_name(item->query.outcome.kind)),
                      LOG_S("status", status_name(status)));
        turn->settled[i] = status == STATUS_OK || lasting(status);
        if (!turn->settled[i])
            worst = status;
    }
    return worst;
}

static enum status record(struct turn *turn)
{
    enum status status =
        try_at(turn, &(struct attempt){.items = turn->finished, .n = turn->finished_n});
    if (status == STATUS_OK)
        settle(turn);
    else
        log_warn("outcomes not recorded yet", LOG_I("outcomes", turn->finished_n),
                 LOG_S("status", status_name(status)));
    return lasting(status) ? record_singly(turn) : status;
}

// Everything is leased first. One that can't be claimed stays leased, and is tried again when that
// has run out; the others go on.
static void claim_singly(struct turn *turn)
{
    struct claimed *claimed = ARENA_ARRAY(turn->arena, turn->room, struct claimed);
    struct leased *taken = NULL;
    size_t taken_n = 0, n = 0;
    enum status status = claimed ? db_begin(turn->db) : STATUS_RESOURCE_EXHAUSTED;
    if (status == STATUS_OK)
        status = claim_take(turn, turn->room, &taken, &taken_n);
    if (status == STATUS_OK)
        status = db_commit(turn->db);
    else
        db_rollback(turn->db);
    for (size_t i = 0; status == STATUS_OK && i < taken_n; i++) {
        enum status one = try_at(turn, &(struct attempt){.taken = &taken[i], .taken_n = 1});
        if (one != STATUS_OK)
            log_error("operation not claimed", LOG_S("operation", taken[i].key.id),
                      LOG_S("tenant", taken[i].key.tenant_id), LOG_S("status", status_name(one)));
        else if (turn->claimed_n > 0)
            claimed[n++] = turn->claimed[0];
    }
    turn->claimed = claimed;
    turn->claimed_n = n;
}

static void claim(struct turn *turn)
{
    if (lasting(try_at(turn, &(struct attempt){.room = turn->room})))
        claim_singly(turn);
}

enum status turn_run(struct turn *turn)
{
    struct attempt all = {turn->finished, turn->finished_n, turn->room, NULL, 0};
    enum status status = try_at(turn, &all);
    if (status == STATUS_OK) {
        settle(turn);
        return status;
    }
    status = turn->finished_n > 0 ? record(turn) : STATUS_OK;
    if (turn->room > 0)
        claim(turn);
    return status;
}
