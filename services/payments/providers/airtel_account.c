#include "providers/airtel.h"

#include <string.h>

#include "base/phone.h"

#define TOKEN_S 180
#define KEY_S 3600 // a key that was changed before is noticed by the refusal of a signature
#define PROBE_ID "obolprobe"

// Where it is, what it pays in, and hosts other than those of all Africa.
static const struct country {
    const char *code, *currency, *sandbox_url, *live_url;
} countries[] = {
    {"ZM", "ZMW", "https://openapiuat.airtel.co.zm", "https://openapi.airtel.co.zm"},
    {"UG", "UGX", "https://openapiuat.airtel.ug", "https://openapi.airtel.ug"},
    {"CG", "XAF", "https://openapiuat.airtel.cg", "https://openapi.airtel.cg"},
    {"KE", "KES", NULL, NULL},
    {"TZ", "TZS", NULL, NULL},
    {"MW", "MWK", NULL, NULL},
    {"RW", "RWF", NULL, NULL},
    {"MG", "MGA", NULL, NULL},
    {"CD", "CDF", NULL, NULL},
    {"GA", "XAF", NULL, NULL},
    {"TD", "XAF", NULL, NULL},
    {"NE", "XOF", NULL, NULL},
    {"NG", "NGN", NULL, NULL},
    {"SC", "SCR", NULL, NULL},
};

static const struct country *country_find(const char *code)
{
    for (size_t i = 0; i < sizeof countries / sizeof *countries; i++)
        if (strcmp(countries[i].code, code) == 0)
            return &countries[i];
    return NULL;
}

const char *airtel_country(const struct provider_use *use)
{
    return credential_get(use->credential, "country");
}

const char *airtel_currency(const struct provider_use *use)
{
    const char *currency = credential_get(use->credential, "currency");
    const struct country *country = country_find(airtel_country(use));
    if (*currency)
        return currency;
    return country ? country->currency : "";
}

bool airtel_signs(const struct provider_use *use)
{
    const char *version = credential_get(use->credential, "version");
    return *version ? strcmp(version, "v2") == 0 : strcmp(airtel_country(use), "ZM") == 0;
}

static const char *base_of(const struct provider_use *use)
{
    const struct country *country = country_find(airtel_country(use));
    const char *own = credential_get(use->credential, "base_url");
    if (*own || !country || !country->live_url)
        return credential_base_url(use->credential, use->provider);
    return use->credential->live ? country->live_url : country->sandbox_url;
}

struct outgoing airtel_outgoing(const struct provider_use *use, const char *path)
{
    return (struct outgoing){
        .base = base_of(use),
        .path = path,
        .headers = {{"Authorization", outgoing_bearer(use->arena, use->sessions[AIRTEL_TOKEN])},
                    {"X-Country", airtel_country(use)},
                    {"X-Currency", airtel_currency(use)}},
    };
}

// --- Sessions
const struct provider_session airtel_sessions[] = {
    [AIRTEL_TOKEN] = {"token", 0},
    [AIRTEL_KEY] = {"key", 1u << AIRTEL_TOKEN},
};

unsigned airtel_needs(const struct provider_use *use, const struct provider_act *act)
{
    bool is_signed = act->kind == OPERATION_CHARGE && airtel_signs(use);
    return 1u << AIRTEL_TOKEN | (is_signed ? 1u << AIRTEL_KEY : 0);
}

bool airtel_session(const struct provider_use *use, size_t which, struct http_request *ret)
{
    struct outgoing outgoing = {.base = base_of(use), .path = "/auth/oauth2/token"};
    if (which == AIRTEL_KEY) {
        outgoing = airtel_outgoing(use, "/v1/rsa/encryption-keys");
        return outgoing_build(use, &outgoing, ret);
    }
    outgoing.body = json_object(
        use->arena, (struct json_member[]){
                        JSON_S("client_id", credential_get(use->credential, "client_id")),
                        JSON_S("client_secret", credential_get(use->credential, "client_secret")),
                        JSON_S("grant_type", "client_credentials"),
                        {0}});
    return outgoing.body && outgoing_build(use, &outgoing, ret);
}

