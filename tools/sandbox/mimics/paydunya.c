// PayDunya: checkout invoices with a hosted page, SoftPay, on-site payment requests, disbursements;
// /api/v1 with live keys and /sandbox-api/v1 with test keys, /api/v2/disburse. XOF only.
//
// The last two digits of the payer's phone (or account) decide:
//   50 fails   51 cancels   52 expires   53 never answers   54 takes ten times as long
//   55 softpay refuses at once (422)   56 get-invoice answers 4002   57 submit-invoice answers 4002
//   59 pays without opening the page that Wave and Orange's QR code lead to
//   all others pay (where there is such a page: on it)
// OTP 000000 is wrong; the confirmation code of an on-site payment is the account's last four
// digits.
//
// Field names by operator, as its users' code has them:
//   orange-money-senegal      customer_name, customer_email, phone_number, invoice_token,
//                             authorization_code (the OTP; here it may be absent: a push is sent)
//   new-orange-money-senegal  the same and api_type: QRCODE (answers with a url) or OTPCODE
//   wave-senegal              wave_senegal_fullName, wave_senegal_email, wave_senegal_phone,
//                             wave_senegal_payment_token; answers with a url
//   mtn-ci                    mtn_ci_customer_fullname, mtn_ci_email, mtn_ci_phone_number,
//                             mtn_ci_wallet_provider ("MTNCI"), payment_token
// An answer is {success, message, fees, currency}, a refusal {success:false, message} under 422.
//
// Ours: custom_data.reference names an invoice in the book (its token otherwise), and test_ or
// live_ before the configured private key names the environment that it is for. Guessed: 1002 (a
// field is missing or wrong), 3001 (no such invoice), 3002 (wrong confirmation), 4001 (less than
// 200 to disburse), 4003 (submitted already); an invoice expires after a day.
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "crypto/crypto.h"
#include "http/form.h"
#include "mimics/internal.h"
#include "mimics/paydunya.h"
#include "json/members.h"

#define FORM_FIELDS_MAX 200

enum paydunya_fate paydunya_fate(const char *phone)
{
    static const enum paydunya_fate fates[] = {
        FATE_FAILS,   FATE_CANCELS, FATE_EXPIRES,  FATE_WAITS, FATE_SLOW,
        FATE_REFUSED, FATE_BALANCE, FATE_OVERDRAW, FATE_PAYS,  FATE_WILLING};
    size_t length = strlen(phone);
    if (length < 2 || phone[length - 2] != '5' || phone[length - 1] < '0' ||
        phone[length - 1] > '9')
        return FATE_PAYS;
    return fates[phone[length - 1] - '0'];
}

void paydunya_schedule(struct mimic_call *call, struct entry *entry, enum paydunya_fate fate)
{
    int64_t settle_us = mimic_settle_ms(call->mimic) * 1000;
    entry->to = ENTRY_SUCCEEDED;
    if (fate == FATE_FAILS)
        entry->to = ENTRY_FAILED;
    else if (fate == FATE_CANCELS)
        entry->to = ENTRY_CANCELED;
    else if (fate == FATE_EXPIRES)
        entry->to = ENTRY_EXPIRED;
    if (fate == FATE_FAILS)
        (void)snprintf(entry->code, sizeof entry->code, "insufficient_funds");
    entry->due_us = call->now_us + (fate == FATE_SLOW ? 10 : 1) * settle_us;
    mimic_reschedule(call->mimic, entry);
}

// The keys of both environments are one here, but for what stands before them.
static const char *environment_of(const char *key, const char **ret_bare)
{
    bool named = strncmp(key, "test_", 5) == 0 || strncmp(key, "live_", 5) == 0;
    *ret_bare = key + (named ? 5 : 0);
    return named ? key : "";
}

static bool same(const char *a, const char *b)
{
    return crypto_equal(bytes_of_string(a), bytes_of_string(b));
}

