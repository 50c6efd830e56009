#include <string.h>

#include "rpc.h"
#include "schedule.h"
#include "view.h"

#define NOUN "webhook delivery"

enum status delivery_view(struct worker *worker, struct call *call, const char *id,
                          Obol__Webhooks__V1__Delivery **ret)
{
    struct arena *arena = call->arena;
    const char *tenant_id = call->context.tenant_id;
    struct delivery delivery = {0};
    struct logged_attempt *attempts = NULL;
    size_t n = 0;
    struct bytes body = {0};
    enum status status = id_given(call, "whd", id, NOUN);
    if (status != STATUS_OK)
        return status;
    status = store_delivery_get(worker->db, arena, tenant_id, id, &delivery);
    if (status == STATUS_OK)
        status = store_attempts(worker->db, arena, tenant_id, id, &attempts, &n);
    if (status == STATUS_OK)
        status = store_event_body(worker->db, arena, tenant_id, delivery.event_id, &body);
    if (status == STATUS_NOT_FOUND && delivery.event_id)
        status = STATUS_OK; // the event was kept for a shorter time than its delivery
    if (status != STATUS_OK)
        return refuse_missing(call, status, NOUN);
    *ret = view_delivery(arena, &delivery);
    if (!*ret || !view_attempts(arena, *ret, attempts, n, body))
        return out_of_memory(call);
    return STATUS_OK;
}

static enum status answer(struct worker *worker, struct call *call, const char *id)
{
    Obol__Webhooks__V1__Delivery *view = NULL;
    enum status status = delivery_view(worker, call, id, &view);
    if (status == STATUS_OK)
        call_answer(call, &view->base);
    return status;
}

enum status rpc_get_delivery(void *context, struct call *call)
{
    enum status status =
        answer(context, call, CALL_REQUEST(call, Obol__Webhooks__V1__GetDeliveryRequest)->id);
    return call->problem.status ? call->problem.status : call_refuse_status(call, status);
}

static enum status filter_read(struct call *call,
                               const Obol__Webhooks__V1__ListDeliveriesRequest *request,
                               struct delivery_filter *ret)
{
    *ret = (struct delivery_filter){
        .status = given(request->status),
    };
    const char *state = ret->status;
    if (state && strcmp(state, "pending") != 0 && strcmp(state, "delivered") != 0 &&
        strcmp(state, "failed") != 0)
        return problem_invalid(&call->problem, "status", "pending, delivered or failed.");
    enum status status = text_given(call, "endpoint_id", request->endpoint_id, &ret->endpoint_id);
    if (status == STATUS_OK)
        status = text_given(call, "event", request->event, &ret->event_type);
    if (status == STATUS_OK)
        status = text_given(call, "event_id", request->event_id, &ret->event_id);
    if (status == STATUS_OK)
        status = text_given(call, "payment_id", request->payment_id, &ret->payment_id);
    return status;
}

static enum status list_answer(struct call *call, const struct page *page,
                               const struct delivery *rows, size_t rows_n)
{
    Obol__Webhooks__V1__DeliveryList *list = MESSAGE_NEW(
        call->arena, obol__webhooks__v1__delivery_list, Obol__Webhooks__V1__DeliveryList);
    size_t n = page_shown(page, rows_n);
    Obol__Webhooks__V1__Delivery **data =
        ARENA_ARRAY(call->arena, n, Obol__Webhooks__V1__Delivery *);
    if (!list || !data)
        return out_of_memory(call);
    for (size_t i = 0; i < n; i++)
        if (!(data[i] = view_delivery(call->arena, &rows[page_row(page, rows_n, i)])))
            return out_of_memory(call);
    list->object = (char *)"list";
    list->data = data;
    list->n_data = n;
    list->has_more = page_has_more(page, rows_n);
    list->url = (char *)"/api/v1/webhooks";
    call_answer(call, &list->base);
    return STATUS_OK;
}

enum status rpc_list_deliveries(void *context, struct call *call)
{
    struct worker *worker = context;
    const Obol__Webhooks__V1__ListDeliveriesRequest *request =
        CALL_REQUEST(call, Obol__Webhooks__V1__ListDeliveriesRequest);
    const struct page_request asked = {
        .limit = request->limit,
        .starting_after = request->starting_after,
        .ending_before = request->ending_before,
        .created_gte_us = page_time_us(request->created_gte),
        .created_lt_us = page_time_us(request->created_lt),
        .cursor_prefix = "whd",
    };
    struct page page;
    struct delivery_filter filter;
    enum status status = page_read(&asked, "whd", &page, &call->problem);
    if (status == STATUS_OK)
        status = filter_read(call, request, &filter);
    if (status != STATUS_OK)
        return status;
    struct delivery *rows = NULL;
    size_t n = 0;
    status = store_delivery_list(worker->db, call->arena, call->context.tenant_id, &filter, &page,
                                 &rows, &n);
    return status == STATUS_OK ? list_answer(call, &page, rows, n)
                               : call_refuse_status(call, status);
}

static enum status may_retry(struct call *call, const struct retry_look *look)
{
    if (look->deleted)
        return call_refuse(call, STATUS_FAILED_PRECONDITION, "endpoint_deleted", NULL,
                           "The endpoint of this delivery was deleted.");
    if (!look->enabled)
        return call_refuse(call, STATUS_FAILED_PRECONDITION, "endpoint_disabled", NULL,
                           "The endpoint of this delivery is disabled.");
    if (!look->kept)
        return call_refuse(call, STATUS_FAILED_PRECONDITION, "event_expired", NULL,
                           "The event of this delivery is no longer kept.");
    return STATUS_OK;
}

static enum status retry(struct worker *worker, struct call *call, void *context)
{
    const char *id = context;
    struct retry_look look = {0};
    enum status status = refuse_missing(
        call, store_delivery_lock(worker->db, call->arena, call->context.tenant_id, id, &look),
        NOUN);
    if (status == STATUS_OK)
        status = may_retry(call, &look);
    if (status == STATUS_OK)
        status = store_delivery_retry(worker->db, call->arena, call->context.tenant_id, id,
                                      SCHEDULE_ATTEMPTS);
    if (status == STATUS_OK)
        status = audit_text(worker, call, "webhook_delivery.retry", id, NULL);
    return status == STATUS_OK ? answer(worker, call, id) : status;
}

enum status rpc_retry_delivery(void *context, struct call *call)
{
    struct worker *worker = context;
    char *id = CALL_REQUEST(call, Obol__Webhooks__V1__RetryDeliveryRequest)->id;
    enum status status = id_given(call, "whd", id, NOUN);
    if (status == STATUS_OK)
        status = service_once(worker, call, id, retry, id);
    if (status == STATUS_OK && !call->replayed && state_of(worker)->dispatcher)
        dispatcher_wake(state_of(worker)->dispatcher);
    return status;
}
