// What the handlers and loops of the payments service share: made at start, immutable afterwards
// (the processor guards itself). Handlers find it in worker->state.
#pragma once
#include "base/bell.h"
#include "crypto/crypto.h"
#include "journal/journal.h"
#include "processor/breaker.h"
#include "processor/outcome.h"
#include "providers/provider.h"
#include "sessions/sessions.h"
#include "settings.h"
#include "setup/setup.h"

struct processor;
struct callback_counts;
struct gate;
struct reconcile_daily;

struct payments_state {
    const struct payments_settings *settings;
    const struct journal *journal;
    const struct keyring *ring;
    struct providers *providers;
    struct setups *setups;
    struct gate *gate;         // whether new payments are taken
    struct sessions *sessions; // NULL in tests that need none
    struct breakers *breakers;
    struct health *health; // NULL in tests
    struct callback_counts *callback_counts;
    struct reconcile_daily *reconcile_daily; // NULL in tests
    struct bell *outbox_bell;                // rung after committing events
    struct processor *processor;             // NULL where none runs
};

// How long a claim holds an operation at this provider.
int64_t state_lease_ms(const struct payments_state *state, const char *provider);
// Whether requests under this credential go over TLS only: real ones do, but in development.
bool state_tls_required(const struct payments_state *state, const struct credential *credential);
// Circuits that are not closed, for the page of health (health_detail). context: the state.
const char *state_circuits_json(void *context, struct arena *arena);
struct outcome_limits state_limits(const struct payments_state *state);
// After a commit that made events, and work for the processor.
void state_ring(const struct payments_state *state, bool work);
