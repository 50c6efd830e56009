// Capture, cancel, and a person's decision: once per idempotency key, each in one transaction.
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/id.h"
#include "change.h"
#include "render.h"
#include "rpc.h"
#include "json/json.h"

struct act_request {
    struct key payment;
    int64_t amount; // CAPTURE: 0 is the whole
    struct payment_act act;
    const char *operation_id;
    const char *as, *reason, *provider_reference; // RESOLVE
};

static enum status read_payment(struct worker *worker, struct call *call, const struct key *key,
                                const struct payment **ret)
{
    enum status status = store_payments_get(worker->db, call->arena, key, 1, ret);
    if (status == STATUS_OK && !*ret)
        return problem_not_found(&call->problem, "payment");
    return status;
}

// Applies, tells, answers. The transaction is service_once's.
static enum status change(struct worker *worker, struct call *call, struct payment_change *item,
                          struct effects *effects)
{
    enum status status = payments_change(worker->db, item, 1, clock_unix_us(), effects);
    if (status != STATUS_OK)
        return status;
    if (item->result == CHANGE_REFUSED) {
        call->problem = item->problem;
        return call->problem.status;
    }
    status = effects_write(effects, worker->db);
    if (status != STATUS_OK)
        return status;
    const Obol__Payments__V1__Payment *message =
        item->result == CHANGE_APPLIED ? render_payment(call->arena, item->after) : NULL;
    if (!message)
        return STATUS_RESOURCE_EXHAUSTED;
    call_answer(call, &message->base);
    return failpoint_hit("act.before_commit") ? STATUS_ABORTED : STATUS_OK;
}

static struct payment_change change_of(const struct call *call, const struct act_request *request)
{
    return (struct payment_change){
        .payment = request->payment,
        .act = request->act,
        .cause = {call->context.actor, call->context.request_id, call->context.traceparent},
    };
}

// The operation goes in before the payment is locked: whoever is about to do the same holds the
// payment while waiting for nothing.
static enum status insert_operation(struct worker *worker, struct call *call,
                                    const struct payment *payment,
                                    const struct act_request *request)
{
    struct operation operation = {
        .tenant_id = payment->tenant_id,
        .id = request->operation_id,
        .payment_id = payment->id,
        .kind = request->act.kind == ACT_CAPTURE ? OPERATION_CAPTURE : OPERATION_CANCEL,
        .amount = request->amount ? request->amount : payment->amount,
        .currency = payment->currency,
        .provider = payment->provider,
        .credential_id = payment->credential_id,
        .lease_ms = state_lease_ms(worker->state, payment->provider),
        .request_id = call->context.request_id,
        .traceparent = call->context.traceparent,
    };
    size_t made = 0;
    enum status status =
        store_operations_insert(worker->db, call->arena, &operation, 1, clock_unix_us(), &made);
    if (status == STATUS_OK && made == 0)
        return call_refuse(call, STATUS_FAILED_PRECONDITION, "conflict", NULL,
                           "Another act on this payment is under way.");
    return status;
}

// The rule speaks before anything is written, so that its refusal is the one that is heard.
static enum status check_act(struct call *call, const struct payment *payment,
                             const struct payment_act *act)
{
    struct payment copy = *payment;
    struct payment_events events;
    return payment_apply(&copy, act, &events, NULL, &call->problem);
}

static enum status work_at_provider(struct worker *worker, struct call *call, void *context)
{
    const struct act_request *request = context;
    const struct payment *payment = NULL;
    struct effects effects = effects_begin(call->arena);
    struct payment_change item = change_of(call, request);
    enum status status = read_payment(worker, call, &request->payment, &payment);
    if (status == STATUS_OK)
        status = check_act(call, payment, &request->act);
    if (status == STATUS_OK)
        status = insert_operation(worker, call, payment, request);
    return status == STATUS_OK ? change(worker, call, &item, &effects) : status;
}

static enum status take_back(struct worker *worker, struct call *call,
                             const struct payment *payment, const struct act_request *request)
{
    struct effects effects = effects_begin(call->arena);
    struct payment_change item = change_of(call, request);
    bool taken = false;
    item.act.kind = ACT_TAKE_BACK;
    enum status status =
        store_operations_take_back(worker->db, call->arena, payment, clock_unix_us(), &taken);
    if (status == STATUS_OK && !taken)
        return call_refuse(call, STATUS_FAILED_PRECONDITION, "conflict", NULL,
                           "The payment is already being processed.");
    return status == STATUS_OK ? change(worker, call, &item, &effects) : status;
}

static enum status work_cancel(struct worker *worker, struct call *call, void *context)
{
    const struct act_request *request = context;
    const struct payment *payment = NULL;
    enum status status = read_payment(worker, call, &request->payment, &payment);
    if (status != STATUS_OK)
        return status;
    if (payment->status == PAYMENT_PENDING)
        return take_back(worker, call, payment, request);
    return work_at_provider(worker, call, context);
}

static enum status run(struct worker *worker, struct call *call, struct act_request *request,
                       enum status (*work)(struct worker *, struct call *, void *))
{
    request->operation_id = arena_strdup(call->arena, id_new("op").text);
    if (!request->operation_id)
        return call_refuse_status(call, STATUS_RESOURCE_EXHAUSTED);
    enum status status = service_once(worker, call, request->payment.id, work, request);
    if (status == STATUS_OK)
        state_ring(worker->state, true);
    return status;
}

