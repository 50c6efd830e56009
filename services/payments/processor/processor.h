// The loop that acts at providers: keeps its slots full of due operations, sends or asks, and every
// few milliseconds records what came of it and claims new work, in one transaction (turn.h). Any
// number of replicas may run it.
//
// Where a provider calls back, what it accepted waits a moment for that: most operations are told
// at once, asked about under the claim that sent them, and recorded when all is known.
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
void processor_wake(struct processor *processor); // any thread: look at what waits
// Any thread: the provider has news of this reference. False: it isn't in hand here; the queue has
// to know.
bool processor_news(struct processor *processor, const char *provider, const char *reference);
