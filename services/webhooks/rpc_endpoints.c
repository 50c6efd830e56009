#include "base/clock.h"
#include "base/id.h"
#include "endpoint.h"
#include "rpc.h"
#include "view.h"

#define NOUN "webhook endpoint"

typedef enum status work_function(struct worker *, struct call *, void *);

// What is to be made: everything is decided before the first try.
struct making {
    struct endpoint endpoint;
    const char *secret;
    bool imported;
};

static struct bytes seal(const struct worker *worker, struct call *call, const char *id,
                         const char *secret)
{
    const char *context = arena_printf(call->arena, "%s/%s", call->context.tenant_id, id);
    if (!context)
        return (struct bytes){0};
    return keyring_seal(worker->journal->ring, call->arena, bytes_of_string(secret), context);
}

static enum status answer(struct call *call, const struct endpoint *endpoint, const char *secret)
{
    Obol__Webhooks__V1__Endpoint *view = view_endpoint(call->arena, endpoint, secret);
    if (!view)
        return out_of_memory(call);
    call_answer(call, &view->base);
    return STATUS_OK;
}

static enum status make(struct worker *worker, struct call *call, void *context)
{
    struct making *making = context;
    int64_t n = 0;
    enum status status = store_endpoint_count(worker->db, call->arena, call->context.tenant_id, &n);
    if (status != STATUS_OK)
        return status;
    if (n >= ENDPOINTS_MAX)
        return call_refuse(call, STATUS_INVALID_ARGUMENT, "too_many_endpoints", NULL,
                           "A tenant can have %d webhook endpoints.", ENDPOINTS_MAX);
    making->endpoint.secret_sealed = seal(worker, call, making->endpoint.id, making->secret);
    if (!making->endpoint.secret_sealed.at)
        return out_of_memory(call);
    status = store_endpoint_insert(worker->db, call->arena, &making->endpoint);
    if (status == STATUS_ALREADY_EXISTS)
        return call_refuse(call, status, "already_exists", "id",
                           "There is a webhook endpoint with this id.");
    if (status == STATUS_OK)
        status = audit(worker, call,
                       making->imported ? "webhook_endpoint.import" : "webhook_endpoint.create",
                       NULL, &making->endpoint);
    return status == STATUS_OK ? answer(call, &making->endpoint, making->secret) : status;
}

static enum status check(struct worker *worker, struct call *call,
                         const Obol__Webhooks__V1__CreateEndpointRequest *request,
                         struct endpoint *ret)
{
    static const char *const everything[] = {"*"};
    *ret = (struct endpoint){
        .tenant_id = call->context.tenant_id,
        .url = request->url,
        .events = request->n_events ? (const char *const *)request->events : everything,
        .events_n = request->n_events ? request->n_events : 1,
        .description = request->description ? given(request->description->value) : NULL,
        .enabled = true,
        .created_us = clock_unix_us(),
    };
    enum status status =
        endpoint_check_url(ret->url, state_of(worker)->settings->allow_private, &call->problem);
    if (status == STATUS_OK)
        status = endpoint_check_events(ret->events, ret->events_n, &call->problem);
    if (status == STATUS_OK)
        status = endpoint_check_description(ret->description, &call->problem);
    return status;
}

enum status rpc_create_endpoint(void *context, struct call *call)
{
    struct worker *worker = context;
    struct making making = {.secret = endpoint_secret_new(call->arena)};
    enum status status =
        check(worker, call, CALL_REQUEST(call, Obol__Webhooks__V1__CreateEndpointRequest),
              &making.endpoint);
    if (status != STATUS_OK)
        return status;
    struct id id = id_new("we");
    making.endpoint.id = id.text;
    if (!making.secret)
        return out_of_memory(call);
    return service_once(worker, call, id.text, make, &making);
}

enum status rpc_import_endpoint(void *context, struct call *call)
{
    struct worker *worker = context;
    const Obol__Webhooks__V1__ImportEndpointRequest *request =
        CALL_REQUEST(call, Obol__Webhooks__V1__ImportEndpointRequest);
    struct making making = {.secret = request->secret, .imported = true};
    if (!id_looks_like("we", request->id))
        return problem_invalid(&call->problem, "id", "Want we_ and letters or digits.");
    if (!request->endpoint)
        return problem_invalid(&call->problem, "endpoint", "Required.");
    enum status status = endpoint_check_secret(request->secret, &call->problem);
    if (status == STATUS_OK)
        status = check(worker, call, request->endpoint, &making.endpoint);
    if (status != STATUS_OK)
        return status;
    making.endpoint.id = request->id;
    return service_once(worker, call, request->id, make, &making);
}

enum status rpc_get_endpoint(void *context, struct call *call)
{
    struct worker *worker = context;
    const char *id = CALL_REQUEST(call, Obol__Webhooks__V1__GetEndpointRequest)->id;
    struct endpoint endpoint = {0};
    enum status status = id_given(call, "we", id, NOUN);
    if (status == STATUS_OK)
        status =
            store_endpoint_get(worker->db, call->arena, call->context.tenant_id, id, &endpoint);
    if (status == STATUS_OK)
        return answer(call, &endpoint, NULL);
    status = refuse_missing(call, status, NOUN);
    return call->problem.status ? status : call_refuse_status(call, status);
}

static enum status list_answer(struct call *call, const struct page *page,
                               const struct endpoint *rows, size_t rows_n)
{
    Obol__Webhooks__V1__EndpointList *list = MESSAGE_NEW(
        call->arena, obol__webhooks__v1__endpoint_list, Obol__Webhooks__V1__EndpointList);
    size_t n = page_shown(page, rows_n);
    Obol__Webhooks__V1__Endpoint **data =
        ARENA_ARRAY(call->arena, n, Obol__Webhooks__V1__Endpoint *);
    if (!list || !data)
        return out_of_memory(call);
    for (size_t i = 0; i < n; i++)
        if (!(data[i] = view_endpoint(call->arena, &rows[page_row(page, rows_n, i)], NULL)))
            return out_of_memory(call);
    list->object = (char *)"list";
    list->data = data;
    list->n_data = n;
    list->has_more = page_has_more(page, rows_n);
    list->url = (char *)"/api/v1/webhook_endpoints";
    call_answer(call, &list->base);
    return STATUS_OK;
}

enum status rpc_list_endpoints(void *context, struct call *call)
{
    struct worker *worker = context;
    const Obol__Webhooks__V1__ListEndpointsRequest *request =
        CALL_REQUEST(call, Obol__Webhooks__V1__ListEndpointsRequest);
    const struct page_request asked = {
        .limit = request->limit,
        .starting_after = request->starting_after,
        .ending_before = request->ending_before,
        .created_gte_us = DB_TIME_NULL,
        .created_lt_us = DB_TIME_NULL,
        .cursor_prefix = "we",
    };
    struct page page;
    enum status status = page_read(&asked, "we", &page, &call->problem);
    if (status != STATUS_OK)
        return status;
    struct endpoint *rows = NULL;
    size_t n = 0;
    status =
        store_endpoint_list(worker->db, call->arena, call->context.tenant_id, &page, &rows, &n);
    return status == STATUS_OK ? list_answer(call, &page, rows, n)
                               : call_refuse_status(call, status);
}
