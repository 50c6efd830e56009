#include "setup/routing.h"

#include <string.h>

static bool tried(const struct route_ask *ask, const struct credential *credential)
{
    for (size_t i = 0; i < ask->tried_n; i++)
        if (strcmp(ask->tried[i], credential->id) == 0)
            return true;
    return false;
}

static bool takes(const struct providers *providers, const struct credential *credential,
                  const struct route_ask *ask)
{
    const struct provider *provider = providers_find(providers, credential->provider);
    return provider && credential->enabled && !tried(ask, credential) &&
           provider_supports(provider, ask->method, ask->currency, ask->network,
                             ask->manual_capture);
}

// A payment of a live tenant at a sandbox would succeed without any money moved, and one of a
// tenant that tests would move some.
static bool serves(const struct setup *setup, const struct credential *credential)
{
    return credential->live == setup->live;
}

// Where a mode is settled, routes of both modes stand beside each other, each for its own.
static bool of_other_mode(const struct setup *setup, const struct route *route)
{
    const struct credential *credential = setup_credential(setup, route->credential_id);
    return setup->mode_settled && credential && !serves(setup, credential);
}

// Whether the route says anything about such payments, be they too large for it or not.
static bool about(const struct route *route, const struct route_ask *ask)
{
    return strcmp(route->method, ask->method) == 0 &&
           (!route->currency[0] || !ask->currency || strcmp(route->currency, ask->currency) == 0);
}

static bool fits(const struct route *route, const struct route_ask *ask)
{
    bool network =
        !route->network[0] || (ask->network && strcmp(route->network, ask->network) == 0);
    return network && ask->amount >= route->amount_min &&
           (route->amount_max == 0 || ask->amount <= route->amount_max);
}

static const struct credential *by_routes(const struct setup *setup,
                                          const struct providers *providers,
                                          const struct route_ask *ask, bool *ret_spoken)
{
    *ret_spoken = false;
    for (size_t i = 0; i < setup->routes_n; i++) {
        const struct route *route = &setup->routes[i];
        if (!about(route, ask) || of_other_mode(setup, route))
            continue;
        *ret_spoken = true;
        const struct credential *credential = setup_credential(setup, route->credential_id);
        if (fits(route, ask) && credential && serves(setup, credential) &&
            takes(providers, credential, ask))
            return credential;
    }
    return NULL;
}

static bool older(const struct credential *one, const struct credential *other)
{
    if (one->created_us != other->created_us)
        return one->created_us < other->created_us;
    return strcmp(one->id, other->id) < 0;
}

static const struct credential *oldest(const struct setup *setup, const struct providers *providers,
                                       const struct route_ask *ask)
{
    const struct credential *best = NULL;
    for (size_t i = 0; i < setup->credentials_n; i++) {
        const struct credential *credential = &setup->credentials[i];
        if (serves(setup, credential) && takes(providers, credential, ask) &&
            (!best || older(credential, best)))
            best = credential;
    }
    return best;
}

const struct credential *route_choose(const struct setup *setup, const struct providers *providers,
                                      const struct route_ask *ask)
{
    bool spoken;
    const struct credential *credential = by_routes(setup, providers, ask, &spoken);
    if (spoken)
        return credential;
    credential = oldest(setup, providers, ask);
    bool simulated = !setup->live && setup->simulator && takes(providers, setup->simulator, ask);
    return credential ? credential : simulated ? setup->simulator : NULL;
}

enum status route_check_mode(const struct setup *setup, struct problem *problem)
{
    bool served = !setup->mode_settled || setup->simulator;
    for (size_t i = 0; !served && i < setup->credentials_n; i++)
        served = setup->credentials[i].enabled && serves(setup, &setup->credentials[i]);
    if (served)
        return STATUS_OK;
    if (setup->live)
        return problem_set(problem, STATUS_INVALID_ARGUMENT, "no_live_credential", NULL,
                           "Live mode takes payments by live credentials, and none is enabled.");
    return problem_set(problem, STATUS_INVALID_ARGUMENT, "no_test_credential", NULL,
                       "Test mode takes payments by credentials for tests, and none is enabled.");
}

struct provider_act route_act(const struct payment *payment)
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

bool route_accepted(const struct provider *provider, const struct credential *credential,
                    const struct provider_act *act, struct arena *arena, struct outcome *ret)
{
    const struct provider_use use = {
        .provider = provider, .credential = credential, .arena = arena};
    return !provider->accepts || provider->accepts(&use, act, ret);
}
