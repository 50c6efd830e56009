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

TestSuite(outcome, .init = init);

static struct operation sent(enum operation_kind kind)
{
    return (struct operation){.tenant_id = "t",
                              .id = "op_1",
                              .payment_id = "pay_1",
                              .kind = kind,
                              .amount = 100,
                              .refund_id = kind == OPERATION_REFUND ? "rfnd_1" : NULL,
                              .status = OPERATION_SENT,
                              .attempts = 1,
                              .revision = 1,
                              .sent_us = NOW - US_PER_S,
                              .lease_us = NOW + US_PER_S,
                              .due_us = NOW + US_PER_S,
                              .created_us = NOW - 2 * US_PER_S,
                              .deadline_us = DB_TIME_NULL,
                              .finished_us = DB_TIME_NULL};
}

static struct decision decide(const struct operation *operation, enum outcome_step step,
                              enum outcome_kind kind)
{
    struct decision decision;
    struct outcome outcome = {.kind = kind,
                              .error_code = "card_declined",
                              .error_message = "Declined.",
                              .action_url = "https://x"};
    outcome_decide(&limits, &provider, operation, step, &outcome, NOW, &decision);
    return decision;
}

Test(outcome, a_result_finishes_each_kind)
{
    static const struct {
        enum operation_kind kind;
        enum payment_act_kind good, bad;
    } rows[] = {{OPERATION_CHARGE, ACT_CHARGED, ACT_DECLINED},
                {OPERATION_CAPTURE, ACT_CAPTURED, ACT_CAPTURE_REFUSED},
                {OPERATION_CANCEL, ACT_CANCELED, ACT_CANCEL_REFUSED},
                {OPERATION_REFUND, ACT_REFUNDED, ACT_REFUND_FAILED}};
    for (size_t i = 0; i < 4; i++) {
        struct operation operation = sent(rows[i].kind);
        struct decision good = decide(&operation, STEP_QUERY, OUTCOME_SUCCEEDED);
        cr_assert_eq(good.after.status, OPERATION_SUCCEEDED);
        cr_assert_eq(good.act.kind, rows[i].good);
        cr_assert_eq(good.after.due_us, DB_TIME_NULL);
        cr_assert_eq(good.after.finished_us, NOW);
        struct decision bad = decide(&operation, STEP_ACT, OUTCOME_FAILED);
        cr_assert_eq(bad.after.status, OPERATION_FAILED);
        cr_assert_eq(bad.act.kind, rows[i].bad);
        cr_assert_str_eq(bad.after.error_code, "card_declined");
        cr_assert_eq(good.refund_event != NULL, rows[i].kind == OPERATION_REFUND);
    }
}

Test(outcome, no_answer_is_not_a_failure)
{
    struct operation operation = sent(OPERATION_CAPTURE);
    struct decision d = decide(&operation, STEP_ACT, OUTCOME_LOST);
    cr_assert_eq(d.after.status, OPERATION_UNKNOWN);
    cr_assert_eq(d.act.kind, ACT_LOST);
    cr_assert_str_eq(d.act.operation, "capture");
    cr_assert_eq(d.after.deadline_us, NOW + 86400 * US_PER_S);
    cr_assert(d.after.due_us > NOW && d.after.due_us <= NOW + 2 * US_PER_S);
    operation = sent(OPERATION_REFUND);
    d = decide(&operation, STEP_ACT, OUTCOME_LOST);
    cr_assert_str_eq(d.refund_event, "refund_operation.unknown");
    cr_assert_eq(d.act.kind, ACT_NONE);
    cr_assert_eq(d.after.revision, 2);
}

Test(outcome, nothing_left_is_tried_again_until_time_is_up)
{
    struct operation operation = sent(OPERATION_CHARGE);
    struct decision d = decide(&operation, STEP_ACT, OUTCOME_NOT_SENT);
    cr_assert_eq(d.after.status, OPERATION_READY);
    cr_assert_eq(d.act.kind, ACT_NONE);
    operation.created_us = NOW - 601 * US_PER_S;
    d = decide(&operation, STEP_ACT, OUTCOME_NOT_SENT);
    cr_assert_eq(d.after.status, OPERATION_FAILED);
    cr_assert_str_eq(d.after.error_code, "provider_unavailable");
    // A question that didn't get through says nothing about what was asked.
    operation = sent(OPERATION_CHARGE);
    d = decide(&operation, STEP_QUERY, OUTCOME_NOT_SENT);
    cr_assert_eq(d.after.status, OPERATION_UNKNOWN);
}

