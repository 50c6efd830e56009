#include "state.h"

#include "base/clock.h"
#include "processor/processor.h"

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

const char *state_circuits_json(void *context, struct arena *arena)
{
    const struct payments_state *state = context;
    size_t n = 0;
    const struct breaker_view *views =
        breakers_list(state->breakers, arena, clock_now_ns() / NS_PER_MS, &n);
    const char *rows = "";
    for (size_t i = 0; views && rows && i < n; i++) {
        const char *row = json_object(
            arena, (struct json_member[]){JSON_S("provider", views[i].provider),
                                          JSON_S("credential", views[i].credential_id),
                                          JSON_S("circuit", breaker_state_name(views[i].state)),
                                          JSON_I("retry_ms", views[i].retry_ms),
                                          {0}});
        rows = row ? arena_printf(arena, "%s%s%s", rows, i ? "," : "", row) : NULL;
    }
    return (views || n == 0) && rows ? arena_printf(arena, "[%s]", rows) : NULL;
}
