// A person's decision about a refund of which the provider never told what became: once per
// idempotency key, in one transaction.
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/id.h"
#include "change.h"
#include "render.h"
#include "rpc.h"
#include "store_reviews.h"
#include "json/json.h"

struct resolve {
    const Obol__Payments__V1__ResolveRefundRequest *request;
    bool processed;
    int64_t now_us; // of the newest try
};

static enum status lock(struct worker *worker, struct call *call, const struct resolve *resolve,
                        struct operation **ret)
{
    struct key refund = {call->context.tenant_id, resolve->request->refund_id};
    enum status status = store_operations_lock_refund(worker->db, call->arena, &refund, ret);
    if (status != STATUS_OK)
        return status;
    if (!*ret)
        return problem_not_found(&call->problem, "refund");
    if ((*ret)->status != OPERATION_NEEDS_REVIEW)
        return call_refuse(call, STATUS_FAILED_PRECONDITION, "conflict", NULL,
                           "Only a refund that needs review can be resolved.");
    return STATUS_OK;
}

static void finish(struct operation *operation, const struct resolve *resolve)
{
    static const struct operation_end processed = {OPERATION_SUCCEEDED, NULL, NULL};
    static const struct operation_end failed = {OPERATION_FAILED, "resolved",
                                                "Found to have failed, by review."};
    operation_finish(operation, resolve->processed ? &processed : &failed, resolve->now_us);
    operation->revision++;
}

static enum status follow(struct worker *worker, struct call *call,
                          const struct operation *operation, int64_t now_us,
                          struct effects *effects)
{
    bool processed = operation->status == OPERATION_SUCCEEDED;
    struct payment_change item = {
        .payment = {operation->tenant_id, operation->payment_id},
        .act = {.kind = processed ? ACT_REFUNDED : ACT_REFUND_FAILED, .amount = operation->amount},
        .cause = {call->context.actor, call->context.request_id, call->context.traceparent},
    };
    enum status status = payments_change(worker->db, &item, 1, now_us, effects);
    // What is reserved can always be taken or given back.
    return status == STATUS_OK && item.result != CHANGE_APPLIED ? STATUS_INTERNAL : status;
}

static enum status note_reason(struct call *call, const struct resolve *resolve,
                               struct effects *effects)
{
    const char *after =
        json_object(call->arena, (struct json_member[]){JSON_S("as", resolve->request->as),
                                                        JSON_S("reason", resolve->request->reason),
                                                        {0}});
    if (!after)
        return STATUS_RESOURCE_EXHAUSTED;
    effects_audit(effects, &(struct audit){.tenant_id = call->context.tenant_id,
                                           .actor = call->context.actor,
                                           .action = "refund.resolve",
                                           .object_id = resolve->request->refund_id,
                                           .request_id = call->context.request_id,
                                           .after = after});
    return STATUS_OK;
}

static enum status write(struct worker *worker, struct call *call,
                         const struct operation *operation, const struct resolve *resolve)
{
    struct effects effects = effects_begin(call->arena);
    struct review review = {.tenant_id = operation->tenant_id,
                            .payment_id = operation->payment_id,
                            .refund_id = operation->refund_id};
    enum status status =
        store_operations_update(worker->db, call->arena, operation, 1, resolve->now_us);
    if (status == STATUS_OK)
        status = store_reviews_leave(worker->db, call->arena, &review, 1);
    if (status == STATUS_OK)
        status = follow(worker, call, operation, resolve->now_us, &effects);
    if (status == STATUS_OK)
        status = note_reason(call, resolve, &effects);
    if (status != STATUS_OK)
        return status;
    effects_refund_event(&effects, operation, operation_refund_event(operation->status),
                         resolve->now_us);
    return effects_write(&effects, worker->db);
}

static enum status work_resolve(struct worker *worker, struct call *call, void *context)
{
    struct resolve *resolve = context;
    struct operation *operation = NULL;
    resolve->now_us = clock_unix_us();
    enum status status = lock(worker, call, resolve, &operation);
    if (status != STATUS_OK)
        return status;
    finish(operation, resolve);
    status = write(worker, call, operation, resolve);
    if (status != STATUS_OK)
        return status;
    const Obol__Payments__V1__RefundOperation *message =
        render_refund_operation(call->arena, operation, resolve->now_us);
    if (!message)
        return STATUS_RESOURCE_EXHAUSTED;
    call_answer(call, &message->base);
    return failpoint_hit("act.before_commit") ? STATUS_ABORTED : STATUS_OK;
}

enum status rpc_resolve_refund(void *context, struct call *call)
{
    struct worker *worker = context;
    const Obol__Payments__V1__ResolveRefundRequest *request =
        CALL_REQUEST(call, Obol__Payments__V1__ResolveRefundRequest);
    struct resolve resolve = {request, strcmp(request->as, "processed") == 0, 0};
    if (request->refund_id[0] == '\0' || strlen(request->refund_id) > ID_TEXT_MAX)
        return problem_invalid(&call->problem, "refund_id", "The refund's id is missing.");
    if (!resolve.processed && strcmp(request->as, "failed") != 0)
        return problem_invalid(&call->problem, "as", "processed or failed.");
    if (request->reason[0] == '\0')
        return problem_invalid(&call->problem, "reason", "The reason is missing.");
    enum status status = validate_text(request->reason, REASON_MAX, "reason", &call->problem);
    if (status == STATUS_OK)
        status = service_once(worker, call, request->refund_id, work_resolve, &resolve);
    if (status == STATUS_OK)
        state_ring(worker->state, false);
    return status;
}
