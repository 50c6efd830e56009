#include "providers/mtn.h"

#include <string.h>

#define TOKEN_S 3600
#define SANDBOX "sandbox"

// What each market pays in; the sandbox takes euros only.
static const struct {
    const char *environment, *currency;
} markets[] = {
    {SANDBOX, "EUR"},      {"mtnzambia", "ZMW"},        {"mtnuganda", "UGX"},
    {"mtnghana", "GHS"},   {"mtncameroon", "XAF"},      {"mtnivorycoast", "XOF"},
    {"mtnbenin", "XOF"},   {"mtncongo", "XAF"},         {"mtnswaziland", "SZL"},
    {"mtnliberia", "LRD"}, {"mtnguineaconakry", "GNF"}, {"mtnsouthafrica", "ZAR"},
    {"mtnrwanda", "RWF"},
};

// --- What a credential says
static const char *environment_of(const struct provider_use *use)
{
    const char *environment = credential_get(use->credential, "target_environment");
    return *environment ? environment : SANDBOX;
}

static const char *market_currency(const char *environment)
{
    for (size_t i = 0; i < sizeof markets / sizeof *markets; i++)
        if (strcmp(markets[i].environment, environment) == 0)
            return markets[i].currency;
    return NULL;
}

// Of refunds, where it is given; otherwise what collections use.
static const char *secret_of(const struct provider_use *use, enum mtn_product product,
                             const char *refunds, const char *collections)
{
    const char *own = product == MTN_DISBURSEMENT ? credential_get(use->credential, refunds) : "";
    return *own ? own : credential_get(use->credential, collections);
}

static const char *subscription_of(const struct provider_use *use, enum mtn_product product)
{
    return secret_of(use, product, "disbursement_subscription_key", "subscription_key");
}

static const char *product_name(enum mtn_product product)
{
    return product == MTN_DISBURSEMENT ? "disbursement" : "collection";
}

// --- Sessions
const struct provider_session mtn_sessions[] = {
    [MTN_COLLECTION] = {"collection", 0},
    [MTN_DISBURSEMENT] = {"disbursement", 0},
};

unsigned mtn_needs(const struct provider_use *use, const struct provider_act *act)
{
    (void)use;
    return 1u << (act->kind == OPERATION_REFUND ? MTN_DISBURSEMENT : MTN_COLLECTION);
}

bool mtn_session(const struct provider_use *use, size_t which, struct http_request *ret)
{
    enum mtn_product product = (enum mtn_product)which;
    struct outgoing outgoing = {
        .method = "POST",
        .path = arena_printf(use->arena, "/%s/token/", product_name(product)),
        .headers = {{"Authorization",
                     outgoing_basic(use->arena,
                                    secret_of(use, product, "disbursement_user", "api_user"),
                                    secret_of(use, product, "disbursement_key", "api_key"))},
                    {"Ocp-Apim-Subscription-Key", subscription_of(use, product)}},
    };
    return outgoing_build(use, &outgoing, ret);
}

// The gateway before MTN says so in words only.
static bool is_about_subscription(const struct json_value *body)
{
    const char *message = body ? json_get_string(body, "message") : NULL;
    return message && strstr(message, "subscription key");
}

static const char *refused_finding(struct arena *arena, enum mtn_product product,
                                   const struct json_value *body)
{
    const char *name = product_name(product);
    const char *also = product == MTN_DISBURSEMENT ? " (it is needed for refunds)" : "";
    if (is_about_subscription(body))
        return arena_printf(arena, "MTN does not accept the subscription key of %s%s.", name, also);
    return arena_printf(arena, "MTN does not accept the API user or its key for %s%s.", name, also);
}

void mtn_read_session(const struct provider_use *use, size_t which,
                      const struct http_response *response, struct session_grant *ret)
{
    const struct json_value *body;
    struct outcome ignored;
    answer_grant(use->arena, response, TOKEN_S, ret);
    if (ret->text || ret->outcome.kind != OUTCOME_FAILED)
        return;
    (void)answer_open(use->arena, response, &body, &ignored);
    ret->outcome.error_message = refused_finding(use->arena, (enum mtn_product)which, body);
}

