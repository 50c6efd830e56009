#include "providers/simulator.h"

#include <string.h>

#include "providers/common.h"

static const struct provider_support supports[] = {
    {"upi", NULL, NULL, true},
    {"card", NULL, NULL, true},
    {0},
};

// body NULL: a GET.
static bool build(const struct provider_use *use, const char *path, const char *body,
                  struct http_request *ret)
{
    const char *key = credential_get(use->credential, "key");
    const struct outgoing outgoing = {
        .path = path,
        .body = body,
        .headers = {{"Authorization", outgoing_bearer(use->arena, key)}},
    };
    return outgoing_build(use, &outgoing, ret);
}

static bool simulator_act(const struct provider_use *use, const struct provider_act *act,
                          struct http_request *ret)
{
    struct arena *arena = use->arena;
    const char *path = "/v1/charges", *body = NULL;
    const struct json_member callback = JSON_S("callback_url", use->callback_url);
    const struct json_member reference = JSON_S("reference", act->reference);
    const struct json_member amount = JSON_I("amount", act->amount);
    switch (act->kind) {
    case OPERATION_CHARGE:
        body = outgoing_object(arena, (struct json_member[]){reference,
                                                             amount,
                                                             JSON_S("currency", act->currency),
                                                             JSON_S("method", act->method),
                                                             JSON_S("vpa", act->vpa),
                                                             JSON_S("token", act->token),
                                                             JSON_B("capture", act->capture),
                                                             callback,
                                                             {0}});
        break;
    case OPERATION_CAPTURE:
        path = arena_printf(arena, "/v1/charges/%s/capture", act->charge_reference);
        body = outgoing_object(arena, (struct json_member[]){reference, amount, callback, {0}});
        break;
    case OPERATION_CANCEL:
        path = arena_printf(arena, "/v1/charges/%s/cancel", act->charge_reference);
        body = outgoing_object(arena, (struct json_member[]){reference, callback, {0}});
        break;
    case OPERATION_REFUND:
        path = "/v1/refunds";
        body = outgoing_object(
            arena, (struct json_member[]){
                       reference, JSON_S("charge", act->charge_reference), amount, callback, {0}});
        break;
    }
    return body && build(use, path, body, ret);
}

static enum provider_ask simulator_query(const struct provider_use *use,
                                         const struct provider_act *act, struct http_request *ret)
{
    const char *path = arena_printf(use->arena, "/v1/operations/%s", act->reference);
    return build(use, path, NULL, ret) ? ASK_BUILT : ASK_FULL;
}

static bool simulator_tokenize(const struct provider_use *use, const struct provider_card *card,
                               struct http_request *ret)
{
    const char *body = outgoing_object(
        use->arena, (struct json_member[]){JSON_S("number", card->number),
                                           JSON_I("expiry_month", card->expiry_month),
                                           JSON_I("expiry_year", card->expiry_year),
                                           JSON_S("cvv", card->cvv),
                                           JSON_S("holder_name", card->holder_name),
                                           {0}});
    return body && build(use, "/v1/tokens", body, ret);
}

static void read_error(const struct json_value *body, struct outcome *ret)
{
    const char *code = json_get_string(body, "error.code");
    const char *message = json_get_string(body, "error.message");
    ret->error_code = code ? code : "declined";
    ret->error_message = message ? message : "The provider declined the operation.";
}

// The answer's "status"; what isn't understood is LOST, never a failure.
static void read_status(const struct json_value *body, struct outcome *ret)
{
    static const struct {
        const char *name;
        enum outcome_kind kind;
    } kinds[] = {
        {"pending", OUTCOME_ACCEPTED},
        {"succeeded", OUTCOME_SUCCEEDED},
        {"authorized", OUTCOME_AUTHORIZED},
        {"failed", OUTCOME_FAILED},
        {"requires_action", OUTCOME_REQUIRES_ACTION},
        {"canceled", OUTCOME_CANCELED},
        {"expired", OUTCOME_EXPIRED},
    };
    const char *status = json_get_string(body, "status");
    ret->kind = OUTCOME_LOST;
    for (size_t i = 0; status && i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(status, kinds[i].name) == 0)
            ret->kind = kinds[i].kind;
    if (ret->kind == OUTCOME_FAILED)
        read_error(body, ret);
    if (ret->kind == OUTCOME_REQUIRES_ACTION)
        ret->action_url = json_get_string(body, "action_url");
}

