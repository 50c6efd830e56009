#include "decide.h"

#include <stddef.h>
#include <string.h>

#define SLOW_MS_MAX 15000
#define FOLLOW_MS 300
#define HIDDEN_MS_MIN 5000

struct magic {
    const char *value;
    enum outcome outcome;
};

static enum outcome magic_find(const struct magic *table, size_t n, const char *value)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(table[i].value, value) == 0)
            return table[i].outcome;
    return OUTCOME_OPEN;
}

enum outcome decide_vpa(const char *vpa)
{
    static const struct magic table[] = {
        {"success@upi", OUTCOME_SUCCEEDS},
        {"fail@upi", OUTCOME_DECLINED},
        {"timeout@upi", OUTCOME_TIMEOUT},
        {"slow@upi", OUTCOME_SLOW},
    };
    return magic_find(table, sizeof table / sizeof *table, vpa);
}

enum outcome decide_card(const char *number)
{
    static const struct magic table[] = {
        {"4242424242424242", OUTCOME_SUCCEEDS},
        {"4000000000000002", OUTCOME_DECLINED},
        {"4000000000009995", OUTCOME_INSUFFICIENT_FUNDS},
        {"4000000000000069", OUTCOME_EXPIRED_CARD},
        {"4000000000000127", OUTCOME_INCORRECT_CVC},
        {"4000000000000119", OUTCOME_PROCESSING_ERROR},
        {"4000003800000446", OUTCOME_ACTION},
        {"4000002760003184", OUTCOME_ACTION},
    };
    return magic_find(table, sizeof table / sizeof *table, number);
}

static const char *error_of(enum outcome outcome, bool card)
{
    switch (outcome) {
    case OUTCOME_INSUFFICIENT_FUNDS:
        return "insufficient_funds";
    case OUTCOME_EXPIRED_CARD:
        return "expired_card";
    case OUTCOME_INCORRECT_CVC:
        return "incorrect_cvc";
    case OUTCOME_PROCESSING_ERROR:
        return "processing_error";
    default:
        return card ? "card_declined" : "payment_declined";
    }
}

static bool by_chance(const struct switches *switches, bool card, uint64_t chance)
{
    if (switches->test_mode)
        return switches->success;
    return chance % 100 < (card ? 95 : 90);
}

static int64_t between(uint64_t chance, int64_t from_ms, int64_t to_ms)
{
    return from_ms + (int64_t)((chance >> 32) % (uint64_t)(to_ms - from_ms + 1));
}

struct decision decide_charge(const struct switches *switches, enum outcome outcome, bool card,
                              uint64_t chance)
{
    struct decision decision = {
        .succeeds = true,
        .error_code = "",
        .delay_ms = switches->test_mode ? switches->delay_ms : between(chance, 5000, 10000),
    };
    switch (outcome) {
    case OUTCOME_OPEN:
        decision.succeeds = by_chance(switches, card, chance);
        break;
    case OUTCOME_SUCCEEDS:
        break;
    case OUTCOME_ACTION:
        decision.action = true;
        break;
    case OUTCOME_TIMEOUT:
        decision.silent = true;
        decision.hidden_ms = 3 * decision.delay_ms;
        if (decision.hidden_ms < HIDDEN_MS_MIN)
            decision.hidden_ms = HIDDEN_MS_MIN;
        if (switches->timeout_resolves_ms)
            decision.hidden_ms = switches->timeout_resolves_ms;
        decision.delay_ms = 0;
        break;
    case OUTCOME_SLOW:
        decision.delay_ms *= 10;
        if (decision.delay_ms > SLOW_MS_MAX)
            decision.delay_ms = SLOW_MS_MAX;
        break;
    default:
        decision.succeeds = false;
    }
    if (!decision.succeeds)
        decision.error_code = error_of(outcome, card);
    return decision;
}

struct decision decide_refund(const struct switches *switches, uint64_t chance)
{
    return (struct decision){
        .succeeds = switches->refund_success,
        .error_code = switches->refund_success ? "" : "refund_declined",
        .delay_ms = switches->test_mode ? switches->delay_ms : between(chance, 3000, 5000),
    };
}

static struct decision follow(const struct switches *switches, bool succeeds, const char *error)
{
    return (struct decision){
        .succeeds = succeeds,
        .error_code = succeeds ? "" : error,
        .delay_ms = switches->test_mode ? switches->delay_ms / 2 : FOLLOW_MS,
    };
}

struct decision decide_capture(const struct switches *switches)
{
    return follow(switches, switches->capture_success, "capture_declined");
}

struct decision decide_cancel(const struct switches *switches)
{
    return follow(switches, switches->cancel_success, "cancel_declined");
}

const char *decide_message(const char *error_code)
{
    static const struct {
        const char *code, *message;
    } table[] = {
        {"payment_declined", "The payment was declined."},
        {"card_declined", "The card was declined."},
        {"insufficient_funds", "The card has insufficient funds."},
        {"expired_card", "The card has expired."},
        {"incorrect_cvc", "The card's security code is wrong."},
        {"processing_error", "The card could not be processed."},
        {"authentication_failed", "The payer did not approve the payment."},
        {"refund_declined", "The refund was declined."},
        {"capture_declined", "The capture was declined."},
        {"cancel_declined", "The cancellation was declined."},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(table[i].code, error_code) == 0)
            return table[i].message;
    return "";
}
