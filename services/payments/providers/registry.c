#include <stdlib.h>
#include <string.h>

#include "providers/adapters.h"
#include "providers/simulator.h"
#include "settings.h"

static void (*const real[])(struct provider *) = {
    mtn_init, airtel_init, zamtel_init, blumon_init, paydunya_init,
};
#define REAL_N (sizeof real / sizeof *real)

struct providers {
    struct arena *arena;
    struct credential simulators_credential;
    bool with_simulator;
    struct provider all[REAL_N + 1]; // the simulator is the last
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
        [OUTCOME_PREPARED] = "prepared",
        [OUTCOME_MUTE] = "mute",
    };
    return names[kind];
}

static int64_t scaled(int64_t ms, int64_t percent)
{
    return ms * percent / 100 > 0 || ms == 0 ? ms * percent / 100 : 1;
}

static void scale(struct provider *provider, const struct payments_settings *settings)
{
    int64_t times = settings->provider_times_percent, delays = settings->provider_delays_percent;
    provider->connect_ms = scaled(provider->connect_ms, times);
    provider->total_ms = scaled(provider->total_ms, times);
    provider->query_after_ms = scaled(provider->query_after_ms, delays);
    provider->settle_ms = scaled(provider->settle_ms, delays);
}

static bool make_simulators_credential(struct providers *providers,
                                       const struct payments_settings *settings)
{
    struct arena *arena = providers->arena;
    const char *fields = json_object(
        arena, (struct json_member[]){JSON_S("base_url", settings->simulator_url),
                                      JSON_S("key", settings->simulator_key),
                                      JSON_S("webhook_secret", settings->simulator_callback_secret),
                                      {0}});
    const struct json_value *read = NULL;
    if (!fields || json_parse(arena, bytes_of_string(fields), &read) != STATUS_OK)
        return false;
    const char *callback = NULL;
    if (settings->callback_base_url[0])
        callback = arena_printf(arena, "%s/api/v1/webhooks/simulator/%s",
                                settings->callback_base_url, settings->simulator_credential);
    providers->simulators_credential = (struct credential){
        .id = settings->simulator_credential,
        .tenant_id = "",
        .provider = "simulator",
        .enabled = true,
        .label = "",
        .fields = read,
        .callback_url = callback,
    };
    return callback || !settings->callback_base_url[0];
}

struct providers *providers_new(const struct payments_settings *settings)
{
    struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    struct providers *providers = arena ? ARENA_NEW(arena, struct providers) : NULL;
    if (!providers) {
        arena_free(arena);
        return NULL;
    }
    providers->arena = arena;
    providers->with_simulator = strcmp(settings->simulator_url, "none") != 0;
    for (size_t i = 0; i < REAL_N; i++) {
        real[i](&providers->all[i]);
        scale(&providers->all[i], settings);
    }
    struct provider *simulator = &providers->all[REAL_N];
    simulator_init(simulator, settings->simulator_idempotent, settings->provider_timeout_ms);
    simulator->calls_back = settings->callback_base_url[0] != '\0';
    if (simulator->query_after_ms > settings->poll_first_ms)
        simulator->query_after_ms = settings->poll_first_ms;
    if (make_simulators_credential(providers, settings))
        return providers;
    arena_free(arena);
    return NULL;
}

void providers_free(struct providers *providers)
{
    if (providers)
        arena_free(providers->arena);
}

const struct provider *providers_at(const struct providers *providers, size_t i)
{
    return i <= REAL_N ? &providers->all[i] : NULL;
}

const struct provider *providers_find(const struct providers *providers, const char *name)
{
    for (size_t i = 0; i <= REAL_N; i++)
        if (strcmp(name, providers->all[i].name) == 0)
            return &providers->all[i];
    return NULL;
}

const struct credential *providers_simulator(const struct providers *providers)
{
    return providers->with_simulator ? &providers->simulators_credential : NULL;
}

int64_t providers_total_ms_max(const struct providers *providers)
{
    int64_t longest_ms = 0;
    for (size_t i = 0; i <= REAL_N; i++)
        if (providers->all[i].total_ms > longest_ms)
            longest_ms = providers->all[i].total_ms;
    return longest_ms;
}

// "ZMW UGX"; NULL holds everything.
static bool list_holds(const char *list, const char *item)
{
    if (!item)
        return true;
    size_t length = strlen(item);
    for (const char *at = list; at && *at;) {
        size_t word = strcspn(at, " ");
        if (word == length && memcmp(at, item, word) == 0)
            return true;
        at += word;
        at += strspn(at, " ");
    }
    return !list;
}

bool provider_supports(const struct provider *provider, const char *method, const char *currency,
                       const char *network, bool manual_capture)
{
    for (const struct provider_support *at = provider->supports; at->method; at++)
        if (strcmp(at->method, method) == 0 && list_holds(at->currencies, currency) &&
            list_holds(at->networks, network) && (at->manual_capture || !manual_capture))
            return true;
    return false;
}

unsigned provider_needs(const struct provider_use *use, const struct provider_act *act)
{
    return use->provider->needs ? use->provider->needs(use, act) : 0;
}

bool provider_prepares(const struct provider *provider, enum operation_kind kind, int64_t stage)
{
    return stage < 32 && provider->prepares[kind] & STAGE(stage);
}

bool provider_repeats(const struct provider *provider, enum operation_kind kind, int64_t stage)
{
    return stage < 32 && provider->repeatable[kind] & STAGE(stage);
}
