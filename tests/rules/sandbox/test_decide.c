#include <criterion/criterion.h>

#include "decide.h"

static const struct switches test_mode = {.test_mode = true,
                                          .delay_ms = 1000,
                                          .success = true,
                                          .refund_success = true,
                                          .capture_success = true,
                                          .cancel_success = true};
static const struct switches by_chance = {.refund_success = true};

Test(decide, knows_the_magic_addresses)
{
    cr_assert_eq(decide_vpa("success@upi"), OUTCOME_SUCCEEDS);
    cr_assert_eq(decide_vpa("fail@upi"), OUTCOME_DECLINED);
    cr_assert_eq(decide_vpa("timeout@upi"), OUTCOME_TIMEOUT);
    cr_assert_eq(decide_vpa("slow@upi"), OUTCOME_SLOW);
    cr_assert_eq(decide_vpa("user@paytm"), OUTCOME_OPEN);
}

Test(decide, gives_each_magic_card_its_error)
{
    static const struct {
        const char *number, *code;
    } cards[] = {
        {"4242424242424242", ""},
        {"4000000000000002", "card_declined"},
        {"4000000000009995", "insufficient_funds"},
        {"4000000000000069", "expired_card"},
        {"4000000000000127", "incorrect_cvc"},
        {"4000000000000119", "processing_error"},
        {"4000003800000446", ""},
    };
    for (size_t i = 0; i < sizeof cards / sizeof *cards; i++) {
        struct decision decision = decide_charge(&test_mode, decide_card(cards[i].number), true, 0);
        cr_assert_str_eq(decision.error_code, cards[i].code, "%s", cards[i].number);
        cr_assert_eq(decision.succeeds, cards[i].code[0] == '\0');
        if (cards[i].code[0])
            cr_assert_neq(decide_message(cards[i].code)[0], '\0');
    }
    cr_assert(decide_charge(&test_mode, decide_card("4000002760003184"), true, 0).action);
    cr_assert_not(decide_charge(&test_mode, decide_card("4242424242424242"), true, 0).action);
}

Test(decide, lets_magic_win_over_the_switch)
{
    struct switches failing = test_mode;
    failing.success = false;
    cr_assert(decide_charge(&failing, OUTCOME_SUCCEEDS, false, 0).succeeds);
    cr_assert_not(decide_charge(&failing, OUTCOME_OPEN, false, 0).succeeds);
    cr_assert_str_eq(decide_charge(&failing, OUTCOME_OPEN, false, 0).error_code,
                     "payment_declined");
    cr_assert_str_eq(decide_charge(&failing, OUTCOME_OPEN, true, 0).error_code, "card_declined");
    cr_assert_not(decide_charge(&test_mode, OUTCOME_DECLINED, false, 0).succeeds);
}

Test(decide, follows_the_rates_when_nothing_else_decides)
{
    int upi = 0, card = 0;
    for (uint64_t chance = 0; chance < 100; chance++) {
        upi += decide_charge(&by_chance, OUTCOME_OPEN, false, chance).succeeds;
        card += decide_charge(&by_chance, OUTCOME_OPEN, true, chance).succeeds;
    }
    cr_assert_eq(upi, 90);
    cr_assert_eq(card, 95);
}

Test(decide, takes_the_time_it_says)
{
    cr_assert_eq(decide_charge(&test_mode, OUTCOME_OPEN, false, UINT64_MAX).delay_ms, 1000);
    cr_assert_eq(decide_charge(&test_mode, OUTCOME_SLOW, false, 0).delay_ms, 10000);
    cr_assert_eq(decide_refund(&test_mode, 0).delay_ms, 1000);
    cr_assert_eq(decide_capture(&test_mode).delay_ms, 500);
    cr_assert_eq(decide_cancel(&by_chance).delay_ms, 300);
    for (uint64_t i = 0; i < 6000; i++) {
        int64_t charge_ms = decide_charge(&by_chance, OUTCOME_OPEN, false, i << 32).delay_ms;
        int64_t refund_ms = decide_refund(&by_chance, i << 32).delay_ms;
        cr_assert(charge_ms >= 5000 && charge_ms <= 10000);
        cr_assert(refund_ms >= 3000 && refund_ms <= 5000);
    }
    cr_assert_eq(decide_charge(&by_chance, OUTCOME_SLOW, false, 0).delay_ms, 15000);
}

Test(decide, hides_a_timeout_for_a_while)
{
    struct switches switches = test_mode;
    struct decision decision = decide_charge(&switches, OUTCOME_TIMEOUT, false, 0);
    cr_assert(decision.silent && decision.succeeds);
    cr_assert_eq(decision.hidden_ms, 5000);
    switches.delay_ms = 4000;
    cr_assert_eq(decide_charge(&switches, OUTCOME_TIMEOUT, false, 0).hidden_ms, 12000);
    switches.timeout_resolves_ms = 70;
    cr_assert_eq(decide_charge(&switches, OUTCOME_TIMEOUT, false, 0).hidden_ms, 70);
}

Test(decide, fails_what_follows_when_told_to)
{
    struct switches switches = test_mode;
    switches.refund_success = switches.capture_success = switches.cancel_success = false;
    cr_assert_str_eq(decide_refund(&switches, 0).error_code, "refund_declined");
    cr_assert_str_eq(decide_capture(&switches).error_code, "capture_declined");
    cr_assert_str_eq(decide_cancel(&switches).error_code, "cancel_declined");
    cr_assert_str_eq(decide_capture(&test_mode).error_code, "");
    cr_assert_str_eq(decide_message("no_such_code"), "");
}
