#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "crypto/tls.h"
#include "http/framing.h"
#include "http/listener.h"
#include "obs/metrics.h"

#define UNREAD_BYTES_MAX                                                                           \
    ((size_t)64 << 10) // beyond a body: headers, chunk lines, pipelined requests
#define BY_FD_FIRST 256

void connection_timer(struct connection *connection, int64_t seconds)
{
    struct timeval after = {.tv_sec = seconds};
    event_add(connection->timer, &after);
}

void connection_phase(struct connection *connection, enum phase phase)
{
    struct http_loop *loop = connection->loop;
    loop->busy_n += phase != PHASE_IDLE;
    loop->busy_n -= connection->phase != PHASE_IDLE;
    atomic_fetch_sub_explicit(&loop->in_state[connection->phase], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&loop->in_state[phase], 1, memory_order_relaxed);
    connection->phase = phase;
    if (phase == PHASE_IDLE)
        connection->idle_since_ns = clock_now_ns();
    if (phase == PHASE_IDLE || phase == PHASE_HANDLING)
        event_del(connection->timer);
    else if (phase == PHASE_READING)
        connection_timer(connection, loop->config->request_s);
    else // a client that takes its answer byte by byte doesn't hold it for ever
        connection_timer(connection, loop->config->request_s + loop->config->idle_s);
}

// evhttp frees a connection on an error event; deferred, since it may be at work on it further up.
void connection_close_soon(struct connection *connection)
{
    bufferevent_trigger_event(connection->stream, BEV_EVENT_EOF | BEV_EVENT_READING,
                              BEV_TRIG_DEFER_CALLBACKS);
}

static void connection_free(struct connection *connection)
{
    struct http_loop *loop = connection->loop;
    connection_phase(connection, PHASE_IDLE);
    atomic_fetch_sub_explicit(&loop->in_state[PHASE_IDLE], 1, memory_order_relaxed);
    *connection->link = connection->next;
    if (connection->next)
        connection->next->link = connection->link;
    loop->connections_n--;
    event_free(connection->timer);
    free(connection);
    loop_check_drained(loop);
}

// evhttp closes what is idle by itself, and doesn't say so; it counts from what was read last, we
// from the answer.
static enum closed reason(const struct connection *connection)
{
    int64_t idle_ns = clock_now_ns() - connection->idle_since_ns;
    bool idle = connection->phase == PHASE_IDLE && connection->reason == CLOSED_DONE;
    return idle && idle_ns >= connection->loop->config->idle_s * NS_PER_S * 9 / 10
               ? CLOSED_IDLE
               : connection->reason;
}

static void connection_count(const struct connection *connection)
{
    static const char *const names[] = {"done", "idle", "slow", "handshake", "too_many", "refused"};
    struct metric *metric = connection->loop->config->closed;
    if (metric)
        metric_add(metric, 1, METRIC_LABELS(names[reason(connection)]));
}

// evhttp tells, just before it frees the connection.
static void connection_closed(struct evhttp_connection *evhttp, void *context)
{
    struct connection *connection = context;
    struct http_exchange *exchange = connection->exchange;
    (void)evhttp;
    connection->loop->by_fd[connection->fd] = NULL;
    connection_count(connection);
    if (connection->tls)
        tls_session_goodbye(connection->tls);
    if (exchange) {
        // A request that evhttp took off its connection first is left to us; the others it frees
        // itself.
        if (!evhttp_request_get_connection(exchange->request))
            evhttp_request_free(exchange->request);
        exchange->request = NULL;
        exchange->connection = NULL;
    }
    connection_free(connection);
}

static void connection_input(struct evbuffer *input, const struct evbuffer_cb_info *info,
                             void *context)
{
    struct connection *connection = context;
    if (info->n_added == 0 || connection->cutting || !gate_input(connection, input, info->n_added))
        return;
    if (connection->phase == PHASE_IDLE)
        connection_phase(connection, PHASE_READING);
}

static bool by_fd_reserve(struct http_loop *loop, size_t n)
{
    if (n <= loop->by_fd_n)
        return true;
    size_t longer = loop->by_fd_n ? loop->by_fd_n : BY_FD_FIRST;
    while (longer < n)
        longer *= 2;
    struct connection **by_fd = reallocarray(loop->by_fd, longer, sizeof *by_fd);
    if (!by_fd)
        return false;
    memset(by_fd + loop->by_fd_n, 0, (longer - loop->by_fd_n) * sizeof *by_fd);
    loop->by_fd = by_fd;
    loop->by_fd_n = longer;
    return true;
}

// connection_open runs before evhttp has made its own connection; here it exists, as the argument
// of the stream's callbacks, and nothing has been read from it yet. evhttp 2.1 has no other way to
// learn of the end of a connection that never brings a whole request.
static void connection_adopt(struct connection *connection)
{
    struct http_loop *loop = connection->loop;
    struct bufferevent *stream = connection->stream;
    void *evhttp = NULL;
    bufferevent_getcb(stream, NULL, NULL, NULL, &evhttp);
    connection->fd = bufferevent_getfd(stream);
    if (!evhttp || connection->fd < 0) { // evhttp gave up on it
        bufferevent_decref(stream);
        connection_free(connection);
        return;
    }
    connection->evhttp = evhttp;
    bufferevent_decref(stream);
    if (!by_fd_reserve(loop, (size_t)connection->fd + 1)) {
        connection_close_soon(connection);
        connection_free(connection);
        return;
    }
    loop->by_fd[connection->fd] = connection;
    evhttp_connection_set_closecb(evhttp, connection_closed, connection);
    evbuffer_add_cb(bufferevent_get_input(stream), connection_input, connection);
    bufferevent_setwatermark(stream, EV_READ, 0, loop->config->body_max + UNREAD_BYTES_MAX);
    connection_timer(connection,
                     loop->config->request_s); // from the first moment, though it is idle
    if (loop->connections_n > loop->config->connections_max)
        connection->reason = CLOSED_TOO_MANY;
    if (connection->reason == CLOSED_TOO_MANY || loop->draining)
        connection_close_soon(connection);
}

