// The loop that acts at providers: keeps its slots full of due operations, sends or asks, and
// flushes what came of it every few milliseconds in one transaction. Any number of replicas may run
// it.
//
// A claim commits before the first byte leaves (sent_at, attempt, lease); the lease outlives the
// request's whole timeout and is looked at again just before sending. What was sent and has no
// answer on record is asked about, never sent again blindly (outcome.c decides).
//
// Failpoints, in the order of a charge's life: charge.before_claim, charge.claimed (committed,
// nothing sent), charge.before_send, charge.sent, charge.answered (nothing recorded),
// outcome.before_commit, outcome.committed. Elsewhere in this service: create.before_commit,
// create.committed, act.before_commit, reserve.before_commit, reserve.committed.
#pragma once
#include "db/db.h"
#include "state.h"

struct processor_config {
    const struct payments_state *state;
    const struct db_config *db;
    size_t slots;
};

// Starts the thread. state->processor may be set afterwards. NULL when it can't start.
struct processor *processor_start(const struct processor_config *config);
void processor_stop(
    struct processor *processor); // lets what is out come home within its timeout; joins
void processor_ring(struct processor *processor); // any thread: there is work
