// Zamtel Kwacha, as client code knows it: two GETs that block until the PIN is entered. There is
// nothing to ask afterwards and nobody calls back, so what was not answered is for a person; and
// whether a ConversationId that comes twice is charged twice is not known, so nothing is repeated.
//
// Its URLs hold the password: they are in no log line, error or row.
#include <string.h>

#include "base/currency.h"
#include "base/phone.h"
#include "http/form.h"
#include "providers/adapters.h"
#include "providers/common.h"

#define TEST_PATH "/ZampayRest"
#define LIVE_PATH "/ZampayRestProd"
#define CURRENCY "ZMW"
#define ZAMBIA "260"
#define PAID "0"
#define NOT_ADMITTED "2001"
#define PROBE_MS 10000 // nobody has to enter a PIN

static const struct credential_field fields[] = {
    {"third_party_id", "ThirdPartyID", true, false},
    {"password", "Password", true, true},
    {"shortcode", "the merchant's short code", true, false},
    {"identifier", "of payouts, by which refunds are made", false, false},
    {"credential", "of payouts", false, true},
    {0},
};

static const struct provider_support supports[] = {
    {"mobile_money", CURRENCY, "zamtel", false},
    {0},
};

static const struct provider_error errors[] = {
    {"E8003", FAULT_PERMANENT, "wrong_pin", "The payer entered a wrong PIN."},
    {"2006", FAULT_PERMANENT, "insufficient_funds",
     "The paying account does not hold enough money."},
    {"2004", FAULT_PERMANENT, "amount_invalid", "Zamtel does not take the amount."},
    {"2005", FAULT_PERMANENT, "limit_exceeded", "The account has reached a limit."},
    {"E8036", FAULT_PERMANENT, "payer_not_found", "The number has no Zamtel Kwacha account."},
    {NOT_ADMITTED, FAULT_SETUP, "provider_setup", "Zamtel does not accept the credentials."},
    {"E8027", FAULT_PERMANENT, "declined", "Zamtel could not process the operation."},
    {"-1", FAULT_UNKNOWN, NULL, NULL}, // internal: before or after the money moved
    {0},
};

// --- Requests
static bool build(const struct provider_use *use, const char *path, const struct http_field *query,
                  size_t n, struct http_request *ret)
{
    const char *form = http_form_write(use->arena, query, n);
    struct outgoing outgoing = {
        .path = form ? arena_printf(use->arena, "%s?%s", path, form) : NULL,
        // A GET that is sent on a kept connection which turns out dead would be sent again.
        .headers = {{"Connection", "close"}},
    };
    if (!outgoing_build(use, &outgoing, ret))
        return false;
    ret->once = true; // it charges, though it is a GET
    return true;
}

static bool zamtel_act(const struct provider_use *use, const struct provider_act *act,
                       struct http_request *ret)
{
    const struct credential *credential = use->credential;
    bool is_refund = act->kind == OPERATION_REFUND;
    const char *amount = currency_decimal(use->arena, act->amount, act->currency, true);
    const char *conversation = reference_compact(use->arena, act->reference);
    if ((!is_refund && act->kind != OPERATION_CHARGE) || !amount || !conversation || !act->msisdn)
        return false;
    const struct http_field query[] = {
        {"ThirdPartyID", credential_get(credential, "third_party_id")},
        {"Password", credential_get(credential, "password")},
        {"Amount", amount},
        {"Msisdn", act->msisdn},
        {"Shortcode", credential_get(credential, "shortcode")},
        {"ConversationId", conversation},
        {"identifier", is_refund ? credential_get(credential, "identifier") : NULL},
        {"credential", is_refund ? credential_get(credential, "credential") : NULL},
    };
    return build(use, is_refund ? "/B2CReq" : "/Req", query, sizeof query / sizeof *query, ret);
}

// --- Answers
static bool is_ours(const struct provider_use *use, const struct provider_act *act,
                    const struct json_value *body)
{
    const char *ours = reference_compact(use->arena, act->reference);
    const char *theirs = json_get_string(body, "Conversation id");
    return ours && (!theirs || !*theirs || strcmp(theirs, ours) == 0);
}

static void zamtel_read_act(const struct provider_use *use, const struct provider_act *act,
                            const struct http_response *response, struct outcome *ret)
{
    const struct json_value *body;
    if (!answer_open(use->arena, response, &body, ret))
        return;
    int status = response->status;
    if (status == 401 || status == 403 || status == 429) {
        ret->kind = OUTCOME_NOT_SENT; // not Zamtel's own words, but before it at any rate
        ret->unwell = status == 429;
        return;
    }
    if (status != 200 || !body || !is_ours(use, act, body))
        return;
    const char *code = answer_text(use->arena, body, "status");
    if (code && strcmp(code, PAID) == 0) {
        ret->kind = OUTCOME_SUCCEEDED;
        ret->provider_reference = answer_text(use->arena, body, "TransactionId");
        if (!ret->provider_reference)
            ret->provider_reference = answer_text(use->arena, body, "Transaction id");
    } else {
        (void)provider_error_read(errors, code, ret);
    }
}

