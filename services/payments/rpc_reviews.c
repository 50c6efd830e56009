// Payments and refunds that wait for a person, for operators. A page goes on after its last one:
// the payment's id, or both ids where it is a refund, whose own id doesn't tell where it stands.
#include <string.h>

#include "batch.h"
#include "callbacks/rpc_callbacks.h"
#include "obol/payments/v1/providers.pb-c.h"
#include "rpc/wellknown.h"
#include "service/page.h"
#include "store_reviews.h"

static char *text(const char *value)
{
    return (char *)(uintptr_t)(value ? value : "");
}

static Obol__Payments__V1__Review *render_review(struct arena *arena, const struct review *review)
{
    Obol__Payments__V1__Review *ret =
        MESSAGE_NEW(arena, obol__payments__v1__review, Obol__Payments__V1__Review);
    if (!ret)
        return NULL;
    ret->tenant_id = text(review->tenant_id);
    ret->payment_id = text(review->payment_id);
    ret->refund_id = text(review->refund_id);
    ret->reason = text(review->reason);
    ret->amount = review->amount;
    ret->currency = text(review->currency);
    ret->provider = text(review->provider);
    ret->reference = text(review->reference);
    ret->unknown_operation = text(review->unknown_operation);
    ret->since = wellknown_time(arena, review->since_us);
    return ret->since ? ret : NULL;
}

static Obol__Payments__V1__ReviewList *
render_list(struct arena *arena, const struct review *reviews, size_t n, bool has_more)
{
    Obol__Payments__V1__ReviewList *list =
        MESSAGE_NEW(arena, obol__payments__v1__review_list, Obol__Payments__V1__ReviewList);
    if (list)
        list->data = ARENA_ARRAY(arena, n, Obol__Payments__V1__Review *);
    if (!list || !list->data)
        return NULL;
    list->object = text("list");
    list->has_more = has_more;
    for (; list->n_data < n; list->n_data++) {
        list->data[list->n_data] = render_review(arena, &reviews[list->n_data]);
        if (!list->data[list->n_data])
            return NULL;
    }
    return list;
}

// "", "pay_…" or "pay_…/rfnd_…".
static enum status read_after(struct call *call, const char *after, struct review_page *ret)
{
    size_t length = strcspn(after, "/");
    ret->after_payment_id = arena_strndup(call->arena, after, length);
    ret->after_refund_id = after[length] ? after + length + 1 : "";
    if (!ret->after_payment_id)
        return call_refuse_status(call, STATUS_RESOURCE_EXHAUSTED);
    bool refund = after[length] == '/';
    if ((after[0] && !id_looks_like("pay", ret->after_payment_id)) ||
        (refund && !id_looks_like("rfnd", ret->after_refund_id)))
        return problem_invalid(&call->problem, "after",
                               "Must be the id of a payment, or pay_…/rfnd_… for a refund.");
    return STATUS_OK;
}

enum status rpc_list_reviews(void *context, struct call *call)
{
    struct worker *worker = context;
    const Obol__Payments__V1__ListReviewsRequest *request =
        CALL_REQUEST(call, Obol__Payments__V1__ListReviewsRequest);
    size_t limit = request->limit ? (size_t)request->limit : PAGE_LIMIT_DEFAULT, n = 0;
    struct review *reviews = NULL;
    if (request->limit < 0 || limit > PAGE_LIMIT_MAX)
        return problem_invalid(&call->problem, "limit", "Must be 1 to 100.");
    struct review_page page = {.tenant_id = request->tenant_id, .limit = limit + 1};
    enum status status = read_after(call, request->after, &page);
    if (status != STATUS_OK)
        return status;
    status = batch_read(store_reviews_list(worker->db, call->arena, &page, &reviews, &n));
    if (status != STATUS_OK)
        return call_refuse_status(call, status);
    const Obol__Payments__V1__ReviewList *list =
        render_list(call->arena, reviews, n > limit ? limit : n, n > limit);
    if (!list)
        return call_refuse_status(call, STATUS_RESOURCE_EXHAUSTED);
    call_answer(call, &list->base);
    return STATUS_OK;
}
