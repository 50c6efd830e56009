#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "batch.h"
#include "render.h"
#include "rpc.h"
#include "store.h"

static enum status answer_order(struct call *call, const struct order *order)
{
    const Obol__Payments__V1__Order *message = render_order(call->arena, order);
    if (!message)
        return call_refuse_status(call, STATUS_RESOURCE_EXHAUSTED);
    call_answer(call, &message->base);
    return STATUS_OK;
}

static struct order order_of(struct call *call,
                             const Obol__Payments__V1__CreateOrderRequest *request, const char *id)
{
    return (struct order){
        .tenant_id = call->context.tenant_id,
        .id = id,
        .amount = request->amount->value,
        .currency = request->currency,
        .receipt = request->receipt ? request->receipt->value : NULL,
        .notes = render_notes(call->arena, request->notes, request->n_notes),
        .status = "created",
        .created_us = clock_unix_us(),
    };
}

static enum status insert(struct worker *worker, struct call *call, const struct order *order)
{
    bool made = false;
    enum status status = store_orders_insert(worker->db, call->arena, order, &made);
    if (status == STATUS_OK && !made)
        return call_refuse(call, STATUS_FAILED_PRECONDITION, "conflict", "id",
                           "There is an order of this id.");
    if (status == STATUS_OK)
        status = journal_audit(worker->db, call->arena,
                               &(struct audit){.tenant_id = order->tenant_id,
                                               .actor = call->context.actor,
                                               .action = "order.create",
                                               .object_id = order->id,
                                               .request_id = call->context.request_id},
                               1);
    return status == STATUS_OK ? answer_order(call, order) : status;
}

static enum status work_order(struct worker *worker, struct call *call, void *context)
{
    return insert(worker, call, context);
}

enum status rpc_create_order(void *worker, struct call *call)
{
    const Obol__Payments__V1__CreateOrderRequest *request =
        CALL_REQUEST(call, Obol__Payments__V1__CreateOrderRequest);
    enum status status = validate_tenant(call->context.tenant_id, &call->problem);
    if (status == STATUS_OK)
        status = validate_order(request, &call->problem);
    if (status != STATUS_OK)
        return status;
    const char *id = arena_strdup(call->arena, id_new("order").text);
    struct order order = order_of(call, request, id);
    if (!id || (request->n_notes > 0 && !order.notes))
        return call_refuse_status(call, STATUS_RESOURCE_EXHAUSTED);
    return service_once(worker, call, id, work_order, &order);
}

// The same order again is the same order, so that a development stack can be started twice.
static enum status work_import(struct worker *worker, struct call *call, void *context)
{
    const struct order *order = context;
    const struct order *there = NULL;
    struct key key = {order->tenant_id, order->id};
    enum status status = store_orders_get(worker->db, call->arena, &key, 1, &there);
    if (status != STATUS_OK)
        return status;
    if (!there)
        return insert(worker, call, order);
    if (there->amount != order->amount || strcmp(there->currency, order->currency) != 0 ||
        there->reusable != order->reusable)
        return call_refuse(call, STATUS_FAILED_PRECONDITION, "conflict", "id",
                           "There is another order of this id.");
    return answer_order(call, there);
}

enum status rpc_import_order(void *worker, struct call *call)
{
    const Obol__Payments__V1__ImportOrderRequest *request =
        CALL_REQUEST(call, Obol__Payments__V1__ImportOrderRequest);
    enum status status = validate_tenant(call->context.tenant_id, &call->problem);
    if (status == STATUS_OK)
        status = validate_import(request, &call->problem);
    if (status != STATUS_OK)
        return status;
    struct order order = order_of(call, request->order, request->id);
    order.reusable = request->reusable;
    if (request->order->n_notes > 0 && !order.notes)
        return call_refuse_status(call, STATUS_RESOURCE_EXHAUSTED);
    return service_once(worker, call, order.id, work_import, &order);
}

void rpc_get_order(void *context, struct call *const *calls, size_t n)
{
    struct worker *worker = context;
    struct arena *arena = worker->arena;
    struct key *keys = ARENA_ARRAY(arena, n, struct key);
    const struct order **orders = ARENA_ARRAY(arena, n, const struct order *);
    enum status status = keys && orders ? STATUS_OK : STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; status == STATUS_OK && i < n; i++)
        keys[i] = (struct key){calls[i]->context.tenant_id,
                               CALL_REQUEST(calls[i], Obol__Payments__V1__GetOrderRequest)->id};
    if (status == STATUS_OK)
        status = batch_read(store_orders_get(worker->db, arena, keys, n, orders));
    for (size_t i = 0; i < n; i++) {
        const Obol__Payments__V1__Order *message = NULL;
        struct bytes packed = {0};
        if (status == STATUS_OK && !orders[i]) {
            (void)problem_not_found(&calls[i]->problem, "order");
            continue;
        }
        if (status == STATUS_OK)
            message = render_order(calls[i]->arena, orders[i]);
        if (message)
            packed = message_pack(calls[i]->arena, &message->base);
        if (packed.at)
            call_answer_packed(calls[i], packed, false);
        else
            (void)call_refuse_status(calls[i],
                                     status == STATUS_OK ? STATUS_RESOURCE_EXHAUSTED : status);
    }
    arena_reset(arena);
}

static enum status answer_list(struct call *call, const struct page *page,
                               const struct order *orders, size_t n)
{
    size_t shown = page_shown(page, n);
    Obol__Payments__V1__OrderList *list =
        MESSAGE_NEW(call->arena, obol__payments__v1__order_list, Obol__Payments__V1__OrderList);
    if (list)
        list->data = ARENA_ARRAY(call->arena, shown, Obol__Payments__V1__Order *);
    if (!list || !list->data)
        return call_refuse_status(call, STATUS_RESOURCE_EXHAUSTED);
    for (size_t i = 0; i < shown; i++) {
        list->data[i] = render_order(call->arena, &orders[page_row(page, n, i)]);
        if (!list->data[i])
            return call_refuse_status(call, STATUS_RESOURCE_EXHAUSTED);
    }
    list->n_data = shown;
    list->object = (char *)(uintptr_t) "list";
    list->url = (char *)(uintptr_t) "/api/v1/orders";
    list->has_more = page_has_more(page, n);
    call_answer(call, &list->base);
    return STATUS_OK;
}

enum status rpc_list_orders(void *context, struct call *call)
{
    struct worker *worker = context;
    const Obol__Payments__V1__ListOrdersRequest *request =
        CALL_REQUEST(call, Obol__Payments__V1__ListOrdersRequest);
    const struct page_request asked = {
        .limit = request->limit,
        .starting_after = request->starting_after,
        .ending_before = request->ending_before,
        .created_gte_us = page_time_us(request->created_gte),
        .created_lt_us = page_time_us(request->created_lt),
    };
    struct page page;
    struct order *orders = NULL;
    size_t n = 0;
    const char *filter = request->status[0] ? request->status : NULL;
    enum status status = page_read(&asked, "order", &page, &call->problem);
    if (status != STATUS_OK)
        return status;
    if (filter && strcmp(filter, "created") != 0 && strcmp(filter, "attempted") != 0 &&
        strcmp(filter, "paid") != 0)
        return problem_invalid(&call->problem, "status", "There is no such status.");
    status = store_orders_list(worker->db, call->arena, call->context.tenant_id, &page, filter,
                               &orders, &n);
    return status == STATUS_OK ? answer_list(call, &page, orders, n)
                               : call_refuse_status(call, batch_read(status));
}
