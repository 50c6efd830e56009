// Recording what came of requests to providers: one transaction for many. Operations first, then
// their payments, then the orders; events and audit rows with them.
#pragma once
#include "outcome.h"
#include "state.h"
#include "store.h"

struct finished {
    struct key operation;
    enum outcome_step step;
    int64_t attempt,
        lease_us; // as claimed: an answer that comes after its lease was taken over only rings
    struct outcome outcome;
    int64_t duration_us;
};

// OK: committed (or nothing to do). Anything else: nothing is recorded, except perhaps for UNKNOWN;
// the same call may be repeated, what was recorded is then passed over.
MUST_USE enum status flush_outcomes(const struct payments_state *state, struct db *db,
                                    struct arena *arena, const struct finished *items, size_t n,
                                    int64_t now_us);