bool paydunya_keyed(struct mimic_call *call)
{
    const char *bare, *expected;
    const char *given = environment_of(mimic_header(call, "PAYDUNYA-PRIVATE-KEY"), &bare);
    (void)environment_of(mimic_setting(call->mimic, "PRIVATE_KEY"), &expected);
    const char *path = http_path(call->exchange);
    bool test = strncmp(path, "/paydunya/sandbox-api/", 22) == 0;
    // SoftPay and disbursements have one address for both.
    bool either = strstr(path, "/softpay/") || strstr(path, "/disburse/");
    bool elsewhere = !either && *given && (strncmp(given, "test_", 5) == 0) != test;
    if (!same(mimic_header(call, "PAYDUNYA-MASTER-KEY"),
              mimic_setting(call->mimic, "MASTER_KEY")) ||
        elsewhere)
        paydunya_refuse(call, "1001", "Invalid Masterkey Specified");
    else if (!same(bare, expected) ||
             !same(mimic_header(call, "PAYDUNYA-TOKEN"), mimic_setting(call->mimic, "TOKEN")))
        paydunya_refuse(call, "1001", "Invalid private key or token");
    else
        return true;
    return false;
}

const char *paydunya_hash(const struct mimic *mimic, struct arena *arena)
{
    struct sha512 digest = crypto_sha512(bytes_of_string(mimic_setting(mimic, "MASTER_KEY")));
    return crypto_hex(arena, BYTES_OF_ARRAY(digest.at));
}

void paydunya_refuse(struct mimic_call *call, const char *code, const char *text)
{
    mimic_reply(call, 200,
                json_object(call->arena, (struct json_member[]){JSON_S("response_code", code),
                                                                JSON_S("response_text", text),
                                                                {0}}));
}

void paydunya_full(struct mimic_call *call)
{
    mimic_reply(call, 503, "{\"response_text\":\"Service unavailable\"}");
}

bool paydunya_amount(struct mimic_call *call, const char *path, int64_t *ret)
{
    if (mimic_amount(call, path, PAYDUNYA_CURRENCY, ret))
        return true;
    paydunya_refuse(call, "1002", "The amount is a whole number above 0");
    return false;
}

void paydunya_token(char out[PAYDUNYA_TOKEN_MAX], const char *prefix)
{
    static const char letters[] = "abcdefghijkmnpqrstuvwxyz0123456789";
    uint8_t random[20];
    crypto_random(random, sizeof random);
    size_t length = (size_t)snprintf(out, PAYDUNYA_TOKEN_MAX, "%s", prefix);
    for (size_t i = 0; i < sizeof random && length + 1 < PAYDUNYA_TOKEN_MAX; i++)
        out[length++] = letters[random[i] % (sizeof letters - 1)];
    out[length] = '\0';
}

const char *paydunya_status(const struct entry *invoice)
{
    static const char *const names[] = {
        [ENTRY_OPEN] = "pending",    [ENTRY_PENDING] = "pending",
        [ENTRY_FAILED] = "failed",   [ENTRY_SUCCEEDED] = "completed",
        [ENTRY_EXPIRED] = "expired", [ENTRY_CANCELED] = "cancelled",
    };
    return names[invoice->status];
}

const char *paydunya_base(const struct mimic_call *call)
{
    return arena_printf(call->arena, "http://%s/paydunya", mimic_header(call, "Host"));
}

void paydunya_probe(struct mimic_call *call, const char *url)
{
    callbacks_send(call->mimic->config->callbacks,
                   &(struct callback){.verb = "POST", .url = url, .tries = 1});
}

const struct json_value *paydunya_notes(struct arena *arena, const struct entry *entry)
{
    const struct json_value *notes;
    if (!entry->extra || json_parse(arena, bytes_of_string(entry->extra), &notes) != STATUS_OK)
        return NULL;
    return notes;
}

// --- What is told: forms, as PHP reads them.
struct form {
    struct arena *arena;
    struct http_field fields[FORM_FIELDS_MAX];
    size_t n;
};

static void put(void *context, const char *name, const char *text)
{
    struct form *form = context;
    if (form->n < FORM_FIELDS_MAX)
        form->fields[form->n++] = (struct http_field){arena_strdup(form->arena, name), text};
}

