#include "rpc.h"
#include "view.h"

enum status rpc_get_event(void *context, struct call *call)
{
    struct worker *worker = context;
    const char *id = CALL_REQUEST(call, Obol__Webhooks__V1__GetEventRequest)->id;
    struct stored_event event = {0};
    enum status status = id_given(call, "evt", id, "event");
    if (status == STATUS_OK)
        status = store_event_get(worker->db, call->arena, call->context.tenant_id, id, &event);
    if (status == STATUS_NOT_FOUND)
        return problem_not_found(&call->problem, "event");
    if (status != STATUS_OK)
        return call_refuse_status(call, status);
    Obol__Webhooks__V1__StoredEvent *view = view_event(call->arena, &event);
    if (!view)
        return out_of_memory(call);
    call_answer(call, &view->base);
    return STATUS_OK;
}

static enum status list_answer(struct call *call, const struct page *page,
                               const struct stored_event *rows, size_t rows_n)
{
    Obol__Webhooks__V1__StoredEventList *list = MESSAGE_NEW(
        call->arena, obol__webhooks__v1__stored_event_list, Obol__Webhooks__V1__StoredEventList);
    size_t n = page_shown(page, rows_n);
    Obol__Webhooks__V1__StoredEvent **data =
        ARENA_ARRAY(call->arena, n, Obol__Webhooks__V1__StoredEvent *);
    if (!list || !data)
        return out_of_memory(call);
    for (size_t i = 0; i < n; i++)
        if (!(data[i] = view_event(call->arena, &rows[page_row(page, rows_n, i)])))
            return out_of_memory(call);
    list->object = (char *)"list";
    list->data = data;
    list->n_data = n;
    list->has_more = page_has_more(page, rows_n);
    list->url = (char *)"/api/v1/events";
    call_answer(call, &list->base);
    return STATUS_OK;
}

enum status rpc_list_events(void *context, struct call *call)
{
    struct worker *worker = context;
    const Obol__Webhooks__V1__ListEventsRequest *request =
        CALL_REQUEST(call, Obol__Webhooks__V1__ListEventsRequest);
    const struct page_request asked = {
        .limit = request->limit,
        .starting_after = request->starting_after,
        .ending_before = request->ending_before,
        .created_gte_us = page_time_us(request->created_gte),
        .created_lt_us = page_time_us(request->created_lt),
        .cursor_prefix = "evt",
    };
    struct page page;
    enum status status = page_read(&asked, "evt", &page, &call->problem);
    struct event_filter filter = {0};
    if (status == STATUS_OK)
        status = text_given(call, "event", request->event, &filter.type);
    if (status == STATUS_OK)
        status = text_given(call, "object_id", request->object_id, &filter.object_id);
    if (status == STATUS_OK)
        status = text_given(call, "payment_id", request->payment_id, &filter.payment_id);
    if (status != STATUS_OK)
        return status;
    struct stored_event *rows = NULL;
    size_t n = 0;
    status = store_event_list(worker->db, call->arena, call->context.tenant_id, &filter, &page,
                              &rows, &n);
    return status == STATUS_OK ? list_answer(call, &page, rows, n)
                               : call_refuse_status(call, status);
}
