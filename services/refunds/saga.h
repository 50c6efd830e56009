// A refund's way through two services. It may stop anywhere and is driven on from there, by the
// request itself, by a repeat of it, or by the loop; each step can be repeated.
//
//   1 refunds commits the row 'reserving' with its idempotency key   (refund.claimed)
//   2 payments reserves the money, keyed by the refund's id          (refund.reserved)
//   3 refunds commits 'pending', refund.created and the answer       (refund.confirmed)
//   refused at 2: payments sets a tombstone, so that no late reserve can succeed, then the row and
//   the key go (refund.released) 4 payments tells of the operation; each news moves the refund
//   (refund.told)
//
// Names in parentheses are failpoints, each after its commit or answer.
#pragma once
#include "refund.h"
#include "service/service.h"

struct refunds {
    struct service *service;
    const struct journal *journal;
    struct rpc_client *payments;
    struct bell *bell; // rung when there is a refund to drive
    struct service_loop *driver;
    struct consumer *consumer;
};

#define REFUND_PAYMENTS_TIMEOUT_MS 5000

// Steps 2 and 3. OK: *refund is pending or beyond, as it stands. A refusal by payments: in
// *problem, and the refund is gone. UNAVAILABLE or UNKNOWN: it stays as it is, and the loop goes on
// with it.
MUST_USE enum status saga_reserve(const struct refunds *refunds, struct db *db, struct arena *arena,
                                  struct refund *refund, struct problem *problem);
// Step 4, in the caller's transaction: applies news of operations to n refunds.
MUST_USE enum status saga_tell(const struct refunds *refunds, struct db *db, struct arena *arena,
                               const char *const *tenant_ids,
                               const Obol__Payments__V1__RefundOperation *const *operations,
                               size_t n);
// One turn of the loop that drives unfinished refunds on.
int64_t saga_drive(void *refunds, struct db *db, struct arena *arena);
// Counters at 0, so that the first of a kind is seen to come.
void saga_tallies_begin(void);