enum status rpc_capture_payment(void *worker, struct call *call)
{
    const Obol__Payments__V1__CapturePaymentRequest *message =
        CALL_REQUEST(call, Obol__Payments__V1__CapturePaymentRequest);
    if (message->amount) {
        enum status status = validate_amount(message->amount->value, "amount", &call->problem);
        if (status != STATUS_OK)
            return status;
    }
    struct act_request request = {
        .payment = {call->context.tenant_id, message->id},
        .amount = message->amount ? message->amount->value : 0,
        .act = {.kind = ACT_CAPTURE, .amount = message->amount ? message->amount->value : 0},
    };
    return run(worker, call, &request, work_at_provider);
}

enum status rpc_cancel_payment(void *worker, struct call *call)
{
    const Obol__Payments__V1__CancelPaymentRequest *message =
        CALL_REQUEST(call, Obol__Payments__V1__CancelPaymentRequest);
    struct act_request request = {
        .payment = {call->context.tenant_id, message->id},
        .act = {.kind = ACT_CANCEL},
    };
    return run(worker, call, &request, work_cancel);
}

static const struct resolution {
    const char *as;
    enum payment_act_kind act;
    enum operation_kind succeeded; // the live act of this kind has succeeded then, any other failed
} resolutions[] = {
    {"succeeded", ACT_RESOLVE_SUCCEEDED, 0},
    {"failed", ACT_RESOLVE_FAILED, 0},
    {"authorized", ACT_RESOLVE_AUTHORIZED, OPERATION_CHARGE},
    {"canceled", ACT_RESOLVE_CANCELED, OPERATION_CANCEL},
    {"pending", ACT_RESOLVE_PENDING, 0},
};

static const struct resolution *resolution_find(const char *as)
{
    for (size_t i = 0; i < sizeof resolutions / sizeof *resolutions; i++)
        if (strcmp(as, resolutions[i].as) == 0)
            return &resolutions[i];
    return NULL;
}

static bool act_succeeded(const struct resolution *resolution, const struct payment *payment)
{
    enum operation_kind kind = OPERATION_CHARGE;
    if (payment->unknown_operation && !operation_kind_parse(payment->unknown_operation, &kind))
        return false;
    return resolution->act == ACT_RESOLVE_SUCCEEDED || resolution->succeeded == kind;
}

static enum status note_reason(struct call *call, const struct act_request *request,
                               struct effects *effects)
{
    const char *after = json_object(
        call->arena,
        (struct json_member[]){JSON_S("as", request->as), JSON_S("reason", request->reason), {0}});
    if (!after)
        return STATUS_RESOURCE_EXHAUSTED;
    effects_audit(effects, &(struct audit){.tenant_id = request->payment.tenant_id,
                                           .actor = call->context.actor,
                                           .action = "payment.resolve_reason",
                                           .object_id = request->payment.id,
                                           .request_id = call->context.request_id,
                                           .after = after});
    return STATUS_OK;
}

static enum status work_resolve(struct worker *worker, struct call *call, void *context)
{
    const struct act_request *request = context;
    const struct resolution *resolution = resolution_find(request->as);
    const struct payment *payment = NULL;
    struct effects effects = effects_begin(call->arena);
    struct payment_change item = change_of(call, request);
    struct finished_act live = {0};
    int64_t now_us = clock_unix_us();
    enum status status = read_payment(worker, call, &request->payment, &payment);
    if (status == STATUS_OK)
        status = check_act(call, payment, &request->act);
    if (status == STATUS_OK)
        status = store_operations_finish_live(
            worker->db, call->arena, &request->payment,
            &(struct act_decision){act_succeeded(resolution, payment) ? OPERATION_SUCCEEDED
                                                                      : OPERATION_FAILED,
                                   request->provider_reference},
            now_us, &live);
    if (status == STATUS_OK && request->act.kind == ACT_RESOLVE_PENDING) {
        item.charge_operation_id = request->operation_id;
        status =
            store_operations_recharge(worker->db, call->arena, payment, request->operation_id,
                                      state_lease_ms(worker->state, payment->provider), now_us);
    }
    if (status == STATUS_OK)
        status = note_reason(call, request, &effects);
    if (live.kind == OPERATION_CAPTURE)
        item.act.amount = live.amount;
    return status == STATUS_OK ? change(worker, call, &item, &effects) : status;
}

enum status rpc_resolve_payment(void *worker, struct call *call)
{
    const Obol__Payments__V1__ResolvePaymentRequest *message =
        CALL_REQUEST(call, Obol__Payments__V1__ResolvePaymentRequest);
    const struct resolution *resolution = resolution_find(message->as);
    if (!resolution)
        return problem_invalid(&call->problem, "as",
                               "succeeded, failed, authorized, canceled or pending.");
    if (message->reason[0] == '\0')
        return problem_invalid(&call->problem, "reason", "The reason is missing.");
    enum status status = validate_text(message->reason, REASON_MAX, "reason", &call->problem);
    if (status == STATUS_OK)
        status = validate_text(message->provider_reference, PROVIDER_REFERENCE_MAX,
                               "provider_reference", &call->problem);
    if (status != STATUS_OK)
        return status;
    struct act_request request = {
        .payment = {call->context.tenant_id, message->id},
        .act = {.kind = resolution->act},
        .as = message->as,
        .reason = message->reason,
        .provider_reference = message->provider_reference[0] ? message->provider_reference : NULL,
    };
    if (resolution->act == ACT_RESOLVE_FAILED) {
        request.act.error_code = "resolved";
        request.act.error_message = "Found to have failed, by review.";
    }
    return run(worker, call, &request, work_resolve);
}
