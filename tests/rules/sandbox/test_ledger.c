#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "ledger.h"

#define LATER_US 1000000000LL

static const struct decision succeeds = {.succeeds = true, .error_code = "", .delay_ms = 10};
static const struct decision fails = {.error_code = "card_declined", .delay_ms = 10};
static const struct decision action = {
    .succeeds = true, .action = true, .error_code = "", .delay_ms = 10};

static struct ledger *ledger;
static struct problem problem;

static void setup(void)
{
    ledger = ledger_new();
    problem = (struct problem){0};
}

static void teardown(void)
{
    ledger_free(ledger);
}

TestSuite(ledger, .init = setup, .fini = teardown);

static struct operation *charge(const char *reference, const struct decision *decision,
                                bool automatic)
{
    struct operation *operation = NULL;
    const struct charge_order order = {
        .reference = reference, .currency = "INR", .amount = 500, .automatic = automatic};
    cr_assert_eq(ledger_charge(ledger, &order, decision, 1000, &operation, &problem), STATUS_OK);
    return operation;
}

static struct operation *settled(const char *reference, const struct decision *decision,
                                 bool automatic)
{
    struct operation *operation = charge(reference, decision, automatic);
    cr_assert_eq(ledger_settle(ledger, LATER_US), operation);
    return operation;
}

static enum status follow(enum operation_kind kind, const char *reference, int64_t amount,
                          struct operation **ret)
{
    const struct follow_order order = {
        .kind = kind, .reference = reference, .charge = "c", .amount = amount};
    return ledger_follow(ledger, &order, &succeeds, 1000, ret, &problem);
}

Test(ledger, charge_is_pending_until_it_is_due)
{
    struct operation *operation = charge("c", &succeeds, true);
    cr_assert_eq(operation->state, OPERATION_PENDING);
    cr_assert_eq(ledger_next_due_us(ledger), 11000);
    cr_assert_null(ledger_settle(ledger, 10999));
    cr_assert_eq(ledger_settle(ledger, 11000), operation);
    cr_assert_eq(operation->state, OPERATION_SUCCEEDED);
    cr_assert_eq(operation->captured, 500);
    cr_assert_eq(ledger_times_charged(operation), 1);
    cr_assert_null(ledger_settle(ledger, LATER_US));
    cr_assert_eq(ledger_next_due_us(ledger), INT64_MAX);
}

Test(ledger, declined_charge_takes_nothing)
{
    const struct operation *operation = settled("c", &fails, true);
    cr_assert_eq(operation->state, OPERATION_FAILED);
    cr_assert_str_eq(operation->error_code, "card_declined");
    cr_assert_eq(operation->captured, 0);
    cr_assert_eq(ledger_times_charged(operation), 0);
}

Test(ledger, charges_are_decided_in_the_order_they_fall_due)
{
    char reference[16];
    struct decision decision = succeeds;
    for (int i = 0; i < 1000; i++) {
        decision.delay_ms = (i * 7919) % 1000;
        snprintf(reference, sizeof reference, "c%d", i);
        charge(reference, &decision, true);
    }
    for (int i = 0; i < 1000; i++) {
        const struct operation *operation = ledger_settle(ledger, 1000 + i * 1000);
        cr_assert_not_null(operation, "%d", i);
        cr_assert_null(ledger_settle(ledger, 1000 + i * 1000), "%d", i);
    }
}