// Refusals that a later try may not meet: our key, our rate. Nothing was accepted.
static bool temporary_refusal(int status)
{
    return status == 401 || status == 403 || status == 429;
}

static void simulator_read_act(const struct provider_use *use, const struct provider_act *act,
                               const struct http_response *response, struct outcome *ret)
{
    (void)act;
    const struct json_value *body = NULL;
    if (!answer_open(use->arena, response, &body, ret))
        return;
    const char *code = body ? json_get_string(body, "error.code") : NULL;
    if (response->status == 200 || response->status == 201 || response->status == 202) {
        if (body)
            read_status(body, ret);
    } else if (response->status == 409 && code && strcmp(code, "duplicate_reference") == 0) {
        ret->kind = OUTCOME_ACCEPTED; // it is there; the query says how it stands
    } else if (temporary_refusal(response->status)) {
        ret->kind = OUTCOME_NOT_SENT;
    } else if (response->status >= 400 && response->status < 500 && response->status != 408 &&
               code) {
        ret->kind = OUTCOME_FAILED;
        read_error(body, ret);
    }
}

static void simulator_read_query(const struct provider_use *use, const struct provider_act *act,
                                 const struct http_response *response, struct outcome *ret)
{
    (void)act;
    const struct json_value *body = NULL;
    if (!answer_open(use->arena, response, &body, ret))
        return;
    const char *code = body ? json_get_string(body, "error.code") : NULL;
    if (response->status == 200 && body)
        read_status(body, ret);
    else if (response->status == 404 && code && strcmp(code, "not_found") == 0)
        ret->kind = OUTCOME_NOT_FOUND;
}

static const char *simulator_read_token(const struct provider_use *use,
                                        const struct http_response *response, struct outcome *ret)
{
    const struct json_value *body = NULL;
    if (!answer_open(use->arena, response, &body, ret) || !body)
        return NULL;
    const char *token = json_get_string(body, "id");
    if (response->status == 201 && token && token[0])
        return token;
    if (response->status == 400 || response->status == 402 || response->status == 422) {
        ret->kind = OUTCOME_FAILED;
        read_error(body, ret);
    }
    return NULL;
}

static const char *simulator_callback_reference(struct arena *arena,
                                                const struct provider_callback *callback)
{
    const struct json_value *value = NULL;
    if (json_parse(arena, callback->body, &value) != STATUS_OK)
        return NULL;
    return json_get_string(value, "reference");
}

void simulator_init(struct provider *provider, bool idempotent, int64_t timeout_ms)
{
    unsigned again = idempotent ? STAGES_ALL : 0;
    *provider = (struct provider){
        .name = "simulator",
        .title = "Simulator",
        .supports = supports,
        .repeatable = {[OPERATION_CHARGE] = again,
                       [OPERATION_CAPTURE] = again,
                       [OPERATION_CANCEL] = again,
                       [OPERATION_REFUND] = again},
        .calls_back = true,
        .partial_refunds = true,
        .connect_ms = timeout_ms < 2000 ? timeout_ms : 2000,
        .total_ms = timeout_ms,
        .query_after_ms = 1000,
        .settle_ms = 2000,
        .act = simulator_act,
        .query = simulator_query,
        .tokenize = simulator_tokenize,
        .read_act = simulator_read_act,
        .read_query = simulator_read_query,
        .read_token = simulator_read_token,
        .callback_proof = callback_prove_hmac,
        .callback_reference = simulator_callback_reference,
    };
}
