// Airtel Money: tokens, the key that signatures are made with, enquiries. airtel_outcome.c has the
// numbers to try things with.
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/currency.h"
#include "crypto/crypto.h"
#include "mimics/airtel.h"

#define TOKEN_US (180 * US_PER_S)
#define TOKEN_S_TEXT "180" // a string, as Airtel has it
#define TOKEN_KIND "airtel"
#define KEY_ID 63
#define KEY_LIFE_US (365 * 24 * 3600 * US_PER_S)

struct country {
    const char *code, *currency;
    size_t digits; // of a number without country code
};

static const struct country countries[] = {
    {"ZM", "ZMW", 9}, {"UG", "UGX", 9}, {"KE", "KES", 9},  {"TZ", "TZS", 9}, {"MW", "MWK", 9},
    {"RW", "RWF", 9}, {"MG", "MGA", 9}, {"CD", "CDF", 9},  {"CG", "XAF", 9}, {"GA", "XAF", 8},
    {"TD", "XAF", 8}, {"NE", "XOF", 8}, {"NG", "NGN", 10}, {"SC", "SCR", 7},
};

static const struct country *country_of(const struct mimic_call *call)
{
    const char *code = mimic_header(call, "X-Country");
    for (size_t i = 0; i < sizeof countries / sizeof *countries; i++)
        if (strcmp(countries[i].code, code) == 0)
            return &countries[i];
    return NULL;
}

void airtel_refuse(struct mimic_call *call, int status, const char *code)
{
    bool is_result = strncmp(code, "ESB", 3) == 0;
    bool is_unknown = strcmp(code, "ESB000045") == 0;
    const char *response_code = is_unknown ? "DP00800001025" : is_result ? NULL : code;
    const char *state = json_object(
        call->arena, (struct json_member[]){JSON_S("code", arena_printf(call->arena, "%d", status)),
                                            JSON_S("message", airtel_message(code)),
                                            JSON_S("result_code", is_result ? code : NULL),
                                            JSON_S("response_code", response_code),
                                            JSON_B("success", false),
                                            {0}});
    mimic_reply(call, status,
                json_object(call->arena, (struct json_member[]){JSON_R("status", state), {0}}));
}

void airtel_answer(struct mimic_call *call, const char *transaction, const char *result_code,
                   const char *response_code)
{
    const char *data =
        json_object(call->arena, (struct json_member[]){JSON_R("transaction", transaction), {0}});
    const char *state =
        json_object(call->arena, (struct json_member[]){JSON_S("code", "200"),
                                                        JSON_S("message", "SUCCESS"),
                                                        JSON_S("result_code", result_code),
                                                        JSON_S("response_code", response_code),
                                                        JSON_B("success", true),
                                                        {0}});
    mimic_reply(call, 200,
                json_object(call->arena, (struct json_member[]){
                                             JSON_R("data", data), JSON_R("status", state), {0}}));
}

void airtel_time_out(struct mimic_call *call)
{
    mimic_reply(call, 408, "<html><body><h1>408 Request Time-out</h1></body></html>\n");
    call->answer.type = "text/html";
}

bool airtel_admitted(struct mimic_call *call)
{
    const struct country *country = country_of(call);
    const char *currency = mimic_header(call, "X-Currency");
    if (!mimic_granted(call->mimic, TOKEN_KIND, mimic_bearer(call)))
        mimic_reply(call, 401,
                    "{\"error\":\"invalid_token\","
                    "\"error_description\":\"The access token is invalid or has expired\"}");
    else if (!*mimic_header(call, "X-Country"))
        airtel_refuse(call, 400, "ROUTER003");
    else if (!country)
        airtel_refuse(call, 200, "ESB000034");
    else if (!currency_known(currency, NULL))
        airtel_refuse(call, 400, "ROUTER112");
    else if (strcmp(country->currency, currency) != 0)
        airtel_refuse(call, 400, "ROUTER119");
    else
        return true;
    return false;
}

bool airtel_msisdn_valid(struct mimic_call *call, const char *msisdn)
{
    const struct country *country = country_of(call);
    size_t length = strspn(msisdn, "0123456789");
    bool is_zambian = strcmp(country->code, "ZM") == 0;
    if (msisdn[length] || length > country->digits)
        airtel_refuse(call, 200, "ESB000033");
    else if (length < country->digits)
        airtel_refuse(call, 200, "ESB000036");
    else if (is_zambian && strncmp(msisdn, "97", 2) != 0 && strncmp(msisdn, "77", 2) != 0)
        airtel_refuse(call, 400, "ROUTER001");
    else
        return true;
    return false;
}

static bool is_text(const struct mimic_call *call, const char *name, const char *expected)
{
    const char *given = json_get_string(call->body, name);
    return given && crypto_equal(bytes_of_string(given), bytes_of_string(expected));
}

static void token_post(struct mimic_call *call)
{
    struct mimic *mimic = call->mimic;
    if (!call->body || !is_text(call, "grant_type", "client_credentials")) {
        mimic_reply(call, 400,
                    "{\"error\":\"unsupported_grant_type\","
                    "\"error_description\":\"Unsupported grant type\"}");
        return;
    }
    if (!is_text(call, "client_id", mimic_setting(mimic, "CLIENT_ID")) ||
        !is_text(call, "client_secret", mimic_setting(mimic, "CLIENT_SECRET"))) {
        mimic_reply(call, 401,
                    "{\"error\":\"invalid_client\","
                    "\"error_description\":\"Invalid client authentication\"}");
        return;
    }
    const char *token =
        mimic_grant(mimic, call->arena, TOKEN_KIND, mimic_scaled_us(mimic, TOKEN_US));
    mimic_reply(call, token ? 200 : 500,
                json_object(call->arena, (struct json_member[]){JSON_S("access_token", token),
                                                                JSON_S("expires_in", TOKEN_S_TEXT),
                                                                JSON_S("token_type", "bearer"),
                                                                {0}}));
}

