#include <criterion/criterion.h>
#include <string.h>

#include "payment.h"

static struct payment at(enum payment_status status)
{
    return (struct payment){.status = status, .amount = 1000, .unknown_operation = NULL};
}

struct row {
    enum payment_status from;
    enum payment_act_kind act;
    const char *operation; // what an unknown payment is unknown about
    enum payment_status to;
    const char *events;
};

// The contract's table, row by row; whatever isn't here is illegal.
static const struct row legal[] = {
    {PAYMENT_PENDING, ACT_SEND, NULL, PAYMENT_PROCESSING, "payment.processing"},
    {PAYMENT_PENDING, ACT_REROUTE, NULL, PAYMENT_PENDING, ""},
    {PAYMENT_PROCESSING, ACT_REROUTE, NULL, PAYMENT_PROCESSING, ""},
    {PAYMENT_PENDING, ACT_TAKE_BACK, NULL, PAYMENT_CANCELED, "payment.canceled"},
    {PAYMENT_PENDING, ACT_REVIEW, NULL, PAYMENT_NEEDS_REVIEW, "payment.needs_review"},
    {PAYMENT_PROCESSING, ACT_NEED_ACTION, NULL, PAYMENT_REQUIRES_ACTION, "payment.requires_action"},
    {PAYMENT_PROCESSING, ACT_AUTHORIZED, NULL, PAYMENT_AUTHORIZED, "payment.authorized"},
    {PAYMENT_PROCESSING, ACT_CHARGED, NULL, PAYMENT_SUCCEEDED,
     "payment.captured payment.succeeded"},
    {PAYMENT_PROCESSING, ACT_DECLINED, NULL, PAYMENT_FAILED, "payment.failed"},
    {PAYMENT_PROCESSING, ACT_EXPIRED, NULL, PAYMENT_FAILED, "payment.failed"},
    {PAYMENT_PROCESSING, ACT_LOST, NULL, PAYMENT_UNKNOWN, "payment.unknown"},
    {PAYMENT_REQUIRES_ACTION, ACT_ACTION_DONE, NULL, PAYMENT_PROCESSING, "payment.processing"},
    {PAYMENT_REQUIRES_ACTION, ACT_LOST, NULL, PAYMENT_UNKNOWN, "payment.unknown"},
    {PAYMENT_REQUIRES_ACTION, ACT_AUTHORIZED, NULL, PAYMENT_AUTHORIZED, "payment.authorized"},
    {PAYMENT_REQUIRES_ACTION, ACT_CHARGED, NULL, PAYMENT_SUCCEEDED,
     "payment.captured payment.succeeded"},
    {PAYMENT_REQUIRES_ACTION, ACT_DECLINED, NULL, PAYMENT_FAILED, "payment.failed"},
    {PAYMENT_REQUIRES_ACTION, ACT_EXPIRED, NULL, PAYMENT_EXPIRED, "payment.expired"},
    {PAYMENT_AUTHORIZED, ACT_CAPTURE, NULL, PAYMENT_CAPTURING, ""},
    {PAYMENT_AUTHORIZED, ACT_CANCEL, NULL, PAYMENT_CANCELING, ""},
    {PAYMENT_CAPTURING, ACT_CAPTURED, NULL, PAYMENT_SUCCEEDED,
     "payment.captured payment.succeeded"},
    {PAYMENT_CAPTURING, ACT_CAPTURE_REFUSED, NULL, PAYMENT_AUTHORIZED, "payment.capture_failed"},
    {PAYMENT_CAPTURING, ACT_LOST, NULL, PAYMENT_UNKNOWN, "payment.unknown"},
    {PAYMENT_CANCELING, ACT_CANCELED, NULL, PAYMENT_CANCELED, "payment.canceled"},
    {PAYMENT_CANCELING, ACT_CANCEL_REFUSED, NULL, PAYMENT_AUTHORIZED, "payment.cancel_failed"},
    {PAYMENT_CANCELING, ACT_LOST, NULL, PAYMENT_UNKNOWN, "payment.unknown"},
    {PAYMENT_SUCCEEDED, ACT_RESERVE, NULL, PAYMENT_SUCCEEDED, ""},
    {PAYMENT_SUCCEEDED, ACT_REFUNDED, NULL, PAYMENT_SUCCEEDED, "payment.refunded"},
    {PAYMENT_SUCCEEDED, ACT_REFUND_FAILED, NULL, PAYMENT_SUCCEEDED, ""},
    {PAYMENT_EXPIRED, ACT_AUTHORIZED, NULL, PAYMENT_AUTHORIZED, "payment.authorized"},
    {PAYMENT_EXPIRED, ACT_CHARGED, NULL, PAYMENT_SUCCEEDED, "payment.captured payment.succeeded"},
    {PAYMENT_UNKNOWN, ACT_NEED_ACTION, "charge", PAYMENT_REQUIRES_ACTION,
     "payment.requires_action"},
    {PAYMENT_UNKNOWN, ACT_AUTHORIZED, "charge", PAYMENT_AUTHORIZED, "payment.authorized"},
    {PAYMENT_UNKNOWN, ACT_CHARGED, "charge", PAYMENT_SUCCEEDED,
     "payment.captured payment.succeeded"},
    {PAYMENT_UNKNOWN, ACT_DECLINED, "charge", PAYMENT_FAILED, "payment.failed"},
    {PAYMENT_UNKNOWN, ACT_EXPIRED, "charge", PAYMENT_EXPIRED, "payment.expired"},
    {PAYMENT_UNKNOWN, ACT_CAPTURED, "capture", PAYMENT_SUCCEEDED,
     "payment.captured payment.succeeded"},
    {PAYMENT_UNKNOWN, ACT_CAPTURE_REFUSED, "capture", PAYMENT_AUTHORIZED, "payment.capture_failed"},
    {PAYMENT_UNKNOWN, ACT_CANCELED, "cancel", PAYMENT_CANCELED, "payment.canceled"},
    {PAYMENT_UNKNOWN, ACT_CANCEL_REFUSED, "cancel", PAYMENT_AUTHORIZED, "payment.cancel_failed"},
    {PAYMENT_UNKNOWN, ACT_REVIEW, NULL, PAYMENT_NEEDS_REVIEW, "payment.needs_review"},
    {PAYMENT_NEEDS_REVIEW, ACT_AUTHORIZED, "charge", PAYMENT_AUTHORIZED, "payment.authorized"},
    {PAYMENT_NEEDS_REVIEW, ACT_CHARGED, "charge", PAYMENT_SUCCEEDED,
     "payment.captured payment.succeeded"},
    {PAYMENT_NEEDS_REVIEW, ACT_DECLINED, "charge", PAYMENT_FAILED, "payment.failed"},
    {PAYMENT_NEEDS_REVIEW, ACT_EXPIRED, "charge", PAYMENT_FAILED, "payment.failed"},
    {PAYMENT_NEEDS_REVIEW, ACT_CAPTURED, "capture", PAYMENT_SUCCEEDED,
     "payment.captured payment.succeeded"},
    {PAYMENT_NEEDS_REVIEW, ACT_CAPTURE_REFUSED, "capture", PAYMENT_AUTHORIZED,
     "payment.capture_failed"},
    {PAYMENT_NEEDS_REVIEW, ACT_CANCELED, "cancel", PAYMENT_CANCELED, "payment.canceled"},
    {PAYMENT_NEEDS_REVIEW, ACT_CANCEL_REFUSED, "cancel", PAYMENT_AUTHORIZED,
     "payment.cancel_failed"},
    {PAYMENT_NEEDS_REVIEW, ACT_RESOLVE_PENDING, NULL, PAYMENT_PENDING, "payment.pending"},
    {PAYMENT_NEEDS_REVIEW, ACT_RESOLVE_SUCCEEDED, NULL, PAYMENT_SUCCEEDED,
     "payment.captured payment.succeeded"},
    {PAYMENT_NEEDS_REVIEW, ACT_RESOLVE_AUTHORIZED, NULL, PAYMENT_AUTHORIZED, "payment.authorized"},
    {PAYMENT_NEEDS_REVIEW, ACT_RESOLVE_CANCELED, NULL, PAYMENT_CANCELED, "payment.canceled"},
    {PAYMENT_NEEDS_REVIEW, ACT_RESOLVE_FAILED, NULL, PAYMENT_FAILED, "payment.failed"},
};

