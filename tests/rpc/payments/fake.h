// A provider in the test's own process: takes what the simulator takes, does what the test tells
// it.
#pragma once
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "http/server.h"
#include "json/json.h"

struct fake_operation {
    char reference[64], path[128], body[512];
    int posts, queries;
};

struct fake {
    pthread_mutex_t lock;
    struct http_server *server;
    struct fake_operation operations[512];
    size_t n;
    // What it does:
    int post_status;     // of an act's answer; 202
    bool records;        // it knows the reference afterwards
    bool mute;           // queries are answered with 500
    const char *result;  // "status" of a query: "succeeded"…; "pending" for ever
    int pending_queries; // that many queries say pending first
};

static struct fake fake;

static struct fake_operation *fake_find(const char *reference)
{
    for (size_t i = 0; i < fake.n; i++)
        if (strcmp(fake.operations[i].reference, reference) == 0)
            return &fake.operations[i];
    return NULL;
}

static void fake_answer(struct http_exchange *exchange, int status, const char *json)
{
    http_header_out(exchange, "Content-Type", "application/json");
    http_reply(exchange, status, bytes_of_string(json));
}

static void fake_query(struct http_exchange *exchange, const char *reference)
{
    struct fake_operation *operation = fake_find(reference);
    const char *result = fake.result;
    if (fake.mute) {
        fake_answer(exchange, 500, "{}");
        return;
    }
    if (!operation || !fake.records) {
        fake_answer(exchange, 404, "{\"error\":{\"code\":\"not_found\",\"message\":\"no\"}}");
        return;
    }
    if (operation->queries++ < fake.pending_queries)
        result = "pending";
    else if (strcmp(result, "succeeded") == 0 && strstr(operation->body, "\"capture\":false"))
        result = "authorized";
    const char *format =
        "{\"reference\":\"%s\",\"status\":\"%s\",\"error\":{\"code\":\"card_declined\","
        "\"message\":\"Declined.\"},\"action_url\":\"https://acs.example/1\"}";
    fake_answer(exchange, 200, arena_printf(http_arena(exchange), format, reference, result));
}

static void fake_post(struct http_exchange *exchange)
{
    struct arena *arena = http_arena(exchange);
    struct bytes body = http_body(exchange);
    const struct json_value *value = NULL;
    const char *reference = NULL;
    if (strcmp(http_path(exchange), "/v1/tokens") == 0) {
        fake_answer(exchange, 201, "{\"id\":\"stok_1\",\"brand\":\"visa\",\"last4\":\"4242\"}");
        return;
    }
    if (json_parse(arena, body, &value) == STATUS_OK)
        reference = json_get_string(value, "reference");
    if (!reference) {
        fake_answer(exchange, 400, "{\"error\":{\"code\":\"bad\",\"message\":\"bad\"}}");
        return;
    }
    struct fake_operation *operation = fake_find(reference);
    if (!operation && fake.n < 512)
        operation = &fake.operations[fake.n++];
    snprintf(operation->reference, sizeof operation->reference, "%s", reference);
    snprintf(operation->path, sizeof operation->path, "%s", http_path(exchange));
    snprintf(operation->body, sizeof operation->body, "%.*s", (int)body.length,
             (const char *)body.at);
    operation->posts++;
    if (fake.post_status == 202)
        fake_answer(
            exchange, 202,
            arena_printf(arena, "{\"reference\":\"%s\",\"status\":\"pending\"}", reference));
    else
        fake_answer(exchange, fake.post_status,
                    "{\"error\":{\"code\":\"refused_by_test\",\"message\":\"Refused.\"}}");
}

static void fake_handle(void *state, struct http_exchange *exchange)
{
    (void)state;
    const char *path = http_path(exchange);
    pthread_mutex_lock(&fake.lock);
    if (strncmp(path, "/v1/operations/", 15) == 0)
        fake_query(exchange, path + 15);
    else
        fake_post(exchange);
    pthread_mutex_unlock(&fake.lock);
}

// On this port; 0: a free one. Also after it was stopped.
static inline void fake_listen(int port)
{
    struct http_server_config config = {.address = "127.0.0.1",
                                        .port = (uint16_t)port,
                                        .loops = 1,
                                        .body_max = 65536,
                                        .connections_max = 256,
                                        .request_s = 5,
                                        .idle_s = 30,
                                        .handle = fake_handle};
    cr_ok(http_server_start(&config, &fake.server));
}

static inline void fake_start(void)
{
    pthread_mutex_init(&fake.lock, NULL);
    fake.post_status = 202;
    fake.records = true;
    fake.result = "succeeded";
    fake_listen(0);
}

// Changes what it does, between requests.
#define FAKE(assignments)                                                                          \
    do {                                                                                           \
        pthread_mutex_lock(&fake.lock);                                                            \
        assignments;                                                                               \
        pthread_mutex_unlock(&fake.lock);                                                          \
    } while (0)
