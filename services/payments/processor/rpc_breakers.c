// Circuits that are not closed, as this replica sees them.
#include "base/clock.h"
#include "setup/rpc_providers.h"

static Obol__Payments__V1__BreakerState *view(struct arena *arena, const struct breaker_view *from)
{
    Obol__Payments__V1__BreakerState *ret =
        MESSAGE_NEW(arena, obol__payments__v1__breaker_state, Obol__Payments__V1__BreakerState);
    if (!ret)
        return NULL;
    ret->provider = (char *)(uintptr_t)from->provider;
    ret->credential_id = (char *)(uintptr_t)from->credential_id;
    ret->state = (char *)(uintptr_t)breaker_state_name(from->state);
    ret->retry_ms = from->retry_ms;
    return ret;
}

enum status rpc_list_breakers(void *context, struct call *call)
{
    struct worker *worker = context;
    const struct payments_state *state = worker->state;
    size_t n = 0;
    const struct breaker_view *views =
        breakers_list(state->breakers, call->arena, clock_now_ns() / NS_PER_MS, &n);
    Obol__Payments__V1__BreakerList *list =
        MESSAGE_NEW(call->arena, obol__payments__v1__breaker_list, Obol__Payments__V1__BreakerList);
    if (list)
        list->data = ARENA_ARRAY(call->arena, n, Obol__Payments__V1__BreakerState *);
    if (!list || !list->data || (n > 0 && !views))
        return call_refuse_status(call, STATUS_RESOURCE_EXHAUSTED);
    for (size_t i = 0; i < n; i++) {
        list->data[i] = view(call->arena, &views[i]);
        if (!list->data[i])
            return call_refuse_status(call, STATUS_RESOURCE_EXHAUSTED);
    }
    list->n_data = n;
    list->object = (char *)(uintptr_t) "list";
    call_answer(call, &list->base);
    return STATUS_OK;
}
