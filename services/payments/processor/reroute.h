// A charge that did nothing where it was goes to the next provider that takes it: under a new
// reference, as an operation of its own. What the earlier ones came to stands in the payment
// (earlier_attempts: provider, reference, credential, status, error, oldest first).
#pragma once
#include "processor/turn.h"

// An operation that did nothing, as it was read under lock, and why, for the merchant.
struct reroute {
    const struct operation *before;
    const char *error_code, *error_message;
    bool done; // out: it is finished, the new one and the payment's change are in the turn
};

// In the turn's transaction, after the old operations' locks and before payments_change. Those that
// nobody else takes are left as they are.
MUST_USE enum status reroute_try(struct turn *turn, struct reroute *items, size_t n);
