// The one way by which a payment that exists changes: read under lock, rule, write with the state
// and sequence that were seen; its order follows, events and audit rows go along.
#pragma once
#include "effects.h"
#include "store.h"

enum change_result { CHANGE_APPLIED = 1, CHANGE_REFUSED, CHANGE_ABSENT };

struct payment_change {
    struct key payment;              // in
    struct payment_act act;          // in
    struct cause cause;              // in; request_id NULL: the request that made the payment
    const char *charge_operation_id; // in; NULL: stays
    enum change_result result;       // out
    struct problem problem;          // out, when refused
    int64_t reserved;                // out, for ACT_RESERVE
    const struct payment *after;     // out: the payment after all items; NULL when absent
};

// In the caller's transaction. Several items may name one payment: they apply in their order.
// ABORTED when a row changed in spite of its lock.
MUST_USE enum status payments_change(struct db *db, struct payment_change *items, size_t n,
                                     int64_t now_us, struct effects *effects);
