// PayDunya: mobile money and hosted pages in West African francs. A charge is an invoice first,
// which moves nothing; then its page, or SoftPay, is what the payer pays by. There is no refund: it
// is a disbursement to the payer's number.
#include "providers/paydunya.h"

#include <string.h>
#include <strings.h>

#include "base/currency.h"
#include "crypto/crypto.h"
#include "http/form.h"
#include "providers/adapters.h"

#define TEST_PATH "/sandbox-api/v1"
#define LIVE_PATH "/api/v1"

static const struct provider_support supports[] = {
    {.method = "mobile_money", .currencies = PAYDUNYA_CURRENCY, .networks = "orange wave mtn"},
    {.method = "checkout", .currencies = PAYDUNYA_CURRENCY},
    {0},
};

static const struct credential_field fields[] = {
    {"master_key", "the account's master key", true, true},
    {"private_key", "the application's private key (test_… or live_…)", true, true},
    {"token", "the application's token", true, true},
    {"store_name", "what payers see (default: the credential's label)", false, false},
    {"orange_senegal",
     "SoftPay's operator for Orange in Senegal: new-orange-money-senegal (a page "
     "with a QR code, default) or orange-money-senegal (a push)",
     false, false},
    {"softpay_url", "where SoftPay is (default: /api/v1 beside base_url's version)", false, false},
    {"disburse_url", "where disbursements are (default: /api/v2/disburse, likewise)", false, false},
    {"withdraw_mode",
     "where refunds of hosted pages go, such as wave-senegal (default: they are "
     "refused)",
     false, false},
    {0},
};

static const struct provider_error errors[] = {
    {"1001", FAULT_SETUP, "provider_setup", "PayDunya does not accept the credentials."},
    {"4002", FAULT_SETUP, "insufficient_balance", "The balance at PayDunya is too small."},
    {"4003", FAULT_DUPLICATE, NULL, NULL}, // submitted already
    {0},
};

bool paydunya_build(const struct provider_use *use, const char *base, const char *path,
                    const char *body, struct http_request *ret)
{
    struct outgoing outgoing = {
        .base = base,
        .path = path,
        .body = body,
        .headers = {{"PAYDUNYA-MASTER-KEY", credential_get(use->credential, "master_key")},
                    {"PAYDUNYA-PRIVATE-KEY", credential_get(use->credential, "private_key")},
                    {"PAYDUNYA-TOKEN", credential_get(use->credential, "token")}},
    };
    return outgoing_build(use, &outgoing, ret);
}

char *paydunya_url(const struct provider_use *use, const char *field, const char *rest)
{
    static const char *const versions[] = {TEST_PATH, LIVE_PATH};
    const char *own = credential_get(use->credential, field);
    if (*own)
        return arena_strdup(use->arena, own);
    const char *base = credential_base_url(use->credential, use->provider);
    size_t length = strlen(base);
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        size_t tail = strlen(versions[i]);
        if (length >= tail && strcmp(base + length - tail, versions[i]) == 0)
            return arena_printf(use->arena, "%.*s%s", (int)(length - tail), base, rest);
    }
    const char *host = strstr(base, "://");
    size_t root = host ? (size_t)(host - base) + 3 + strcspn(host + 3, "/") : length;
    return arena_printf(use->arena, "%.*s%s", (int)root, base, rest);
}

void paydunya_refused(struct arena *arena, const struct json_value *body, struct outcome *ret)
{
    if (ret->http_status == 429) {
        ret->kind = OUTCOME_NOT_SENT;
        ret->unwell = true;
        return;
    }
    const char *code = body ? answer_text(arena, body, "response_code") : NULL;
    if (!code || strcmp(code, "00") == 0 || ret->http_status >= 500 || ret->http_status == 408 ||
        provider_error_read(errors, code, ret))
        return;
    const char *words = json_get_string(body, "response_text");
    const char *message = arena_printf(arena, "PayDunya refused: %s.", words ? words : code);
    ret->kind = OUTCOME_FAILED;
    ret->error_code = "declined";
    ret->error_message = message ? message : "PayDunya refused.";
}

