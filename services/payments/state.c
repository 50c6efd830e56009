#include "state.h"

#include "processor.h"

int64_t state_lease_ms(const struct payments_state *state, const char *provider)
{
    const struct provider *found = providers_find(state->providers, provider);
    return found ? outcome_lease_ms(found)
                 : providers_total_ms_max(state->providers) + LEASE_MARGIN_MS;
}

bool state_tls_required(const struct payments_state *state, const struct credential *credential)
{
    return credential != providers_simulator(state->providers) &&
           !state->settings->provider_allow_http;
}

struct outcome_limits state_limits(const struct payments_state *state)
{
    return (struct outcome_limits){
        .poll_first_ms = state->settings->poll_first_ms,
        .processing_deadline_s = state->settings->processing_deadline_s,
        .unknown_deadline_s = state->settings->unknown_deadline_s,
        .action_ttl_s = state->settings->action_ttl_s,
    };
}

void state_ring(const struct payments_state *state, bool work)
{
    if (state->outbox_bell)
        bell_ring(state->outbox_bell);
    if (work && state->processor)
        processor_ring(state->processor);
}
