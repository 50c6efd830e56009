// Blumon Pay: cards (MXN, USD, EUR), tokenised with their CVV, which is kept nowhere, so that a
// charge carries the token alone; and a hosted page. It knows no idempotency and can't be asked
// about a charge: what a proven webhook says is its word, and what none is said of goes to a
// person.
#include "providers/blumon.h"

#include <stdio.h>
#include <string.h>

#include "crypto/crypto.h"
#include "http/form.h"
#include "providers/adapters.h"

#define TOKEN_LIVES_S 10799
#define NEEDS_TOKEN STAGE(0)

static const struct provider_support supports[] = {
    {.method = "card", .currencies = BLUMON_CURRENCIES},
    {.method = "checkout", .currencies = BLUMON_CURRENCIES},
    {0},
};

// Where the provider's documents are silent, the values are ours to guess and the operator's to
// set.
static const struct credential_field fields[] = {
    {"username", "the merchant's user at Blumon", true, false},
    {"password", "that user's password", true, true},
    {"client_id", "the client that Blumon's tokens are asked for with", true, false},
    {"client_secret", "that client's secret", true, true},
    {"tokens_url", "the host of tokens (default: base_url when it is set, else Blumon's)", false,
     false},
    {"three_d_secure", "always, on_demand (when the card wants it) or never (default)", false,
     false},
    {"refund_path", "before a charge's id, for a part of it (default /ecommerce/refund/)", false,
     false},
    {"status_path", "before our reference, to ask about a charge (default: none)", false, false},
    {"threeds_status_path", "before a registration's id (default /mpi/3ds-registry/)", false,
     false},
    {0},
};

const char *blumon_field(const struct provider_use *use, const char *name, const char *fallback)
{
    const char *value = credential_get(use->credential, name);
    return *value ? value : fallback;
}

bool blumon_build(const struct provider_use *use, const char *path, const char *body,
                  struct http_request *ret)
{
    struct outgoing outgoing = {
        .path = path,
        .body = body,
        .headers = {{"Authorization", outgoing_bearer(use->arena, use->sessions[0])}},
    };
    return outgoing_build(use, &outgoing, ret);
}

static const char *tokens_url(const struct provider_use *use)
{
    const char *theirs = use->credential->live ? "https://tokener.blumonpay.net"
                                               : "https://sandbox-tokener.blumonpay.net";
    return blumon_field(use, "tokens_url", blumon_field(use, "base_url", theirs));
}

// OAuth 2 with the resource owner's password (RFC 6749, section 4.3), as its SHA-256.
static bool blumon_session(const struct provider_use *use, size_t which, struct http_request *ret)
{
    (void)which;
    struct arena *arena = use->arena;
    struct sha256 digest =
        crypto_sha256(bytes_of_string(credential_get(use->credential, "password")));
    const char *password = crypto_hex(arena, BYTES_OF_ARRAY(digest.at));
    struct http_field form[] = {
        {"grant_type", "password"},
        {"username", credential_get(use->credential, "username")},
        {"password", password},
    };
    struct outgoing outgoing = {
        .base = tokens_url(use),
        .path = "/oauth/token",
        .body = password ? http_form_write(arena, form, 3) : NULL,
        .type = "application/x-www-form-urlencoded",
        .headers = {{"Authorization",
                     outgoing_basic(arena, credential_get(use->credential, "client_id"),
                                    credential_get(use->credential, "client_secret"))}},
    };
    return outgoing.body && outgoing_build(use, &outgoing, ret);
}

static void blumon_read_session(const struct provider_use *use, size_t which,
                                const struct http_response *response, struct session_grant *ret)
{
    (void)which;
    const struct json_value *body;
    struct outcome ignored;
    answer_grant(use->arena, response, TOKEN_LIVES_S, ret);
    if (ret->outcome.kind != OUTCOME_FAILED ||
        !answer_open(use->arena, response, &body, &ignored) || !body)
        return;
    const char *error = json_get_string(body, "error");
    if (error && strcmp(error, "invalid_client") == 0)
        ret->outcome.error_message = "Blumon does not know client_id with this client_secret.";
    else if (error && strcmp(error, "invalid_grant") == 0)
        ret->outcome.error_message = "Blumon does not know username with this password (sandbox "
                                     "and live differ).";
}

static unsigned blumon_needs(const struct provider_use *use, const struct provider_act *act)
{
    (void)use;
    (void)act;
    return NEEDS_TOKEN;
}

// --- Cards. The holder's name is demanded; many payers give none.
static bool blumon_tokenize(const struct provider_use *use, const struct provider_card *card,
                            struct http_request *ret)
{
    const char *holder = card->holder_name && *card->holder_name ? card->holder_name : "CARDHOLDER";
    struct arena *arena = use->arena;
    char *month = arena_printf(arena, "%02d", (int)card->expiry_month);
    char *year = arena_printf(arena, "%04d", (int)card->expiry_year);
    const char *body = outgoing_object(
        arena, (struct json_member[]){
                   JSON_S("pan", card->number),
                   JSON_S("expMonth", month),
                   JSON_S("expYear", year),
                   JSON_S("holderName", holder),
                   JSON_S("cvv", card->cvv),
                   JSON_R("customerInformation", blumon_customer(arena, holder, NULL, NULL)),
                   {0},
               });
    return body && month && year && blumon_build(use, "/cardToken/add", body, ret);
}

