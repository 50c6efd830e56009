// What Blumon says of a payment: in an answer, when asked, by a webhook.
#include <stdlib.h>
#include <string.h>

#include "base/currency.h"
#include "providers/blumon.h"

#define DECLINED "declined"

// Of its own limits (TX_…), of 3-D Secure and of card issuers. A duplicate is nobody's refusal: an
// earlier charge may stand, and there is no way to ask which.
static const struct provider_error errors[] = {
    {"TX_001", FAULT_SETUP, "limit_exceeded", "The amount is above what the provider takes."},
    {"TX_003", FAULT_SETUP, "limit_exceeded", "The provider's monthly limit is reached."},
    {"51", FAULT_PERMANENT, "insufficient_funds", "The card has not enough funds."},
    {"54", FAULT_PERMANENT, "expired_card", "The card has expired."},
    {"101", FAULT_PERMANENT, "expired_card", "The card has expired."},
    {"57", FAULT_PERMANENT, "card_not_supported", "The card does not allow this payment."},
    {"62", FAULT_PERMANENT, "card_not_supported", "The card is restricted."},
    {"N5", FAULT_PERMANENT, "card_not_supported", "The card does not allow this payment."},
    {"61", FAULT_PERMANENT, "limit_exceeded", "The amount is above the card's limit."},
    {"65", FAULT_PERMANENT, "limit_exceeded", "The card was used too often."},
    {"O4", FAULT_PERMANENT, "limit_exceeded", "The amount is above the card's limit."},
    {"94", FAULT_UNKNOWN, "duplicate", NULL},
    {"122", FAULT_PERMANENT, "incorrect_cvc", "The card's security code is wrong."},
    {"187", FAULT_PERMANENT, "card_declined", "The card is inactive."},
    {"912", FAULT_RETRYABLE, NULL, NULL},
    {"914", FAULT_PERMANENT, "not_processed", "The provider does not find the original charge."},
    {"3DS_REQUIRED", FAULT_SETUP, "authentication_required",
     "The card wants 3-D Secure, which is switched off."},
    {"3DS_REJECTED", FAULT_PERMANENT, "authentication_failed", "The payer was not authenticated."},
    {"3DS_PENDING", FAULT_PERMANENT, "authentication_failed", "The payer was not authenticated."},
    {"3DS_NOT_FOUND", FAULT_PERMANENT, "authentication_failed", "The payer was not authenticated."},
    {"3DS_MISMATCH", FAULT_PERMANENT, "authentication_failed", "The payer was not authenticated."},
    {"3DS_USED", FAULT_UNKNOWN, "duplicate", NULL},
    {0},
};

static void fail(struct outcome *ret, const char *code, const char *message)
{
    ret->kind = OUTCOME_FAILED;
    ret->error_code = code;
    ret->error_message = message;
}

// By the table; a code that isn't in it is a refusal all the same.
static void read_code(struct arena *arena, const char *code, const char *words, struct outcome *ret)
{
    bool was_unwell = ret->unwell;
    if (!provider_error_read(errors, code, ret)) {
        const char *message =
            arena_printf(arena, "The provider refused: %s.", words ? words : code);
        fail(ret, DECLINED, message ? message : "The provider refused.");
    } else if (ret->kind == OUTCOME_LOST) {
        ret->unwell = was_unwell; // a duplicate is no illness
    }
}

// A 401 that has no code of theirs is about the access token too.
static bool says_invalid_token(const struct json_value *body, const struct outcome *ret)
{
    const char *error = body ? json_get_string(body, "error") : NULL;
    if (error && strcmp(error, "invalid_token") == 0)
        return true;
    return ret->http_status == 401 && !(body && json_get_string(body, "error.code"));
}