Test(outcome, not_found_is_final_only_when_all_delays_have_passed)
{
    struct operation operation = sent(OPERATION_CHARGE);
    struct decision d = decide(&operation, STEP_QUERY, OUTCOME_NOT_FOUND);
    cr_assert_eq(d.after.status, OPERATION_UNKNOWN);
    cr_assert_eq(d.act.kind, ACT_LOST);
    operation.sent_us = NOW - 9 * US_PER_S; // timeout 5 s, lease margin 2 s, its own delay 2 s
    cr_assert(outcome_settled(&provider, &operation, NOW));
    cr_assert_not(outcome_settled(&provider, &operation, NOW - 1));
    d = decide(&operation, STEP_QUERY, OUTCOME_NOT_FOUND);
    cr_assert_eq(d.after.status, OPERATION_READY);
    provider.repeatable[OPERATION_CHARGE] = 0;
    d = decide(&operation, STEP_QUERY, OUTCOME_NOT_FOUND);
    cr_assert_eq(d.after.status, OPERATION_FAILED);
    cr_assert_str_eq(d.after.error_code, "not_processed");
    provider.repeatable[OPERATION_CHARGE] = STAGES_ALL;
    operation.accepted = true; // it had said that it knows the reference
    d = decide(&operation, STEP_QUERY, OUTCOME_NOT_FOUND);
    cr_assert_eq(d.after.status, OPERATION_SENT);
    operation.status = OPERATION_NEEDS_REVIEW;
    operation.accepted = false;
    d = decide(&operation, STEP_QUERY, OUTCOME_NOT_FOUND);
    cr_assert_eq(d.after.status, OPERATION_NEEDS_REVIEW);
}

Test(outcome, unknown_is_asked_about_when_not_found_becomes_final_and_at_its_deadline)
{
    struct operation operation = sent(OPERATION_CHARGE);
    operation.status = OPERATION_UNKNOWN;
    operation.queries = 20; // the pause has grown to minutes
    operation.sent_us = NOW - 3 * US_PER_S;
    operation.deadline_us = NOW + 100 * US_PER_S;
    static const enum outcome_kind kinds[] = {OUTCOME_LOST, OUTCOME_NOT_FOUND};
    for (size_t i = 0; i < 2; i++)
        cr_assert_eq(decide(&operation, STEP_QUERY, kinds[i]).after.due_us, NOW + 6 * US_PER_S);
    operation.sent_us = NOW - 60 * US_PER_S;
    cr_assert_eq(decide(&operation, STEP_QUERY, OUTCOME_LOST).after.due_us, NOW + 100 * US_PER_S);
    operation.deadline_us = NOW + 3600 * US_PER_S;
    cr_assert_gt(decide(&operation, STEP_QUERY, OUTCOME_LOST).after.due_us, NOW + 600 * US_PER_S);
    operation.sent_us = NOW - 9 * US_PER_S + 1; // final in a moment: still not at once
    cr_assert_geq(decide(&operation, STEP_QUERY, OUTCOME_LOST).after.due_us, NOW + US_PER_S);
}

Test(outcome, accepted_waits_with_growing_pauses_until_its_deadline)
{
    struct operation operation = sent(OPERATION_CHARGE);
    struct decision d = decide(&operation, STEP_ACT, OUTCOME_ACCEPTED);
    cr_assert(d.after.accepted);
    cr_assert_eq(d.after.deadline_us, NOW + 600 * US_PER_S);
    cr_assert_eq(d.after.due_us, NOW + 2 * US_PER_S);
    operation = d.after;
    operation.queries = 3;
    d = decide(&operation, STEP_QUERY, OUTCOME_ACCEPTED);
    cr_assert(d.after.due_us > NOW + 6 * US_PER_S);
    d = decide(&operation, STEP_QUERY, OUTCOME_LOST);
    cr_assert_eq(d.after.status, OPERATION_SENT);
    operation.deadline_us = NOW;
    d = decide(&operation, STEP_QUERY, OUTCOME_ACCEPTED);
    cr_assert_eq(d.after.status, OPERATION_UNKNOWN);
    cr_assert_eq(d.act.kind, ACT_LOST);
}

