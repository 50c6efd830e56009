#include <stdlib.h>
#include <string.h>

#include "providers/provider.h"
#include "providers/simulator.h"
#include "settings.h"

struct providers {
    struct arena *arena;
    struct simulator_settings simulator_settings;
    struct provider simulator;
};

const char *outcome_name(enum outcome_kind kind)
{
    static const char *const names[] = {
        [OUTCOME_ACCEPTED] = "accepted",
        [OUTCOME_SUCCEEDED] = "succeeded",
        [OUTCOME_AUTHORIZED] = "authorized",
        [OUTCOME_FAILED] = "failed",
        [OUTCOME_CANCELED] = "canceled",
        [OUTCOME_EXPIRED] = "expired",
        [OUTCOME_REQUIRES_ACTION] = "requires_action",
        [OUTCOME_NOT_FOUND] = "not_found",
        [OUTCOME_NOT_SENT] = "not_sent",
        [OUTCOME_LOST] = "lost",
    };
    return names[kind];
}

struct providers *providers_new(const struct payments_settings *settings)
{
    struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    struct providers *providers = arena ? ARENA_NEW(arena, struct providers) : NULL;
    const char *callback = "";
    if (providers && settings->callback_base_url[0])
        callback = arena_printf(arena, "%s/api/v1/webhooks/simulator/%s",
                                settings->callback_base_url, settings->simulator_credential);
    if (!providers || !callback) {
        arena_free(arena);
        return NULL;
    }
    providers->arena = arena;
    providers->simulator_settings = (struct simulator_settings){
        .url = settings->simulator_url,
        .key = settings->simulator_key,
        .callback_secret = settings->simulator_callback_secret,
        .credential_id = settings->simulator_credential,
        .callback_url = callback,
    };
    simulator_init(&providers->simulator, &providers->simulator_settings,
                   settings->simulator_idempotent, settings->provider_timeout_ms);
    return providers;
}

void providers_free(struct providers *providers)
{
    if (providers)
        arena_free(providers->arena);
}

const struct provider *providers_find(const struct providers *providers, const char *name)
{
    return strcmp(name, providers->simulator.name) == 0 ? &providers->simulator : NULL;
}

const struct provider *providers_route(const struct providers *providers, const char *method)
{
    for (const char *const *at = providers->simulator.methods; *at; at++)
        if (strcmp(*at, method) == 0)
            return &providers->simulator;
    return NULL;
}