void blumon_read_refusal(struct arena *arena, const struct json_value *body, struct outcome *ret)
{
    if (says_invalid_token(body, ret)) {
        ret->kind = OUTCOME_NOT_SENT;
        ret->session_refused = true;
        return;
    }
    if (ret->http_status == 429) {
        ret->kind = OUTCOME_NOT_SENT;
        ret->unwell = true;
        return;
    }
    bool success = true;
    const char *code = body ? answer_text(arena, body, "error.code") : NULL;
    const char *inner = code ? answer_text(arena, body, "error.httpStatusCode") : NULL;
    if (!code || !json_get_bool(body, "status", &success) || success)
        return;
    // Their own failure proves nothing, unless it is an issuer's word.
    bool broken = ret->http_status >= 500 || ret->http_status == 408 ||
                  (inner && strtol(inner, NULL, 10) >= 500);
    if (broken && !provider_error_find(errors, code))
        return;
    read_code(arena, code, json_get_string(body, "error.description"), ret);
}

static bool says_success(const struct json_value *body, const struct outcome *ret)
{
    bool success = false;
    return body && ret->http_status / 100 == 2 && json_get_bool(body, "status", &success) &&
           success;
}

// {"status":true,"id":…,"dataResponse":{"description":"APROBADA"}}
static bool says_approved(const struct json_value *body, const struct outcome *ret)
{
    const char *description = body ? json_get_string(body, "dataResponse.description") : NULL;
    return says_success(body, ret) && description && strcmp(description, "APROBADA") == 0;
}

static bool says_wants_3ds(struct arena *arena, const struct json_value *body)
{
    bool required = false;
    const char *code = body ? answer_text(arena, body, "error.code") : NULL;
    if (code && strcmp(code, "3DS_REQUIRED") == 0)
        return true;
    return body && json_get_bool(body, "requires_3ds", &required) && required;
}

static void read_charge(const struct provider_use *use, const struct provider_act *act,
                        const struct json_value *body, struct outcome *ret)
{
    if (says_approved(body, ret)) {
        ret->kind = OUTCOME_SUCCEEDED;
        ret->provider_reference = answer_text(use->arena, body, "id");
        return;
    }
    bool success = true;
    bool refused = body && json_get_bool(body, "status", &success) && !success;
    if (refused && says_wants_3ds(use->arena, body)) {
        if (blumon_may_register(use, act))
            ret->kind = OUTCOME_PREPARED;
        else
            provider_error_apply(provider_error_find(errors, "3DS_REQUIRED"), ret);
        return;
    }
    blumon_read_refusal(use->arena, body, ret);
}

// How a registration stands, in either of the words seen for it; false when it isn't said.
static bool read_standing(const char *standing, bool acting, struct outcome *ret)
{
    static const struct {
        const char *word;
        enum outcome_kind kind;
    } words[] = {{"APPROVED", OUTCOME_PREPARED},
                 {"AUTHENTICATED", OUTCOME_PREPARED},
                 {"PENDING", OUTCOME_ACCEPTED},
                 {"CHALLENGE", OUTCOME_ACCEPTED},
                 {"REJECTED", OUTCOME_FAILED}};
    for (size_t i = 0; standing && i < sizeof words / sizeof *words; i++) {
        if (strcmp(words[i].word, standing) != 0)
            continue;
        ret->kind = words[i].kind;
        if (ret->kind == OUTCOME_FAILED)
            provider_error_apply(provider_error_find(errors, "3DS_REJECTED"), ret);
        else if (ret->kind == OUTCOME_ACCEPTED && acting)
            ret->kind = OUTCOME_REQUIRES_ACTION;
        return true;
    }
    return false;
}

static void read_registration(const struct json_value *body, struct outcome *ret)
{
    const char *id = json_get_string(body, "dataResponse.threeDSTransactionId");
    const char *url = json_get_string(body, "dataResponse.authenticationUrl");
    if (!id || !*id)
        return;
    if (url && *url) {
        ret->kind = OUTCOME_REQUIRES_ACTION;
        ret->action_url = url;
    } else if (!read_standing(json_get_string(body, "dataResponse.status"), false, ret) ||
               ret->kind == OUTCOME_ACCEPTED) {
        ret->kind = OUTCOME_NOT_SENT; // to wait for the payer, with nowhere to send him
        return;
    }
    ret->provider_reference = id;
}

