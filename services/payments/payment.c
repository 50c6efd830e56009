#include "payment.h"

#include <string.h>

#define ON(status) (1u << PAYMENT_##status)
#define UNSETTLED (ON(UNKNOWN) | ON(NEEDS_REVIEW))

static const char *const status_names[] = {
    [PAYMENT_PENDING] = "pending",
    [PAYMENT_PROCESSING] = "processing",
    [PAYMENT_REQUIRES_ACTION] = "requires_action",
    [PAYMENT_AUTHORIZED] = "authorized",
    [PAYMENT_CAPTURING] = "capturing",
    [PAYMENT_CANCELING] = "canceling",
    [PAYMENT_SUCCEEDED] = "succeeded",
    [PAYMENT_FAILED] = "failed",
    [PAYMENT_CANCELED] = "canceled",
    [PAYMENT_EXPIRED] = "expired",
    [PAYMENT_UNKNOWN] = "unknown",
    [PAYMENT_NEEDS_REVIEW] = "needs_review",
};

// `operation`: the act settles this kind of operation, so an unknown payment must be unknown about
// it.
static const struct rule {
    enum payment_act_kind act;
    unsigned from;
    enum payment_status to;
    const char *operation;
    const char *events[PAYMENT_EVENTS_MAX];
} rules[] = {
    {ACT_SEND, ON(PENDING), PAYMENT_PROCESSING, NULL, {"payment.processing"}},
    {ACT_REROUTE, ON(PENDING), PAYMENT_PENDING, NULL, {NULL}},
    {ACT_REROUTE, ON(PROCESSING), PAYMENT_PROCESSING, NULL, {NULL}},
    {ACT_TAKE_BACK, ON(PENDING), PAYMENT_CANCELED, NULL, {"payment.canceled"}},
    {ACT_NEED_ACTION,
     ON(PROCESSING) | ON(UNKNOWN),
     PAYMENT_REQUIRES_ACTION,
     "charge",
     {"payment.requires_action"}},
    {ACT_ACTION_DONE, ON(REQUIRES_ACTION), PAYMENT_PROCESSING, NULL, {"payment.processing"}},
    // An expired payment can still turn out to be paid: the payer was late, the money is real.
    {ACT_AUTHORIZED,
     ON(PROCESSING) | ON(REQUIRES_ACTION) | ON(EXPIRED) | UNSETTLED,
     PAYMENT_AUTHORIZED,
     "charge",
     {"payment.authorized"}},
    {ACT_CHARGED,
     ON(PROCESSING) | ON(REQUIRES_ACTION) | ON(EXPIRED) | UNSETTLED,
     PAYMENT_SUCCEEDED,
     "charge",
     {"payment.captured", "payment.succeeded"}},
    {ACT_DECLINED,
     ON(PROCESSING) | ON(REQUIRES_ACTION) | UNSETTLED,
     PAYMENT_FAILED,
     "charge",
     {"payment.failed"}},
    {ACT_EXPIRED,
     ON(REQUIRES_ACTION) | ON(UNKNOWN),
     PAYMENT_EXPIRED,
     "charge",
     {"payment.expired"}},
    {ACT_EXPIRED, ON(PROCESSING) | ON(NEEDS_REVIEW), PAYMENT_FAILED, "charge", {"payment.failed"}},
    {ACT_CAPTURE, ON(AUTHORIZED), PAYMENT_CAPTURING, NULL, {NULL}},
    {ACT_CAPTURED,
     ON(CAPTURING) | UNSETTLED,
     PAYMENT_SUCCEEDED,
     "capture",
     {"payment.captured", "payment.succeeded"}},
    {ACT_CAPTURE_REFUSED,
     ON(CAPTURING) | UNSETTLED,
     PAYMENT_AUTHORIZED,
     "capture",
     {"payment.capture_failed"}},
    {ACT_CANCEL, ON(AUTHORIZED), PAYMENT_CANCELING, NULL, {NULL}},
    {ACT_CANCELED, ON(CANCELING) | UNSETTLED, PAYMENT_CANCELED, "cancel", {"payment.canceled"}},
    {ACT_CANCEL_REFUSED,
     ON(CANCELING) | UNSETTLED,
     PAYMENT_AUTHORIZED,
     "cancel",
     {"payment.cancel_failed"}},
    {ACT_LOST,
     ON(PROCESSING) | ON(REQUIRES_ACTION) | ON(CAPTURING) | ON(CANCELING),
     PAYMENT_UNKNOWN,
     NULL,
     {"payment.unknown"}},
    {ACT_REVIEW, ON(UNKNOWN) | ON(PENDING), PAYMENT_NEEDS_REVIEW, NULL, {"payment.needs_review"}},
    {ACT_RESOLVE_PENDING, ON(NEEDS_REVIEW), PAYMENT_PENDING, NULL, {"payment.pending"}},
    {ACT_RESOLVE_SUCCEEDED,
     ON(NEEDS_REVIEW),
     PAYMENT_SUCCEEDED,
     NULL,
     {"payment.captured", "payment.succeeded"}},
    {ACT_RESOLVE_AUTHORIZED, ON(NEEDS_REVIEW), PAYMENT_AUTHORIZED, NULL, {"payment.authorized"}},
    {ACT_RESOLVE_CANCELED, ON(NEEDS_REVIEW), PAYMENT_CANCELED, NULL, {"payment.canceled"}},
    {ACT_RESOLVE_FAILED, ON(NEEDS_REVIEW), PAYMENT_FAILED, NULL, {"payment.failed"}},
    {ACT_RESERVE, ON(SUCCEEDED), PAYMENT_SUCCEEDED, NULL, {NULL}},
    {ACT_REFUNDED, ON(SUCCEEDED), PAYMENT_SUCCEEDED, NULL, {"payment.refunded"}},
    {ACT_REFUND_FAILED, ON(SUCCEEDED), PAYMENT_SUCCEEDED, NULL, {NULL}},
};