static const struct row *find(enum payment_status from, enum payment_act_kind act,
                              const char *operation)
{
    for (size_t i = 0; i < sizeof legal / sizeof *legal; i++)
        if (legal[i].from == from && legal[i].act == act &&
            (!legal[i].operation || strcmp(legal[i].operation, operation) == 0))
            return &legal[i];
    return NULL;
}

Test(payment, follows_the_table_and_nothing_else)
{
    static const char *const operations[] = {"charge", "capture", "cancel"};
    for (int from = PAYMENT_PENDING; from <= PAYMENT_STATUS_MAX; from++) {
        for (int act = ACT_SEND; act <= ACT_MAX; act++) {
            for (int o = 0; o < 3; o++) {
                struct payment payment = at((enum payment_status)from);
                struct payment_events events;
                struct problem problem = {0};
                payment.amount_captured = 1000;
                payment.refund_reserved = 10;
                if (from == PAYMENT_UNKNOWN || from == PAYMENT_NEEDS_REVIEW)
                    payment.unknown_operation = operations[o];
                struct payment before = payment;
                const struct payment_route route = {.provider = "other"};
                const struct row *row =
                    find((enum payment_status)from, (enum payment_act_kind)act, operations[o]);
                enum status status =
                    payment_apply(&payment,
                                  &(struct payment_act){.kind = (enum payment_act_kind)act,
                                                        .operation = "charge",
                                                        .amount = 10,
                                                        .route = &route},
                                  &events, NULL, &problem);
                if (!row) {
                    cr_assert_eq(status, STATUS_FAILED_PRECONDITION, "%s + %d",
                                 payment_status_name((enum payment_status)from), act);
                    cr_assert_eq(memcmp(&before, &payment, sizeof before), 0);
                    continue;
                }
                char seen[128] = "";
                for (size_t i = 0; i < events.n; i++) {
                    strncat(seen, i ? " " : "", sizeof seen - strlen(seen) - 1);
                    strncat(seen, events.types[i], sizeof seen - strlen(seen) - 1);
                }
                cr_assert_eq(status, STATUS_OK, "%s + %d",
                             payment_status_name((enum payment_status)from), act);
                cr_assert_eq(payment.status, row->to, "%s + %d",
                             payment_status_name((enum payment_status)from), act);
                cr_assert_str_eq(seen, row->events);
            }
        }
    }
}

