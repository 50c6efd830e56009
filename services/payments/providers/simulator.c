#include "providers/simulator.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "crypto/crypto.h"
#include "json/json.h"

static const char *const methods[] = {"upi", "card", NULL};

static const struct simulator_settings *settings_of(const struct provider *provider)
{
    return provider->settings;
}

// body NULL: a GET.
static bool build(const struct provider *provider, struct arena *arena, const char *path,
                  const char *body, struct http_request *ret)
{
    struct http_header *headers = ARENA_ARRAY(arena, 3, struct http_header);
    const char *url = arena_printf(arena, "%s%s", settings_of(provider)->url, path);
    const char *key = arena_printf(arena, "Bearer %s", settings_of(provider)->key);
    if (!headers || !url || !key)
        return false;
    headers[0] = (struct http_header){"Authorization", key};
    headers[1] = (struct http_header){"Accept", "application/json"};
    headers[2] = (struct http_header){"Content-Type", "application/json"};
    *ret = (struct http_request){
        .method = body ? "POST" : "GET",
        .url = url,
        .headers = headers,
        .headers_n = body ? 3 : 2,
        .body = body ? bytes_of_string(body) : (struct bytes){0},
        .connect_ms = provider->connect_ms,
        .total_ms = provider->total_ms,
        .response_max = PROVIDER_RESPONSE_MAX,
    };
    return true;
}

// A member whose value is absent is left out: the list of members ends there.
static void add_member(struct json_member *members, size_t *n, struct json_member member)
{
    if (member.kind != JSON_MEMBER_STRING || member.string)
        members[(*n)++] = member;
}

static bool simulator_act(const struct provider *provider, struct arena *arena,
                          const struct provider_act *act, struct http_request *ret)
{
    struct json_member members[10] = {{0}};
    size_t n = 0;
    const char *callback = settings_of(provider)->callback_url;
    const char *path = "/v1/charges";
    add_member(members, &n, (struct json_member)JSON_S("reference", act->reference));
    switch (act->kind) {
    case OPERATION_CHARGE:
        add_member(members, &n, (struct json_member)JSON_I("amount", act->amount));
        add_member(members, &n, (struct json_member)JSON_S("currency", act->currency));
        add_member(members, &n, (struct json_member)JSON_S("method", act->method));
        add_member(members, &n, (struct json_member)JSON_S("vpa", act->vpa));
        add_member(members, &n, (struct json_member)JSON_S("token", act->token));
        add_member(members, &n, (struct json_member)JSON_B("capture", act->capture));
        break;
    case OPERATION_CAPTURE:
        path = arena_printf(arena, "/v1/charges/%s/capture", act->charge_reference);
        add_member(members, &n, (struct json_member)JSON_I("amount", act->amount));
        break;
    case OPERATION_CANCEL:
        path = arena_printf(arena, "/v1/charges/%s/cancel", act->charge_reference);
        break;
    case OPERATION_REFUND:
        path = "/v1/refunds";
        add_member(members, &n, (struct json_member)JSON_S("charge", act->charge_reference));
        add_member(members, &n, (struct json_member)JSON_I("amount", act->amount));
        break;
    }
    if (callback[0])
        add_member(members, &n, (struct json_member)JSON_S("callback_url", callback));
    const char *body = json_object(arena, members);
    return path && body && build(provider, arena, path, body, ret);
}

static bool simulator_query(const struct provider *provider, struct arena *arena,
                            const char *reference, struct http_request *ret)
{
    const char *path = arena_printf(arena, "/v1/operations/%s", reference);
    return path && build(provider, arena, path, NULL, ret);
}

static bool simulator_tokenize(const struct provider *provider, struct arena *arena,
                               const struct provider_card *card, struct http_request *ret)
{
    struct json_member members[6] = {{0}};
    size_t n = 0;
    add_member(members, &n, (struct json_member)JSON_S("number", card->number));
    add_member(members, &n, (struct json_member)JSON_I("expiry_month", card->expiry_month));
    add_member(members, &n, (struct json_member)JSON_I("expiry_year", card->expiry_year));
    add_member(members, &n, (struct json_member)JSON_S("cvv", card->cvv));
    add_member(members, &n, (struct json_member)JSON_S("holder_name", card->holder_name));
    const char *body = json_object(arena, members);
    return body && build(provider, arena, "/v1/tokens", body, ret);
}

