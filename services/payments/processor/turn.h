// A turn of the processor: what came of requests is recorded and new work is claimed, in one
// transaction (the queue, then operations, then payments, then orders, then payers; events and
// audit rows with them), so that a busy processor waits for the disk once. Where that fails, the
// two are tried apart, and then one by one: nothing that is at fault keeps the others from their
// end.
#pragma once
#include "change.h"
#include "processor/outcome.h"
#include "state.h"
#include "store.h"

struct heard { // outcome.kind 0: nothing was asked
    struct outcome outcome;
    int64_t duration_us;
};

struct finished {
    struct key operation;
    const char *payment_id, *request_id, *traceparent; // of what asked for it
    int64_t attempt,
        lease_us; // as claimed: an answer that comes after its lease was taken over only rings
    struct heard act, query; // the query came after the act, where there are both
    bool rung;               // news came that no query has answered yet
    bool doubtful;           // as claimed
};

#define LOG_FINISHED(finished_)                                                                    \
    LOG_S("operation", (finished_)->operation.id), LOG_S("payment", (finished_)->payment_id),      \
        LOG_S("request_id", (finished_)->request_id), LOG_TRACE((finished_)->traceparent),         \
        LOG_S("tenant", (finished_)->operation.tenant_id)

struct claim_place {
    char after_tenant[128]; // whose turn was last: every tenant comes by
};

struct turn {
    const struct payments_state *state;
    struct db *db;
    struct arena *arena; // of the turn: what is claimed lives there
    struct claim_place *place;
    const struct finished *finished;
    size_t finished_n;
    bool *settled;           // out: finished[i] is recorded, or never will be
    size_t room;             // for claims; 0: none
    size_t long_room;        // of these, for what may take long (CLAIM_LONG_MS)
    struct claimed *claimed; // out
    size_t claimed_n;
    // Of the newest try:
    int64_t now_us;
    size_t leased_n;                // taken for claims
    struct payment_change *changes; // what payments follow
    size_t changes_n, changes_max;
    struct effects effects;
};

// OK: everything is done. Else what kept outcomes from being recorded: those that are not settled
// may be tried again, what was recorded is then passed over.
MUST_USE enum status turn_run(struct turn *turn);
// For flush and claim: the payment of this operation follows by `act`.
void turn_follow(struct turn *turn, const struct operation *operation,
                 const struct payment_act *act);
