// What Airtel answers. A push's answer says that the payer was asked, never that they paid: that is
// for the enquiry's transaction.status to say. `status.success` speaks of the call.
#include "providers/airtel.h"

#include <string.h>

// Of pushes, and why a payment failed. Here FAULT_DUPLICATE is all that says "it is there".
static const struct provider_error errors[] = {
    {"DP00800001000", FAULT_UNKNOWN, NULL, NULL},   // ambiguous
    {"DP00800001001", FAULT_DUPLICATE, NULL, NULL}, // success
    {"DP00800001002", FAULT_PERMANENT, "wrong_pin", "The payer entered a wrong PIN."},
    {"DP00800001003", FAULT_PERMANENT, "limit_exceeded", "The payer has reached a limit."},
    {"DP00800001004", FAULT_PERMANENT, "amount_invalid",
     "The amount is smaller or larger than Airtel takes."},
    {"DP00800001005", FAULT_PERMANENT, "expired", "The payer did not enter the PIN in time."},
    {"DP00800001006", FAULT_DUPLICATE, NULL, NULL}, // in process
    {"DP00800001007", FAULT_PERMANENT, "insufficient_funds", "The payer has too little money."},
    {"DP00800001008", FAULT_PERMANENT, "payer_refused", "The payment was refused."},
    {"DP00800001009", FAULT_PERMANENT, "declined", "Airtel declined the payment."},
    {"DP00800001010", FAULT_SETUP, "payee_not_allowed", "The merchant may not receive this."},
    {"DP00800001024", FAULT_UNKNOWN, "expired", "The payment took too long."},
    {"DP00800001025", FAULT_UNKNOWN, "not_processed", "Airtel does not know the transaction."},
    {"DP00800001029", FAULT_PERMANENT, "expired", "The payer did not act in time."},
    {"ESB000001", FAULT_UNKNOWN, NULL, NULL},
    {"ESB000004", FAULT_UNKNOWN, NULL, NULL},
    {"ESB000008", FAULT_SETUP, "provider_setup", "Airtel does not take a field of the request."},
    {"ESB000010", FAULT_DUPLICATE, NULL, NULL}, // success
    {"ESB000011", FAULT_PERMANENT, "declined", "Airtel declined the operation."},
    {"ESB000014", FAULT_UNKNOWN, NULL, NULL},
    {"ESB000033", FAULT_PERMANENT, "phone_invalid", "Airtel does not take the phone number."},
    {"ESB000034", FAULT_SETUP, "provider_setup", "Airtel does not take the country."},
    {"ESB000035", FAULT_SETUP, "currency_unsupported", "Airtel does not take the currency."},
    {"ESB000036", FAULT_PERMANENT, "phone_invalid", "Airtel does not take the phone number."},
    {"ESB000039", FAULT_SETUP, "provider_setup", "The merchant is not set up in the country."},
    {"ESB000041", FAULT_DUPLICATE, NULL, NULL},
    {"ESB000045", FAULT_UNKNOWN, "not_processed", "Airtel does not know the transaction."},
    {"ROUTER001", FAULT_PERMANENT, "payer_not_found", "The payer has no Airtel Money wallet."},
    {"ROUTER003", FAULT_SETUP, "provider_setup", "Airtel misses a field of the request."},
    {"ROUTER112", FAULT_SETUP, "currency_unsupported", "Airtel does not take the currency."},
    {"ROUTER115", FAULT_SETUP, "provider_setup", "Airtel does not take the merchant's PIN."},
    {"ROUTER116", FAULT_SETUP, "provider_setup", "Airtel does not take the merchant's PIN."},
    {"ROUTER117", FAULT_UNKNOWN, NULL, NULL},
    {"ROUTER119", FAULT_SETUP, "currency_unsupported", "The currency is not the country's."},
    {0},
};
#define NOT_SIGNED "DP00800001026"

static const char *response_code(const struct json_value *body)
{
    return json_get_string(body, "status.response_code");
}

static const char *result_code(const struct json_value *body)
{
    return json_get_string(body, "status.result_code");
}

static bool says(const char *code, const char *expected)
{
    return code && strcmp(code, expected) == 0;
}

const struct provider_error *airtel_error(const struct json_value *body)
{
    const struct provider_error *both[] = {provider_error_find(errors, response_code(body)),
                                           provider_error_find(errors, result_code(body))};
    static const enum fault first[] = {FAULT_UNKNOWN, FAULT_DUPLICATE};
    for (size_t i = 0; i < sizeof first / sizeof *first; i++)
        for (size_t j = 0; j < 2; j++)
            if (both[j] && both[j]->fault == first[i])
                return both[j];
    return both[0] ? both[0] : both[1];
}

