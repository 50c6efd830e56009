// Refunds: a disbursement is prepared, submitted, and asked about. Only submitting moves money.
#include <string.h>

#include "base/phone.h"
#include "providers/paydunya.h"

// Whom a refund goes to: whoever paid by mobile money, or, of a hosted page, the customer, by the
// way that the credential names.
struct payee {
    const char *mode;
    const char *account; // national number
};

// NULL when it isn't a number of a country that is served.
static const char *national_of(const char *msisdn)
{
    const char *country = phone_country_of(msisdn);
    return country ? phone_national(msisdn, phone_country_code(country)) : NULL;
}

static bool payee_of(const struct provider_use *use, const struct provider_act *act,
                     struct payee *ret)
{
    char msisdn[PHONE_SIZE];
    const char *mode = credential_get(use->credential, "withdraw_mode");
    const struct paydunya_operator *wallet = paydunya_operator(act->network, act->msisdn);
    if (wallet) {
        *ret = (struct payee){wallet->withdraw_mode, national_of(act->msisdn)};
    } else if (*mode && act->phone && phone_read(act->phone, NULL, msisdn)) {
        *ret = (struct payee){mode, national_of(msisdn)};
        ret->account = arena_strdup(use->arena, ret->account);
    } else {
        return false;
    }
    return ret->account != NULL;
}

bool paydunya_can_disburse(const struct provider_use *use, const struct provider_act *act,
                           struct outcome *ret)
{
    struct payee payee;
    const char *why = NULL;
    if (act->kind != OPERATION_REFUND)
        why = "PayDunya takes money at once: there is nothing to capture or cancel.";
    else if (act->amount < PAYDUNYA_DISBURSE_MIN)
        why = "PayDunya pays out 200 XOF at least.";
    else if (!payee_of(use, act, &payee))
        why = "PayDunya refunds to a phone number, and none is known.";
    if (why)
        *ret = (struct outcome){
            .kind = OUTCOME_FAILED, .error_code = "refund_unsupported", .error_message = why};
    return !why;
}

static char *invoice_body(const struct provider_use *use, const struct provider_act *act)
{
    struct payee payee;
    if (!payee_of(use, act, &payee))
        return NULL;
    return outgoing_object(use->arena, (struct json_member[]){
                                           JSON_S("account_alias", payee.account),
                                           JSON_I("amount", act->amount),
                                           JSON_S("withdraw_mode", payee.mode),
                                           JSON_S("callback_url", use->callback_url),
                                           JSON_S("disburse_id", act->reference),
                                           {0},
                                       });
}

static bool build(const struct provider_use *use, const char *path, const char *body,
                  struct http_request *ret)
{
    const char *base = paydunya_url(use, "disburse_url", "/api/v2/disburse");
    return base && body && paydunya_build(use, base, path, body, ret);
}

bool paydunya_disburse(const struct provider_use *use, const struct provider_act *act,
                       struct http_request *ret)
{
    if (act->stage == 0)
        return build(use, "/get-invoice", invoice_body(use, act), ret);
    const char *body = outgoing_object(
        use->arena, (struct json_member[]){JSON_S("disburse_invoice", act->provider_reference),
                                           JSON_S("disburse_id", act->reference),
                                           {0}});
    return build(use, "/submit-invoice", body, ret);
}

static const char *status_of(const struct json_value *body)
{
    const char *status = json_get_string(body, "status");
    return status ? status : "";
}

static void read_failed(struct arena *arena, const struct json_value *body, struct outcome *ret)
{
    const char *words = json_get_string(body, "response_text");
    const char *message =
        words ? arena_printf(arena, "The disbursement failed at PayDunya: %s.", words) : NULL;
    ret->kind = OUTCOME_FAILED;
    ret->error_code = "declined";
    ret->error_message = message ? message : "The disbursement failed at PayDunya.";
}

// "created" is not yet handed to the operator, and may be at any time.
static void read_status(const struct provider_use *use, const struct provider_act *act,
                        const struct json_value *body, struct outcome *ret)
{
    const char *status = status_of(body);
    if (strcmp(status, "created") == 0 || strcmp(status, "pending") == 0) {
        ret->kind = OUTCOME_ACCEPTED;
    } else if (strcmp(status, "failed") == 0) {
        read_failed(use->arena, body, ret);
    } else if (strcmp(status, "success") == 0) {
        bool ours = paydunya_amount_is(use->arena, body, "amount", act->amount);
        ret->kind = ours ? OUTCOME_SUCCEEDED : OUTCOME_LOST;
        ret->error_code = ours ? NULL : "amount_mismatch";
    }
}

void paydunya_read_disburse(const struct provider_use *use, const struct provider_act *act,
                            const struct http_response *response, struct outcome *ret)
{
    const struct json_value *body;
    if (!paydunya_open(use, response, &body, ret))
        return;
    if (act->stage > 0) {
        // Handed over; the one word that is final here is its failure.
        ret->kind = OUTCOME_ACCEPTED;
        if (strcmp(status_of(body), "failed") == 0)
            read_failed(use->arena, body, ret);
        return;
    }
    const char *token = json_get_string(body, "disburse_token");
    if (!token || !*token)
        return;
    ret->kind = OUTCOME_PREPARED;
    ret->provider_reference = token;
}

bool paydunya_check(const struct provider_use *use, const struct provider_act *act,
                    struct http_request *ret)
{
    const char *body = outgoing_object(
        use->arena,
        (struct json_member[]){JSON_S("disburse_invoice", act->provider_reference), {0}});
    return build(use, "/check-status", body, ret);
}

void paydunya_read_check(const struct provider_use *use, const struct provider_act *act,
                         const struct http_response *response, struct outcome *ret)
{
    const struct json_value *body;
    if (paydunya_open_query(use, response, &body, ret))
        read_status(use, act, body, ret);
}
