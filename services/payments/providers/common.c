#include "providers/common.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/id.h"
#include "crypto/crypto.h"

// --- Requests
// False: one has no value.
static bool add_headers(const struct outgoing *outgoing, struct http_header *headers, size_t *n)
{
    for (size_t i = 0; i < OUTGOING_HEADERS_MAX && outgoing->headers[i].name; i++) {
        if (!outgoing->headers[i].value)
            return false;
        headers[(*n)++] =
            (struct http_header){outgoing->headers[i].name, outgoing->headers[i].value};
    }
    headers[(*n)++] = (struct http_header){"Accept", "application/json"};
    if (outgoing->body)
        headers[(*n)++] = (struct http_header){"Content-Type", outgoing->type ? outgoing->type
                                                                              : "application/json"};
    return true;
}

bool outgoing_build(const struct provider_use *use, const struct outgoing *outgoing,
                    struct http_request *ret)
{
    const char *base =
        outgoing->base ? outgoing->base : credential_base_url(use->credential, use->provider);
    struct http_header *headers =
        ARENA_ARRAY(use->arena, OUTGOING_HEADERS_MAX + 2, struct http_header);
    const char *url =
        outgoing->path ? arena_printf(use->arena, "%s%s", base, outgoing->path) : NULL;
    size_t n = 0;
    if (!headers || !url || !add_headers(outgoing, headers, &n))
        return false;
    const char *method = outgoing->body ? "POST" : "GET";
    *ret = (struct http_request){
        .method = outgoing->method ? outgoing->method : method,
        .url = url,
        .headers = headers,
        .headers_n = n,
        .body = outgoing->body ? bytes_of_string(outgoing->body) : (struct bytes){0},
        .connect_ms = use->provider->connect_ms,
        .total_ms = use->provider->total_ms,
        .response_max = PROVIDER_RESPONSE_MAX,
    };
    return true;
}

char *outgoing_bearer(struct arena *arena, const char *token)
{
    return token ? arena_printf(arena, "Bearer %s", token) : arena_strdup(arena, "");
}

char *outgoing_basic(struct arena *arena, const char *user, const char *password)
{
    char *pair = arena_printf(arena, "%s:%s", user, password);
    char *encoded = pair ? crypto_base64(arena, bytes_of_string(pair)) : NULL;
    return encoded ? arena_printf(arena, "Basic %s", encoded) : NULL;
}

char *outgoing_object(struct arena *arena, const struct json_member *members)
{
    size_t n = 0, kept = 0;
    while (members[n].name)
        n++;
    struct json_member *given = ARENA_ARRAY(arena, n + 1, struct json_member);
    for (size_t i = 0; given && i < n; i++) {
        bool is_absent = !members[i].string;
        if (is_absent && members[i].kind == JSON_MEMBER_RAW)
            return NULL;
        if (!is_absent || members[i].kind != JSON_MEMBER_STRING)
            given[kept++] = members[i];
    }
    return given ? json_object(arena, given) : NULL;
}

// --- Answers
bool answer_open(struct arena *arena, const struct http_response *response,
                 const struct json_value **ret_body, struct outcome *ret)
{
    bool nothing_left =
        response->failure == HTTP_REFUSED_URL || response->failure == HTTP_NO_CONNECTION;
    bool is_answered = response->failure == HTTP_OK;
    *ret = (struct outcome){
        .kind = nothing_left ? OUTCOME_NOT_SENT : OUTCOME_LOST,
        .unwell = !is_answered || response->status >= 500,
        .http_status = is_answered ? response->status : 0,
    };
    *ret_body = NULL;
    if (is_answered && !response->truncated &&
        json_parse(arena, response->body, ret_body) != STATUS_OK)
        *ret_body = NULL;
    return is_answered;
}

const char *answer_text(struct arena *arena, const struct json_value *body, const char *path)
{
    int64_t number;
    const char *text = json_get_string(body, path);
    if (!text && json_get_integer(body, path, &number))
        text = arena_printf(arena, "%" PRId64, number);
    return text;
}

#define GRANT_S_MAX (30 * 86400) // what is said to live for ages is asked for again all the same

static void grant_refused(struct outcome *ret)
{
    if (ret->http_status == 400 || ret->http_status == 401 || ret->http_status == 403) {
        ret->kind = OUTCOME_FAILED;
        ret->elsewhere = true;
        ret->error_code = "provider_setup";
        ret->error_message = "The provider does not accept the credentials.";
    } else if (ret->http_status == 429) {
        ret->kind = OUTCOME_NOT_SENT;
        ret->unwell = true;
    }
}

void answer_grant(struct arena *arena, const struct http_response *response, int64_t default_s,
                  struct session_grant *ret)
{
    const struct json_value *body;
    *ret = (struct session_grant){.text = NULL};
    if (!answer_open(arena, response, &body, &ret->outcome))
        return;
    const char *token = body ? json_get_string(body, "access_token") : NULL;
    if (response->status / 100 != 2) {
        grant_refused(&ret->outcome);
    } else if (token && *token) {
        const char *lives = answer_text(arena, body, "expires_in");
        int64_t seconds = lives ? strtoll(lives, NULL, 10) : 0;
        ret->text = token;
        ret->lives_s = seconds > 0 ? seconds : default_s;
        if (ret->lives_s > GRANT_S_MAX)
            ret->lives_s = GRANT_S_MAX;
    }
}

