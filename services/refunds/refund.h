// A refund: its states and what moves it. No I/O.
//
//   reserving -> pending          payments set the money aside (refund.created)
//   pending, unknown, needs_review -> processed | failed | unknown | needs_review
//                                 payments tells how its operation at the provider went
//                                 (refund.<status>); "released" is failed
// A refund that payments refuses is removed; it never was. processed and failed are final.
#pragma once
#include "base/arena.h"
#include "base/problem.h"
#include "journal/journal.h"
#include "obol/payments/v1/payments.pb-c.h"
#include "obol/refunds/v1/refunds.pb-c.h"
#include "rpc/call.h"

#define REFUND_PREFIX "rfnd"
#define REFUND_EVENTS_MAX 2
#define REASON_MAX 500
#define AMOUNT_MAX 99999999999LL

struct refund {
    const char *tenant_id, *id, *payment_id;
    int64_t requested; // 0: all that is left
    int64_t amount;    // 0 until reserved
    const char *currency, *reason, *status;
    int64_t sequence;
    const char *error_code, *error_message;
    int64_t operation_revision;
    const char *idempotency_key, *actor, *request_id, *traceparent;
    int64_t created_us, processed_us, drives;
};

// What is asked for, checked. Amount absent: 0.
MUST_USE enum status refund_read(const Obol__Refunds__V1__CreateRefundRequest *request,
                                 const struct call_context *context, struct refund *ret,
                                 struct problem *problem);
// Payments reserved the money.
void refund_reserved(struct refund *refund, int64_t amount, const char *currency);
// The refund as it was when payments had reserved the money: what its creation answers, then and in
// every replay, however far it has come meanwhile.
struct refund refund_as_created(const struct refund *refund);
bool refund_final(const struct refund *refund);
// Payments tells how its operation stands. True when that changes the refund; older news changes
// nothing. refund must be past 'reserving'.
bool refund_told(struct refund *refund, const Obol__Payments__V1__RefundOperation *operation,
                 int64_t now_us);
// The event of the state the refund has come to; its sequence has been counted up. False: the arena
// is full.
MUST_USE bool refund_event(struct arena *arena, struct refund *refund, int64_t now_us,
                           struct event *ret);
Obol__Refunds__V1__Refund *refund_message(struct arena *arena,
                                          const struct refund *refund); // NULL: arena full