// The page's address, or its path on the same host.
static void read_checkout(const struct provider_use *use, const struct json_value *body,
                          struct outcome *ret)
{
    const char *url = json_get_string(body, "dataResponse.url");
    const char *path = json_get_string(body, "dataResponse.payOrder");
    if (!url && path && *path == '/')
        url = arena_printf(use->arena, "%s%s", credential_base_url(use->credential, use->provider),
                           path);
    if (!url || !*url)
        return;
    ret->kind = OUTCOME_REQUIRES_ACTION;
    ret->action_url = url;
    ret->provider_reference = answer_text(use->arena, body, "id");
}

static void read_preparation(const struct provider_use *use, const struct provider_act *act,
                             const struct json_value *body, struct outcome *ret)
{
    if (!says_success(body, ret))
        blumon_read_refusal(use->arena, body, ret);
    else if (blumon_step(use, act) == BLUMON_REGISTER)
        read_registration(body, ret);
    else
        read_checkout(use, body, ret);
}

void blumon_read_act(const struct provider_use *use, const struct provider_act *act,
                     const struct http_response *response, struct outcome *ret)
{
    const struct json_value *body;
    enum blumon_step step = blumon_step(use, act);
    bool moves = step == BLUMON_CHARGE || step == BLUMON_GIVE_BACK;
    if (answer_open(use->arena, response, &body, ret)) {
        if (moves)
            read_charge(use, act, body, ret);
        else
            read_preparation(use, act, body, ret);
    }
    if (!moves && ret->kind == OUTCOME_LOST)
        ret->kind = OUTCOME_NOT_SENT;
}

static bool amount_agrees(struct arena *arena, const struct provider_act *act,
                          const struct json_value *body)
{
    int64_t amount;
    const char *text = answer_text(arena, body, "amount");
    return text && currency_parse(text, act->currency, &amount) && amount == act->amount;
}

// A webhook. CANCELED and EXPIRED (of pages) are guesses, like the rest of what is no issuer's.
static void read_webhook(const struct provider_use *use, const struct provider_act *act,
                         const struct json_value *body, struct outcome *ret)
{
    const char *type = json_get_string(body, "operationType");
    const char *wanted = act->kind == OPERATION_CHARGE ? "VENTA" : "DEVOLUCION";
    const char *code = answer_text(use->arena, body, "codeResponse");
    const char *ours = json_get_string(body, "reference");
    if (strcmp(type, wanted) != 0 || !code || !ours || strcmp(ours, act->reference) != 0)
        return;
    if (!amount_agrees(use->arena, act, body)) {
        ret->error_code = "amount_mismatch";
    } else if (strcmp(code, "00") == 0) {
        const char *number = answer_text(use->arena, body, "operationNumber");
        ret->kind = OUTCOME_SUCCEEDED;
        ret->provider_reference = number ? number : json_get_string(body, "authorizationCode");
    } else if (strcmp(code, "CANCELED") == 0) {
        ret->kind = OUTCOME_CANCELED;
    } else if (strcmp(code, "EXPIRED") == 0) {
        ret->kind = OUTCOME_EXPIRED;
    } else if (*code) {
        read_code(use->arena, code, json_get_string(body, "descriptionResponse"), ret);
    }
}

void blumon_read_query(const struct provider_use *use, const struct provider_act *act,
                       const struct http_response *response, struct outcome *ret)
{
    const struct json_value *body;
    if (!answer_open(use->arena, response, &body, ret))
        return;
    if (body && ret->http_status == 200 && json_get_string(body, "operationType")) {
        read_webhook(use, act, body, ret);
    } else if (says_invalid_token(body, ret)) {
        ret->session_refused = true;
    } else if (blumon_step(use, act) == BLUMON_REGISTER) {
        if (says_success(body, ret))
            (void)read_standing(json_get_string(body, "dataResponse.status"), act->acting, ret);
    } else if (says_approved(body, ret)) {
        ret->kind = OUTCOME_SUCCEEDED;
        ret->provider_reference = answer_text(use->arena, body, "id");
    }
}