static const char *const act_names[ACT_MAX + 1] = {
    [ACT_NONE] = "payment.none",
    [ACT_SEND] = "payment.send",
    [ACT_REROUTE] = "payment.reroute",
    [ACT_TAKE_BACK] = "payment.cancel",
    [ACT_NEED_ACTION] = "payment.need_action",
    [ACT_ACTION_DONE] = "payment.action_done",
    [ACT_AUTHORIZED] = "payment.authorized",
    [ACT_CHARGED] = "payment.charged",
    [ACT_DECLINED] = "payment.declined",
    [ACT_EXPIRED] = "payment.expired",
    [ACT_CAPTURE] = "payment.capture",
    [ACT_CAPTURED] = "payment.captured",
    [ACT_CAPTURE_REFUSED] = "payment.capture_refused",
    [ACT_CANCEL] = "payment.cancel",
    [ACT_CANCELED] = "payment.canceled",
    [ACT_CANCEL_REFUSED] = "payment.cancel_refused",
    [ACT_LOST] = "payment.lost",
    [ACT_REVIEW] = "payment.review",
    [ACT_RESOLVE_PENDING] = "payment.resolve",
    [ACT_RESOLVE_SUCCEEDED] = "payment.resolve",
    [ACT_RESOLVE_AUTHORIZED] = "payment.resolve",
    [ACT_RESOLVE_CANCELED] = "payment.resolve",
    [ACT_RESOLVE_FAILED] = "payment.resolve",
    [ACT_RESERVE] = "payment.refund_reserve",
    [ACT_REFUNDED] = "payment.refunded",
    [ACT_REFUND_FAILED] = "payment.refund_give_back",
};

const char *payment_status_name(enum payment_status status)
{
    return status >= PAYMENT_PENDING && status <= PAYMENT_STATUS_MAX ? status_names[status] : "";
}

bool payment_status_parse(const char *name, enum payment_status *ret)
{
    for (int i = PAYMENT_PENDING; i <= PAYMENT_STATUS_MAX; i++) {
        if (strcmp(name, status_names[i]) == 0) {
            *ret = (enum payment_status)i;
            return true;
        }
    }
    return false;
}

const char *payment_act_name(enum payment_act_kind kind)
{
    return kind <= ACT_MAX ? act_names[kind] : "";
}

static const struct rule *rule_find(const struct payment *payment, const struct payment_act *act)
{
    unsigned at = 1u << payment->status;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (rules[i].act != act->kind || !(rules[i].from & at))
            continue;
        bool other = rules[i].operation && payment->unknown_operation && (at & UNSETTLED) &&
                     strcmp(rules[i].operation, payment->unknown_operation) != 0;
        return other ? NULL : &rules[i];
    }
    return NULL;
}

bool payment_may(const struct payment *payment, const struct payment_act *act,
                 enum payment_status *ret_to)
{
    const struct rule *rule = rule_find(payment, act);
    if (rule && ret_to)
        *ret_to = rule->to;
    return rule != NULL;
}

