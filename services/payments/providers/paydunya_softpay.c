// SoftPay: an invoice is paid by mobile money, in the words of each operator.
#include <string.h>

#include "base/phone.h"
#include "providers/paydunya.h"

#define ORANGE_QR "new-orange-money-senegal"

static const struct paydunya_operator operators[] = {
    {.network = "orange",
     .country = "SN",
     .path = "/softpay/", // and what the credential says
     .withdraw_mode = "orange-money-senegal",
     .fullname = "customer_name",
     .email = "customer_email",
     .phone = "phone_number",
     .token = "invoice_token"},
    {.network = "wave",
     .country = "SN",
     .path = "/softpay/wave-senegal",
     .withdraw_mode = "wave-senegal",
     .fullname = "wave_senegal_fullName",
     .email = "wave_senegal_email",
     .phone = "wave_senegal_phone",
     .token = "wave_senegal_payment_token"},
    {.network = "mtn",
     .country = "CI",
     .path = "/softpay/mtn-ci",
     .withdraw_mode = "mtn-ci",
     .fullname = "mtn_ci_customer_fullname",
     .email = "mtn_ci_email",
     .phone = "mtn_ci_phone_number",
     .token = "payment_token",
     .extra = {"mtn_ci_wallet_provider", "MTNCI"}},
};

const struct paydunya_operator *paydunya_operator(const char *network, const char *msisdn)
{
    const char *country = msisdn ? phone_country_of(msisdn) : NULL;
    for (size_t i = 0; network && country && i < sizeof operators / sizeof *operators; i++)
        if (strcmp(operators[i].network, network) == 0 &&
            strcmp(operators[i].country, country) == 0)
            return &operators[i];
    return NULL;
}

// Names and addresses are asked for by all operators; few payers give them.
static char *softpay_body(const struct provider_use *use, const struct provider_act *act,
                          const struct paydunya_operator *wallet, struct provider_header extra)
{
    const char *national = phone_national(act->msisdn, phone_country_code(wallet->country));
    struct json_member last = {0};
    if (extra.name)
        last = (struct json_member)JSON_S(extra.name, extra.value);
    return outgoing_object(
        use->arena, (struct json_member[]){
                        JSON_S(wallet->fullname, act->name && *act->name ? act->name : "Client"),
                        JSON_S(wallet->email, act->email ? act->email : ""),
                        JSON_S(wallet->phone, national),
                        JSON_S(wallet->token, act->provider_reference),
                        last,
                        {0},
                    });
}

bool paydunya_softpay(const struct provider_use *use, const struct provider_act *act,
                      struct http_request *ret)
{
    const struct paydunya_operator *wallet = paydunya_operator(act->network, act->msisdn);
    if (!wallet || !act->provider_reference)
        return false;
    struct provider_header extra = wallet->extra;
    const char *path = wallet->path;
    if (strcmp(wallet->network, "orange") == 0) {
        const char *own = credential_get(use->credential, "orange_senegal");
        const char *name = *own ? own : ORANGE_QR;
        path = arena_printf(use->arena, "%s%s", wallet->path, name);
        if (strcmp(name, ORANGE_QR) == 0)
            extra = (struct provider_header){"api_type", "QRCODE"};
    }
    const char *base = paydunya_url(use, "softpay_url", "/api/v1");
    const char *body = softpay_body(use, act, wallet, extra);
    return base && body && paydunya_build(use, base, path, body, ret);
}

// {"success":true,"message",…} and, where the payer has to go somewhere, its url.
void paydunya_read_softpay(const struct provider_use *use, const struct http_response *response,
                           struct outcome *ret)
{
    const struct json_value *body;
    bool success;
    if (!answer_open(use->arena, response, &body, ret))
        return;
    if (!body || !json_get_bool(body, "success", &success)) {
        paydunya_refused(use->arena, body, ret);
    } else if (success && response->status / 100 == 2) {
        ret->action_url = json_get_string(body, "url");
        ret->kind = ret->action_url ? OUTCOME_REQUIRES_ACTION : OUTCOME_ACCEPTED;
    } else if (response->status == 429) {
        paydunya_refused(use->arena, body, ret);
    } else if (!success && response->status < 500 && response->status != 408) {
        const char *words = json_get_string(body, "message");
        ret->kind = OUTCOME_FAILED;
        ret->error_code = "declined";
        ret->error_message = words && *words ? words : "The operator refused to ask the payer.";
    }
}
