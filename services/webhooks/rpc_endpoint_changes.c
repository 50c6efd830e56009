#include "base/clock.h"
#include "endpoint.h"
#include "rpc.h"
#include "view.h"

#define NOUN "webhook endpoint"
#define DISABLED_BY_HAND "Disabled by request."
#define DELETED "The endpoint was deleted."

static enum status lock(struct worker *worker, struct call *call, const char *id,
                        struct endpoint *ret)
{
    return refuse_missing(
        call, store_endpoint_lock(worker->db, call->arena, call->context.tenant_id, id, ret), NOUN);
}

static enum status answer(struct call *call, const struct endpoint *endpoint, const char *secret)
{
    Obol__Webhooks__V1__Endpoint *view = view_endpoint(call->arena, endpoint, secret);
    if (!view)
        return out_of_memory(call);
    call_answer(call, &view->base);
    return STATUS_OK;
}

static void set_enabled(struct endpoint *endpoint, bool enabled)
{
    if (endpoint->enabled == enabled)
        return;
    endpoint->enabled = enabled;
    endpoint->disabled_reason = enabled ? NULL : DISABLED_BY_HAND;
}

static enum status change(struct worker *worker, struct call *call,
                          const Obol__Webhooks__V1__UpdateEndpointRequest *request,
                          struct endpoint *endpoint)
{
    struct problem *problem = &call->problem;
    enum status status = STATUS_OK;
    if (request->url) {
        endpoint->url = request->url->value;
        status =
            endpoint_check_url(endpoint->url, state_of(worker)->settings->allow_private, problem);
    }
    if (status == STATUS_OK && request->n_events > 0) {
        endpoint->events = (const char *const *)request->events;
        endpoint->events_n = request->n_events;
        status = endpoint_check_events(endpoint->events, endpoint->events_n, problem);
    }
    if (status == STATUS_OK && request->description) {
        endpoint->description = given(request->description->value);
        status = endpoint_check_description(endpoint->description, problem);
    }
    if (status == STATUS_OK && request->enabled)
        set_enabled(endpoint, request->enabled->value);
    return status;
}

static enum status update(struct worker *worker, struct call *call, void *context)
{
    (void)context;
    const Obol__Webhooks__V1__UpdateEndpointRequest *request =
        CALL_REQUEST(call, Obol__Webhooks__V1__UpdateEndpointRequest);
    struct endpoint before = {0};
    enum status status = lock(worker, call, request->id, &before);
    if (status != STATUS_OK)
        return status;
    struct endpoint after = before;
    status = change(worker, call, request, &after);
    if (status == STATUS_OK)
        status = store_endpoint_update(worker->db, call->arena, &after);
    if (status == STATUS_OK && before.enabled && !after.enabled)
        status = store_fail_pending(worker->db, call->arena, after.tenant_id, after.id,
                                    "The endpoint was disabled.");
    if (status == STATUS_OK)
        status = audit(worker, call, "webhook_endpoint.update", &before, &after);
    return status == STATUS_OK ? answer(call, &after, NULL) : status;
}

enum status rpc_update_endpoint(void *context, struct call *call)
{
    const char *id = CALL_REQUEST(call, Obol__Webhooks__V1__UpdateEndpointRequest)->id;
    enum status status = id_given(call, "we", id, NOUN);
    return status == STATUS_OK ? service_once(context, call, id, update, NULL) : status;
}

static enum status delete_endpoint(struct worker *worker, struct call *call, void *context)
{
    const char *id = context;
    struct endpoint before = {0};
    enum status status = lock(worker, call, id, &before);
    if (status == STATUS_OK)
        status = store_endpoint_delete(worker->db, call->arena, before.tenant_id, id);
    if (status == STATUS_OK)
        status = store_fail_pending(worker->db, call->arena, before.tenant_id, id, DELETED);
    if (status == STATUS_OK)
        status = audit(worker, call, "webhook_endpoint.delete", &before, NULL);
    if (status != STATUS_OK)
        return status;
    Google__Protobuf__Empty *empty =
        MESSAGE_NEW(call->arena, google__protobuf__empty, Google__Protobuf__Empty);
    if (!empty)
        return out_of_memory(call);
    call_answer(call, &empty->base);
    return STATUS_OK;
}

enum status rpc_delete_endpoint(void *context, struct call *call)
{
    char *id = CALL_REQUEST(call, Obol__Webhooks__V1__DeleteEndpointRequest)->id;
    enum status status = id_given(call, "we", id, NOUN);
    return status == STATUS_OK ? service_once(context, call, id, delete_endpoint, id) : status;
}

struct rotation {
    const char *id, *secret;
    int64_t old_until_us;
};

static enum status rotate(struct worker *worker, struct call *call, void *context)
{
    const struct rotation *rotation = context;
    struct endpoint endpoint = {0};
    enum status status = lock(worker, call, rotation->id, &endpoint);
    if (status != STATUS_OK)
        return status;
    const char *seal_context = arena_printf(call->arena, "%s/%s", endpoint.tenant_id, endpoint.id);
    struct bytes sealed = {0};
    if (seal_context)
        sealed = keyring_seal(worker->journal->ring, call->arena, bytes_of_string(rotation->secret),
                              seal_context);
    if (!sealed.at)
        return out_of_memory(call);
    status =
        store_endpoint_rotate(worker->db, call->arena, &endpoint, sealed, rotation->old_until_us);
    if (status == STATUS_OK)
        status = audit(worker, call, "webhook_endpoint.rotate_secret", NULL, &endpoint);
    return status == STATUS_OK ? answer(call, &endpoint, rotation->secret) : status;
}

enum status rpc_rotate_secret(void *context, struct call *call)
{
    const Obol__Webhooks__V1__RotateSecretRequest *request =
        CALL_REQUEST(call, Obol__Webhooks__V1__RotateSecretRequest);
    int64_t overlap_s =
        request->overlap_seconds ? request->overlap_seconds->value : ENDPOINT_OVERLAP_DEFAULT_S;
    if (overlap_s < 0 || overlap_s > ENDPOINT_OVERLAP_MAX_S)
        return problem_invalid(&call->problem, "overlap_seconds", "0 to 604800.");
    struct rotation rotation = {
        .id = request->id,
        .secret = endpoint_secret_new(call->arena),
        .old_until_us = clock_unix_us() + overlap_s * US_PER_S,
    };
    if (!rotation.secret)
        return out_of_memory(call);
    enum status status = id_given(call, "we", request->id, NOUN);
    return status == STATUS_OK ? service_once(context, call, request->id, rotate, &rotation)
                               : status;
}