const char *answer_missing(struct arena *arena, const struct http_response *response)
{
    const char *why = response->error && *response->error ? response->error : "no reason is known";
    switch (response->failure) {
    case HTTP_OK:
        return NULL;
    case HTTP_REFUSED_URL:
        return arena_printf(arena, "The provider's address can't be called: %s.", why);
    case HTTP_NO_CONNECTION:
        return arena_printf(arena, "The provider can't be reached: %s.", why);
    case HTTP_TIMEOUT:
        return "The provider did not answer in time.";
    case HTTP_BROKEN:
        return arena_printf(arena, "The provider's answer broke off: %s.", why);
    }
    return NULL;
}

// --- Error codes
const struct provider_error *provider_error_find(const struct provider_error *table,
                                                 const char *code)
{
    for (; code && table->code; table++)
        if (strcmp(table->code, code) == 0)
            return table;
    return NULL;
}

void provider_error_apply(const struct provider_error *error, struct outcome *ret)
{
    static const enum outcome_kind kinds[] = {
        [FAULT_PERMANENT] = OUTCOME_FAILED,   [FAULT_SETUP] = OUTCOME_FAILED,
        [FAULT_RETRYABLE] = OUTCOME_NOT_SENT, [FAULT_DUPLICATE] = OUTCOME_ACCEPTED,
        [FAULT_UNKNOWN] = OUTCOME_LOST,
    };
    ret->kind = kinds[error->fault];
    ret->elsewhere = error->fault == FAULT_SETUP;
    ret->unwell = error->fault == FAULT_RETRYABLE || error->fault == FAULT_UNKNOWN;
    ret->error_code = error->merchant_code;
    ret->error_message = error->sentence;
}

bool provider_error_read(const struct provider_error *table, const char *code, struct outcome *ret)
{
    const struct provider_error *error = provider_error_find(table, code);
    if (error)
        provider_error_apply(error, ret);
    return error != NULL;
}

void outcome_refuse(struct outcome *ret, const char *code, const char *message, bool elsewhere)
{
    ret->kind = OUTCOME_FAILED;
    ret->elsewhere = elsewhere;
    ret->unwell = false;
    ret->error_code = code;
    ret->error_message = message;
}

void provider_error_final(const struct provider_error *table, const char *code, struct outcome *ret)
{
    const struct provider_error *error = provider_error_find(table, code);
    if (!error || error->fault == FAULT_DUPLICATE)
        outcome_refuse(ret, "declined", "The provider declined the operation.", false);
    else if (error->merchant_code)
        outcome_refuse(ret, error->merchant_code, error->sentence,
                       error->fault == FAULT_SETUP || error->fault == FAULT_RETRYABLE);
    else
        outcome_refuse(ret, "provider_unavailable", "The provider could not do it.",
                       error->fault == FAULT_RETRYABLE);
}

// --- Callbacks
const char *callback_header(const struct provider_callback *callback, const char *name)
{
    for (size_t i = 0; i < callback->headers_n; i++)
        if (strcasecmp(callback->headers[i].name, name) == 0)
            return callback->headers[i].value;
    return NULL;
}

enum callback_proof callback_prove(struct arena *arena, const char *secret,
                                   const struct provider_callback *callback)
{
    static const char prefix[] = "sha256=";
    struct bytes given;
    if (!*secret)
        return CALLBACK_UNPROVEN;
    const char *text = callback_header(callback, "X-Signature-256");
    if (!text)
        return CALLBACK_FORGED;
    if (strncmp(text, prefix, strlen(prefix)) == 0)
        text += strlen(prefix);
    struct sha256 mac = crypto_hmac_sha256(bytes_of_string(secret), callback->body);
    return crypto_hex_decode(arena, text, &given) && crypto_equal(given, BYTES_OF_ARRAY(mac.at))
               ? CALLBACK_PROVEN
               : CALLBACK_FORGED;
}

enum callback_proof callback_prove_hmac(const struct provider_use *use,
                                        const struct provider_callback *callback)
{
    return callback_prove(use->arena, credential_get(use->credential, "webhook_secret"), callback);
}

// --- Our references, outside
char *reference_uuid(struct arena *arena, const char *reference)
{
    struct sha256 digest = crypto_sha256(bytes_of_string(reference));
    digest.at[6] = (uint8_t)((digest.at[6] & 0x0f) | 0x40); // version
    digest.at[8] = (uint8_t)((digest.at[8] & 0x3f) | 0x80); // variant
    const char *hex = crypto_hex(arena, (struct bytes){digest.at, 16});
    return hex ? arena_printf(arena, "%.8s-%.4s-%.4s-%.4s-%s", hex, hex + 8, hex + 12, hex + 16,
                              hex + 20)
               : NULL;
}

char *reference_compact(struct arena *arena, const char *reference)
{
    size_t prefix = strcspn(reference, "_");
    const char *rest = reference[prefix] ? reference + prefix + 1 : "";
    return arena_printf(arena, "%.*s%s", (int)prefix, reference, rest);
}

char *reference_expand(struct arena *arena, const char *compact)
{
    if (strncmp(compact, "op", 2) != 0)
        return NULL;
    char *reference = arena_printf(arena, "op_%s", compact + 2);
    return reference && id_looks_like("op", reference) ? reference : NULL;
}
