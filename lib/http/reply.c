#include <event2/buffer.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "http/listener.h"

#define HSTS "max-age=31536000" // RFC 6797; a year

// evhttp's own table stops at RFC 2616.
static const char *reason(int status)
{
    switch (status) {
    case 422:
        return "Unprocessable Content";
    case 428:
        return "Precondition Required";
    case 429:
        return "Too Many Requests";
    case 431:
        return "Request Header Fields Too Large";
    default:
        return NULL;
    }
}

static bool ours(const char *name) // the end of an answer is for this file to say
{
    return strcasecmp(name, "content-length") == 0 || strcasecmp(name, "transfer-encoding") == 0;
}

void http_header_out(struct http_exchange *exchange, const char *name, const char *value)
{
    if (!name[0] || strpbrk(name, "\r\n: ") || strpbrk(value, "\r\n") || ours(name)) {
        log_error("http.header_refused", LOG_S("header", ours(name) ? name : "malformed"));
        return;
    }
    if (exchange->connection)
        evhttp_add_header(evhttp_request_get_output_headers(exchange->request), name, value);
}

static bool has_body(int status) // RFC 9110, section 6.4.1
{
    return status >= 200 && status != 204 && status != 304;
}

void http_reply(struct http_exchange *exchange, int status, struct bytes body)
{
    struct http_loop *loop = exchange->loop;
    struct connection *connection = exchange->connection;
    if (connection) {
        struct evhttp_request *request = exchange->request;
        struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
        if (has_body(status)) { // HEAD says how long the body would be
            char length[24];
            snprintf(length, sizeof length, "%zu", body.length);
            evhttp_add_header(headers, "Content-Length", length);
            if (strcmp(exchange->method, "HEAD") != 0 && body.length)
                evbuffer_add(evhttp_request_get_output_buffer(request), body.at, body.length);
        }
        if (atomic_load_explicit(&loop->leaving, memory_order_relaxed))
            connection->close_after = true;
        if ((connection->close_after || loop->draining) &&
            !evhttp_find_header(headers, "Connection"))
            evhttp_add_header(headers, "Connection", "close");
        if (loop->config->tls)
            evhttp_add_header(headers, "Strict-Transport-Security", HSTS);
        connection_answering(connection, request);
        evhttp_send_reply(request, status, reason(status), NULL);
    }
    exchange_free(exchange);
    loop_check_drained(loop);
}
