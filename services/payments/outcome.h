// What a provider's answer means for the operation, for its payment and for the refund behind it.
// Pure: the one place that decides whether something is sent again, asked about, or given to a
// person.
#pragma once
#include "operation.h"

enum outcome_step { STEP_ACT, STEP_QUERY }; // which request the answer is to

struct outcome_limits {
    int64_t poll_first_ms, processing_deadline_s, unknown_deadline_s, action_ttl_s;
};

#define LEASE_MARGIN_MS 2000 // a lease outlives the request's whole timeout by this
#define ATTEMPTS_MAX 8
#define ERROR_ACTION_EXPIRED "action_expired"

struct decision {
    struct operation after;   // the row as it shall be
    struct payment_act act;   // for the payment; ACT_NONE: nothing changes there
    const char *refund_event; // "refund_operation.processed"…; NULL: none
};

// `operation` is the row as read under lock: not finished, or expired by us and watched for late
// payers.
void outcome_decide(const struct outcome_limits *limits, const struct provider *provider,
                    const struct operation *operation, enum outcome_step step,
                    const struct outcome *outcome, int64_t now_us, struct decision *ret);
// Whether "not found" proves that the last attempt did nothing: timeout, lease and the provider's
// own delay have passed since.
bool outcome_settled(const struct provider *provider, const struct operation *operation,
                     int64_t now_us);
// Whether late answers still count for this row.
bool operation_open(const struct operation *operation);
