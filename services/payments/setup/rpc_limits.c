// What a tenant's payments may amount to, by currency.
#include <string.h>

#include "payment.h"
#include "setup/rpc_providers.h"

#define DAILY_MAX (PAYMENT_AMOUNT_MAX * 1000)

static const struct limit *limit_find(const struct limit *limits, size_t n, const char *currency)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(limits[i].currency, currency) == 0)
            return &limits[i];
    return NULL;
}

static enum status check_bound(struct call *call, const char *param, int64_t value, int64_t most)
{
    if (value >= 0 && value <= most)
        return STATUS_OK;
    return call_refuse(call, STATUS_INVALID_ARGUMENT, "invalid_request", param, "0 to %lld.",
                       (long long)most);
}

static enum status check_limit(struct call *call, const struct limit *limit)
{
    struct problem found = {0};
    enum status status = validate_currency(limit->currency, &found);
    if (status != STATUS_OK)
        return call_refuse(call, status, found.code, "limit.currency", "%s", found.detail);
    status = check_bound(call, "limit.minimum", limit->minimum, PAYMENT_AMOUNT_MAX);
    if (status == STATUS_OK)
        status = check_bound(call, "limit.maximum", limit->maximum, PAYMENT_AMOUNT_MAX);
    if (status == STATUS_OK)
        status = check_bound(call, "limit.daily", limit->daily, DAILY_MAX);
    if (status == STATUS_OK)
        status = check_bound(call, "limit.review_above", limit->review_above, PAYMENT_AMOUNT_MAX);
    if (status == STATUS_OK && limit->maximum && limit->maximum < limit->minimum)
        return problem_invalid(&call->problem, "limit.maximum", "It is less than the minimum.");
    return status;
}

static enum status write(struct worker *worker, struct call *call, const struct limit *before,
                         const struct limit *after)
{
    const char *tenant_id = call->context.tenant_id;
    const Obol__Payments__V1__Limit *old = before ? view_limit(call->arena, before) : NULL;
    const Obol__Payments__V1__Limit *new = view_limit(call->arena, after);
    if (!new || (before && !old))
        return STATUS_RESOURCE_EXHAUSTED;
    enum status status = store_limit_put(worker->db, call->arena, tenant_id, after);
    if (status == STATUS_OK)
        status = setup_audit(
            worker, call,
            &(struct setup_audit){"limit.set", tenant_id, old ? &old->base : NULL, &new->base});
    if (status == STATUS_OK)
        call_answer(call, &new->base);
    return status;
}

static enum status set(struct worker *worker, struct call *call, void *context)
{
    const struct limit *after = context;
    struct limit *limits = NULL;
    size_t n = 0;
    enum status status =
        store_limits_list(worker->db, call->arena, call->context.tenant_id, &limits, &n);
    if (status != STATUS_OK)
        return status;
    const struct limit *before = limit_find(limits, n, after->currency);
    if (!before && n >= SETUP_LIMITS_MAX)
        return call_refuse(call, STATUS_FAILED_PRECONDITION, "too_many_limits", NULL,
                           "At most %d limits a tenant.", SETUP_LIMITS_MAX);
    return write(worker, call, before, after);
}

enum status rpc_set_limit(void *worker, struct call *call)
{
    const Obol__Payments__V1__Limit *asked =
        CALL_REQUEST(call, Obol__Payments__V1__SetLimitRequest)->limit;
    enum status status = validate_tenant(call->context.tenant_id, &call->problem);
    if (status != STATUS_OK)
        return status;
    if (!asked)
        return problem_invalid(&call->problem, "limit", "The limit is missing.");
    struct limit limit = {
        .currency = asked->currency,
        .minimum = asked->minimum,
        .maximum = asked->maximum,
        .daily = asked->daily,
        .review_above = asked->review_above,
    };
    status = check_limit(call, &limit);
    if (status != STATUS_OK)
        return status;
    return setup_change(worker, call, &(struct setup_change){call->context.tenant_id, set, &limit});
}

static enum status answer_list(struct call *call, const struct limit *limits, size_t n)
{
    Obol__Payments__V1__LimitList *list =
        MESSAGE_NEW(call->arena, obol__payments__v1__limit_list, Obol__Payments__V1__LimitList);
    if (!list || !(list->data = ARENA_ARRAY(call->arena, n, Obol__Payments__V1__Limit *)))
        return call_refuse_status(call, STATUS_RESOURCE_EXHAUSTED);
    list->object = (char *)(uintptr_t) "list";
    for (; list->n_data < n; list->n_data++) {
        list->data[list->n_data] = view_limit(call->arena, &limits[list->n_data]);
        if (!list->data[list->n_data])
            return call_refuse_status(call, STATUS_RESOURCE_EXHAUSTED);
    }
    call_answer(call, &list->base);
    return STATUS_OK;
}

enum status rpc_list_limits(void *context, struct call *call)
{
    struct worker *worker = context;
    struct limit *limits = NULL;
    size_t n = 0;
    enum status status = validate_tenant(call->context.tenant_id, &call->problem);
    if (status != STATUS_OK)
        return status;
    status = store_limits_list(worker->db, call->arena, call->context.tenant_id, &limits, &n);
    return status == STATUS_OK ? answer_list(call, limits, n) : call_refuse_status(call, status);
}