struct outgoing mtn_outgoing(const struct provider_use *use, enum mtn_product product,
                             const char *path)
{
    return (struct outgoing){
        .path = path,
        .headers = {{"Authorization", outgoing_bearer(use->arena, use->sessions[product])},
                    {"X-Target-Environment", environment_of(use)},
                    {"Ocp-Apim-Subscription-Key", subscription_of(use, product)}},
    };
}

const char *mtn_code(const struct json_value *body)
{
    return body ? json_get_string(body, "code") : NULL;
}

// --- Before anything is sent
static const char *environment_finding(const struct provider_use *use)
{
    if (use->credential->live && strcmp(environment_of(use), SANDBOX) == 0)
        return "A live credential needs its market as target_environment (mtnzambia, mtnuganda, "
               "mtnghana …): it has none, or sandbox.";
    return NULL;
}

static const char *currency_finding(const struct provider_use *use, const char *currency)
{
    const char *environment = environment_of(use);
    const char *expected = market_currency(environment);
    if (!currency || !*currency || !expected || strcmp(expected, currency) == 0)
        return NULL;
    return arena_printf(use->arena, "MTN takes %s in %s, not %s.", expected, environment, currency);
}

bool mtn_accepts(const struct provider_use *use, const struct provider_act *act,
                 struct outcome *ret)
{
    const char *finding = environment_finding(use);
    const char *code = "provider_setup";
    if (!finding) {
        finding = currency_finding(use, act->currency);
        code = "currency_unsupported";
    }
    if (finding) {
        *ret = (struct outcome){.kind = OUTCOME_FAILED};
        outcome_refuse(ret, code, finding, true);
    }
    return !finding;
}

// --- The probe: the balance of the collecting account.
bool mtn_probe(const struct provider_use *use, const char *currency, struct http_request *ret)
{
    (void)currency;
    struct outgoing outgoing =
        mtn_outgoing(use, MTN_COLLECTION, "/collection/v1_0/account/balance");
    return outgoing_build(use, &outgoing, ret);
}

static const char *balance_finding(const struct provider_use *use, const char *currency,
                                   const struct json_value *body)
{
    const char *held = body ? json_get_string(body, "currency") : NULL;
    if (!body)
        return "What answered is not MTN: check base_url.";
    if (!use->credential->live && strcmp(environment_of(use), SANDBOX) != 0)
        return arena_printf(use->arena,
                            "The credential is for tests, but its target_environment is %s, where "
                            "MTN takes real money: it must be " SANDBOX ".",
                            environment_of(use));
    if (!held || !currency || !*currency || strcmp(held, currency) == 0)
        return NULL;
    return arena_printf(use->arena, "The account is in %s, not %s.", held, currency);
}

const char *mtn_read_probe(const struct provider_use *use, const char *currency,
                           const struct http_response *response)
{
    const struct json_value *body;
    struct outcome ignored;
    const char *finding = environment_finding(use);
    if (!finding)
        finding = answer_missing(use->arena, response);
    if (!finding)
        finding = currency_finding(use, currency);
    if (finding)
        return finding;
    (void)answer_open(use->arena, response, &body, &ignored);
    const char *code = mtn_code(body);
    if (response->status == 200)
        return balance_finding(use, currency, body);
    if (response->status == 401)
        return refused_finding(use->arena, MTN_COLLECTION, body);
    if (code && strcmp(code, "NOT_ALLOWED_TARGET_ENVIRONMENT") == 0)
        return arena_printf(use->arena,
                            "MTN does not let this credential into %s: check "
                            "target_environment.",
                            environment_of(use));
    return arena_printf(use->arena, "MTN answered HTTP %d%s%s.", response->status, code ? ", " : "",
                        code ? code : "");
}