static void read_key(const struct provider_use *use, const struct http_response *response,
                     struct session_grant *ret)
{
    const struct json_value *body;
    *ret = (struct session_grant){.text = NULL};
    if (!answer_open(use->arena, response, &body, &ret->outcome))
        return;
    const char *key = body ? json_get_string(body, "data.key") : NULL;
    const struct provider_error *error = body ? airtel_error(body) : NULL;
    if (response->status == 401) {
        ret->outcome.kind = OUTCOME_NOT_SENT;
        ret->outcome.session_refused = true;
    } else if (response->status == 200 && key) {
        const char *id = answer_text(use->arena, body, "data.key_id");
        ret->lives_s = KEY_S;
        ret->text = json_object(
            use->arena, (struct json_member[]){JSON_S("key_id", id), JSON_S("key", key), {0}});
    } else if (error && error->merchant_code) {
        outcome_refuse(&ret->outcome, error->merchant_code, error->sentence, true);
    }
}

void airtel_read_session(const struct provider_use *use, size_t which,
                         const struct http_response *response, struct session_grant *ret)
{
    if (which == AIRTEL_KEY) {
        read_key(use, response, ret);
        return;
    }
    answer_grant(use->arena, response, TOKEN_S, ret);
    if (!ret->text && ret->outcome.kind == OUTCOME_FAILED)
        ret->outcome.error_message = "Airtel does not accept the client id or its secret.";
}

// --- Before anything is sent
static const char *setup_finding(const struct provider_use *use)
{
    const char *country = airtel_country(use);
    const char *version = credential_get(use->credential, "version");
    if (!country_find(country) && !(phone_country_code(country) && *airtel_currency(use)))
        return arena_printf(use->arena,
                            "Airtel Money is not known to be in country \"%s\" (ZM, UG, KE …).",
                            country);
    if (*version && strcmp(version, "v1") != 0 && strcmp(version, "v2") != 0)
        return arena_printf(use->arena, "There is no version \"%s\" of Airtel's API: v1 or v2.",
                            version);
    return NULL;
}

static const char *currency_finding(const struct provider_use *use, const char *currency)
{
    if (!currency || !*currency || strcmp(currency, airtel_currency(use)) == 0)
        return NULL;
    return arena_printf(use->arena, "Airtel takes %s in %s, not %s.", airtel_currency(use),
                        airtel_country(use), currency);
}

static bool refuse(struct outcome *ret, const char *code, const char *message, bool elsewhere)
{
    *ret = (struct outcome){.kind = OUTCOME_FAILED};
    outcome_refuse(ret, code, message, elsewhere);
    return false;
}

static bool accepts_refund(const struct provider_act *act, struct outcome *ret)
{
    if (act->amount != act->charge_amount)
        return refuse(ret, "amount_invalid", "Airtel gives back whole payments only.", false);
    if (!act->charge_provider_reference)
        return refuse(
            ret, "not_processed",
            "Airtel's own id of the payment, by which it would be refunded, is not known.", false);
    return true;
}

bool airtel_accepts(const struct provider_use *use, const struct provider_act *act,
                    struct outcome *ret)
{
    const char *finding = setup_finding(use);
    if (finding)
        return refuse(ret, "provider_setup", finding, true);
    finding = currency_finding(use, act->currency);
    if (finding)
        return refuse(ret, "currency_unsupported", finding, true);
    if (act->kind == OPERATION_REFUND)
        return accepts_refund(act, ret);
    if (!act->msisdn || !phone_national(act->msisdn, phone_country_code(airtel_country(use))))
        return refuse(ret, "phone_invalid", "The phone number is not of Airtel's country.", true);
    return true;
}

// --- The probe: an enquiry about what isn't there. It tells whether country and currency are ours.
bool airtel_probe(const struct provider_use *use, const char *currency, struct http_request *ret)
{
    (void)currency;
    struct outgoing outgoing = airtel_outgoing(use, "/standard/v1/payments/" PROBE_ID);
    return outgoing_build(use, &outgoing, ret);
}

const char *airtel_read_probe(const struct provider_use *use, const char *currency,
                              const struct http_response *response)
{
    const struct json_value *body;
    struct outcome ignored;
    const char *finding = setup_finding(use);
    if (!finding)
        finding = answer_missing(use->arena, response);
    if (!finding)
        finding = currency_finding(use, currency);
    if (finding)
        return finding;
    (void)answer_open(use->arena, response, &body, &ignored);
    if (response->status == 401)
        return "Airtel does not accept its own access token: check base_url.";
    if (!body)
        return arena_printf(use->arena,
                            "What answered (HTTP %d) is not Airtel: check base_url and country.",
                            response->status);
    if (airtel_unknown_transaction(body))
        return NULL;
    const struct provider_error *error = airtel_error(body);
    if (error && error->sentence)
        return arena_printf(use->arena, "%s (country %s, currency %s.)", error->sentence,
                            airtel_country(use), airtel_currency(use));
    return arena_printf(use->arena, "Airtel answered HTTP %d, which was not expected.",
                        response->status);
}
