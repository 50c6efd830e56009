// Taking due operations for this processor, in the transaction of a turn: they are leased and
// marked as sent or asked about, and the payments whose charge leaves for the first time are
// `processing`.
#pragma once
#include "turn.h"

// The longest lease that a request of any provider needs, milliseconds.
int64_t claim_lease_ms(const struct payments_state *state);
// Leases up to `room` operations, fair between tenants.
MUST_USE enum status claim_take(struct turn *turn, size_t room, struct key **ret, size_t *ret_n);
// Fills turn->claimed with those that are held under turn->lease_us.
MUST_USE enum status claim_taken(struct turn *turn, const struct key *keys, size_t n);
MUST_USE enum status claim_due(struct turn *turn, size_t room); // both
// Nothing leaves for a payment that did not follow.
void claim_hold_back(struct turn *turn, const struct payment_change *changes, size_t n);
