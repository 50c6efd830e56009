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
#define SESSION_WAIT_MS 5000 // and by this, where an access token may have to be fetched first
// What certainly did nothing is tried again after 100, 200 and 400 ms (give or take a quarter);
// then, where no other provider takes it, at a slower pace.
#define RETRIES_QUICK 3
#define RETRY_FIRST_MS 100
#define RETRY_SLOW_MS 2000
#define ATTEMPTS_MAX 24         // mostly it is the deadline that ends them
#define ATTEMPTS_ANSWERED_MAX 6 // where a provider that is there says each time to come again
#define ERROR_OUTCOME_UNKNOWN "outcome_unknown"
#define ERROR_ACTION_EXPIRED "action_expired"

struct decision {
    struct operation after;   // the row as it shall be
    struct payment_act act;   // for the payment; ACT_NONE: nothing changes there
    const char *refund_event; // "refund_operation.processed"…; NULL: none
    bool elsewhere;           // nothing was charged here: another provider may get it instead
};

// How long a claim of an operation at this provider holds it.
int64_t outcome_lease_ms(const struct provider *provider);

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