bool paydunya_open(const struct provider_use *use, const struct http_response *response,
                   const struct json_value **ret_body, struct outcome *ret)
{
    if (!answer_open(use->arena, response, ret_body, ret))
        return false;
    const char *code = *ret_body ? answer_text(use->arena, *ret_body, "response_code") : NULL;
    if (code && strcmp(code, "00") == 0 && response->status / 100 == 2)
        return true;
    paydunya_refused(use->arena, *ret_body, ret);
    return false;
}

bool paydunya_open_query(const struct provider_use *use, const struct http_response *response,
                         const struct json_value **ret_body, struct outcome *ret)
{
    if (paydunya_open(use, response, ret_body, ret))
        return true;
    if (ret->http_status != 0)
        *ret = (struct outcome){
            .kind = OUTCOME_LOST, .unwell = ret->unwell, .http_status = ret->http_status};
    return false;
}

bool paydunya_amount_is(struct arena *arena, const struct json_value *body, const char *path,
                        int64_t amount)
{
    int64_t given;
    double number;
    const char *text = answer_text(arena, body, path);
    if (text)
        return currency_parse(text, PAYDUNYA_CURRENCY, &given) && given == amount;
    return json_get_number(body, path, &number) && number >= (double)amount &&
           number <= (double)amount;
}

// --- The interface
static bool paydunya_act(const struct provider_use *use, const struct provider_act *act,
                         struct http_request *ret)
{
    if (act->kind != OPERATION_CHARGE)
        return act->kind == OPERATION_REFUND && paydunya_disburse(use, act, ret);
    return act->stage == 0 ? paydunya_create(use, act, ret) : paydunya_softpay(use, act, ret);
}

static void paydunya_read_act(const struct provider_use *use, const struct provider_act *act,
                              const struct http_response *response, struct outcome *ret)
{
    if (act->kind != OPERATION_CHARGE)
        paydunya_read_disburse(use, act, response, ret);
    else if (act->stage == 0)
        paydunya_read_create(use, act, response, ret);
    else
        paydunya_read_softpay(use, response, ret);
}

static enum provider_ask paydunya_query(const struct provider_use *use,
                                        const struct provider_act *act, struct http_request *ret)
{
    if (!act->provider_reference)
        return ASK_NEVER; // no invoice was made that we know of, and nobody else does
    bool built = act->kind == OPERATION_CHARGE ? paydunya_confirm(use, act->provider_reference, ret)
                                               : paydunya_check(use, act, ret);
    return built ? ASK_BUILT : ASK_FULL;
}

static void paydunya_read_query(const struct provider_use *use, const struct provider_act *act,
                                const struct http_response *response, struct outcome *ret)
{
    if (act->kind == OPERATION_CHARGE)
        paydunya_read_confirm(use, act, response, ret);
    else
        paydunya_read_check(use, act, response, ret);
}

static bool paydunya_accepts(const struct provider_use *use, const struct provider_act *act,
                             struct outcome *ret)
{
    if (act->kind != OPERATION_CHARGE)
        return paydunya_can_disburse(use, act, ret);
    if (strcmp(act->method, "mobile_money") != 0 || paydunya_operator(act->network, act->msisdn))
        return true;
    *ret = (struct outcome){
        .kind = OUTCOME_FAILED,
        .elsewhere = true,
        .error_code = "phone_invalid",
        .error_message = "PayDunya does not serve this operator in the payer's country.",
    };
    return false;
}

// --- Callbacks: forms, or JSON; their hash is a constant, which anybody has who ever saw one. So a
// right one proves nothing, and a wrong one proves a lie.
static const char *form_or_json(struct arena *arena, struct bytes body, const char *form_name,
                                const char *json_path)
{
    const struct json_value *json = NULL;
    if (body.length == 0)
        return NULL;
    if (json_parse(arena, body, &json) == STATUS_OK)
        return json_get_string(json, json_path);
    return http_form_get(arena, body, form_name);
}

static const char *first_of(struct arena *arena, struct bytes body, const char *const names[][2],
                            size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *found = form_or_json(arena, body, names[i][0], names[i][1]);
        if (found && *found)
            return found;
    }
    return NULL;
}