Test(ledger, capture_takes_a_part_and_no_more_than_was_authorized)
{
    struct operation *operation = settled("c", &succeeds, false), *capture;
    cr_assert_eq(operation->state, OPERATION_AUTHORIZED);
    cr_assert_eq(operation->captured, 0);
    cr_assert_eq(follow(OPERATION_CAPTURE, "x", 501, &capture), STATUS_OUT_OF_RANGE);
    cr_assert_eq(follow(OPERATION_CAPTURE, "x", 0, &capture), STATUS_INVALID_ARGUMENT);
    cr_assert_eq(follow(OPERATION_CAPTURE, "x", 400, &capture), STATUS_OK);
    cr_assert_eq(follow(OPERATION_CAPTURE, "y", 100, &capture), STATUS_FAILED_PRECONDITION);
    cr_assert_eq(follow(OPERATION_CANCEL, "y", 0, &capture), STATUS_FAILED_PRECONDITION);
    ledger_settle(ledger, LATER_US);
    cr_assert_eq(operation->state, OPERATION_SUCCEEDED);
    cr_assert_eq(operation->captured, 400);
    cr_assert_eq(ledger_find(ledger, "x")->state, OPERATION_SUCCEEDED);
    cr_assert_eq(follow(OPERATION_CAPTURE, "z", 100, &capture), STATUS_FAILED_PRECONDITION);
}

Test(ledger, declined_capture_leaves_the_charge_authorized)
{
    struct operation *operation = settled("c", &succeeds, false), *capture;
    const struct follow_order order = {
        .kind = OPERATION_CAPTURE, .reference = "x", .charge = "c", .amount = 500};
    cr_assert_eq(ledger_follow(ledger, &order, &fails, 1000, &capture, &problem), STATUS_OK);
    ledger_settle(ledger, LATER_US);
    cr_assert_eq(capture->state, OPERATION_FAILED);
    cr_assert_eq(operation->state, OPERATION_AUTHORIZED);
    cr_assert_eq(follow(OPERATION_CANCEL, "y", 0, &capture), STATUS_OK);
}

Test(ledger, cancel_ends_an_authorized_charge)
{
    struct operation *operation = settled("c", &succeeds, false), *cancel;
    cr_assert_eq(follow(OPERATION_CANCEL, "x", 0, &cancel), STATUS_OK);
    ledger_settle(ledger, LATER_US);
    cr_assert_eq(operation->state, OPERATION_CANCELED);
    cr_assert_eq(cancel->state, OPERATION_SUCCEEDED);
    cr_assert_eq(follow(OPERATION_CANCEL, "y", 0, &cancel), STATUS_FAILED_PRECONDITION);
}

Test(ledger, refunds_never_pass_what_was_captured)
{
    struct operation *operation = settled("c", &succeeds, true), *refund;
    cr_assert_eq(follow(OPERATION_REFUND, "r1", 300, &refund), STATUS_OK);
    cr_assert_eq(follow(OPERATION_REFUND, "r2", 201, &refund), STATUS_OUT_OF_RANGE);
    cr_assert_str_eq(problem.code, "refund_exceeds_captured");
    cr_assert_eq(follow(OPERATION_REFUND, "r2", 0, &refund), STATUS_INVALID_ARGUMENT);
    cr_assert_eq(follow(OPERATION_REFUND, "r2", 200, &refund), STATUS_OK);
    while (ledger_settle(ledger, LATER_US))
        ;
    cr_assert_eq(operation->refunded, 500);
    cr_assert_eq(operation->refunding, 0);
    cr_assert_eq(follow(OPERATION_REFUND, "r3", 1, &refund), STATUS_OUT_OF_RANGE);
}

Test(ledger, failed_refund_gives_its_share_back)
{
    struct operation *operation = settled("c", &succeeds, true), *refund;
    const struct follow_order order = {
        .kind = OPERATION_REFUND, .reference = "r", .charge = "c", .amount = 500};
    cr_assert_eq(ledger_follow(ledger, &order, &fails, 1000, &refund, &problem), STATUS_OK);
    ledger_settle(ledger, LATER_US);
    cr_assert_eq(refund->state, OPERATION_FAILED);
    cr_assert_eq(operation->refunded, 0);
    cr_assert_eq(follow(OPERATION_REFUND, "r2", 500, &refund), STATUS_OK);
}

