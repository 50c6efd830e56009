// A provider says that something changed. Whoever says so, the state comes from a query that we
// make: a callback only brings it forward.
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "processor.h"
#include "rpc.h"
#include "store.h"

static struct provider_header *
headers_of(struct call *call, const Obol__Payments__V1__ProviderCallbackRequest *request)
{
    struct provider_header *headers =
        ARENA_ARRAY(call->arena, request->n_headers, struct provider_header);
    for (size_t i = 0; headers && i < request->n_headers; i++)
        headers[i] =
            (struct provider_header){request->headers[i]->name, request->headers[i]->value};
    return headers;
}

static enum status check_signature(struct call *call, const struct provider *provider,
                                   const Obol__Payments__V1__ProviderCallbackRequest *request,
                                   struct bytes body)
{
    const struct provider_header *headers = headers_of(call, request);
    if (!headers)
        return call_refuse_status(call, STATUS_RESOURCE_EXHAUSTED);
    if (!provider->callback_verify(provider, request->credential_id, headers, request->n_headers,
                                   body))
        return call_refuse(call, STATUS_UNAUTHENTICATED, "signature_invalid", NULL,
                           "The signature does not fit.");
    return STATUS_OK;
}

// What the callback is about, where it may be about something of ours.
static enum status read_callback(const struct payments_state *state, struct call *call,
                                 struct callback *ret)
{
    const Obol__Payments__V1__ProviderCallbackRequest *request =
        CALL_REQUEST(call, Obol__Payments__V1__ProviderCallbackRequest);
    const struct provider *provider = providers_find(state->providers, request->provider);
    struct bytes body = {request->body.data, request->body.len};
    if (!provider)
        return problem_not_found(&call->problem, "provider");
    enum status status = STATUS_OK;
    if (request->credential_id[0])
        status = check_signature(call, provider, request, body);
    if (status != STATUS_OK)
        return status;
    const char *reference = provider->callback_reference(call->arena, body);
    bool ours = reference && id_looks_like("op", reference) && strlen(reference) <= ID_TEXT_MAX;
    *ret = (struct callback){ours ? reference : NULL, provider->name};
    return STATUS_OK;
}

static int by_reference(const void *a, const void *b)
{
    const struct callback *x = a, *y = b;
    return strcmp(x->reference, y->reference);
}

static enum status queue(struct worker *worker, struct callback *callbacks, size_t n)
{
    if (n == 0)
        return STATUS_OK;
    qsort(callbacks, n, sizeof *callbacks, by_reference);
    enum status status =
        store_operations_callback(worker->db, worker->arena, callbacks, n, clock_unix_us());
    if (status == STATUS_OK)
        state_ring(worker->state, true);
    return status == STATUS_UNKNOWN ? STATUS_OK : status;
}

static void answer(struct call *call, enum status status)
{
    Obol__Payments__V1__ProviderCallbackResponse *response =
        MESSAGE_NEW(call->arena, obol__payments__v1__provider_callback_response,
                    Obol__Payments__V1__ProviderCallbackResponse);
    if (status != STATUS_OK || !response) {
        (void)call_refuse_status(call, response ? status : STATUS_RESOURCE_EXHAUSTED);
        return;
    }
    response->received = true;
    call_answer(call, &response->base);
}

static bool in_hand(const struct payments_state *state, const struct callback *callback)
{
    return state->processor &&
           processor_news(state->processor, callback->provider, callback->reference);
}

// Those whose operation the processor of this process has in hand cost the database nothing.
void rpc_provider_callback(void *context, struct call *const *calls, size_t n)
{
    struct worker *worker = context;
    struct callback *callbacks = ARENA_ARRAY(worker->arena, n, struct callback);
    struct call **told = ARENA_ARRAY(worker->arena, n, struct call *);
    size_t callbacks_n = 0, told_n = 0;
    for (size_t i = 0; i < n; i++) {
        struct callback callback = {0};
        if (!callbacks || !told)
            (void)call_refuse_status(calls[i], STATUS_RESOURCE_EXHAUSTED);
        else if (read_callback(worker->state, calls[i], &callback) == STATUS_OK)
            told[told_n++] = calls[i];
        if (callback.reference && !in_hand(worker->state, &callback))
            callbacks[callbacks_n++] = callback;
    }
    enum status status = queue(worker, callbacks, callbacks_n);
    for (size_t i = 0; i < told_n; i++)
        answer(told[i], status);
    arena_reset(worker->arena);
}
