// Asking a provider about operations, many at once, for who may wait: reconciliation where the
// provider has no list. Moves nothing.
#pragma once
#include <stdatomic.h>

#include "base/problem.h"
#include "reconcile/store_reconcile.h"
#include "setup/setup.h"
#include "state.h"

#define RECONCILE_ASKS_AT_ONCE 16

struct reconcile_asking {
    const struct payments_state *state;
    const struct setup *setup;
    const struct provider *provider;
    const struct credential *credential;
    int64_t deadline_ns;
    const atomic_bool *stopping; // NULL: nobody stops it
};

enum answered {
    ANSWER_NONE = 0, // not yet
    ANSWER_KNOWN,    // *booked
    ANSWER_ABSENT,   // the provider doesn't know it
    ANSWER_NEVER,    // there is no way to ask about it
};
struct asked {
    const struct provider_act *act; // in
    enum answered answer;           // out
    enum booked booked;             // out
};
// UNAVAILABLE with a problem when the provider would not answer about one of them, also when asked
// again; DEADLINE_EXCEEDED, CANCELLED.
MUST_USE enum status reconcile_ask(const struct reconcile_asking *asking, struct asked *asked,
                                   size_t n, struct problem *problem);
