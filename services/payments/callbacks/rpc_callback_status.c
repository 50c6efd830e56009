// How callbacks of a provider come in, for the tenant that they are for.
#include <string.h>

#include "batch.h"
#include "callbacks/rpc_callbacks.h"
#include "callbacks/store_callbacks.h"
#include "obol/payments/v1/providers.pb-c.h"
#include "rpc/wellknown.h"
#include "state.h"

#define PROVIDERS "/obol.payments.v1.ProviderService/"

static Obol__Payments__V1__CallbackCount *render_count(struct arena *arena,
                                                       const struct callback_count *count)
{
    Obol__Payments__V1__CallbackCount *ret =
        MESSAGE_NEW(arena, obol__payments__v1__callback_count, Obol__Payments__V1__CallbackCount);
    if (!ret)
        return NULL;
    ret->outcome = (char *)(uintptr_t)count->outcome;
    ret->count = count->n;
    ret->last_at = wellknown_time(arena, count->last_us);
    return ret->last_at ? ret : NULL;
}

static Obol__Payments__V1__CallbackStatus *render_status(struct arena *arena, const char *provider,
                                                         const struct callback_count *counts,
                                                         size_t n)
{
    int64_t last_us = DB_TIME_NULL;
    Obol__Payments__V1__CallbackStatus *ret =
        MESSAGE_NEW(arena, obol__payments__v1__callback_status, Obol__Payments__V1__CallbackStatus);
    if (ret)
        ret->counts = ARENA_ARRAY(arena, n, Obol__Payments__V1__CallbackCount *);
    if (!ret || !ret->counts)
        return NULL;
    ret->object = (char *)"callback_status";
    ret->provider = (char *)(uintptr_t)provider;
    for (size_t i = 0; i < n; i++) {
        ret->counts[i] = render_count(arena, &counts[i]);
        if (!ret->counts[i])
            return NULL;
        ret->n_counts++;
        last_us = counts[i].last_us > last_us ? counts[i].last_us : last_us;
    }
    if (last_us != DB_TIME_NULL)
        ret->last_at = wellknown_time(arena, last_us);
    return ret->last_at || n == 0 ? ret : NULL;
}

enum status rpc_get_callback_status(void *context, struct call *call)
{
    struct worker *worker = context;
    const struct payments_state *state = worker->state;
    const char *name = CALL_REQUEST(call, Obol__Payments__V1__GetCallbackStatusRequest)->provider;
    const struct provider *provider = providers_find(state->providers, name);
    const struct credential *own = providers_simulator(state->providers);
    struct callback_count *counts = NULL;
    size_t n = 0;
    if (!provider)
        return problem_not_found(&call->problem, "provider");
    // The simulator's callbacks are everybody's: they come by one credential.
    bool shared = own && strcmp(own->provider, provider->name) == 0;
    enum status status = batch_read(store_callback_counts_get(
        worker->db, call->arena, call->context.tenant_id, provider->name, shared, &counts, &n));
    if (status != STATUS_OK)
        return call_refuse_status(call, status);
    const Obol__Payments__V1__CallbackStatus *message =
        render_status(call->arena, provider->name, counts, n);
    if (!message)
        return call_refuse_status(call, STATUS_RESOURCE_EXHAUSTED);
    call_answer(call, &message->base);
    return STATUS_OK;
}
