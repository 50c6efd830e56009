// Reading payments.
#include <string.h>

#include "base/clock.h"
#include "batch.h"
#include "processor/nudge.h"
#include "render.h"
#include "rpc.h"
#include "store.h"

static void answer_payment(struct call *call, const struct payment *payment)
{
    if (!payment) {
        (void)problem_not_found(&call->problem, "payment");
        return;
    }
    const Obol__Payments__V1__Payment *message = render_payment(call->arena, payment);
    struct bytes packed = message ? message_pack(call->arena, &message->base) : (struct bytes){0};
    if (packed.at)
        call_answer_packed(call, packed, false);
    else
        (void)call_refuse_status(call, STATUS_RESOURCE_EXHAUSTED);
}

void rpc_get_payment(void *context, struct call *const *calls, size_t n)
{
    struct worker *worker = context;
    struct arena *arena = worker->arena;
    struct key *keys = ARENA_ARRAY(arena, n, struct key);
    const struct payment **payments = ARENA_ARRAY(arena, n, const struct payment *);
    enum status status = keys && payments ? STATUS_OK : STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; status == STATUS_OK && i < n; i++)
        keys[i] = (struct key){calls[i]->context.tenant_id,
                               CALL_REQUEST(calls[i], Obol__Payments__V1__GetPaymentRequest)->id};
    if (status == STATUS_OK)
        status = batch_read(store_payments_get(worker->db, arena, keys, n, payments));
    for (size_t i = 0; i < n; i++) {
        if (status == STATUS_OK)
            answer_payment(calls[i], payments[i]);
        else
            (void)call_refuse_status(calls[i], status);
    }
    if (status == STATUS_OK)
        nudge(worker, payments, n, clock_unix_us());
    arena_reset(arena);
}

static enum status check_filter(const Obol__Payments__V1__ListPaymentsRequest *request,
                                struct payment_filter *ret, struct problem *problem)
{
    enum payment_status status;
    *ret = (struct payment_filter){
        .status = request->status[0] ? request->status : NULL,
        .order_id = request->order_id[0] ? request->order_id : NULL,
        .method = request->method[0] ? request->method : NULL,
    };
    if (request->test_mode)
        ret->test_mode = request->test_mode->value ? "true" : "false";
    if (ret->status && !payment_status_parse(ret->status, &status))
        return problem_invalid(problem, "status", "There is no such status.");
    if (ret->method && !validate_method_known(ret->method))
        return problem_invalid(problem, "method", METHODS_SENTENCE);
    if (ret->order_id)
        return validate_text(ret->order_id, ORDER_ID_MAX, "order_id", problem);
    return STATUS_OK;
}

static enum status answer_list(struct call *call, const struct payment *const *payments, size_t n,
                               bool has_more)
{
    Obol__Payments__V1__PaymentList *list =
        MESSAGE_NEW(call->arena, obol__payments__v1__payment_list, Obol__Payments__V1__PaymentList);
    if (list)
        list->data = ARENA_ARRAY(call->arena, n, Obol__Payments__V1__Payment *);
    if (!list || !list->data)
        return call_refuse_status(call, STATUS_RESOURCE_EXHAUSTED);
    for (size_t i = 0; i < n; i++) {
        if (!payments[i])
            continue; // dropped with its partition since the ids were read
        list->data[list->n_data] = render_payment(call->arena, payments[i]);
        if (!list->data[list->n_data++])
            return call_refuse_status(call, STATUS_RESOURCE_EXHAUSTED);
    }
    list->object = (char *)(uintptr_t) "list";
    list->url = (char *)(uintptr_t) "/api/v1/payments";
    list->has_more = has_more;
    call_answer(call, &list->base);
    return STATUS_OK;
}

// An id is a little older than its row.
#define ID_SLACK_MS 5000

enum status rpc_list_payments(void *context, struct call *call)
{
    struct worker *worker = context;
    const Obol__Payments__V1__ListPaymentsRequest *request =
        CALL_REQUEST(call, Obol__Payments__V1__ListPaymentsRequest);
    const struct page_request asked = {
        .limit = request->limit,
        .starting_after = request->starting_after,
        .ending_before = request->ending_before,
        .created_gte_us = page_time_us(request->created_gte),
        .created_lt_us = page_time_us(request->created_lt),
        .id_slack_ms = ID_SLACK_MS,
    };
    struct page page;
    struct payment_filter filter;
    struct key *keys = NULL;
    size_t n = 0;
    enum status status = page_read(&asked, "pay", &page, &call->problem);
    if (status == STATUS_OK)
        status = check_filter(request, &filter, &call->problem);
    if (status != STATUS_OK)
        return status;
    status = store_payments_list(worker->db, call->arena, call->context.tenant_id, &page, &filter,
                                 &keys, &n);
    if (status != STATUS_OK)
        return call_refuse_status(call, batch_read(status));
    size_t shown = page_shown(&page, n);
    struct key *shown_keys = ARENA_ARRAY(call->arena, shown, struct key);
    const struct payment **payments = ARENA_ARRAY(call->arena, shown, const struct payment *);
    if (!shown_keys || !payments)
        return call_refuse_status(call, STATUS_RESOURCE_EXHAUSTED);
    for (size_t i = 0; i < shown; i++)
        shown_keys[i] = keys[page_row(&page, n, i)];
    if (shown > 0)
        status =
            batch_read(store_payments_get(worker->db, call->arena, shown_keys, shown, payments));
    return status == STATUS_OK ? answer_list(call, payments, shown, page_has_more(&page, n))
                               : call_refuse_status(call, status);
}
