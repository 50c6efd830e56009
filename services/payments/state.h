// What the handlers and loops of the payments service share: made at start, immutable afterwards
// (the processor guards itself). Handlers find it in worker->state.
#pragma once
#include "base/bell.h"
#include "crypto/crypto.h"
#include "journal/journal.h"
#include "outcome.h"
#include "providers/provider.h"
#include "settings.h"

struct processor;

struct payments_state {
    const struct payments_settings *settings;
    const struct journal *journal;
    const struct keyring *ring;
    struct providers *providers;
    struct bell *outbox_bell;    // rung after committing events
    struct processor *processor; // NULL where none runs
};

struct outcome_limits state_limits(const struct payments_state *state);
// After a commit that made events, and work for the processor.
void state_ring(const struct payments_state *state, bool work);
