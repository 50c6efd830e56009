// What a transaction says about itself: events for the outbox and audit rows, gathered while rows
// change and written in one statement each at the end. One per transaction try; memory in the
// arena.
#pragma once
#include "journal/journal.h"
#include "operation.h"
#include "payment.h"

struct effects {
    struct arena *arena;
    struct event *events;
    struct audit *audits;
    size_t events_n, events_max, audits_n, audits_max;
    bool full; // the arena was: nothing may be committed
};

struct cause { // who and what a change is due to
    const char *actor, *request_id, *traceparent;
};

struct effects effects_begin(struct arena *arena);
void effects_event(struct effects *effects, const struct event *event);
void effects_audit(struct effects *effects, const struct audit *audit);
// payment.<type> with the payment as it stands; its sequence must be the event's.
void effects_payment_event(struct effects *effects, const struct payment *payment, const char *id,
                           const char *type, const struct cause *cause);
// The internal event by which refunds learns of its operation.
void effects_refund_event(struct effects *effects, const struct operation *operation,
                          const char *type, int64_t now_us);
MUST_USE enum status effects_write(struct effects *effects, struct db *db);
