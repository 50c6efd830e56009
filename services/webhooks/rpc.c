#include "rpc.h"

#include "base/id.h"
#include "view.h"
#include "json/json.h"

#define ENDPOINTS "/obol.webhooks.v1.EndpointService/"
#define DELIVERIES "/obol.webhooks.v1.DeliveryService/"
#define EVENTS "/obol.webhooks.v1.EventService/"

const struct rpc_handler webhooks_handlers[] = {
    {.method = ENDPOINTS "CreateEndpoint", .one = rpc_create_endpoint},
    {.method = ENDPOINTS "ImportEndpoint", .one = rpc_import_endpoint},
    {.method = ENDPOINTS "GetEndpoint", .one = rpc_get_endpoint},
    {.method = ENDPOINTS "ListEndpoints", .one = rpc_list_endpoints},
    {.method = ENDPOINTS "UpdateEndpoint", .one = rpc_update_endpoint},
    {.method = ENDPOINTS "DeleteEndpoint", .one = rpc_delete_endpoint},
    {.method = ENDPOINTS "RotateSecret", .one = rpc_rotate_secret},
    {.method = ENDPOINTS "TestEndpoint", .one = rpc_test_endpoint},
    {.method = ENDPOINTS "Replay", .one = rpc_replay},
    {.method = DELIVERIES "GetDelivery", .one = rpc_get_delivery},
    {.method = DELIVERIES "ListDeliveries", .one = rpc_list_deliveries},
    {.method = DELIVERIES "RetryDelivery", .one = rpc_retry_delivery},
    {.method = EVENTS "GetEvent", .one = rpc_get_event},
    {.method = EVENTS "ListEvents", .one = rpc_list_events},
};
const size_t webhooks_handlers_n = sizeof webhooks_handlers / sizeof *webhooks_handlers;

struct webhooks *state_of(const struct worker *worker)
{
    return worker->state;
}

const char *given(const char *text)
{
    return text && *text ? text : NULL;
}

enum status text_given(struct call *call, const char *param, const char *text, const char **ret)
{
    *ret = given(text);
    if (*ret && !json_utf8_valid(bytes_of_string(*ret)))
        return problem_invalid(&call->problem, param, "Not UTF-8.");
    return STATUS_OK;
}

enum status id_given(struct call *call, const char *prefix, const char *id, const char *noun)
{
    return id_looks_like(prefix, id) ? STATUS_OK : problem_not_found(&call->problem, noun);
}

enum status refuse_missing(struct call *call, enum status status, const char *noun)
{
    return status == STATUS_NOT_FOUND ? problem_not_found(&call->problem, noun) : status;
}

enum status out_of_memory(struct call *call)
{
    return call_refuse_status(call, STATUS_RESOURCE_EXHAUSTED);
}

static enum status audit_write(struct worker *worker, struct call *call, const struct audit *part)
{
    struct audit entry = *part;
    entry.tenant_id = call->context.tenant_id;
    entry.actor = call->context.actor;
    entry.request_id = call->context.request_id;
    return journal_audit(worker->db, call->arena, &entry, 1);
}

static bool endpoint_json(struct arena *arena, const struct endpoint *endpoint, const char **ret)
{
    *ret = NULL;
    if (!endpoint)
        return true;
    Obol__Webhooks__V1__Endpoint *view = view_endpoint(arena, endpoint, NULL);
    *ret = view ? json_write(arena, &view->base) : NULL;
    return *ret != NULL;
}

enum status audit(struct worker *worker, struct call *call, const char *action,
                  const struct endpoint *before, const struct endpoint *after)
{
    struct audit entry = {.action = action, .object_id = before ? before->id : after->id};
    if (!endpoint_json(call->arena, before, &entry.before) ||
        !endpoint_json(call->arena, after, &entry.after))
        return out_of_memory(call);
    return audit_write(worker, call, &entry);
}

enum status audit_text(struct worker *worker, struct call *call, const char *action,
                       const char *object_id, const char *after)
{
    struct audit entry = {.action = action, .object_id = object_id, .after = after};
    return audit_write(worker, call, &entry);
}
