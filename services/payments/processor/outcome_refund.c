#include "processor/outcome_refund.h"

// What is not known of a refund is told by its own row, for its payment keeps no error of it.
static void explain(struct decision *decision)
{
    struct operation *after = &decision->after;
    const char *reason = decision->act.error_message;
    if (after->status == OPERATION_UNKNOWN || after->status == OPERATION_NEEDS_REVIEW) {
        after->error_code = ERROR_OUTCOME_UNKNOWN;
        after->error_message =
            reason ? reason : "What became of it at the provider is not known yet.";
    } else if (after->status != OPERATION_FAILED) {
        after->error_code = after->error_message = NULL;
    }
}

void outcome_tell_refund(struct decision *decision, bool changed)
{
    if (changed) {
        decision->refund_event = operation_refund_event(decision->after.status);
        explain(decision);
    }
    // A payment knows its refunds only as taken or given back.
    if (decision->act.kind != ACT_REFUNDED && decision->act.kind != ACT_REFUND_FAILED)
        decision->act = (struct payment_act){.kind = ACT_NONE};
}