static enum callback_proof paydunya_callback_proof(const struct provider_use *use,
                                                   const struct provider_callback *callback)
{
    static const char *const names[][2] = {{"data[hash]", "data.hash"}, {"hash", "hash"}};
    struct bytes given;
    const char *hash = first_of(use->arena, callback->body, names, 2);
    struct sha512 digest =
        crypto_sha512(bytes_of_string(credential_get(use->credential, "master_key")));
    if (!hash)
        return CALLBACK_UNPROVEN;
    return crypto_hex_decode(use->arena, hash, &given) &&
                   crypto_equal(given, BYTES_OF_ARRAY(digest.at))
               ? CALLBACK_UNPROVEN
               : CALLBACK_FORGED;
}

static const char *paydunya_callback_reference(struct arena *arena,
                                               const struct provider_callback *callback)
{
    static const char *const names[][2] = {
        {"data[custom_data][reference]", "data.custom_data.reference"},
        {"custom_data[reference]", "custom_data.reference"},
        {"disburse_id", "disburse_id"},
        {"data[disburse_id]", "data.disburse_id"},
    };
    return first_of(arena, callback->body, names, sizeof names / sizeof *names);
}

// --- The probe asks for an invoice that can't be.
static bool paydunya_probe(const struct provider_use *use, const char *currency,
                           struct http_request *ret)
{
    (void)currency;
    return paydunya_confirm(use, "probe", ret);
}

static const char *wrong_environment(const struct provider_use *use)
{
    const char *key = credential_get(use->credential, "private_key");
    bool live = use->credential->live;
    if (live && strncmp(key, "test_", 5) == 0)
        return "private_key is a test key, but the credential is live.";
    if (!live && strncmp(key, "live_", 5) == 0)
        return "private_key is a live key, but the credential is for the sandbox.";
    const char *base = credential_base_url(use->credential, use->provider);
    if (live && strstr(base, TEST_PATH))
        return "The credential is live, but its base_url is of tests (" TEST_PATH ").";
    if (!live && strstr(base, LIVE_PATH) && !strstr(base, TEST_PATH))
        return "The credential is for tests, but its base_url is not " TEST_PATH ".";
    return NULL;
}

static const char *paydunya_read_probe(const struct provider_use *use, const char *currency,
                                       const struct http_response *response)
{
    const struct json_value *body;
    struct outcome outcome;
    const char *environment = wrong_environment(use);
    if (currency && *currency && strcmp(currency, PAYDUNYA_CURRENCY) != 0)
        return arena_printf(use->arena, "PayDunya takes " PAYDUNYA_CURRENCY ", not %s.", currency);
    if (environment)
        return environment;
    if (!answer_open(use->arena, response, &body, &outcome))
        return answer_missing(use->arena, response);
    const char *code = body ? answer_text(use->arena, body, "response_code") : NULL;
    if (!code || response->status >= 500)
        return arena_printf(use->arena,
                            "It does not answer as PayDunya does (HTTP %d): is base_url right?",
                            response->status);
    if (strcmp(code, "1001") == 0)
        return "PayDunya does not accept the keys: master_key, private_key and token must be of "
               "one application and of this environment.";
    return NULL;
}

void paydunya_init(struct provider *provider)
{
    *provider = (struct provider){
        .name = "paydunya",
        .title = "PayDunya",
        .supports = supports,
        .fields = fields,
        .sandbox_url = "https://app.paydunya.com/sandbox-api/v1",
        .live_url = "https://app.paydunya.com/api/v1",
        .prepares = {[OPERATION_CHARGE] = STAGE(0), [OPERATION_REFUND] = STAGE(0)},
        .repeatable = {[OPERATION_CHARGE] = STAGE(0), [OPERATION_REFUND] = STAGE(0)},
        .partial_refunds = true,
        .connect_ms = 2000,
        .total_ms = 5000,
        .query_after_ms = 2000,
        .settle_ms = 60000,
        .act = paydunya_act,
        .query = paydunya_query,
        .read_act = paydunya_read_act,
        .read_query = paydunya_read_query,
        .accepts = paydunya_accepts,
        .callback_proof = paydunya_callback_proof,
        .callback_reference = paydunya_callback_reference,
        .probe = paydunya_probe,
        .read_probe = paydunya_read_probe,
    };
}
