#include "http/ops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "obs/metrics.h"

#define METRICS_BYTES_MAX ((size_t)16 << 20)
#define PORT_DIGITS_MAX 5

static void reply(struct http_exchange *exchange, int status, const char *type, struct bytes body)
{
    http_header_out(exchange, "Content-Type", type);
    http_header_out(exchange, "Cache-Control", "no-store");
    http_reply(exchange, status, body);
}

static void reply_metrics(struct http_exchange *exchange)
{
    struct buffer text;
    buffer_init(&text, METRICS_BYTES_MAX);
    metrics_print(&text);
    reply(exchange, 200, "text/plain; version=0.0.4", buffer_bytes(&text));
    buffer_deinit(&text);
}

static void reply_live(struct http_exchange *exchange, const struct health *health)
{
    const char *stuck = health_stuck(health);
    const char *body =
        stuck ? arena_printf(http_arena(exchange), "{\"status\":\"stuck\",\"what\":\"%s\"}", stuck)
              : "{\"status\":\"up\"}";
    reply(exchange, stuck ? 503 : 200, "application/json", bytes_of_string(body));
}

static void ops_handle(void *state, struct http_exchange *exchange)
{
    struct health *health = state;
    const char *path = http_path(exchange);
    bool ready = health_ready(health);
    if (strcmp(path, "/metrics") == 0)
        reply_metrics(exchange);
    else if (strcmp(path, "/health/live") == 0)
        reply_live(exchange, health);
    else if (strcmp(path, "/health/ready") == 0)
        reply(exchange, ready ? 200 : 503, "application/json",
              bytes_of_string(ready ? "{\"status\":\"ready\"}" : "{\"status\":\"not_ready\"}"));
    else if (strcmp(path, "/health") == 0)
        reply(exchange, ready ? 200 : 503, "application/json",
              bytes_of_string(health_json(health, http_arena(exchange))));
    else
        reply(exchange, 404, "text/plain", bytes_of_string("not found\n"));
}

static void *ops_begin(void *context, struct http_loop *loop)
{
    (void)loop;
    return context;
}

bool ops_split_address(const char *address, char *host, size_t size, uint16_t *ret_port)
{
    const char *colon = strrchr(address, ':');
    size_t digits = colon ? strspn(colon + 1, "0123456789") : 0;
    if (digits < 1 || digits > PORT_DIGITS_MAX || colon[1 + digits])
        return false;
    long port = strtol(colon + 1, NULL, 10);
    if (port > UINT16_MAX || (size_t)(colon - address) >= size)
        return false;
    snprintf(host, size, "%.*s", (int)(colon - address), address);
    *ret_port = (uint16_t)port;
    return true;
}

enum status ops_start(const char *address, struct health *health, struct http_server **ret)
{
    char host[128];
    uint16_t port = 0;
    *ret = NULL;
    if (address[0] == '\0')
        return STATUS_OK;
    if (!ops_split_address(address, host, sizeof host, &port))
        return STATUS_INVALID_ARGUMENT;
    struct http_server_config config = {
        .address = host,
        .port = port,
        .loops = 1,
        .body_max = 1024,
        .connections_max = 64,
        .request_s = 10,
        .idle_s = 60,
        .loop_begin = ops_begin,
        .handle = ops_handle,
        .context = health,
    };
    return http_server_start(&config, ret);
}