static void keys_get(struct mimic_call *call)
{
    char until[RFC3339_SIZE];
    if (!airtel_admitted(call))
        return;
    clock_rfc3339(call->now_us + KEY_LIFE_US, until);
    const char *data =
        json_object(call->arena, (struct json_member[]){JSON_I("key_id", KEY_ID),
                                                        JSON_S("key", airtel_public_key()),
                                                        JSON_S("valid_upto", until),
                                                        {0}});
    const char *state =
        json_object(call->arena, (struct json_member[]){JSON_S("code", "200"),
                                                        JSON_S("message", "SUCCESS"),
                                                        JSON_S("result_code", "ESB000010"),
                                                        JSON_B("success", true),
                                                        {0}});
    mimic_reply(call, 200,
                json_object(call->arena, (struct json_member[]){
                                             JSON_R("data", data), JSON_R("status", state), {0}}));
}

static const char *word_of(const struct entry *entry)
{
    switch (entry->status) {
    case ENTRY_SUCCEEDED:
        return "TS";
    case ENTRY_EXPIRED:
        return "TE";
    case ENTRY_FAILED:
    case ENTRY_CANCELED:
        return "TF";
    default:
        return *entry->state ? entry->state : "TIP";
    }
}

static const char *code_of(const struct entry *entry, const char *word)
{
    if (strcmp(word, "TS") == 0)
        return "DP00800001001";
    if (strcmp(word, "TA") == 0)
        return AIRTEL_AMBIGUOUS;
    return strcmp(word, "TIP") == 0 ? AIRTEL_SENT : entry->code;
}

// `success` speaks of the answer and is true for a failed payment too: transaction.status decides.
void airtel_report(struct mimic_call *call, const struct entry *entry, bool is_early)
{
    const char *word = is_early ? "TIP" : word_of(entry);
    const char *code = code_of(entry, word);
    bool is_failed = strcmp(word, "TF") == 0 || strcmp(word, "TE") == 0;
    const char *transaction =
        json_object(call->arena, (struct json_member[]){JSON_S("airtel_money_id", entry->id),
                                                        JSON_S("id", entry->reference),
                                                        JSON_S("message", airtel_message(code)),
                                                        JSON_S("status", word),
                                                        {0}});
    airtel_answer(call, transaction, is_failed ? "ESB000011" : "ESB000010", code);
}

// A refund has no id that its caller knows, so there is no asking for it.
static void enquire(struct mimic_call *call, enum entry_kind kind)
{
    if (!airtel_admitted(call))
        return;
    const struct entry *entry = mimic_find(call->mimic, call->names[0]);
    if (!entry || entry->kind != kind || *entry->related) {
        airtel_refuse(call, 200, "ESB000045");
        return;
    }
    int64_t wait_us = kind == ENTRY_CHARGE ? mimic_scaled_us(call->mimic, AIRTEL_WAIT_US) : 0;
    // Who has been called back need not wait any more.
    bool told = entry->status != ENTRY_PENDING && entry->callback_url;
    airtel_report(call, entry, !told && call->now_us < entry->created_us + wait_us);
}

static void payment_get(struct mimic_call *call)
{
    enquire(call, ENTRY_CHARGE);
}

static void disbursement_get(struct mimic_call *call)
{
    enquire(call, ENTRY_REFUND);
}

// The hash is over these bytes of the transaction; a lie is signed with another key.
static bool tell(struct mimic *mimic, struct arena *arena, const struct entry *entry, bool forged,
                 struct mimic_answer *ret)
{
    const char *key = mimic_setting(mimic, "HASH_KEY");
    bool is_paid = forged || entry->status == ENTRY_SUCCEEDED;
    const char *message = airtel_message(is_paid ? "DP00800001001" : entry->code);
    const char *transaction =
        json_object(arena, (struct json_member[]){JSON_S("id", entry->reference),
                                                  JSON_S("message", message),
                                                  JSON_S("status_code", is_paid ? "TS" : "TF"),
                                                  JSON_S("airtel_money_id", entry->id),
                                                  {0}});
    if (!transaction)
        return false;
    const char *hash = airtel_hash(arena, forged ? "forged" : key, transaction);
    ret->body = json_object(
        arena,
        (struct json_member[]){JSON_R("transaction", transaction), JSON_S("hash", hash), {0}});
    return ret->body;
}

static const struct mimic_route routes[] = {
    {"POST", "/auth/oauth2/token", MIMIC_GRANT, token_post},
    {"GET", "/v1/rsa/encryption-keys", MIMIC_OTHER, keys_get},
    {"POST", "/merchant/v1/payments/", MIMIC_MONEY, airtel_push_v1},
    {"POST", "/merchant/v2/payments/", MIMIC_MONEY, airtel_push_v2},
    {"POST", "/standard/v1/payments/refund", MIMIC_MONEY, airtel_give_back},
    {"GET", "/standard/v1/payments/{}", MIMIC_QUERY, payment_get},
    {"POST", "/standard/v1/disbursements/", MIMIC_MONEY, airtel_disburse},
    {"GET", "/standard/v1/disbursements/{}", MIMIC_QUERY, disbursement_get},
    {0},
};

const struct mimic_description mimic_airtel = {
    .name = "airtel", .routes = routes, .tell = tell, .tell_verb = "POST", .tell_tries = 3};