Test(outcome, the_unknown_goes_to_a_person_at_its_deadline_and_late_results_count)
{
    struct operation operation = sent(OPERATION_CHARGE);
    operation.status = OPERATION_UNKNOWN;
    operation.deadline_us = NOW + 1;
    struct decision d = decide(&operation, STEP_QUERY, OUTCOME_ACCEPTED);
    cr_assert_eq(d.after.status, OPERATION_UNKNOWN);
    cr_assert_eq(d.act.kind, ACT_NONE);
    operation.deadline_us = NOW;
    d = decide(&operation, STEP_QUERY, OUTCOME_LOST);
    cr_assert_eq(d.after.status, OPERATION_NEEDS_REVIEW);
    cr_assert_eq(d.act.kind, ACT_REVIEW);
    operation = d.after;
    cr_assert(operation_open(&operation));
    d = decide(&operation, STEP_QUERY, OUTCOME_SUCCEEDED);
    cr_assert_eq(d.act.kind, ACT_CHARGED);
}

Test(outcome, the_payers_part)
{
    struct operation operation = sent(OPERATION_CHARGE);
    struct decision d = decide(&operation, STEP_QUERY, OUTCOME_REQUIRES_ACTION);
    cr_assert_eq(d.act.kind, ACT_NEED_ACTION);
    cr_assert_str_eq(d.act.action_url, "https://x");
    cr_assert_eq(d.after.deadline_us, NOW + 900 * US_PER_S);
    operation = d.after;
    d = decide(&operation, STEP_QUERY, OUTCOME_REQUIRES_ACTION);
    cr_assert_eq(d.act.kind, ACT_NONE);
    d = decide(&operation, STEP_QUERY, OUTCOME_ACCEPTED);
    cr_assert_eq(d.act.kind, ACT_ACTION_DONE);
    d = decide(&operation, STEP_QUERY, OUTCOME_CANCELED);
    cr_assert_eq(d.act.kind, ACT_DECLINED);
    d = decide(&operation, STEP_QUERY, OUTCOME_EXPIRED);
    cr_assert_eq(d.act.kind, ACT_EXPIRED);
    operation.deadline_us = NOW;
    d = decide(&operation, STEP_QUERY, OUTCOME_REQUIRES_ACTION);
    cr_assert_eq(d.act.kind, ACT_EXPIRED);
    cr_assert_eq(d.after.status, OPERATION_FAILED);
    operation = d.after; // watched on
    cr_assert(operation_open(&operation));
    d = decide(&operation, STEP_QUERY, OUTCOME_REQUIRES_ACTION);
    cr_assert_eq(d.act.kind, ACT_NONE);
    cr_assert_neq(d.after.due_us, DB_TIME_NULL);
    d = decide(&operation, STEP_QUERY, OUTCOME_FAILED);
    cr_assert_eq(d.act.kind, ACT_NONE);
    cr_assert_eq(d.after.due_us, DB_TIME_NULL);
    d = decide(&operation, STEP_QUERY, OUTCOME_SUCCEEDED);
    cr_assert_eq(d.act.kind, ACT_CHARGED);
}

