// What the sandbox holds to be true: charges, what followed them, and when each is decided. Rules
// and state, no I/O, no clock of its own; not thread-safe. Bounded: LEDGER_OPERATIONS_MAX.
#pragma once
#include <stddef.h>

#include "base/problem.h"
#include "base/status.h"
#include "decide.h"

#define REFERENCE_MAX 100
#define LEDGER_OPERATIONS_MAX 1000000
#define LEDGER_TOKENS_MAX 1000000
#define ACTION_EXPIRES_US (15 * 60 * 1000000LL) // a payer who never comes

enum operation_kind { OPERATION_CHARGE, OPERATION_CAPTURE, OPERATION_CANCEL, OPERATION_REFUND };
enum operation_state {
    OPERATION_PENDING,
    OPERATION_SUCCEEDED,
    OPERATION_AUTHORIZED,
    OPERATION_FAILED,
    OPERATION_REQUIRES_ACTION,
    OPERATION_CANCELED,
    OPERATION_EXPIRED,
};

struct operation {
    size_t number; // place in the ledger, from 0
    enum operation_kind kind;
    enum operation_state state;
    char reference[REFERENCE_MAX + 1];
    int64_t amount;
    char currency[4];
    char error_code[32];      // what it fails with, once it has failed
    bool succeeds, action;    // decided at birth
    bool silent;              // nobody is told: no answer, no callback
    int64_t due_us;           // when it is decided; 0: it is
    int64_t hidden_until_us;  // asking gets no answer before
    char *callback_url;       // NULL: none
    struct operation *charge; // what a capture, cancel or refund follows
    // Of charges:
    bool automatic; // capture at once
    bool taken;     // money was taken or put aside
    int64_t captured, refunded;
    int64_t refunding;      // by refunds that are pending
    bool busy;              // a capture or cancel is pending
    struct operation *same; // an earlier charge under the same reference
    struct operation *next; // in the table
};

struct token {
    char id[40];
    enum outcome outcome;
    char brand[16];
    char last4[5];
    struct token *next;
};

struct ledger;
struct ledger *ledger_new(void); // NULL when out of memory
void ledger_free(struct ledger *ledger);

struct charge_order {
    const char *reference, *currency, *callback_url;
    int64_t amount;
    bool automatic;
};
struct follow_order {
    enum operation_kind kind;
    const char *reference, *charge, *callback_url;
    int64_t amount; // 0 in a cancel
};

// The newest operation under a reference; NULL when there is none.
struct operation *ledger_find(const struct ledger *ledger, const char *reference);
// A new charge, whether its reference stands already or not: that is for the caller to look up.
MUST_USE enum status ledger_charge(struct ledger *ledger, const struct charge_order *order,
                                   const struct decision *decision, int64_t now_us,
                                   struct operation **ret, struct problem *problem);
// NOT_FOUND without the charge; FAILED_PRECONDITION in its state; OUT_OF_RANGE beyond its money.
MUST_USE enum status ledger_follow(struct ledger *ledger, const struct follow_order *order,
                                   const struct decision *decision, int64_t now_us,
                                   struct operation **ret, struct problem *problem);
// The payer approves or declines. FAILED_PRECONDITION when nobody waits for that.
MUST_USE enum status ledger_act(struct operation *charge, bool approve, struct problem *problem);
// Decides the next operation that is due; NULL when none is.
struct operation *ledger_settle(struct ledger *ledger, int64_t now_us);
int64_t ledger_next_due_us(const struct ledger *ledger); // INT64_MAX: nothing to wait for

size_t ledger_count(const struct ledger *ledger);
const struct operation *ledger_at(const struct ledger *ledger, size_t number);
// How often money was taken under this charge's reference, up to this charge.
int64_t ledger_times_charged(const struct operation *charge);

MUST_USE enum status ledger_token_add(struct ledger *ledger, const struct token *token);
const struct token *ledger_token(const struct ledger *ledger, const char *id);

// Puts back an operation as it was written down: the last word on its number. charge: the number of
// what it follows, or -1. Numbers come without gaps.
MUST_USE enum status ledger_restore(struct ledger *ledger, const struct operation *written,
                                    int64_t charge);
// After the last ledger_restore: what was pending is waited for again.
MUST_USE enum status ledger_resume(struct ledger *ledger);

const char *operation_kind_name(enum operation_kind kind);
const char *operation_state_name(enum operation_state state);
// [A-Za-z0-9_.:-], 1 to REFERENCE_MAX characters.
bool reference_valid(const char *reference);
