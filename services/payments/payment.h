// The rules of a payment: its states, which acts are legal in which of them, what each act changes
// and which events it makes. No I/O; what the store reads comes in as a struct payment, what it
// writes goes out in the same struct. The one table of states is in payment.c.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/problem.h"

#define PAYMENT_AMOUNT_MAX 99999999999LL

enum payment_status {
    PAYMENT_PENDING = 1,
    PAYMENT_PROCESSING,
    PAYMENT_REQUIRES_ACTION,
    PAYMENT_AUTHORIZED,
    PAYMENT_CAPTURING,
    PAYMENT_CANCELING,
    PAYMENT_SUCCEEDED,
    PAYMENT_FAILED,
    PAYMENT_CANCELED,
    PAYMENT_EXPIRED,
    PAYMENT_UNKNOWN,
    PAYMENT_NEEDS_REVIEW,
};
#define PAYMENT_STATUS_MAX PAYMENT_NEEDS_REVIEW

struct payment {
    const char *tenant_id, *id;
    const char *order_id;
    bool order_own; // order_id names an order of ours
    int64_t amount;
    const char *currency, *method, *vpa;
    const char *card_token, *card_brand, *card_last4; // NULL unless method is card
    int64_t card_expiry_month, card_expiry_year;
    const char *capture; // "automatic" | "manual"
    enum payment_status status;
    const char *unknown_operation; // "charge" | "capture" | "cancel" | NULL
    int64_t amount_captured, amount_refunded;
    int64_t refund_reserved; // promised to refunds under way
    const char *provider, *charge_operation_id;
    const char *credential_id;    // at the provider; NULL: the simulator's
    bool test_mode;               // no real money: the credential's, and stays as it was made
    const char *msisdn, *network; // NULL unless method is mobile_money
    const char *return_url;       // NULL: none
    const char *earlier_attempts; // a JSON array, or NULL: charges that did nothing (reroute.h)
    const char *action_url;
    int64_t sequence; // of its newest event
    const char *error_code, *error_message;
    const char *description, *email, *phone, *name;
    const char *metadata;                 // a JSON object of strings, or NULL
    const char *request_id, *traceparent; // of the request that made it
    int64_t created_us, updated_us;
};
// A payment as fields of a log line.
#define LOG_PAYMENT(payment_)                                                                      \
    LOG_S("payment", (payment_)->id), LOG_S("request_id", (payment_)->request_id),                 \
        LOG_TRACE((payment_)->traceparent), LOG_S("tenant", (payment_)->tenant_id)

enum payment_act_kind {
    ACT_NONE = 0,
    ACT_SEND,      // the charge is about to leave
    ACT_REROUTE,   // it did nothing where it was; another provider gets it
    ACT_TAKE_BACK, // canceled before anything was sent
    ACT_NEED_ACTION,
    ACT_ACTION_DONE,
    ACT_AUTHORIZED,
    ACT_CHARGED,
    ACT_DECLINED,
    ACT_EXPIRED,
    ACT_CAPTURE,
    ACT_CAPTURED,
    ACT_CAPTURE_REFUSED,
    ACT_CANCEL,
    ACT_CANCELED,
    ACT_CANCEL_REFUSED,
    ACT_LOST, // no answer in time
    ACT_REVIEW,
    ACT_RESOLVE_PENDING, // a person decides
    ACT_RESOLVE_SUCCEEDED,
    ACT_RESOLVE_AUTHORIZED,
    ACT_RESOLVE_CANCELED,
    ACT_RESOLVE_FAILED,
    ACT_RESERVE, // a refund takes its part of what is left
    ACT_REFUNDED,
    ACT_REFUND_FAILED, // and gives it back
};
#define ACT_MAX ACT_REFUND_FAILED

// Where a charge goes instead.
struct payment_route {
    const char *provider, *credential_id, *charge_operation_id, *earlier_attempts;
};

struct payment_act {
    enum payment_act_kind kind;
    int64_t amount; // CAPTURED, REFUNDED, REFUND_FAILED: minor units. RESERVE: 0 is all that is
                    // left. CHARGED: 0 is the whole
    const char *operation;                  // LOST: "charge" | "capture" | "cancel"
    const char *error_code, *error_message; // DECLINED, EXPIRED, …_REFUSED, REVIEW, RESOLVE_FAILED
    const char *action_url;                 // NEED_ACTION
    bool by_payer;                          // DECLINED: the payer, or the bank, said no
    const struct payment_route *route;      // REROUTE
};

#define PAYMENT_EVENTS_MAX 2
struct payment_events {
    const char *types[PAYMENT_EVENTS_MAX]; // static storage; the sequence grows by one for each
    size_t n;
};

const char *payment_status_name(enum payment_status status); // static storage
bool payment_status_parse(const char *name, enum payment_status *ret);
const char *payment_act_name(enum payment_act_kind kind); // "payment.capture", for audit rows

// Applies the act to *payment, apart from its sequence and updated_us, which belong to whoever
// makes the events. Illegal acts leave *payment alone and say why in *problem: FAILED_PRECONDITION
// "conflict" (payment_not_refundable for refunds), OUT_OF_RANGE refund_exceeds_captured or
// amount_too_large. For RESERVE, ret_reserved is what was taken (may be NULL).
enum status payment_apply(struct payment *payment, const struct payment_act *act,
                          struct payment_events *ret, int64_t *ret_reserved,
                          struct problem *problem);
// Whether the table allows it, amounts aside.
bool payment_may(const struct payment *payment, const struct payment_act *act,
                 enum payment_status *ret_to);
int64_t payment_refundable(const struct payment *payment); // captured, not refunded, not reserved

// What happens to the order of a payment that came to this state.
enum order_effect { ORDER_KEEPS, ORDER_FREED, ORDER_PAID };
enum order_effect payment_order_effect(enum payment_status status);
