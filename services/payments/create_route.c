// Where a new payment goes, and whether it may: route, instrument, limits, the provider's own
// conditions.
#include <string.h>

#include "create.h"
#include "limit.h"
#include "routing.h"

static const char *static_name(const struct providers *providers, const char *name)
{
    const struct provider *provider = providers_find(providers, name);
    return provider ? provider->name : NULL;
}

// A card's token is its provider's; everything else is routed.
static const struct credential *choose(const struct payments_state *state,
                                       const struct create_item *item, const struct setup *setup)
{
    const struct payment *payment = &item->new.payment;
    if (payment->provider)
        return payment->credential_id ? setup_credential(setup, payment->credential_id)
                                      : providers_simulator(state->providers);
    const struct route_ask ask = {
        .method = payment->method,
        .currency = payment->currency,
        .network = payment->network,
        .amount = payment->amount,
        .manual_capture = strcmp(payment->capture, "manual") == 0,
    };
    return route_choose(setup, state->providers, &ask);
}

static struct provider_act act_of(const struct payment *payment)
{
    return (struct provider_act){
        .kind = OPERATION_CHARGE,
        .reference = payment->charge_operation_id,
        .amount = payment->amount,
        .charge_amount = payment->amount,
        .currency = payment->currency,
        .method = payment->method,
        .vpa = payment->vpa,
        .msisdn = payment->msisdn,
        .network = payment->network,
        .capture = strcmp(payment->capture, "automatic") == 0,
        .return_url = payment->return_url,
        .description = payment->description,
        .email = payment->email,
        .phone = payment->phone,
        .name = payment->name,
        .created_us = payment->created_us,
    };
}

enum status route_check_instrument(const struct provider *provider, bool live,
                                   const struct provider_act *act, const struct provider_card *card,
                                   struct problem *problem)
{
    if (!provider->instrument)
        return STATUS_OK;
    const char *param = card ? "card.number" : act->method;
    enum instrument instrument = provider->instrument(act, card);
    if (live && instrument == INSTRUMENT_TEST)
        return problem_set(problem, STATUS_INVALID_ARGUMENT, "test_instrument", param,
                           "A test instrument can't pay in live mode.");
    if (!live && instrument == INSTRUMENT_LIVE)
        return problem_set(problem, STATUS_INVALID_ARGUMENT, "live_instrument", param,
                           "Test mode takes test instruments only.");
    return STATUS_OK;
}

static enum status check_provider(struct create_item *item, const struct provider *provider,
                                  const struct credential *credential)
{
    struct call *call = item->base.call;
    struct provider_act act = act_of(&item->new.payment);
    struct provider_use use = {
        .provider = provider, .credential = credential, .arena = call->arena};
    struct outcome outcome = {0};
    if (!act.token && !item->new.payment.card_token &&
        route_check_instrument(provider, credential->live, &act, NULL, &item->problem) != STATUS_OK)
        return item->problem.status;
    if (!provider->accepts || provider->accepts(&use, &act, &outcome))
        return STATUS_OK;
    return problem_set(&item->problem, STATUS_INVALID_ARGUMENT,
                       arena_strdup(call->arena, outcome.error_code), act.method, "%s",
                       outcome.error_message);
}

static enum status check_limits(struct create_item *item, const struct setup *setup)
{
    struct payment *payment = &item->new.payment;
    const struct limit *limit = setup_limit(setup, payment->currency);
    enum limit_verdict verdict = LIMIT_OK;
    enum status status = limit_check(limit, payment->amount, &verdict, &item->problem);
    if (status != STATUS_OK)
        return status;
    item->daily_limit = limit ? limit->daily : 0;
    if (verdict == LIMIT_REVIEW) {
        item->new.review = true;
        payment->status = PAYMENT_NEEDS_REVIEW;
        payment->sequence = 2;
        payment->error_code = "amount_above_review_threshold";
        payment->error_message = "A person looks at payments of this size before they are charged.";
    }
    return STATUS_OK;
}

static void route(const struct payments_state *state, struct create_item *item,
                  const struct setup *setup)
{
    struct payment *payment = &item->new.payment;
    const struct credential *credential = choose(state, item, setup);
    if (!credential) {
        (void)problem_set(&item->problem, STATUS_INVALID_ARGUMENT, "method_unsupported", "method",
                          "No provider takes this payment: its method, currency, operator or "
                          "amount.");
        return;
    }
    bool simulator = credential == providers_simulator(state->providers);
    payment->provider = static_name(state->providers, credential->provider);
    payment->credential_id =
        simulator ? NULL : arena_strdup(item->base.call->arena, credential->id);
    const struct provider *provider = providers_find(state->providers, credential->provider);
    if (!provider || (!simulator && !payment->credential_id)) {
        item->problem.status = STATUS_RESOURCE_EXHAUSTED;
        return;
    }
    item->new.lease_ms = outcome_lease_ms(provider);
    if (check_provider(item, provider, credential) == STATUS_OK)
        (void)check_limits(item, setup);
}

enum status create_route(struct worker *worker, struct create_item *items, size_t n)
{
    const struct payments_state *state = worker->state;
    const struct setup *setup = NULL;
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < n; i++) {
        const char *tenant_id = items[i].new.payment.tenant_id;
        if (items[i].problem.status != STATUS_OK)
            continue;
        // Items of a tenant mostly come together.
        if (!setup || strcmp(setup->tenant_id, tenant_id) != 0) {
            setup_release(setup);
            setup = NULL;
            status = setups_get(state->setups, worker->db, tenant_id, &setup);
        }
        if (status == STATUS_OK)
            route(state, &items[i], setup);
    }
    setup_release(setup);
    return status;
}
