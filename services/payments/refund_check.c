#include "refund_check.h"

#include "state.h"
#include "store.h"

static enum status ask_provider(const struct worker *worker, const struct payment *payment,
                                struct provider_use *use, struct provider_act *act,
                                struct problem *problem)
{
    const struct payments_state *state = worker->state;
    const struct key charge = {payment->tenant_id, payment->charge_operation_id};
    const struct setup *setup = NULL;
    struct outcome outcome = {0};
    enum status status = store_operations_reference(worker->db, use->arena, &charge,
                                                    &act->charge_provider_reference);
    if (status == STATUS_OK)
        status = setups_get(state->setups, worker->db, payment->tenant_id, &setup);
    if (status != STATUS_OK)
        return problem_unavailable(problem);
    use->credential = setup_credential(setup, payment->credential_id);
    if (use->credential && !use->provider->accepts(use, act, &outcome))
        status = problem_set(problem, STATUS_INVALID_ARGUMENT, outcome.error_code, "amount", "%s",
                             outcome.error_message);
    setup_release(setup);
    return status;
}

enum status refund_check(const struct worker *worker, struct arena *arena,
                         const struct payment *payment, int64_t amount, struct problem *problem)
{
    const struct payments_state *state = worker->state;
    const struct provider *provider = providers_find(state->providers, payment->provider);
    if (!provider)
        return problem_set(problem, STATUS_FAILED_PRECONDITION, "payment_not_refundable", NULL,
                           "The payment's provider is not there any more.");
    if (!provider->partial_refunds && amount != payment->amount_captured)
        return problem_set(problem, STATUS_INVALID_ARGUMENT, "refund_partial_unsupported", "amount",
                           "%s refunds a payment as a whole only.", provider->title);
    if (!provider->accepts || !payment->credential_id)
        return STATUS_OK;
    struct provider_use use = {.provider = provider, .arena = arena};
    struct provider_act act = {
        .kind = OPERATION_REFUND,
        .charge_reference = payment->charge_operation_id,
        .amount = amount,
        .charge_amount = payment->amount,
        .currency = payment->currency,
        .method = payment->method,
        .msisdn = payment->msisdn,
        .network = payment->network,
        .phone = payment->phone,
        .email = payment->email,
        .name = payment->name,
    };
    return ask_provider(worker, payment, &use, &act, problem);
}
