// Which provider a payment goes to, and where it goes next. Pure.
//
// A tenant's routes decide, in their order; where none of them is about the payment's method and
// currency, every credential that takes it does, oldest first, and at last the simulator (never
// for a live tenant). A card is bound to the provider that holds its token.
#pragma once
#include "payment.h"
#include "providers/provider.h"
#include "setup/setup.h"

struct route_ask {
    const char *method, *currency, *network; // currency NULL: not known yet; network NULL: none
    int64_t amount;
    bool manual_capture;
    const char *const *tried; // ids of credentials that have been tried
    size_t tried_n;
};

// NULL: none is left, or none takes it.
const struct credential *route_choose(const struct setup *setup, const struct providers *providers,
                                      const struct route_ask *ask);

// Whether anything takes payments in the tenant's settled mode: 422 no_live_credential,
// no_test_credential.
enum status route_check_mode(const struct setup *setup, struct problem *problem);
// A payment's charge, before it is an operation. Borrowed from the payment.
struct provider_act route_act(const struct payment *payment);
// Whether the provider can take it at all, as its adapter judges; else *ret says why.
bool route_accepted(const struct provider *provider, const struct credential *credential,
                    const struct provider_act *act, struct arena *arena, struct outcome *ret);