static void connection_timed_out(struct connection *connection)
{
    if (connection->reason == CLOSED_DONE)
        connection->reason = connection->tls && !tls_session_established(connection->tls)
                                 ? CLOSED_HANDSHAKE
                                 : CLOSED_SLOW;
    bufferevent_trigger_event(connection->stream, BEV_EVENT_TIMEOUT | BEV_EVENT_READING,
                              BEV_TRIG_DEFER_CALLBACKS);
}

static void connection_event(evutil_socket_t fd, short what, void *context)
{
    struct connection *connection = context;
    (void)fd;
    if (what & EV_TIMEOUT)
        connection_timed_out(connection);
    else if (what & EV_READ)
        gate_turn_away(connection);
    else
        connection_adopt(connection);
}

// Deferred: a failing write must not free the connection under evhttp's hands. Where memory is
// short there is no stream: evhttp makes a plain one, which we don't know and refuse.
static struct bufferevent *stream_new(struct event_base *base, struct http_loop *loop,
                                      struct ssl_st **ret_tls)
{
    *ret_tls = NULL;
    if (!loop->config->tls)
        return bufferevent_socket_new(base, -1, 0);
    struct ssl_st *tls = tls_session_new(loop->config->tls);
    struct bufferevent *stream =
        tls ? bufferevent_openssl_socket_new(base, -1, tls, BUFFEREVENT_SSL_ACCEPTING,
                                             BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS)
            : NULL;
    if (!stream)
        tls_session_free(tls);
    else
        *ret_tls = tls;
    return stream;
}

struct bufferevent *connection_open(struct event_base *base, void *context)
{
    struct http_loop *loop = context;
    struct ssl_st *tls;
    struct bufferevent *stream = stream_new(base, loop, &tls);
    struct connection *connection = stream ? calloc(1, sizeof *connection) : NULL;
    struct event *timer = connection ? event_new(base, -1, 0, connection_event, connection) : NULL;
    if (!timer) { // without a connection of ours, its requests are refused
        free(connection);
        return stream;
    }
    *connection = (struct connection){.loop = loop,
                                      .stream = stream,
                                      .tls = tls,
                                      .timer = timer,
                                      .fd = -1,
                                      .idle_since_ns = clock_now_ns()};
    connection->next = loop->connections;
    connection->link = &loop->connections;
    if (connection->next)
        connection->next->link = &connection->next;
    loop->connections = connection;
    loop->connections_n++;
    atomic_fetch_add_explicit(&loop->in_state[PHASE_IDLE], 1, memory_order_relaxed);
    bufferevent_incref(stream);
    event_active(timer, EV_WRITE, 0);
    return stream;
}

void connection_free_unadopted(struct http_loop *loop)
{
    for (struct connection *at = loop->connections, *next; at; at = next) {
        next = at->next;
        if (!at->evhttp) {
            bufferevent_decref(at->stream);
            connection_free(at);
        }
    }
}

static void connection_answered(struct evhttp_request *request, void *context)
{
    struct connection *connection = context;
    (void)request;
    bool more = evbuffer_get_length(bufferevent_get_input(connection->stream)) > 0;
    connection_phase(connection, more ? PHASE_READING : PHASE_IDLE);
    if (connection->refusal)
        event_active(connection->timer, EV_READ, 0);
    if (connection->close_after || connection->loop->draining)
        connection_close_soon(connection);
}

void connection_answering(struct connection *connection, struct evhttp_request *request)
{
    connection->exchange = NULL;
    connection_phase(connection, PHASE_WRITING);
    evhttp_request_set_on_complete_cb(request, connection_answered, connection);
}

static void connection_refuse(struct connection *connection, struct evhttp_request *request,
                              int status)
{
    connection->close_after = true;
    connection_answering(connection, request);
    evhttp_send_error(request, status, status == 431 ? "Request Header Fields Too Large" : NULL);
}

void connection_request(struct evhttp_request *request, void *context)
{
    struct http_loop *loop = context;
    struct evhttp_connection *evhttp = evhttp_request_get_connection(request);
    int fd = bufferevent_getfd(evhttp_connection_get_bufferevent(evhttp));
    struct connection *connection = fd >= 0 && (size_t)fd < loop->by_fd_n ? loop->by_fd[fd] : NULL;
    if (!connection) {
        evhttp_send_error(request, 503, NULL);
        return;
    }
    connection_phase(connection, PHASE_HANDLING);
    struct http_exchange *exchange = exchange_new(connection, request);
    if (!exchange) {
        connection_refuse(connection, request, 503);
        return;
    }
    bool http_1_1 = request->major == 1 && request->minor >= 1;
    int refusal = framing_refusal(exchange->headers, exchange->headers_n, http_1_1);
    if (refusal) {
        exchange_free(exchange);
        connection_refuse(connection, request, refusal);
        return;
    }
    // Keeping an HTTP/1.0 connection is an agreement with the last proxy, not with the client.
    if (!http_1_1 || framing_wants_close(exchange->headers, exchange->headers_n))
        connection->close_after = true;
    connection->exchange = exchange;
    loop_request_handed_out(loop);
    loop->config->handle(loop->state, exchange);
}
