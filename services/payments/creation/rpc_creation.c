// The switch that stops new payments: operators turn it, and look at it.
#include "base/clock.h"
#include "creation/gate.h"
#include "creation/store_creation.h"
#include "rpc/wellknown.h"
#include "setup/rpc_providers.h"

#define OBJECT_ID "payment_creation"

static Obol__Payments__V1__PaymentCreation *view(struct arena *arena,
                                                 const struct payment_creation *creation)
{
    Obol__Payments__V1__PaymentCreation *view = MESSAGE_NEW(
        arena, obol__payments__v1__payment_creation, Obol__Payments__V1__PaymentCreation);
    if (!view)
        return NULL;
    view->object = (char *)(uintptr_t)OBJECT_ID;
    view->stopped = creation->stopped;
    view->reason = (char *)(uintptr_t)creation->reason;
    view->changed_by = (char *)(uintptr_t)creation->changed_by;
    if (creation->changed_us == DB_TIME_NULL)
        return view;
    view->changed_at = wellknown_time(arena, creation->changed_us);
    return view->changed_at ? view : NULL;
}

static enum status turn_locked(struct worker *worker, struct call *call,
                               const struct payment_creation *after)
{
    struct payment_creation before;
    enum status status = store_creation_get(worker->db, call->arena, &before);
    if (status != STATUS_OK)
        return status;
    const Obol__Payments__V1__PaymentCreation *old = view(call->arena, &before);
    const Obol__Payments__V1__PaymentCreation *new = view(call->arena, after);
    if (!old || !new)
        return STATUS_RESOURCE_EXHAUSTED;
    status = store_creation_put(worker->db, call->arena, after);
    if (status == STATUS_OK)
        status =
            setup_audit(worker, call,
                        &(struct setup_audit){after->stopped ? "payments.stop" : "payments.start",
                                              OBJECT_ID, &old->base, &new->base});
    if (status == STATUS_OK)
        call_answer(call, &new->base);
    return status;
}

static enum status turn(struct worker *worker, struct call *call, void *context)
{
    // Nobody's setup: who turns the switch at the same time waits, and is audited after.
    enum status status = store_setup_lock(worker->db, call->arena, "");
    return status == STATUS_OK ? turn_locked(worker, call, context) : status;
}

enum status rpc_set_payment_creation(void *context, struct call *call)
{
    struct worker *worker = context;
    const struct payments_state *state = worker->state;
    const Obol__Payments__V1__SetPaymentCreationRequest *request =
        CALL_REQUEST(call, Obol__Payments__V1__SetPaymentCreationRequest);
    enum status status = validate_text(request->reason, REASON_MAX, "reason", &call->problem);
    if (status == STATUS_OK && request->stopped && !request->reason[0])
        status = problem_invalid(&call->problem, "reason", "Say why, for whoever is on duty.");
    if (status != STATUS_OK)
        return status;
    struct payment_creation after = {request->stopped, request->reason, call->context.actor,
                                     clock_unix_us()};
    status = service_once(worker, call, OBJECT_ID, turn, &after);
    gate_forget(state->gate); // also when it isn't known whether it happened
    return status;
}

enum status rpc_get_payment_creation(void *context, struct call *call)
{
    struct worker *worker = context;
    struct payment_creation creation;
    enum status status = store_creation_get(worker->db, call->arena, &creation);
    const Obol__Payments__V1__PaymentCreation *message =
        status == STATUS_OK ? view(call->arena, &creation) : NULL;
    if (!message)
        return call_refuse_status(call, status == STATUS_OK ? STATUS_RESOURCE_EXHAUSTED : status);
    call_answer(call, &message->base);
    return STATUS_OK;
}
