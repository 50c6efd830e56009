#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "merchant.h"
#include "verify.h"
#include "json/json.h"

#define LIST_MAX ((size_t)512 << 20)

static void reply_json(struct http_exchange *exchange, int status, const char *body)
{
    http_header_out(exchange, "Content-Type", "application/json");
    http_reply(exchange, status, bytes_of_string(body));
}

// --- Webhooks

static void read_event(struct arena *arena, struct bytes body, struct received *into)
{
    static const char *const objects[] = {"data.payment.id", "data.refund.id",
                                          "data.webhook_endpoint.id", "data.endpoint.id"};
    const struct json_value *value;
    into->id = into->event = into->object_id = (char *)"";
    if (json_parse(arena, body, &value) != STATUS_OK)
        return;
    const char *id = json_get_string(value, "id"), *event = json_get_string(value, "event");
    into->id = (char *)(id ? id : "");
    into->event = (char *)(event ? event : "");
    (void)json_get_integer(value, "sequence", &into->sequence);
    for (size_t i = 0; i < sizeof objects / sizeof *objects && !*into->object_id; i++) {
        const char *object = json_get_string(value, objects[i]);
        into->object_id = (char *)(object ? object : "");
    }
}

// The status to fail with this time; 0: none.
static int fails_now(struct misbehaviour *misbehaviour)
{
    int status = (int)misbehaviour->fail;
    if (status && misbehaviour->fail_times && --misbehaviour->fail_times == 0)
        misbehaviour->fail = 0;
    return status;
}

static void tell(const struct merchant *merchant, const struct received *received, const char *why)
{
    const char *word = receipts_knows(merchant->receipts, received->id) ? "repeated" : "verified";
    if (why)
        printf("Webhook REFUSED: %s\n", why);
    else if (received->status / 100 != 2)
        printf("Webhook answered with %d: %s %s\n", received->status, received->event,
               received->object_id);
    else
        printf("Webhook %s: %s %s\n", word, received->event, received->object_id);
    (void)fflush(stdout);
}

static void webhook_answer(struct merchant *merchant, struct http_exchange *exchange, int status)
{
    const struct misbehaviour *misbehaviour = &merchant->misbehaviour;
    struct bytes body =
        bytes_of_string(status / 100 == 2 ? "{\"received\":true}" : "{\"received\":false}");
    http_header_out(exchange, "Content-Type", "application/json");
    if (status / 100 != 2 && misbehaviour->retry_after_s) {
        char text[24];
        (void)snprintf(text, sizeof text, "%" PRId64, misbehaviour->retry_after_s);
        http_header_out(exchange, "Retry-After", text);
    }
    bool silent = misbehaviour->hang || misbehaviour->drop;
    int64_t after_ms = silent ? HOLD_MAX_MS : misbehaviour->delay_ms;
    if (after_ms > 0 &&
        holder_keep(merchant->holder, merchant->loop, exchange, after_ms, status, body))
        return;
    http_reply(exchange, status, body);
}

static void webhook_post(struct merchant *merchant, struct http_exchange *exchange)
{
    struct arena *arena = http_arena(exchange);
    struct signed_request request = {
        .signature = http_header_in(exchange, "X-Webhook-Signature"),
        .webhook_id = http_header_in(exchange, "webhook-id"),
        .webhook_timestamp = http_header_in(exchange, "webhook-timestamp"),
        .webhook_signature = http_header_in(exchange, "webhook-signature"),
        .body = http_body(exchange),
    };
    int64_t now_us = clock_unix_us();
    const char *why = verify_webhook(arena, merchant->secret, &request, now_us / US_PER_S);
    struct received received = {.verified = !why, .at_us = now_us, .body = request.body};
    read_event(arena, request.body, &received);
    int failing = fails_now(&merchant->misbehaviour);
    received.status = failing ? failing : why ? 401 : 200;
    if (merchant->misbehaviour.drop) {
        webhook_answer(merchant, exchange, received.status);
        return;
    }
    tell(merchant, &received, why);
    if (!receipts_add(merchant->receipts, &received))
        received.status = 500;
    webhook_answer(merchant, exchange, received.status);
}

// --- What tests ask

static const char *query_value(struct http_exchange *exchange, const char *name)
{
    const char *at = http_query(exchange);
    size_t length = strlen(name);
    while (at && (strncmp(at, name, length) != 0 || at[length] != '=')) {
        at = strchr(at, '&');
        at = at ? at + 1 : NULL;
    }
    if (!at)
        return NULL;
    at += length + 1;
    return http_decode(http_arena(exchange), at, strcspn(at, "&"), true);
}