Test(outcome, what_did_nothing_is_tried_again_after_100_200_and_400_ms)
{
    struct operation operation = sent(OPERATION_CHARGE);
    for (int64_t i = 0; i < RETRIES_QUICK; i++) {
        operation.attempts = i + 1;
        struct decision d = decide(&operation, STEP_ACT, OUTCOME_NOT_SENT);
        int64_t wait_us = d.after.due_us - NOW, wanted_us = (100000 << i);
        cr_assert(wait_us >= wanted_us * 3 / 4 && wait_us <= wanted_us * 5 / 4, "%lld",
                  (long long)wait_us);
        cr_assert_not(d.elsewhere);
    }
    operation.attempts = RETRIES_QUICK + 1;
    struct decision d = decide(&operation, STEP_ACT, OUTCOME_NOT_SENT);
    cr_assert(d.elsewhere);
    cr_assert_eq(d.after.status, OPERATION_READY);
    cr_assert_geq(d.after.due_us, NOW + 2 * US_PER_S);
    operation.kind = OPERATION_REFUND; // a refund goes where the money is
    d = decide(&operation, STEP_ACT, OUTCOME_NOT_SENT);
    cr_assert_not(d.elsewhere);
}

Test(outcome, a_failing_servers_word_is_not_enough_to_give_up)
{
    struct operation operation = sent(OPERATION_CHARGE);
    struct outcome outcome = {.kind = OUTCOME_NOT_SENT, .unwell = true, .http_status = 503};
    struct decision d;
    operation.attempts = RETRIES_QUICK + 1;
    outcome_decide(&limits, &provider, &operation, STEP_ACT, &outcome, NOW, &d);
    cr_assert_eq(d.after.status, OPERATION_READY); // the reference makes it harmless
    cr_assert_not(d.elsewhere);
    operation.attempts = ATTEMPTS_ANSWERED_MAX;
    outcome_decide(&limits, &provider, &operation, STEP_ACT, &outcome, NOW, &d);
    cr_assert_eq(d.after.status, OPERATION_UNKNOWN);
    operation.attempts = ATTEMPTS_MAX;
    outcome.http_status = 0; // never connected
    outcome_decide(&limits, &provider, &operation, STEP_ACT, &outcome, NOW, &d);
    cr_assert_eq(d.after.status, OPERATION_FAILED);
    cr_assert(d.elsewhere);
}

static struct decision decide_setup_fault(const struct operation *operation)
{
    struct decision decision;
    struct outcome outcome = {
        .kind = OUTCOME_FAILED, .elsewhere = true, .error_code = "provider_setup"};
    outcome_decide(&limits, &provider, operation, STEP_ACT, &outcome, NOW, &decision);
    return decision;
}

Test(outcome, only_what_nobody_was_asked_about_goes_elsewhere)
{
    struct operation operation = sent(OPERATION_CHARGE);
    cr_assert(decide_setup_fault(&operation).elsewhere);
    cr_assert_not(decide(&operation, STEP_ACT, OUTCOME_FAILED).elsewhere); // the payer's doing
    cr_assert_not(decide(&operation, STEP_ACT, OUTCOME_LOST).elsewhere);
    operation.acting = true;
    cr_assert_not(decide_setup_fault(&operation).elsewhere);
    operation.acting = false;
    operation.status = OPERATION_UNKNOWN;
    cr_assert_not(decide_setup_fault(&operation).elsewhere);
}

Test(outcome, a_stage_that_moves_nothing_leads_to_the_next_and_its_loss_is_none)
{
    provider.prepares[OPERATION_CHARGE] = STAGE(0);
    struct operation operation = sent(OPERATION_CHARGE);
    struct decision d = decide(&operation, STEP_ACT, OUTCOME_LOST);
    cr_assert_eq(d.after.status, OPERATION_READY);
    cr_assert_eq(d.after.stage, 0);
    cr_assert_eq(decide(&operation, STEP_QUERY, OUTCOME_MUTE).after.status, OPERATION_READY);
    struct outcome outcome = {.kind = OUTCOME_PREPARED, .provider_reference = "inv_1"};
    outcome_decide(&limits, &provider, &operation, STEP_ACT, &outcome, NOW, &d);
    cr_assert_eq(d.after.status, OPERATION_READY);
    cr_assert_eq(d.after.stage, 1);
    cr_assert_eq(d.after.due_us, NOW);
    cr_assert_str_eq(d.after.provider_reference, "inv_1");
    cr_assert_eq(d.act.kind, ACT_NONE);
    operation.doubtful = true; // from a backup: later stages may be done
    cr_assert_eq(decide(&operation, STEP_QUERY, OUTCOME_MUTE).after.status, OPERATION_UNKNOWN);
    operation.doubtful = false;
    operation.stage = 1; // this one may have moved money
    cr_assert_eq(decide(&operation, STEP_ACT, OUTCOME_LOST).after.status, OPERATION_UNKNOWN);
    operation.stage = 0;
    operation.accepted = operation.acting = true; // the payer was sent somewhere, and has come back
    d = decide(&operation, STEP_QUERY, OUTCOME_PREPARED);
    cr_assert_eq(d.act.kind, ACT_ACTION_DONE);
    cr_assert_eq(d.after.status, OPERATION_READY);
    cr_assert_not(d.after.acting);
}