bool airtel_unknown_transaction(const struct json_value *body)
{
    return says(result_code(body), "ESB000045") || says(response_code(body), "DP00800001025");
}

// What the way to Airtel says before Airtel does. True: *ret knows.
static bool read_gate(const struct http_response *response, const struct json_value *body,
                      struct outcome *ret)
{
    bool is_unsigned = body && says(response_code(body), NOT_SIGNED);
    int status = response->status;
    if (status == 401 || is_unsigned) { // an old token; or an old key to sign with
        ret->kind = OUTCOME_NOT_SENT;
        ret->session_refused = true;
    } else if (status == 429) {
        ret->kind = OUTCOME_NOT_SENT;
        ret->unwell = true;
    } else if (status == 403 && !(body && airtel_error(body))) {
        ret->kind = OUTCOME_NOT_SENT;
    } else {
        return status == 408 || !body;
    }
    return true;
}

static void read_push(const struct http_response *response, const struct json_value *body,
                      struct outcome *ret)
{
    const struct provider_error *error = airtel_error(body);
    bool is_done = false;
    if (error)
        provider_error_apply(error, ret);
    else if (response->status == 200 && json_get_bool(body, "status.success", &is_done) && is_done)
        ret->kind = OUTCOME_ACCEPTED;
}

static void read_refund(struct arena *arena, const struct http_response *response,
                        const struct json_value *body, struct outcome *ret)
{
    const struct provider_error *error = airtel_error(body);
    bool is_done = false;
    if (response->status == 200 && json_get_bool(body, "status.success", &is_done) && is_done &&
        says(json_get_string(body, "data.transaction.status"), "SUCCESS")) {
        ret->kind = OUTCOME_SUCCEEDED;
        ret->provider_reference = answer_text(arena, body, "data.transaction.airtel_money_id");
    } else if (airtel_unknown_transaction(body)) {
        outcome_refuse(ret, "not_processed", "Airtel does not know the payment.", false);
    } else if (error && error->fault != FAULT_DUPLICATE) {
        provider_error_apply(error, ret);
    }
}

void airtel_read_act(const struct provider_use *use, const struct provider_act *act,
                     const struct http_response *response, struct outcome *ret)
{
    const struct json_value *body;
    if (!answer_open(use->arena, response, &body, ret) || read_gate(response, body, ret))
        return;
    if (act->kind == OPERATION_REFUND)
        read_refund(use->arena, response, body, ret);
    else
        read_push(response, body, ret);
}

static void read_failed(const struct json_value *body, struct outcome *ret)
{
    const char *code = response_code(body);
    provider_error_final(errors, provider_error_find(errors, code) ? code : result_code(body), ret);
    if (strcmp(ret->error_code, "expired") == 0)
        ret->kind = OUTCOME_EXPIRED;
}

static void read_transaction(struct arena *arena, const struct provider_act *act,
                             const struct json_value *body, struct outcome *ret)
{
    const char *status = json_get_string(body, "data.transaction.status");
    const char *id = json_get_string(body, "data.transaction.id");
    const char *ours = reference_compact(arena, act->reference);
    if (!status || !ours || (id && strcmp(id, ours) != 0))
        return;
    if (says(status, "TS")) {
        ret->kind = OUTCOME_SUCCEEDED;
        ret->provider_reference = answer_text(arena, body, "data.transaction.airtel_money_id");
    } else if (says(status, "TF")) {
        read_failed(body, ret);
    } else if (says(status, "TE")) {
        outcome_refuse(ret, "expired", "The payer did not act in time.", false);
        ret->kind = OUTCOME_EXPIRED;
    } else if (says(status, "TIP") || says(status, "TA")) {
        ret->kind = OUTCOME_ACCEPTED; // ambiguous is to be asked about again, too
    }
}

void airtel_read_query(const struct provider_use *use, const struct provider_act *act,
                       const struct http_response *response, struct outcome *ret)
{
    const struct json_value *body;
    if (!answer_open(use->arena, response, &body, ret))
        return;
    ret->session_refused = response->status == 401;
    ret->unwell = ret->unwell || response->status == 429;
    if (!body || (response->status != 200 && response->status != 404))
        return;
    if (json_get_string(body, "data.transaction.status")) {
        if (response->status == 200)
            read_transaction(use->arena, act, body, ret);
    } else if (airtel_unknown_transaction(body)) {
        ret->kind = OUTCOME_NOT_FOUND;
    }
}
