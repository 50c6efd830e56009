// A person lets a payer in again whom too many declined payments have blocked.
#include "creation/store_payers.h"
#include "rpc.h"
#include "service/service.h"
#include "json/json.h"

static enum status audit(struct worker *worker, struct call *call, const struct key *payment,
                         const ProtobufCMessage *answer)
{
    const char *after = json_write(call->arena, answer);
    if (!after)
        return STATUS_RESOURCE_EXHAUSTED;
    const struct audit entry = {
        .tenant_id = payment->tenant_id,
        .actor = call->context.actor,
        .action = "payer.unblock",
        .object_id = payment->id,
        .request_id = call->context.request_id,
        .after = after,
    };
    return journal_audit(worker->db, call->arena, &entry, 1);
}

static enum status work_unblock(struct worker *worker, struct call *call, void *context)
{
    const struct key *payment = context;
    bool known = false, was_blocked = false;
    Obol__Payments__V1__UnblockPayerResponse *response =
        MESSAGE_NEW(call->arena, obol__payments__v1__unblock_payer_response,
                    Obol__Payments__V1__UnblockPayerResponse);
    enum status status =
        response ? store_payers_unblock(worker->db, call->arena, payment, &known, &was_blocked)
                 : STATUS_RESOURCE_EXHAUSTED;
    if (status == STATUS_NOT_FOUND)
        return problem_not_found(&call->problem, "payment");
    if (status != STATUS_OK)
        return status;
    response->known = known;
    response->was_blocked = was_blocked;
    call_answer(call, &response->base);
    return audit(worker, call, payment, &response->base);
}

enum status rpc_unblock_payer(void *context, struct call *call)
{
    struct key payment = {
        call->context.tenant_id,
        CALL_REQUEST(call, Obol__Payments__V1__UnblockPayerRequest)->payment_id,
    };
    return service_once(context, call, payment.id, work_unblock, &payment);
}
