// Between the files of the PayDunya mimic. All of it runs in a handler, with the mimic's lock held.
#pragma once
#include "mimics/mimic.h"

#define PAYDUNYA_CURRENCY "XOF"
#define PAYDUNYA_TOKEN_MAX 40

// What the last two digits of a phone number (or account) make of a payment.
enum paydunya_fate {
    FATE_PAYS,
    FATE_FAILS,    // 50
    FATE_CANCELS,  // 51
    FATE_EXPIRES,  // 52
    FATE_WAITS,    // 53: nobody ever answers
    FATE_SLOW,     // 54: ten times as long
    FATE_REFUSED,  // 55: softpay refuses at once
    FATE_BALANCE,  // 56: get-invoice answers 4002
    FATE_OVERDRAW, // 57: submit-invoice answers 4002
    FATE_WILLING,  // 59: pays without opening the page
};
enum paydunya_fate paydunya_fate(const char *phone);
// Lets a pending entry come to rest as its payer has it.
void paydunya_schedule(struct mimic_call *call, struct entry *entry, enum paydunya_fate fate);

// False after answering 1001: no such keys, or those of the other environment.
bool paydunya_keyed(struct mimic_call *call);
// SHA-512 of the master key, as hex.
const char *paydunya_hash(const struct mimic *mimic, struct arena *arena);
// {"response_code", "response_text"} under 200.
void paydunya_refuse(struct mimic_call *call, const char *code, const char *text);
void paydunya_full(struct mimic_call *call);
// An amount in whole francs; false after answering.
bool paydunya_amount(struct mimic_call *call, const char *path, int64_t *ret);
// A random token behind a prefix.
void paydunya_token(char out[PAYDUNYA_TOKEN_MAX], const char *prefix);
// "pending", "completed", …
const char *paydunya_status(const struct entry *invoice);
// Where the caller reaches this mimic, without a slash at the end.
const char *paydunya_base(const struct mimic_call *call);
// This provider asks a callback URL whether it is there, by an empty POST.
void paydunya_probe(struct mimic_call *call, const char *url);
// What was written down beside an entry; NULL when there is nothing.
const struct json_value *paydunya_notes(struct arena *arena, const struct entry *entry);
// {"name","phone","email","payment_method"} of who pays, as far as it is known.
const char *paydunya_customer(struct arena *arena, const struct entry *invoice);
void paydunya_customer_set(struct mimic_call *call, struct entry *invoice, const char *name,
                           const char *email);
// An invoice from `root`, which has invoice, store, actions and custom_data. NULL after answering.
struct entry *paydunya_invoice_new(struct mimic_call *call, const struct json_value *root);
// The invoice with this token; NULL when there is none.
struct entry *paydunya_invoice(struct mimic_call *call, const char *token);

// --- Handlers.
void paydunya_create_post(struct mimic_call *call);
void paydunya_confirm_get(struct mimic_call *call);
void paydunya_page_get(struct mimic_call *call);
void paydunya_page_post(struct mimic_call *call);
void paydunya_opr_create_post(struct mimic_call *call);
void paydunya_opr_charge_post(struct mimic_call *call);
void paydunya_credit_post(struct mimic_call *call);
void paydunya_softpay_post(struct mimic_call *call);
void paydunya_disburse_get_post(struct mimic_call *call);
void paydunya_disburse_submit_post(struct mimic_call *call);
void paydunya_disburse_check_post(struct mimic_call *call);