static char *received_row(struct arena *arena, const struct received *received)
{
    char at[RFC3339_SIZE];
    clock_rfc3339(received->at_us, at);
    // A refused body may be no text at all: then it is shown as null.
    const char *body = json_utf8_valid(received->body) ? (const char *)received->body.at : NULL;
    return json_object(arena, (struct json_member[]){JSON_I("index", (int64_t)received->index),
                                                     JSON_S("id", received->id),
                                                     JSON_S("event", received->event),
                                                     JSON_S("object_id", received->object_id),
                                                     JSON_I("sequence", received->sequence),
                                                     JSON_B("verified", received->verified),
                                                     JSON_I("status", received->status),
                                                     JSON_S("at", at),
                                                     JSON_S("body", body),
                                                     {0}});
}

// Answers that we were told to fail are attempts, not receipts: shown with ?attempts=true only.
static bool wanted(const struct received *received, const char *event, const char *object,
                   bool attempts)
{
    bool told_to_fail = received->status / 100 != 2 && received->verified;
    return (!event || strcmp(event, received->event) == 0) &&
           (!object || strcmp(object, received->object_id) == 0) && (attempts || !told_to_fail);
}

static void received_get(struct merchant *merchant, struct http_exchange *exchange)
{
    const char *event = query_value(exchange, "event"), *object = query_value(exchange, "object");
    const char *since = query_value(exchange, "since"), *all = query_value(exchange, "attempts");
    bool attempts = all && strcmp(all, "true") == 0;
    size_t from = since ? strtoull(since, NULL, 10) : 0;
    if (from < receipts_first(merchant->receipts))
        from = receipts_first(merchant->receipts);
    struct buffer out;
    buffer_init(&out, LIST_MAX);
    CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    const char *comma = "[";
    for (size_t i = from; arena && i < receipts_end(merchant->receipts); i++) {
        const struct received *received = receipts_at(merchant->receipts, i);
        if (!wanted(received, event, object, attempts))
            continue;
        char *row = received_row(arena, received);
        buffer_adds(&out, comma);
        buffer_adds(&out, row ? row : "null");
        comma = ",";
        arena_reset(arena);
    }
    buffer_adds(&out, *comma == '[' ? "[]" : "]");
    reply_json(exchange, out.full ? 500 : 200, out.full ? "{}" : out.at);
    buffer_deinit(&out);
}

static void control_post(struct merchant *merchant, struct http_exchange *exchange)
{
    const struct json_value *body;
    if (json_parse(http_arena(exchange), http_body(exchange), &body) != STATUS_OK) {
        reply_json(exchange, 400, "{\"error\":\"the body is not JSON\"}");
        return;
    }
    struct misbehaviour told = merchant->misbehaviour;
    (void)json_get_integer(body, "fail", &told.fail);
    (void)json_get_integer(body, "fail_times", &told.fail_times);
    (void)json_get_integer(body, "delay_ms", &told.delay_ms);
    (void)json_get_integer(body, "retry_after", &told.retry_after_s);
    (void)json_get_bool(body, "hang", &told.hang);
    (void)json_get_bool(body, "drop", &told.drop);
    if (told.fail != 0 && (told.fail < 200 || told.fail > 599)) {
        reply_json(exchange, 400, "{\"error\":\"fail is a status from 200 to 599, or 0\"}");
        return;
    }
    merchant->misbehaviour = told;
    reply_json(exchange, 200, "{\"ok\":true}");
}

void merchant_handle(void *loop_state, struct http_exchange *exchange)
{
    struct merchant *merchant = loop_state;
    const char *verb = http_method(exchange), *path = http_path(exchange);
    bool post = strcmp(verb, "POST") == 0, get = strcmp(verb, "GET") == 0;
    if (post && strcmp(path, "/webhook") == 0) {
        webhook_post(merchant, exchange);
    } else if (get && strcmp(path, "/received") == 0) {
        received_get(merchant, exchange);
    } else if (strcmp(verb, "DELETE") == 0 && strcmp(path, "/received") == 0) {
        receipts_clear(merchant->receipts);
        http_reply(exchange, 204, (struct bytes){0});
    } else if (post && strcmp(path, "/control") == 0) {
        control_post(merchant, exchange);
    } else if (get && (strcmp(path, "/health") == 0 || strcmp(path, "/health/live") == 0 ||
                       strcmp(path, "/health/ready") == 0)) {
        reply_json(exchange, 200, "{\"status\":\"up\"}");
    } else {
        reply_json(exchange, 404, "{\"error\":\"not found\"}");
    }
}