int64_t payment_refundable(const struct payment *payment)
{
    return payment->amount_captured - payment->amount_refunded - payment->refund_reserved;
}

static enum status apply_reserve(struct payment *payment, int64_t amount, int64_t *ret_reserved,
                                 struct problem *problem)
{
    int64_t left = payment_refundable(payment);
    int64_t wanted = amount > 0 ? amount : left;
    if (amount < 0 || wanted < 1 || wanted > left)
        return problem_set(problem, STATUS_OUT_OF_RANGE, "refund_exceeds_captured", "amount",
                           "Only %lld of this payment is left to refund.", (long long)left);
    payment->refund_reserved += wanted;
    if (ret_reserved)
        *ret_reserved = wanted;
    return STATUS_OK;
}

static enum status apply_amounts(struct payment *payment, const struct payment_act *act,
                                 int64_t *ret_reserved, struct problem *problem)
{
    int64_t amount = act->amount > 0 ? act->amount : payment->amount;
    switch (act->kind) {
    case ACT_CAPTURE:
        if (amount > payment->amount)
            return problem_set(problem, STATUS_INVALID_ARGUMENT, "amount_too_large", "amount",
                               "At most %lld can be captured.", (long long)payment->amount);
        return STATUS_OK;
    case ACT_CHARGED:
    case ACT_CAPTURED:
    case ACT_RESOLVE_SUCCEEDED:
        // A provider that claims to have taken more than was asked doesn't change what was agreed.
        payment->amount_captured = amount < payment->amount ? amount : payment->amount;
        return STATUS_OK;
    case ACT_RESERVE:
        return apply_reserve(payment, act->amount, ret_reserved, problem);
    case ACT_REFUNDED:
        payment->refund_reserved -= act->amount;
        payment->amount_refunded += act->amount;
        return STATUS_OK;
    case ACT_REFUND_FAILED:
        payment->refund_reserved -= act->amount;
        return STATUS_OK;
    default:
        return STATUS_OK;
    }
}

static bool touches_refunds_only(enum payment_act_kind kind)
{
    return kind == ACT_RESERVE || kind == ACT_REFUNDED || kind == ACT_REFUND_FAILED;
}

static void apply_status(struct payment *payment, const struct payment_act *act,
                         enum payment_status to)
{
    payment->status = to;
    payment->error_code = act->error_code;
    payment->error_message = act->error_message;
    payment->action_url = to == PAYMENT_REQUIRES_ACTION ? act->action_url : NULL;
    if (to == PAYMENT_UNKNOWN)
        payment->unknown_operation = act->operation;
    else if (to != PAYMENT_NEEDS_REVIEW)
        payment->unknown_operation = NULL;
}

static void apply_route(struct payment *payment, const struct payment_route *route)
{
    payment->provider = route->provider;
    payment->credential_id = route->credential_id;
    payment->charge_operation_id = route->charge_operation_id;
    payment->earlier_attempts = route->earlier_attempts;
}

enum status payment_apply(struct payment *payment, const struct payment_act *act,
                          struct payment_events *ret, int64_t *ret_reserved,
                          struct problem *problem)
{
    ret->n = 0;
    const struct rule *rule = rule_find(payment, act);
    if (!rule && touches_refunds_only(act->kind))
        return problem_set(problem, STATUS_FAILED_PRECONDITION, "payment_not_refundable", NULL,
                           "A payment that is %s can't be refunded.",
                           payment_status_name(payment->status));
    if (!rule)
        return problem_set(problem, STATUS_FAILED_PRECONDITION, "conflict", NULL,
                           "A payment that is %s doesn't allow this.",
                           payment_status_name(payment->status));
    enum status status = apply_amounts(payment, act, ret_reserved, problem);
    if (status != STATUS_OK)
        return status;
    if (act->kind == ACT_REROUTE)
        apply_route(payment, act->route);
    else if (!touches_refunds_only(act->kind))
        apply_status(payment, act, rule->to);
    while (ret->n < PAYMENT_EVENTS_MAX && rule->events[ret->n]) {
        ret->types[ret->n] = rule->events[ret->n];
        ret->n++;
    }
    return STATUS_OK;
}

enum order_effect payment_order_effect(enum payment_status status)
{
    switch (status) {
    case PAYMENT_SUCCEEDED:
        return ORDER_PAID;
    case PAYMENT_FAILED:
    case PAYMENT_CANCELED:
    case PAYMENT_EXPIRED:
        return ORDER_FREED;
    default:
        return ORDER_KEEPS;
    }
}