static void read_failure(const struct http_response *response, struct outcome *ret)
{
    bool nothing_left =
        response->failure == HTTP_REFUSED_URL || response->failure == HTTP_NO_CONNECTION;
    *ret = (struct outcome){.kind = nothing_left ? OUTCOME_NOT_SENT : OUTCOME_LOST,
                            .http_status = response->status};
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

static const struct json_value *parse(struct arena *arena, const struct http_response *response)
{
    const struct json_value *body = NULL;
    if (response->truncated || json_parse(arena, response->body, &body) != STATUS_OK)
        return NULL;
    return body;
}

// Refusals that a later try may not meet: our key, our rate. Nothing was accepted.
static bool temporary_refusal(int status)
{
    return status == 401 || status == 403 || status == 429;
}

static void simulator_read_act(const struct provider *provider, struct arena *arena,
                               const struct http_response *response, struct outcome *ret)
{
    (void)provider;
    if (response->failure != HTTP_OK) {
        read_failure(response, ret);
        return;
    }
    *ret = (struct outcome){.kind = OUTCOME_LOST, .http_status = response->status};
    const struct json_value *body = parse(arena, response);
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

static void simulator_read_query(const struct provider *provider, struct arena *arena,
                                 const struct http_response *response, struct outcome *ret)
{
    (void)provider;
    if (response->failure != HTTP_OK) {
        read_failure(response, ret);
        return;
    }
    *ret = (struct outcome){.kind = OUTCOME_LOST, .http_status = response->status};
    const struct json_value *body = parse(arena, response);
    const char *code = body ? json_get_string(body, "error.code") : NULL;
    if (response->status == 200 && body)
        read_status(body, ret);
    else if (response->status == 404 && code && strcmp(code, "not_found") == 0)
        ret->kind = OUTCOME_NOT_FOUND;
}

static const char *simulator_read_token(const struct provider *provider, struct arena *arena,
                                        const struct http_response *response, struct outcome *ret)
{
    (void)provider;
    if (response->failure != HTTP_OK) {
        read_failure(response, ret);
        return NULL;
    }
    *ret = (struct outcome){.kind = OUTCOME_LOST, .http_status = response->status};
    const struct json_value *body = parse(arena, response);
    if (!body)
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

static bool simulator_callback_verify(const struct provider *provider, const char *credential_id,
                                      const struct provider_header *headers, size_t headers_n,
                                      struct bytes body)
{
    const struct simulator_settings *settings = settings_of(provider);
    if (strcmp(credential_id, settings->credential_id) != 0)
        return false;
    struct sha256 mac = crypto_hmac_sha256(bytes_of_string(settings->callback_secret), body);
    char expected[7 + SHA256_HEX_SIZE] = "sha256=";
    for (size_t i = 0; i < SHA256_BYTES; i++)
        snprintf(expected + 7 + 2 * i, 3, "%02x", mac.at[i]);
    for (size_t i = 0; i < headers_n; i++)
        if (strcasecmp(headers[i].name, "X-Signature-256") == 0)
            return crypto_equal(bytes_of_string(expected), bytes_of_string(headers[i].value));
    return false;
}

static const char *simulator_callback_reference(struct arena *arena, struct bytes body)
{
    const struct json_value *value = NULL;
    if (json_parse(arena, body, &value) != STATUS_OK)
        return NULL;
    return json_get_string(value, "reference");
}

void simulator_init(struct provider *provider, const struct simulator_settings *settings,
                    bool idempotent, int64_t timeout_ms)
{
    *provider = (struct provider){
        .name = "simulator",
        .methods = methods,
        .idempotent_reference = idempotent,
        .can_query = true,
        .calls_back = settings->callback_url[0] != '\0',
        .connect_ms = timeout_ms < 2000 ? timeout_ms : 2000,
        .total_ms = timeout_ms,
        .query_after_ms = 1000,
        .settle_ms = 2000,
        .settings = settings,
        .act = simulator_act,
        .query = simulator_query,
        .tokenize = simulator_tokenize,
        .read_act = simulator_read_act,
        .read_query = simulator_read_query,
        .read_token = simulator_read_token,
        .callback_verify = simulator_callback_verify,
        .callback_reference = simulator_callback_reference,
    };
}