Test(ledger, refuses_to_follow_what_is_not_there_or_not_ready)
{
    struct operation *operation;
    cr_assert_eq(follow(OPERATION_REFUND, "r", 1, &operation), STATUS_NOT_FOUND);
    charge("c", &succeeds, true);
    cr_assert_eq(follow(OPERATION_REFUND, "r", 1, &operation), STATUS_FAILED_PRECONDITION);
    cr_assert_eq(follow(OPERATION_CANCEL, "r", 0, &operation), STATUS_FAILED_PRECONDITION);
}

Test(ledger, payer_approves_declines_or_never_comes)
{
    struct operation *approved = settled("a", &action, false);
    cr_assert_eq(approved->state, OPERATION_REQUIRES_ACTION);
    cr_assert_eq(ledger_act(approved, true, &problem), STATUS_OK);
    cr_assert_eq(approved->state, OPERATION_AUTHORIZED);
    cr_assert_eq(ledger_act(approved, true, &problem), STATUS_FAILED_PRECONDITION);
    struct operation *declined = settled("d", &action, true);
    cr_assert_eq(ledger_act(declined, false, &problem), STATUS_OK);
    cr_assert_eq(declined->state, OPERATION_FAILED);
    cr_assert_str_eq(declined->error_code, "authentication_failed");
    const struct operation *waits = settled("w", &action, true);
    cr_assert_null(ledger_settle(ledger, LATER_US + ACTION_EXPIRES_US - 1));
    cr_assert_eq(ledger_settle(ledger, LATER_US + ACTION_EXPIRES_US), waits);
    cr_assert_eq(waits->state, OPERATION_EXPIRED);
    cr_assert_eq(declined->state, OPERATION_FAILED, "an old alarm changes nothing");
}

Test(ledger, timeout_takes_the_money_at_once)
{
    const struct decision silent = {
        .succeeds = true, .silent = true, .error_code = "", .hidden_ms = 50};
    const struct operation *operation = charge("c", &silent, true);
    cr_assert_eq(operation->state, OPERATION_SUCCEEDED);
    cr_assert_eq(operation->captured, 500);
    cr_assert_eq(operation->hidden_until_us, 51000);
    cr_assert_null(ledger_settle(ledger, LATER_US));
}

Test(ledger, counts_how_often_a_reference_was_charged)
{
    const struct operation *first = settled("c", &succeeds, true);
    const struct operation *second = settled("c", &succeeds, true);
    cr_assert_eq(ledger_find(ledger, "c"), second);
    cr_assert_eq(ledger_times_charged(first), 1);
    cr_assert_eq(ledger_times_charged(second), 2);
    cr_assert_eq(ledger_count(ledger), 2);
    cr_assert_eq(ledger_at(ledger, 0), first);
}

Test(ledger, tokens_remember_the_outcome)
{
    const struct token token = {"stok_1", OUTCOME_DECLINED, "visa", "0002", NULL};
    cr_assert_eq(ledger_token_add(ledger, &token), STATUS_OK);
    cr_assert_eq(ledger_token(ledger, "stok_1")->outcome, OUTCOME_DECLINED);
    cr_assert_null(ledger_token(ledger, "stok_2"));
}

Test(ledger, restore_refuses_gaps)
{
    struct operation written = {.number = 1, .reference = "c"};
    cr_assert_eq(ledger_restore(ledger, &written, -1), STATUS_INVALID_ARGUMENT);
    written.number = 0;
    cr_assert_eq(ledger_restore(ledger, &written, 0), STATUS_INVALID_ARGUMENT);
    cr_assert_eq(ledger_restore(ledger, &written, -1), STATUS_OK);
}

Test(ledger, references_are_judged_by_shape)
{
    char text[REFERENCE_MAX + 2];
    memset(text, 'a', sizeof text);
    text[REFERENCE_MAX + 1] = '\0';
    cr_assert_not(reference_valid(text));
    text[REFERENCE_MAX] = '\0';
    cr_assert(reference_valid(text));
    cr_assert(reference_valid("op_01.x:y-z"));
    cr_assert_not(reference_valid(""));
    cr_assert_not(reference_valid("a b"));
    cr_assert_not(reference_valid("a\"b"));
}
