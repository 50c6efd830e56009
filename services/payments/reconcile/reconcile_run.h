// A run of reconciliation: where theirs comes from, ours read in pages, the rule (reconcile.h)
// between them. Waits for the network, outside a transaction; writes nothing.
#pragma once
#include "reconcile/reconcile_ask.h"

#define RECONCILE_ARENA_CAP ((size_t)256 << 20)
#define RECONCILE_QUERIES_MAX 10000

struct reconcile_run {
    const struct payments_state *state;
    const struct setup *setup; // held by the caller
    const struct credential *credential;
    const char *day;  // reconcile_day_parse has taken it
    struct bytes csv; // at NULL: none
    int64_t deadline_ns;
    const atomic_bool *stopping; // NULL: nobody stops it
};

// "2026-11-21" as the first microsecond of that day, UTC. False for anything else.
bool reconcile_day_parse(const char *text, int64_t *ret_us);
// What a run without a file would go by: "ledger", "query"; NULL: nothing, it needs a file.
const char *reconcile_source(const struct payments_state *state,
                             const struct credential *credential);
// The arena is for the result and all that it takes: RECONCILE_ARENA_CAP. *ret_run has everything
// but an id. A refusal fills *problem.
MUST_USE enum status reconcile_run(const struct reconcile_run *run, struct db *db,
                                   struct arena *arena, struct reconcile *ret,
                                   struct reconciliation *ret_run, struct problem *problem);
