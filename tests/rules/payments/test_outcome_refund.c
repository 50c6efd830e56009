#include <criterion/criterion.h>
#include <string.h>

#include "base/clock.h"
#include "db/db.h"
#include "processor/outcome.h"
#include "providers/simulator.h"

#define NOW (1000000 * US_PER_S)

static const struct outcome_limits limits = {2000, 600, 86400, 900};
static struct provider provider;

static void init(void)
{
    simulator_init(&provider, true, 5000);
}

TestSuite(outcome_refund, .init = init);

static struct operation refund(enum operation_status status)
{
    return (struct operation){.tenant_id = "t",
                              .id = "op_1",
                              .payment_id = "pay_1",
                              .kind = OPERATION_REFUND,
                              .amount = 100,
                              .refund_id = "rfnd_1",
                              .status = status,
                              .attempts = 1,
                              .revision = 1,
                              .sent_us = NOW - US_PER_S,
                              .lease_us = NOW + US_PER_S,
                              .due_us = NOW,
                              .created_us = NOW - 2 * US_PER_S,
                              .deadline_us = NOW,
                              .finished_us = DB_TIME_NULL};
}

static struct decision decide(const struct operation *operation, enum outcome_step step,
                              enum outcome_kind kind)
{
    struct decision decision;
    struct outcome outcome = {
        .kind = kind, .error_code = "payer_not_found", .error_message = "No such payer."};
    outcome_decide(&limits, &provider, operation, step, &outcome, NOW, &decision);
    return decision;
}

static void assert_error(const struct decision *decision, const char *code)
{
    cr_assert_str_eq(decision->after.error_code, code);
    cr_assert_not_null(decision->after.error_message);
    cr_assert_gt(strlen(decision->after.error_message), 0);
}

Test(outcome_refund, the_unknown_says_so_by_itself)
{
    struct operation operation = refund(OPERATION_SENT);
    struct decision d = decide(&operation, STEP_ACT, OUTCOME_LOST);
    cr_assert_eq(d.after.status, OPERATION_UNKNOWN);
    cr_assert_str_eq(d.refund_event, "refund_operation.unknown");
    assert_error(&d, ERROR_OUTCOME_UNKNOWN);
    cr_assert_eq(d.act.kind, ACT_NONE); // its payment has no error of it
    cr_assert_null(d.act.error_code);
}

Test(outcome_refund, what_a_person_decides_says_why)
{
    static const enum outcome_kind kinds[] = {OUTCOME_LOST, OUTCOME_MUTE, OUTCOME_NOT_SENT};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct operation operation = refund(OPERATION_UNKNOWN);
        struct decision d = decide(&operation, STEP_QUERY, kinds[i]);
        cr_assert_eq(d.after.status, OPERATION_NEEDS_REVIEW);
        cr_assert_str_eq(d.refund_event, "refund_operation.needs_review");
        assert_error(&d, ERROR_OUTCOME_UNKNOWN);
        cr_assert_not_null(strstr(d.after.error_message, "a person decides"));
        cr_assert_eq(d.after.revision, 2);
        cr_assert_eq(d.act.kind, ACT_NONE);
    }
}

Test(outcome_refund, a_late_answer_settles_it_and_takes_the_doubt_away)
{
    static const enum operation_status statuses[] = {OPERATION_UNKNOWN, OPERATION_NEEDS_REVIEW};
    for (size_t i = 0; i < 2; i++) {
        struct operation operation = refund(statuses[i]);
        operation.error_code = ERROR_OUTCOME_UNKNOWN;
        operation.error_message = "Not known.";
        cr_assert(operation_open(&operation));
        struct decision d = decide(&operation, STEP_QUERY, OUTCOME_SUCCEEDED);
        cr_assert_eq(d.act.kind, ACT_REFUNDED);
        cr_assert_eq(d.act.amount, 100);
        cr_assert_str_eq(d.refund_event, "refund_operation.processed");
        cr_assert_null(d.after.error_code);
        cr_assert_null(d.after.error_message);
        cr_assert_eq(d.after.due_us, DB_TIME_NULL);
        d = decide(&operation, STEP_QUERY, OUTCOME_FAILED);
        cr_assert_eq(d.act.kind, ACT_REFUND_FAILED);
        cr_assert_str_eq(d.refund_event, "refund_operation.failed");
        assert_error(&d, "payer_not_found");
    }
}

Test(outcome_refund, nothing_new_leaves_it_to_the_person)
{
    struct operation operation = refund(OPERATION_NEEDS_REVIEW);
    operation.error_code = ERROR_OUTCOME_UNKNOWN;
    operation.error_message = "Not known.";
    operation.deadline_us = DB_TIME_NULL;
    static const enum outcome_kind kinds[] = {OUTCOME_LOST, OUTCOME_MUTE, OUTCOME_NOT_FOUND,
                                              OUTCOME_ACCEPTED};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct decision d = decide(&operation, STEP_QUERY, kinds[i]);
        cr_assert_eq(d.after.status, OPERATION_NEEDS_REVIEW);
        cr_assert_eq(d.after.revision, 1);
        cr_assert_null(d.refund_event);
        cr_assert_str_eq(d.after.error_message, "Not known.");
    }
}

Test(outcome_refund, what_goes_again_is_in_doubt_no_more)
{
    struct operation operation = refund(OPERATION_UNKNOWN);
    operation.error_code = ERROR_OUTCOME_UNKNOWN;
    operation.error_message = "Not known.";
    operation.sent_us = NOW - 60 * US_PER_S; // not found is final
    struct decision d = decide(&operation, STEP_QUERY, OUTCOME_NOT_FOUND);
    cr_assert_eq(d.after.status, OPERATION_READY);
    cr_assert_null(d.refund_event);
    cr_assert_null(d.after.error_code);
    cr_assert_null(d.after.error_message);
}

Test(outcome_refund, each_state_that_others_see_has_its_event)
{
    for (int i = OPERATION_READY; i <= OPERATION_RELEASED; i++) {
        enum operation_status status = (enum operation_status)i;
        const char *event = operation_refund_event(status);
        bool told = status != OPERATION_READY && status != OPERATION_SENT &&
                    status != OPERATION_RELEASED; // whoever asked for the release knows
        cr_assert_eq(event != NULL, told);
        if (event)
            cr_assert_str_eq(event + strlen("refund_operation."), operation_refund_status(status));
    }
}
