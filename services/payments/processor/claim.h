// Taking due operations for this processor, in the transaction of a turn: they are leased and
// marked as sent or asked about, and the payments whose charge leaves for the first time are
// `processing`.
#pragma once
#include "processor/turn.h"

// A provider that answers when the payer has entered a PIN holds a slot for minutes: such
// operations, told by their lease, get a part of the slots only, so that the others are never all
// behind them.
#define CLAIM_LONG_MS 20000

// Leases, and gives back what has no place among long ones: up to `room` operations, fair between
// tenants.
MUST_USE enum status claim_take(struct turn *turn, size_t room, struct leased **ret, size_t *ret_n);
// Fills turn->claimed with those that are held under these leases. What is to go where a circuit is
// open is given back, or goes to another provider.
MUST_USE enum status claim_taken(struct turn *turn, const struct leased *leased, size_t n);
MUST_USE enum status claim_due(struct turn *turn, size_t room); // both
// Nothing leaves for a payment that did not follow.
void claim_hold_back(struct turn *turn, const struct payment_change *changes, size_t n);