static const char *blumon_read_token(const struct provider_use *use,
                                     const struct http_response *response, struct outcome *ret)
{
    const struct json_value *body;
    bool success = false;
    if (!answer_open(use->arena, response, &body, ret))
        return NULL;
    const char *token = body ? answer_text(use->arena, body, "dataResponse.id") : NULL;
    if (response->status / 100 == 2 && body && json_get_bool(body, "status", &success) && success &&
        token && *token)
        return token;
    blumon_read_refusal(use->arena, body, ret);
    return NULL;
}

// Numbers that are published for tests: no issuer has them.
static enum instrument blumon_instrument(const struct provider_act *act,
                                         const struct provider_card *card)
{
    static const char *const published[] = {
        "4242424242424242", "4111111111111111", "5555555555554444", "4000000000000002",
        "4000000000009995", "4000000000000069", "4000000000000127", "4000000000000119",
        "4000000000001018", "4000000000000622", "4000000000050056", "4000000000000614",
        "4000000000000655", "4000000000040040", "4000000000000945", "4000000000001877",
        "4000000000080012", "4000000000080038", "4000003800000446", "4000002760003184",
    };
    (void)act;
    if (!card)
        return INSTRUMENT_EITHER;
    for (size_t i = 0; i < sizeof published / sizeof *published; i++)
        if (strcmp(card->number, published[i]) == 0)
            return INSTRUMENT_TEST;
    return INSTRUMENT_LIVE;
}

// How a payer left a hosted page is told by webhook alone.
static bool would_be_told(const struct provider_use *use, const struct provider_act *act)
{
    return strcmp(act->method, "checkout") != 0 || *blumon_field(use, "webhook_secret", "") ||
           *blumon_field(use, "status_path", "");
}

// Money is taken at once, and what was never charged under a name of theirs can't be given back.
static bool blumon_accepts(const struct provider_use *use, const struct provider_act *act,
                           struct outcome *ret)
{
    bool named = act->charge_provider_reference && *act->charge_provider_reference;
    if (act->kind == OPERATION_CHARGE && !would_be_told(use, act)) {
        *ret = (struct outcome){
            .kind = OUTCOME_FAILED,
            .elsewhere = true,
            .error_code = "provider_setup",
            .error_message = "A hosted page needs webhook_secret: nothing else tells how it went.",
        };
        return false;
    }
    if (act->kind == OPERATION_CHARGE || (named && act->kind != OPERATION_CAPTURE))
        return true;
    *ret = (struct outcome){
        .kind = OUTCOME_FAILED,
        .error_code = "refund_unsupported",
        .error_message = "The provider's name of the charge is not known.",
    };
    return false;
}

static const char *blumon_callback_reference(struct arena *arena,
                                             const struct provider_callback *callback)
{
    const struct json_value *body;
    if (json_parse(arena, callback->body, &body) != STATUS_OK)
        return NULL;
    const char *reference = json_get_string(body, "reference");
    return reference && *reference ? reference : NULL;
}

// An empty card is refused, whatever else is right.
static bool blumon_probe(const struct provider_use *use, const char *currency,
                         struct http_request *ret)
{
    (void)currency;
    return blumon_build(use, "/cardToken/add", "{}", ret);
}

static const char *blumon_read_probe(const struct provider_use *use, const char *currency,
                                     const struct http_response *response)
{
    const struct json_value *body;
    struct outcome outcome;
    bool success;
    if (currency && *currency && !provider_supports(use->provider, "card", currency, NULL, false))
        return arena_printf(use->arena, "Blumon takes %s, not %s.", BLUMON_CURRENCIES, currency);
    if (!answer_open(use->arena, response, &body, &outcome))
        return answer_missing(use->arena, response);
    if (response->status == 401)
        return "Blumon's e-commerce host does not accept the token: base_url and tokens_url are of "
               "different environments.";
    if (!body || response->status >= 500 || !json_get_bool(body, "status", &success))
        return arena_printf(use->arena,
                            "The e-commerce host does not answer as Blumon does (HTTP %d): is "
                            "base_url right?",
                            response->status);
    return NULL;
}

void blumon_init(struct provider *provider)
{
    static const struct provider_session sessions[] = {{.name = "token"}};
    *provider = (struct provider){
        .name = "blumon",
        .title = "Blumon Pay",
        .supports = supports,
        .fields = fields,
        .sandbox_url = "https://sandbox-ecommerce.blumonpay.net",
        .live_url = "https://ecommerce.blumonpay.net",
        .speaks_by_callback = true,
        .partial_refunds = true,
        .connect_ms = 2000,
        .total_ms = 5000,
        .query_after_ms = 2000,
        .settle_ms = 60000,
        .sessions = sessions,
        .sessions_n = 1,
        .session = blumon_session,
        .read_session = blumon_read_session,
        .needs = blumon_needs,
        .act = blumon_act,
        .query = blumon_query,
        .read_act = blumon_read_act,
        .read_query = blumon_read_query,
        .accepts = blumon_accepts,
        .tokenize = blumon_tokenize,
        .read_token = blumon_read_token,
        .instrument = blumon_instrument,
        .callback_proof = callback_prove_hmac,
        .callback_reference = blumon_callback_reference,
        .probe = blumon_probe,
        .read_probe = blumon_read_probe,
    };
}
