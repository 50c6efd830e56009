// Where a new payment goes, and whether it may: route, instrument, limits, the provider's own
// conditions.
#include <string.h>

#include "creation/create.h"
#include "setup/limit.h"
#include "setup/routing.h"

#define PLACES_MAX 10

// Credentials whose provider can't take a payment as it is.
struct places {
    const char *ids[PLACES_MAX];
    size_t n;
};

// The token of a card is of the mode in which it was made.
static enum status check_token_mode(const struct create_item *item, const struct setup *setup,
                                    struct problem *problem)
{
    const struct payment *payment = &item->new.payment;
    const struct credential *credential =
        payment->credential_id ? setup_credential(setup, payment->credential_id) : NULL;
    if (!payment->card_token || (credential && credential->live) == setup->live)
        return STATUS_OK;
    return problem_set(problem, STATUS_INVALID_ARGUMENT, "card_token_of_other_mode", "card_token",
                       "The card was exchanged in %s mode, and payments are made in %s mode now.",
                       setup->live ? "test" : "live", setup->live ? "live" : "test");
}

// A card's token is its provider's; everything else is routed.
static const struct credential *choose(const struct payments_state *state,
                                       const struct create_item *item, const struct setup *setup,
                                       const struct places *refused)
{
    const struct payment *payment = &item->new.payment;
    if (payment->card_token)
        return payment->credential_id ? setup_credential(setup, payment->credential_id)
                                      : providers_simulator(state->providers);
    const struct route_ask ask = {
        .method = payment->method,
        .currency = payment->currency,
        .network = payment->network,
        .amount = payment->amount,
        .manual_capture = strcmp(payment->capture, "manual") == 0,
        .tried = refused->ids,
        .tried_n = refused->n,
    };
    return route_choose(setup, state->providers, &ask);
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
                                  const struct credential *credential, bool *ret_elsewhere)
{
    const struct provider_act act = route_act(&item->new.payment);
    struct outcome outcome = {0};
    if (!item->new.payment.card_token &&
        route_check_instrument(provider, credential->live, &act, NULL, &item->problem) != STATUS_OK)
        return item->problem.status;
    if (route_accepted(provider, credential, &act, item->base.call->arena, &outcome))
        return STATUS_OK;
    *ret_elsewhere = outcome.elsewhere && !item->new.payment.card_token;
    return problem_set(&item->problem, STATUS_INVALID_ARGUMENT, outcome.error_code, act.method,
                       "%s", outcome.error_message);
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

// NULL: the arena is full.
static const struct provider *go_to(const struct payments_state *state, struct create_item *item,
                                    const struct credential *credential)
{
    struct payment *payment = &item->new.payment;
    bool simulator = credential == providers_simulator(state->providers);
    const struct provider *provider = providers_find(state->providers, credential->provider);
    payment->provider = provider ? provider->name : NULL;
    payment->credential_id =
        simulator ? NULL : arena_strdup(item->base.call->arena, credential->id);
    if (!provider || (!simulator && !payment->credential_id)) {
        item->problem.status = STATUS_RESOURCE_EXHAUSTED;
        return NULL;
    }
    payment->test_mode = !credential->live;
    item->new.lease_ms = outcome_lease_ms(provider);
    return provider;
}

// What one provider can't take, the next may; when none does, the first one's reason is told.
static void route(const struct payments_state *state, struct create_item *item,
                  const struct setup *setup)
{
    struct places refused = {0};
    struct problem first = {0};
    const struct credential *credential;
    bool elsewhere = true;
    if (route_check_mode(setup, &item->problem) != STATUS_OK ||
        check_token_mode(item, setup, &item->problem) != STATUS_OK)
        return;
    while (elsewhere && refused.n < PLACES_MAX &&
           (credential = choose(state, item, setup, &refused))) {
        elsewhere = false;
        item->problem = (struct problem){0};
        const struct provider *provider = go_to(state, item, credential);
        if (!provider)
            return;
        if (check_provider(item, provider, credential, &elsewhere) == STATUS_OK) {
            (void)check_limits(item, setup);
            return;
        }
        if (refused.n == 0)
            first = item->problem;
        refused.ids[refused.n++] = credential->id;
    }
    item->problem = first;
    if (refused.n == 0)
        (void)problem_set(&item->problem, STATUS_INVALID_ARGUMENT, "method_unsupported", "method",
                          "No provider takes this payment: its method, currency, operator or "
                          "amount.");
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
