#include "receiver.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "http/server.h"
#include "json/json.h"

#define CONNECTIONS_MAX 10000
#define BODY_MAX ((size_t)1 << 20)
#define TIMEOUT_S 60
#define DRAIN_MS 1000

struct receiver {
    struct receiver_config config;
    struct http_server *server;
    atomic_int_least64_t requests, first_ns, last_ns;
};

static void count(struct receiver *receiver, int64_t arrived_ns)
{
    int64_t none = 0, last_ns = atomic_load(&receiver->last_ns);
    atomic_compare_exchange_strong(&receiver->first_ns, &none, arrived_ns);
    while (last_ns < arrived_ns &&
           !atomic_compare_exchange_weak(&receiver->last_ns, &last_ns, arrived_ns))
        ;
    atomic_fetch_add(&receiver->requests, 1);
}

static const char *stats(const struct receiver *receiver, struct arena *arena)
{
    struct counts counts = receiver_counts(receiver);
    return json_object(arena, (struct json_member[]){JSON_I("requests", counts.requests),
                                                     JSON_I("first_ns", counts.first_ns),
                                                     JSON_I("last_ns", counts.last_ns),
                                                     {0}});
}

static void handle(void *loop_state, struct http_exchange *exchange)
{
    struct receiver *receiver = loop_state;
    const char *answer = receiver->config.body;
    http_header_out(exchange, "Content-Type", "application/json");
    if (strcmp(http_path(exchange), "/stats") == 0) {
        answer = stats(receiver, http_arena(exchange));
    } else {
        if (receiver->config.take)
            receiver->config.take(receiver->config.context, http_body(exchange),
                                  http_arrived_ns(exchange));
        count(receiver, http_arrived_ns(exchange));
    }
    http_reply(exchange, answer ? 200 : 500, bytes_of_string(answer));
}

static void *loop_begin(void *context, struct http_loop *loop)
{
    (void)loop;
    return context;
}

struct receiver *receiver_start(const struct receiver_config *config)
{
    struct receiver *receiver = calloc(1, sizeof *receiver);
    if (!receiver)
        return NULL;
    receiver->config = *config;
    const struct http_server_config listener = {
        .address = "127.0.0.1",
        .port = config->port,
        .loops = config->loops,
        .body_max = BODY_MAX,
        .connections_max = CONNECTIONS_MAX,
        .request_s = TIMEOUT_S,
        .idle_s = TIMEOUT_S,
        .loop_begin = loop_begin,
        .handle = handle,
        .context = receiver,
    };
    if (http_server_start(&listener, &receiver->server) == STATUS_OK)
        return receiver;
    free(receiver);
    return NULL;
}

uint16_t receiver_port(const struct receiver *receiver)
{
    return http_server_port(receiver->server);
}

struct counts receiver_counts(const struct receiver *receiver)
{
    return (struct counts){atomic_load(&receiver->requests), atomic_load(&receiver->first_ns),
                           atomic_load(&receiver->last_ns)};
}

void receiver_stop(struct receiver *receiver)
{
    http_server_stop(receiver->server, DRAIN_MS);
    free(receiver);
}