// --- Before anything is sent
static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), wanted = strlen(end);
    return length >= wanted && strcmp(text + length - wanted, end) == 0;
}

static const char *setup_finding(const struct provider_use *use)
{
    const char *base = credential_base_url(use->credential, use->provider);
    bool is_test = ends_with(base, TEST_PATH), is_live = ends_with(base, LIVE_PATH);
    if (!is_test && !is_live)
        return "base_url must end in " TEST_PATH " (test) or " LIVE_PATH " (live).";
    if (is_test && use->credential->live)
        return "A live credential needs a base_url that ends in " LIVE_PATH ".";
    if (is_live && !use->credential->live)
        return "A test credential needs a base_url that ends in " TEST_PATH ".";
    return NULL;
}

static bool refuse(struct outcome *ret, const char *code, const char *message, bool elsewhere)
{
    *ret = (struct outcome){.kind = OUTCOME_FAILED};
    outcome_refuse(ret, code, message, elsewhere);
    return false;
}

static bool zamtel_accepts(const struct provider_use *use, const struct provider_act *act,
                           struct outcome *ret)
{
    const char *finding = setup_finding(use);
    bool pays_out = *credential_get(use->credential, "identifier") &&
                    *credential_get(use->credential, "credential");
    if (finding)
        return refuse(ret, "provider_setup", finding, true);
    if (act->kind == OPERATION_REFUND && !pays_out)
        return refuse(ret, "provider_setup",
                      "Refunds need the identifier and credential of payouts.", false);
    if (!act->msisdn || !phone_national(act->msisdn, ZAMBIA))
        return refuse(ret, "phone_invalid", "The phone number is not Zambian.", true);
    return true;
}

// --- Nothing calls back; what pretends to is about nothing of ours.
static const char *zamtel_callback_reference(struct arena *arena,
                                             const struct provider_callback *callback)
{
    (void)arena;
    (void)callback;
    return NULL;
}

// --- The probe: a collection of nothing from nobody. Credentials are looked at first.
static bool zamtel_probe(const struct provider_use *use, const char *currency,
                         struct http_request *ret)
{
    const struct credential *credential = use->credential;
    const struct http_field query[] = {
        {"ThirdPartyID", credential_get(credential, "third_party_id")},
        {"Password", credential_get(credential, "password")},
        {"Amount", "0"},
        {"Msisdn", ""},
        {"Shortcode", credential_get(credential, "shortcode")},
        {"ConversationId", "obolprobe"},
    };
    (void)currency;
    if (!build(use, "/Req", query, sizeof query / sizeof *query, ret))
        return false;
    ret->total_ms = PROBE_MS;
    return true;
}

static const char *zamtel_read_probe(const struct provider_use *use, const char *currency,
                                     const struct http_response *response)
{
    const struct json_value *body;
    struct outcome ignored;
    const char *finding = setup_finding(use);
    if (!finding)
        finding = answer_missing(use->arena, response);
    if (finding)
        return finding;
    if (currency && *currency && strcmp(currency, CURRENCY) != 0)
        return arena_printf(use->arena, "Zamtel takes " CURRENCY " only, not %s.", currency);
    (void)answer_open(use->arena, response, &body, &ignored);
    const char *code = body ? answer_text(use->arena, body, "status") : NULL;
    if (response->status != 200 || !code)
        return arena_printf(use->arena,
                            "What answered (HTTP %d) is not Zamtel: check base_url, or try "
                            "again later.",
                            response->status);
    if (strcmp(code, NOT_ADMITTED) == 0)
        return "Zamtel does not accept third_party_id, password or shortcode; those of tests are "
               "not those of live payments.";
    return NULL;
}

void zamtel_init(struct provider *provider)
{
    *provider = (struct provider){
        .name = "zamtel",
        .title = "Zamtel Kwacha",
        .supports = supports,
        .fields = fields,
        .partial_refunds = true,
        .connect_ms = 5000,
        .total_ms = 120000,
        .act = zamtel_act,
        .read_act = zamtel_read_act,
        .accepts = zamtel_accepts,
        .callback_proof = callback_prove_hmac,
        .callback_reference = zamtel_callback_reference,
        .probe = zamtel_probe,
        .read_probe = zamtel_read_probe,
    };
}
