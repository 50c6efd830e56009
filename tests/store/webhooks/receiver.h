// A merchant's server: what it answers is told by the path.
//   /ok            200
//   /flaky/<n>     500 n times, then 200
//   /always/<code> that code
//   /hang          no answer
//   /later/<s>     503 with Retry-After, then 200
#pragma once
#include <pthread.h>
#include <stdlib.h>

#include "http/server.h"
#include "support/support.h"

struct receiver {
    struct http_server *server;
    char url[64];
    _Atomic int requests, hanging;
    pthread_mutex_t lock;
    char last_signature[256], last_id[64], last_body[512], last_agent[64], last_request_id[64];
};

static struct receiver receiver = {.lock = PTHREAD_MUTEX_INITIALIZER};

static inline void note_header(struct http_exchange *exchange, const char *name, char *out,
                               size_t size)
{
    const char *value = http_header_in(exchange, name);
    snprintf(out, size, "%s", value ? value : "");
}

static inline void receiver_answer(void *state, struct http_exchange *exchange)
{
    (void)state;
    const char *path = http_path(exchange);
    const char *argument = strrchr(path, '/') + 1;
    int status = 200;
    pthread_mutex_lock(&receiver.lock);
    int before = receiver.requests++;
    note_header(exchange, "webhook-signature", receiver.last_signature,
                sizeof receiver.last_signature);
    note_header(exchange, "webhook-id", receiver.last_id, sizeof receiver.last_id);
    note_header(exchange, "User-Agent", receiver.last_agent, sizeof receiver.last_agent);
    note_header(exchange, "X-Request-Id", receiver.last_request_id,
                sizeof receiver.last_request_id);
    struct bytes body = http_body(exchange);
    snprintf(receiver.last_body, sizeof receiver.last_body, "%.*s", (int)body.length, body.at);
    pthread_mutex_unlock(&receiver.lock);
    if (strcmp(path, "/hang") == 0) {
        receiver.hanging++;
        return;
    }
    if (strncmp(path, "/flaky/", 7) == 0)
        status = before < (int)strtol(argument, NULL, 10) ? 500 : 200;
    else if (strncmp(path, "/always/", 8) == 0)
        status = (int)strtol(argument, NULL, 10);
    else if (strncmp(path, "/later/", 7) == 0 && before == 0) {
        http_header_out(exchange, "Retry-After", argument);
        status = 503;
    }
    if (status == 302)
        http_header_out(exchange, "Location", "/ok");
    http_reply(exchange, status, bytes_of_string("seen"));
}

static inline void receiver_start(void)
{
    const struct http_server_config config = {.address = "127.0.0.1",
                                              .loops = 1,
                                              .body_max = 1 << 20,
                                              .connections_max = 1000,
                                              .request_s = 30,
                                              .idle_s = 30,
                                              .handle = receiver_answer};
    cr_ok(http_server_start(&config, &receiver.server));
    snprintf(receiver.url, sizeof receiver.url, "http://127.0.0.1:%u",
             http_server_port(receiver.server));
}

static inline void receiver_stop(void)
{
    http_server_stop(receiver.server, 0);
}