Test(outcome, what_can_not_be_asked_about_goes_to_a_person_with_a_reason)
{
    struct operation operation = sent(OPERATION_CHARGE);
    struct decision d = decide(&operation, STEP_ACT, OUTCOME_LOST);
    cr_assert_eq(d.act.kind, ACT_LOST);
    operation = d.after;
    d = decide(&operation, STEP_QUERY, OUTCOME_MUTE);
    cr_assert_eq(d.after.status, OPERATION_NEEDS_REVIEW);
    cr_assert_eq(d.act.kind, ACT_REVIEW);
    cr_assert_str_eq(d.act.error_code, ERROR_OUTCOME_UNKNOWN);
    // One that tells by callback is given its time.
    provider.speaks_by_callback = true;
    d = decide(&operation, STEP_QUERY, OUTCOME_MUTE);
    cr_assert_eq(d.after.status, OPERATION_UNKNOWN);
    operation.deadline_us = NOW;
    cr_assert_eq(decide(&operation, STEP_QUERY, OUTCOME_MUTE).act.kind, ACT_REVIEW);
}

Test(outcome, a_page_that_nobody_can_ask_about_becomes_unknown)
{
    provider.speaks_by_callback = true;
    struct operation operation = sent(OPERATION_CHARGE);
    operation = decide(&operation, STEP_ACT, OUTCOME_REQUIRES_ACTION).after;
    struct decision d = decide(&operation, STEP_QUERY, OUTCOME_MUTE);
    cr_assert_eq(d.after.status, OPERATION_SENT);
    cr_assert(d.after.acting);
    operation.deadline_us = NOW;
    d = decide(&operation, STEP_QUERY, OUTCOME_MUTE);
    cr_assert_eq(d.act.kind, ACT_LOST);
    cr_assert_eq(d.after.status, OPERATION_UNKNOWN);
    cr_assert_not(d.after.acting);
    operation = d.after;
    operation.deadline_us = NOW;
    cr_assert_eq(decide(&operation, STEP_QUERY, OUTCOME_MUTE).act.kind, ACT_REVIEW);
}

Test(outcome, a_provider_that_wants_to_be_asked_late_is_asked_late)
{
    provider.query_after_ms = 180000;
    struct operation operation = sent(OPERATION_CHARGE);
    cr_assert_eq(decide(&operation, STEP_ACT, OUTCOME_ACCEPTED).after.due_us, NOW + 180 * US_PER_S);
    cr_assert_eq(decide(&operation, STEP_ACT, OUTCOME_LOST).after.due_us, NOW + 180 * US_PER_S);
}

Test(outcome, operation_names_go_both_ways)
{
    enum operation_status status;
    enum operation_kind kind;
    for (int i = OPERATION_READY; i <= OPERATION_RELEASED; i++)
        cr_assert(
            operation_status_parse(operation_status_name((enum operation_status)i), &status) &&
            (int)status == i);
    for (int i = OPERATION_CHARGE; i <= OPERATION_REFUND; i++)
        cr_assert(operation_kind_parse(operation_kind_name((enum operation_kind)i), &kind) &&
                  (int)kind == i);
    cr_assert_not(operation_kind_parse("x", &kind));
    cr_assert_str_eq(operation_refund_status(OPERATION_SENT), "pending");
    cr_assert_str_eq(operation_refund_status(OPERATION_SUCCEEDED), "processed");
    cr_assert_str_eq(operation_refund_status(OPERATION_NEEDS_REVIEW), "needs_review");
}
