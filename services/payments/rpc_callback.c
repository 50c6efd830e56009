// A provider says that something changed. Whoever says so, the state comes from a query that we
// make: a callback only brings it forward.
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
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

enum status rpc_provider_callback(void *context, struct call *call)
{
    struct worker *worker = context;
    const struct payments_state *state = worker->state;
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
    size_t due = 0;
    if (reference && id_looks_like("op", reference) && strlen(reference) <= ID_TEXT_MAX)
        status = store_operations_callback(worker->db, call->arena, reference, provider->name,
                                           clock_unix_us(), &due);
    if (status != STATUS_OK && status != STATUS_UNKNOWN)
        return call_refuse_status(call, status);
    Obol__Payments__V1__ProviderCallbackResponse *response =
        MESSAGE_NEW(call->arena, obol__payments__v1__provider_callback_response,
                    Obol__Payments__V1__ProviderCallbackResponse);
    if (!response)
        return call_refuse_status(call, STATUS_RESOURCE_EXHAUSTED);
    if (due > 0)
        state_ring(state, true);
    response->received = true;
    call_answer(call, &response->base);
    return STATUS_OK;
}
