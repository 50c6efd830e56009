// Taking due operations for this processor, in one transaction: the operations are marked as sent
// or asked about under a lease, and the payments whose charge leaves for the first time are
// `processing`.
#pragma once
#include "state.h"
#include "store.h"

struct claim_turn {
    char after_tenant[128]; // whose turn was last: every tenant comes by
};

// The longest lease that a request of any provider needs, milliseconds.
int64_t claim_lease_ms(const struct payments_state *state);
MUST_USE enum status claim_operations(const struct payments_state *state, struct db *db,
                                      struct arena *arena, struct claim_turn *turn,
                                      size_t free_slots, struct claimed **ret, size_t *ret_n);
