// Airtel Money: a push to the payer's phone, whose end is asked for (developers.airtel.africa).
// Version 2, which Zambia demands, signs the push. A transaction id is taken once, so a push may be
// sent again; a refund has no id of ours and can't be asked about.
#include "providers/airtel.h"

#include "base/currency.h"
#include "base/phone.h"
#include "providers/adapters.h"

static const struct credential_field fields[] = {
    {"client_id", "the application's client id", true, false},
    {"client_secret", "that client's secret", true, true},
    {"country", "ISO 3166 code of the market: ZM, UG, KE …", true, false},
    {"currency", "when it is not the country's own", false, false},
    {"version", "v1, or v2 (signed messages); v2 in Zambia, v1 elsewhere", false, false},
    {"callback_hash_key", "the portal's private key of callbacks", false, true},
    {"callback_rendering", "what callbacks' hash is over: received or compact; both are tried",
     false, false},
    {0},
};

static const struct provider_support supports[] = {
    {"mobile_money", "ZMW UGX KES TZS MWK RWF MGA CDF XAF XOF NGN SCR", "airtel", false},
    {0},
};

static const char *push_body(const struct provider_use *use, const struct provider_act *act,
                             const char *id)
{
    const char *country = airtel_country(use), *code = phone_country_code(country);
    const char *msisdn = code && act->msisdn ? phone_national(act->msisdn, code) : NULL;
    const char *amount = currency_decimal(use->arena, act->amount, act->currency, true);
    if (!msisdn)
        return NULL;
    const char *subscriber =
        json_object(use->arena, (struct json_member[]){JSON_S("country", country),
                                                       JSON_S("currency", act->currency),
                                                       JSON_S("msisdn", msisdn),
                                                       {0}});
    const char *transaction =
        outgoing_object(use->arena, (struct json_member[]){JSON_R("amount", amount),
                                                           JSON_S("country", country),
                                                           JSON_S("currency", act->currency),
                                                           JSON_S("id", id),
                                                           {0}});
    return outgoing_object(use->arena, (struct json_member[]){JSON_S("reference", id),
                                                              JSON_R("subscriber", subscriber),
                                                              JSON_R("transaction", transaction),
                                                              {0}});
}

static bool push(const struct provider_use *use, const struct provider_act *act,
                 struct http_request *ret)
{
    bool is_signed = airtel_signs(use);
    const char *id = reference_compact(use->arena, act->reference);
    struct outgoing outgoing =
        airtel_outgoing(use, is_signed ? "/merchant/v2/payments/" : "/merchant/v1/payments/");
    outgoing.body = id ? push_body(use, act, id) : NULL;
    if (!outgoing.body)
        return false;
    if (is_signed &&
        !airtel_sign(use->arena, use->sessions[AIRTEL_KEY], outgoing.body, &outgoing.headers[3]))
        return false;
    return outgoing_build(use, &outgoing, ret);
}

static bool give_back(const struct provider_use *use, const struct provider_act *act,
                      struct http_request *ret)
{
    if (!act->charge_provider_reference)
        return false;
    const char *transaction = json_object(
        use->arena,
        (struct json_member[]){JSON_S("airtel_money_id", act->charge_provider_reference), {0}});
    struct outgoing outgoing = airtel_outgoing(use, "/standard/v1/payments/refund");
    outgoing.body = outgoing_object(
        use->arena, (struct json_member[]){JSON_R("transaction", transaction), {0}});
    return outgoing.body && outgoing_build(use, &outgoing, ret);
}

static bool airtel_act(const struct provider_use *use, const struct provider_act *act,
                       struct http_request *ret)
{
    if (act->kind == OPERATION_CHARGE)
        return push(use, act, ret);
    return act->kind == OPERATION_REFUND && give_back(use, act, ret);
}

static enum provider_ask airtel_query(const struct provider_use *use,
                                      const struct provider_act *act, struct http_request *ret)
{
    if (act->kind != OPERATION_CHARGE)
        return ASK_NEVER;
    const char *id = reference_compact(use->arena, act->reference);
    const char *path = id ? arena_printf(use->arena, "/standard/v1/payments/%s", id) : NULL;
    struct outgoing outgoing = airtel_outgoing(use, path);
    return outgoing_build(use, &outgoing, ret) ? ASK_BUILT : ASK_FULL;
}

void airtel_init(struct provider *provider)
{
    *provider = (struct provider){
        .name = "airtel",
        .title = "Airtel Money",
        .supports = supports,
        .fields = fields,
        .sandbox_url = "https://openapiuat.airtel.africa",
        .live_url = "https://openapi.airtel.africa",
        .repeatable = {[OPERATION_CHARGE] = STAGES_ALL},
        .connect_ms = 3000,
        .total_ms = 8000,
        .query_after_ms = 180000,
        .settle_ms = 180000,
        .sessions = airtel_sessions,
        .sessions_n = AIRTEL_SESSIONS,
        .session = airtel_session,
        .read_session = airtel_read_session,
        .needs = airtel_needs,
        .act = airtel_act,
        .query = airtel_query,
        .read_act = airtel_read_act,
        .read_query = airtel_read_query,
        .accepts = airtel_accepts,
        .callback_proof = airtel_callback_proof,
        .callback_reference = airtel_callback_reference,
        .probe = airtel_probe,
        .read_probe = airtel_read_probe,
    };
}
