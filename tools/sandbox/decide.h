// How the sandbox decides: pure, with the chance passed in. Magic values always decide; otherwise
// test mode or chance does.
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum outcome {
    OUTCOME_OPEN, // test mode or chance decides
    OUTCOME_SUCCEEDS,
    OUTCOME_DECLINED,
    OUTCOME_INSUFFICIENT_FUNDS,
    OUTCOME_EXPIRED_CARD,
    OUTCOME_INCORRECT_CVC,
    OUTCOME_PROCESSING_ERROR,
    OUTCOME_ACTION,  // the payer must approve (3-D Secure)
    OUTCOME_TIMEOUT, // takes the money and never answers
    OUTCOME_SLOW,
};

// What may change at run time (POST /control).
struct switches {
    bool test_mode;
    int64_t delay_ms; // of a charge, in test mode
    bool success;     // of a charge that no magic value decides, in test mode
    bool refund_success, capture_success, cancel_success;
    bool idempotent;
    int64_t timeout_resolves_ms; // 0: three times the delay, at least 5 s
};

struct decision {
    bool succeeds;
    bool action;            // waits for the payer first
    bool silent;            // the money moves at once, nobody is told
    const char *error_code; // static; "" when it succeeds
    int64_t delay_ms;
    int64_t hidden_ms; // silent only: asking gets no answer for so long
};

enum outcome decide_vpa(const char *vpa);
enum outcome decide_card(const char *number);
// chance: 64 random bits. card says whose rates and error codes apply.
struct decision decide_charge(const struct switches *switches, enum outcome outcome, bool card,
                              uint64_t chance);
struct decision decide_refund(const struct switches *switches, uint64_t chance);
struct decision decide_capture(const struct switches *switches);
struct decision decide_cancel(const struct switches *switches);
// A sentence for an error code; static.
const char *decide_message(const char *error_code);
