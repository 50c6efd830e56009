// Every request of the payments service, judged by the very handler that serves it.
#include "callbacks/callback_counts.h"
#include "creation/gate.h"
#include "rpc.h"
#include "state.h"
#include "support/service.h"

static struct payments_settings settings = {
    .simulator_url = "http://127.0.0.1:1",
    .simulator_key = "key",
    .simulator_callback_secret = "secret",
    .simulator_credential = "default",
    .callback_base_url = "https://pay.example",
    .provider_timeout_ms = 1000,
    .provider_times_percent = 100,
    .provider_delays_percent = 100,
    .card_token_ttl_s = 3600,
};
static struct payments_state state;

static struct worker *worker_new(const struct fuzz_service *service)
{
    struct worker *worker = fuzz_worker(service);
    state = (struct payments_state){.settings = &settings,
                                    .journal = worker->journal,
                                    .ring = fuzz_ring(),
                                    .providers = providers_new(&settings),
                                    .breakers = breakers_new(),
                                    .gate = gate_new()};
    state.setups = setups_new(state.ring, state.providers, settings.callback_base_url);
    assert(state.providers && state.breakers && state.gate && state.setups);
    return worker;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct worker *worker;
    const struct fuzz_service service = {payments_handlers, payments_handlers_n, "payments",
                                         &state};
    if (!worker)
        worker = worker_new(&service);
    return fuzz_handle(&service, worker, data, size);
}