Test(payment, names_what_it_does_not_know_and_forgets_it_when_it_knows)
{
    struct payment payment = at(PAYMENT_CAPTURING);
    struct payment_events events;
    struct problem problem;
    payment_apply(&payment, &(struct payment_act){.kind = ACT_LOST, .operation = "capture"},
                  &events, NULL, &problem);
    cr_assert_str_eq(payment.unknown_operation, "capture");
    payment_apply(&payment, &(struct payment_act){.kind = ACT_REVIEW}, &events, NULL, &problem);
    cr_assert_str_eq(payment.unknown_operation, "capture");
    payment_apply(&payment, &(struct payment_act){.kind = ACT_CAPTURED, .amount = 300}, &events,
                  NULL, &problem);
    cr_assert_null(payment.unknown_operation);
    cr_assert_eq(payment.amount_captured, 300);
}

Test(payment, never_takes_more_than_was_agreed)
{
    struct payment payment = at(PAYMENT_PROCESSING);
    struct payment_events events;
    struct problem problem;
    cr_assert_eq(payment_apply(&payment, &(struct payment_act){.kind = ACT_CHARGED, .amount = 5000},
                               &events, NULL, &problem),
                 STATUS_OK);
    cr_assert_eq(payment.amount_captured, 1000);
    payment = at(PAYMENT_AUTHORIZED);
    cr_assert_eq(payment_apply(&payment, &(struct payment_act){.kind = ACT_CAPTURE, .amount = 1001},
                               &events, NULL, &problem),
                 STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(problem.code, "amount_too_large");
    cr_assert_eq(payment.status, PAYMENT_AUTHORIZED);
}

Test(payment, refunds_what_is_left_and_no_more)
{
    struct payment payment = at(PAYMENT_SUCCEEDED);
    struct payment_events events;
    struct problem problem;
    int64_t taken = 0;
    payment.amount_captured = 1000;
    struct payment_act act = {.kind = ACT_RESERVE, .amount = 600};
    cr_assert_eq(payment_apply(&payment, &act, &events, &taken, &problem), STATUS_OK);
    cr_assert_eq(payment_apply(&payment, &act, &events, &taken, &problem), STATUS_OUT_OF_RANGE);
    cr_assert_str_eq(problem.code, "refund_exceeds_captured");
    act.amount = 0;
    cr_assert_eq(payment_apply(&payment, &act, &events, &taken, &problem), STATUS_OK);
    cr_assert_eq(taken, 400);
    cr_assert_eq(payment_apply(&payment, &act, &events, &taken, &problem), STATUS_OUT_OF_RANGE);
    act = (struct payment_act){.kind = ACT_REFUNDED, .amount = 600};
    payment_apply(&payment, &act, &events, NULL, &problem);
    act = (struct payment_act){.kind = ACT_REFUND_FAILED, .amount = 400};
    payment_apply(&payment, &act, &events, NULL, &problem);
    cr_assert_eq(payment.amount_refunded, 600);
    cr_assert_eq(payment_refundable(&payment), 400);
}

Test(payment, order_effects_follow_the_state)
{
    cr_assert_eq(payment_order_effect(PAYMENT_SUCCEEDED), ORDER_PAID);
    cr_assert_eq(payment_order_effect(PAYMENT_EXPIRED), ORDER_FREED);
    cr_assert_eq(payment_order_effect(PAYMENT_UNKNOWN), ORDER_KEEPS);
    enum payment_status status;
    for (int i = PAYMENT_PENDING; i <= PAYMENT_STATUS_MAX; i++) {
        cr_assert(payment_status_parse(payment_status_name((enum payment_status)i), &status));
        cr_assert_eq((int)status, i);
    }
    cr_assert_not(payment_status_parse("paid", &status));
}