static void put_invoice(struct form *form, const struct entry *invoice, const char *hash)
{
    const struct json_value *customer = NULL, *notes = paydunya_notes(form->arena, invoice);
    const char *token = *invoice->id ? invoice->id : invoice->reference;
    const char *customer_text = paydunya_customer(form->arena, invoice);
    put(form, "data[response_code]", "00");
    put(form, "data[response_text]", "Transaction Found");
    put(form, "data[hash]", hash);
    put(form, "data[invoice][token]", token);
    put(form, "data[invoice][total_amount]",
        mimic_decimal(form->arena, invoice->amount, PAYDUNYA_CURRENCY));
    if (notes) {
        put(form, "data[invoice][description]", json_get_string(notes, "description"));
        put(form, "data[mode]", json_get_string(notes, "mode"));
        json_leaves(form->arena, json_member_of(notes, "custom_data"), "data[custom_data]", put,
                    form);
    }
    put(form, "data[status]", paydunya_status(invoice));
    if (customer_text &&
        json_parse(form->arena, bytes_of_string(customer_text), &customer) == STATUS_OK)
        json_leaves(form->arena, customer, "data[customer]", put, form);
    put(form, "data[fail_reason]", invoice->status == ENTRY_FAILED ? invoice->code : NULL);
}

static void put_disbursement(struct form *form, const struct entry *transfer, const char *hash)
{
    const struct json_value *notes = paydunya_notes(form->arena, transfer);
    char at[RFC3339_SIZE];
    clock_rfc3339(transfer->finished_us, at);
    put(form, "hash", hash);
    put(form, "status", transfer->status == ENTRY_SUCCEEDED ? "success" : "failed");
    put(form, "token", notes ? json_get_string(notes, "token") : "");
    put(form, "withdraw_mode", notes ? json_get_string(notes, "withdraw_mode") : "");
    put(form, "amount", mimic_decimal(form->arena, transfer->amount, PAYDUNYA_CURRENCY));
    put(form, "updated_at", at);
    put(form, "disburse_id", transfer->reference);
    put(form, "transaction_id", transfer->id);
}

static bool tell(struct mimic *mimic, struct arena *arena, const struct entry *entry, bool forged,
                 struct mimic_answer *ret)
{
    struct form *form = ARENA_NEW(arena, struct form);
    const char *hash = forged ? "00" : paydunya_hash(mimic, arena);
    if (!form || !hash)
        return false;
    form->arena = arena;
    if (entry->kind == ENTRY_CHARGE)
        put_invoice(form, entry, hash);
    else if (entry->kind == ENTRY_REFUND)
        put_disbursement(form, entry, hash);
    ret->body = http_form_write(arena, form->fields, form->n);
    ret->type = "application/x-www-form-urlencoded";
    return form->n > 0 && ret->body;
}

#define BOTH(verb_, path_, duty_, run_)                                                            \
    {verb_, "/api/v1" path_, duty_, run_},                                                         \
    {                                                                                              \
        verb_, "/sandbox-api/v1" path_, duty_, run_                                                \
    }

static const struct mimic_route routes[] = {
    BOTH("POST", "/checkout-invoice/create", MIMIC_OTHER, paydunya_create_post),
    BOTH("GET", "/checkout-invoice/confirm/{}", MIMIC_QUERY, paydunya_confirm_get),
    BOTH("POST", "/softpay/{}", MIMIC_MONEY, paydunya_softpay_post),
    BOTH("POST", "/opr/create", MIMIC_OTHER, paydunya_opr_create_post),
    BOTH("POST", "/opr/charge", MIMIC_MONEY, paydunya_opr_charge_post),
    BOTH("POST", "/direct-pay/credit-account", MIMIC_MONEY, paydunya_credit_post),
    {"POST", "/api/v2/disburse/get-invoice", MIMIC_OTHER, paydunya_disburse_get_post},
    {"POST", "/api/v2/disburse/submit-invoice", MIMIC_MONEY, paydunya_disburse_submit_post},
    {"POST", "/api/v2/disburse/check-status", MIMIC_QUERY, paydunya_disburse_check_post},
    {"GET", "/checkout/invoice/{}", MIMIC_OTHER, paydunya_page_get},
    {"POST", "/checkout/invoice/{}", MIMIC_OTHER, paydunya_page_post},
    {"GET", "/sandbox-checkout/invoice/{}", MIMIC_OTHER, paydunya_page_get},
    {"POST", "/sandbox-checkout/invoice/{}", MIMIC_OTHER, paydunya_page_post},
    {0},
};

const struct mimic_description mimic_paydunya = {
    .name = "paydunya",
    .routes = routes,
    .tell = tell,
    .tell_verb = "POST",
    .tell_tries = 3,
};
