#include "sending.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "obs/trace.h"
#include "signature.h"
#include "text.h"

#define CONNECT_MS_MAX 5000
#define HEADERS_MAX 8

static enum status open_secret(const struct sending_rules *rules, struct bytes sealed,
                               const char *context, const char **ret)
{
    *ret = NULL;
    return sealed.at ? secrets_open(rules->secrets, rules->ring, sealed, context, ret) : STATUS_OK;
}

static enum status sign(struct arena *arena, const struct sending_rules *rules,
                        const struct attempt *attempt, const char *timestamp, struct signature *ret)
{
    const char *secret = NULL, *older = NULL;
    const char *context =
        text_join(arena, (const char *[]){attempt->tenant_id, "/", attempt->endpoint_id, NULL});
    if (!context)
        return STATUS_RESOURCE_EXHAUSTED;
    enum status status = open_secret(rules, attempt->secret_sealed, context, &secret);
    if (status == STATUS_OK)
        status = open_secret(rules, attempt->older_secret_sealed, context, &older);
    if (status == STATUS_OK && !secret)
        status = STATUS_DATA_LOSS;
    if (status == STATUS_OK &&
        !signature_make(arena, secret, older, attempt->event_id, timestamp, attempt->body, ret))
        status = STATUS_RESOURCE_EXHAUSTED;
    return status;
}

static const char *header_lines(struct arena *arena, const struct http_header *headers, size_t n)
{
    const char *parts[4 * HEADERS_MAX + 2] = {"User-Agent: " WEBHOOK_USER_AGENT "\n"};
    size_t parts_n = 1;
    for (size_t i = 0; i < n; i++) {
        parts[parts_n++] = headers[i].name;
        parts[parts_n++] = ": ";
        parts[parts_n++] = headers[i].value;
        parts[parts_n++] = "\n";
    }
    return text_join(arena, parts);
}

enum status sending_request(struct arena *arena, const struct sending_rules *rules,
                            const struct attempt *attempt, int64_t now_us, struct http_request *ret,
                            const char **ret_header_lines)
{
    struct signature signature = {0};
    struct http_header *headers = ARENA_ARRAY(arena, HEADERS_MAX, struct http_header);
    const char *timestamp = arena_printf(arena, "%" PRId64, (int64_t)(now_us / US_PER_S));
    if (!headers || !timestamp)
        return STATUS_RESOURCE_EXHAUSTED;
    enum status status = sign(arena, rules, attempt, timestamp, &signature);
    if (status != STATUS_OK)
        return status;
    size_t n = 0;
    headers[n++] = (struct http_header){"Content-Type", "application/json"};
    headers[n++] = (struct http_header){"X-Webhook-Signature", signature.hex};
    headers[n++] = (struct http_header){"webhook-id", attempt->event_id};
    headers[n++] = (struct http_header){"webhook-timestamp", timestamp};
    headers[n++] = (struct http_header){"webhook-signature", signature.standard};
    if (attempt->request_id && trace_request_id_valid(attempt->request_id))
        headers[n++] = (struct http_header){"X-Request-Id", attempt->request_id};
    if (attempt->traceparent && trace_valid(attempt->traceparent))
        headers[n++] = (struct http_header){"traceparent", attempt->traceparent};
    *ret_header_lines = header_lines(arena, headers, n);
    *ret = (struct http_request){
        .method = "POST",
        .url = attempt->url,
        .headers = headers,
        .headers_n = n,
        .body = attempt->body,
        .connect_ms = rules->timeout_ms < CONNECT_MS_MAX ? rules->timeout_ms : CONNECT_MS_MAX,
        .total_ms = rules->timeout_ms,
        .response_max = RESPONSE_KEPT_MAX,
        .public_only = !rules->allow_private,
        .tls_required = !rules->allow_private,
    };
    return *ret_header_lines ? STATUS_OK : STATUS_RESOURCE_EXHAUSTED;
}

static const char *failure_sentence(const struct http_response *response)
{
    if (response->error && *response->error)
        return response->error;
    switch (response->failure) {
    case HTTP_REFUSED_URL:
        return "The URL may not be called.";
    case HTTP_NO_CONNECTION:
        return "No connection could be made.";
    case HTTP_TIMEOUT:
        return "No answer came in time.";
    default:
        return "The connection broke.";
    }
}

static const char *error_sentence(struct arena *arena, const struct http_response *response)
{
    if (response->failure != HTTP_OK)
        return text_clean(arena, bytes_of_string(failure_sentence(response)));
    switch (schedule_verdict(response->status)) {
    case VERDICT_DELIVERED:
        return "";
    case VERDICT_GONE:
        return "The endpoint answered 410 and was disabled.";
    case VERDICT_FAILED:
        break;
    }
    if (response->status >= 300 && response->status < 400)
        return arena_printf(arena, "The endpoint answered %d; redirects are not followed.",
                            response->status);
    return arena_printf(arena, "The endpoint answered %d.", response->status);
}

static void decide(const struct sending_rules *rules, const struct attempt *attempt,
                   const struct http_response *response, int64_t now_us, struct outcome *outcome)
{
    enum verdict verdict =
        response->failure == HTTP_OK ? schedule_verdict(response->status) : VERDICT_FAILED;
    outcome->next_us = DB_TIME_NULL;
    if (verdict == VERDICT_DELIVERED) {
        outcome->status = "delivered";
    } else if (verdict == VERDICT_GONE || attempt->number >= attempt->max_attempts) {
        outcome->status = "failed";
    } else {
        int64_t wait_s =
            response->failure == HTTP_OK
                ? schedule_retry_after_s(http_response_header(response, "retry-after"), now_us)
                : -1;
        outcome->status = "pending";
        outcome->next_us = schedule_next_us(
            rules->intervals_s, attempt->number - attempt->schedule_start, now_us, wait_s);
    }
}

struct outcome sending_outcome(struct arena *arena, const struct sending_rules *rules,
                               const struct attempt *attempt, const struct http_response *response,
                               int64_t now_us)
{
    struct outcome outcome = {
        .tenant_id = attempt->tenant_id,
        .delivery_id = attempt->delivery_id,
        .url = attempt->url,
        .number = attempt->number,
        .max_attempts = attempt->max_attempts,
        .started_us = attempt->started_us,
        .response_code = response->failure == HTTP_OK ? response->status : 0,
        .duration_us = response->duration_us,
        .error = error_sentence(arena, response),
    };
    if (response->failure == HTTP_OK) {
        struct bytes kept = response->body;
        if (kept.length > RESPONSE_KEPT_MAX)
            kept.length = RESPONSE_KEPT_MAX;
        outcome.response_body = text_clean(arena, kept);
    }
    if (!outcome.error)
        outcome.error = "The attempt failed.";
    decide(rules, attempt, response, now_us, &outcome);
    return outcome;
}

struct outcome sending_refusal(const struct attempt *attempt, const char *error)
{
    return (struct outcome){
        .tenant_id = attempt->tenant_id,
        .delivery_id = attempt->delivery_id,
        .url = attempt->url,
        .number = attempt->number,
        .max_attempts = attempt->max_attempts,
        .started_us = attempt->started_us,
        .status = "failed",
        .next_us = DB_TIME_NULL,
        .error = error,
    };
}
