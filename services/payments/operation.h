// An act at a provider (charge, capture, cancel, refund) and the rules of its life:
//
//   ready -> sent -> succeeded | failed          (finished)
//             |  \-> unknown -> …  | needs_review -> …
//             \----> ready                       (certain that nothing was accepted, or a stage
//             done)
//   ready -> released                            (taken back before it was sent)
//
// Its id is the reference that the provider knows it by. Pure.
#pragma once
#include "base/bytes.h"
#include "payment.h"
#include "providers/provider.h"

enum operation_status {
    OPERATION_READY = 1,
    OPERATION_SENT,
    OPERATION_UNKNOWN,
    OPERATION_SUCCEEDED,
    OPERATION_FAILED,
    OPERATION_NEEDS_REVIEW,
    OPERATION_RELEASED,
};

struct operation {
    const char *tenant_id, *id, *payment_id;
    enum operation_kind kind;
    const char *refund_id; // NULL unless kind is a refund
    int64_t amount;
    const char *currency, *provider;
    const char *credential_id;      // NULL: the simulator's
    const char *provider_reference; // what the provider calls it; NULL: nothing yet
    int64_t stage;                  // of its requests, how many are done
    int64_t lease_ms;               // how long a claim holds it
    enum operation_status status;
    bool accepted, acting;
    bool doubtful; // as claimed: from a backup, so it may have gone on since
    int64_t attempts, queries, revision;
    int64_t lease_us, sent_us, due_us, deadline_us, created_us,
        finished_us; // DB_TIME_NULL when unset
    const char *error_code, *error_message;
    const char *request_id, *traceparent;
};
// An operation as fields of a log line.
#define LOG_OPERATION(operation_)                                                                  \
    LOG_S("operation", (operation_)->id), LOG_S("payment", (operation_)->payment_id),              \
        LOG_S("request_id", (operation_)->request_id), LOG_TRACE((operation_)->traceparent),       \
        LOG_S("tenant", (operation_)->tenant_id)

// Ends it: nothing is due any more. Its revision is the caller's.
struct operation_end {
    enum operation_status status;
    const char *error_code, *error_message; // NULL: none
};
void operation_finish(struct operation *operation, const struct operation_end *end, int64_t now_us);
const char *operation_status_name(enum operation_status status);
bool operation_status_parse(const char *name, enum operation_status *ret);
const char *operation_kind_name(enum operation_kind kind);
bool operation_kind_parse(const char *name, enum operation_kind *ret);
// As refunds sees it: pending | processed | failed | unknown | needs_review | released.
const char *operation_refund_status(enum operation_status status);
// The event by which refunds learns of that; NULL where there is nothing to tell.
const char *operation_refund_event(enum operation_status status);
