#include <event2/buffer.h>
#include <event2/keyvalq_struct.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/log.h"
#include "crypto/crypto.h"
#include "http/client.h"
#include "http/listener.h"

#define SPARE_MAX 64

static const char *method_name(enum evhttp_cmd_type type)
{
    switch (type) {
    case EVHTTP_REQ_GET:
        return "GET";
    case EVHTTP_REQ_POST:
        return "POST";
    case EVHTTP_REQ_HEAD:
        return "HEAD";
    case EVHTTP_REQ_PUT:
        return "PUT";
    case EVHTTP_REQ_DELETE:
        return "DELETE";
    case EVHTTP_REQ_OPTIONS:
        return "OPTIONS";
    case EVHTTP_REQ_TRACE:
        return "TRACE";
    case EVHTTP_REQ_CONNECT:
        return "CONNECT";
    case EVHTTP_REQ_PATCH:
        return "PATCH";
    default:
        return "";
    }
}

// evhttp takes "//a/b" for a host and a path, so only absolute URLs are left to its parser.
static bool take_target(struct http_exchange *exchange)
{
    const char *target = evhttp_request_get_uri(exchange->request);
    const struct evhttp_uri *parsed = evhttp_request_get_evhttp_uri(exchange->request);
    if (target[0] != '/' && parsed && evhttp_uri_get_scheme(parsed)) {
        const char *path = evhttp_uri_get_path(parsed);
        const char *query = evhttp_uri_get_query(parsed);
        exchange->path = arena_strdup(exchange->arena, path && path[0] ? path : "/");
        exchange->query = arena_strdup(exchange->arena, query);
        return exchange->path && (exchange->query || !query);
    }
    size_t length = strcspn(target, "?");
    exchange->path = arena_strndup(exchange->arena, target, length);
    if (target[length] == '?')
        exchange->query = arena_strdup(exchange->arena, target + length + 1);
    return exchange->path && (exchange->query || target[length] != '?');
}

static bool take_headers(struct http_exchange *exchange)
{
    struct evkeyvalq *headers = evhttp_request_get_input_headers(exchange->request);
    struct evkeyval *at;
    size_t n = 0;
    for (at = headers->tqh_first; at; at = at->next.tqe_next)
        n++;
    exchange->headers = ARENA_ARRAY(exchange->arena, n, struct http_header);
    if (!exchange->headers)
        return false;
    for (at = headers->tqh_first; at; at = at->next.tqe_next) {
        struct http_header *header = &exchange->headers[exchange->headers_n++];
        header->name = arena_strdup(exchange->arena, at->key);
        header->value = arena_strdup(exchange->arena, at->value);
        if (!header->name || !header->value)
            return false;
    }
    return true;
}

static bool take_body(struct http_exchange *exchange)
{
    struct evbuffer *input = evhttp_request_get_input_buffer(exchange->request);
    size_t length = evbuffer_get_length(input);
    uint8_t *body = arena_alloc(exchange->arena, length + 1);
    if (!body || evbuffer_remove(input, body, length) != (int)length)
        return false;
    exchange->body = (struct bytes){body, length};
    return true;
}

// All is copied: evhttp frees a request with its connection, which may go before the answer comes.
static bool exchange_take(struct http_exchange *exchange)
{
    char *peer = NULL;
    uint16_t port;
    evhttp_connection_get_peer(exchange->connection->evhttp, &peer, &port);
    exchange->peer = arena_strdup(exchange->arena, peer);
    exchange->method = method_name(evhttp_request_get_command(exchange->request));
    exchange->arrived_ns = clock_now_ns();
    return exchange->peer && take_target(exchange) && take_headers(exchange) && take_body(exchange);
}

static struct http_exchange *exchange_blank(struct http_loop *loop)
{
    struct http_exchange *exchange = loop->spare;
    if (exchange) {
        loop->spare = exchange->next;
        loop->spare_n--;
        return exchange;
    }
    exchange = calloc(1, sizeof *exchange);
    if (!exchange)
        return NULL;
    exchange->arena = arena_new(ARENA_CAP_REQUEST + loop->config->body_max);
    if (!exchange->arena) {
        free(exchange);
        return NULL;
    }
    return exchange;
}

struct http_exchange *exchange_new(struct connection *connection, struct evhttp_request *request)
{
    struct http_loop *loop = connection->loop;
    struct http_exchange *exchange = exchange_blank(loop);
    if (!exchange)
        return NULL;
    *exchange = (struct http_exchange){.loop = loop,
                                       .connection = connection,
                                       .request = request,
                                       .arena = exchange->arena,
                                       .next = loop->exchanges,
                                       .link = &loop->exchanges};
    if (exchange->next)
        exchange->next->link = &exchange->next;
    loop->exchanges = exchange;
    loop->exchanges_n++;
    if (exchange_take(exchange))
        return exchange;
    exchange_free(exchange);
    return NULL;
}

void exchange_destroy(struct http_exchange *exchange)
{
    arena_free(exchange->arena);
    free(exchange);
}

// What may hold a card number or an API secret.
static void exchange_wipe(struct http_exchange *exchange)
{
    for (size_t i = 0; i < exchange->headers_n; i++) {
        char *value = (char *)(uintptr_t)exchange->headers[i].value;
        crypto_wipe(value, value ? strlen(value) : 0);
    }
    crypto_wipe((void *)(uintptr_t)exchange->body.at, exchange->body.length);
}

void exchange_free(struct http_exchange *exchange)
{
    struct http_loop *loop = exchange->loop;
    exchange_wipe(exchange);
    *exchange->link = exchange->next;
    if (exchange->next)
        exchange->next->link = exchange->link;
    loop->exchanges_n--;
    if (loop->spare_n == SPARE_MAX) {
        exchange_destroy(exchange);
        return;
    }
    arena_reset(exchange->arena);
    *exchange = (struct http_exchange){.arena = exchange->arena, .next = loop->spare};
    loop->spare = exchange;
    loop->spare_n++;
}

struct arena *http_arena(struct http_exchange *exchange)
{
    return exchange->arena;
}

const char *http_method(const struct http_exchange *exchange)
{
    return exchange->method;
}

const char *http_path(const struct http_exchange *exchange)
{
    return exchange->path;
}

const char *http_query(const struct http_exchange *exchange)
{
    return exchange->query;
}

const char *http_header_in(const struct http_exchange *exchange, const char *name)
{
    for (size_t i = 0; i < exchange->headers_n; i++)
        if (strcasecmp(exchange->headers[i].name, name) == 0)
            return exchange->headers[i].value;
    return NULL;
}

void http_headers_in(const struct http_exchange *exchange,
                     void (*visit)(void *, const char *name, const char *value), void *context)
{
    for (size_t i = 0; i < exchange->headers_n; i++)
        visit(context, exchange->headers[i].name, exchange->headers[i].value);
}

struct bytes http_body(struct http_exchange *exchange)
{
    return exchange->body;
}

const char *http_peer(const struct http_exchange *exchange)
{
    return exchange->peer;
}

int64_t http_arrived_ns(const struct http_exchange *exchange)
{
    return exchange->arrived_ns;
}

void **http_user(struct http_exchange *exchange)
{
    return &exchange->user;
}
