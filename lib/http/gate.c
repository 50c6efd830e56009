// The gate before evhttp: it sees no byte that scan.c hasn't passed. A refused request is cut out
// of the input with all that follows; when those before it are answered, the gate says why, on its
// own, and closes. The close lingers: a reset would take the answer with it.
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <string.h>
#include <sys/socket.h>

#include "http/listener.h"

#define LINGER_S 2
#define EXTENTS 4

static int scan_added(struct scan *scan, struct evbuffer *input, size_t added)
{
    struct evbuffer_iovec extents[EXTENTS];
    struct evbuffer_ptr at;
    int refusal = 0;
    if (evbuffer_ptr_set(input, &at, evbuffer_get_length(input) - added, EVBUFFER_PTR_SET) != 0)
        return 503;
    while (added > 0 && !refusal) {
        int n = evbuffer_peek(input, (ev_ssize_t)added, &at, extents, EXTENTS);
        size_t seen = 0;
        for (int i = 0; i < n && i < EXTENTS && seen < added && !refusal; i++) {
            size_t length = extents[i].iov_len < added - seen ? extents[i].iov_len : added - seen;
            refusal = scan_feed(scan, extents[i].iov_base, length);
            seen += length;
        }
        added -= seen;
        if (n <= 0 || (added && evbuffer_ptr_set(input, &at, seen, EVBUFFER_PTR_ADD) != 0))
            return 503;
    }
    return refusal;
}

static void keep_first(struct connection *connection, struct evbuffer *input, size_t n)
{
    struct evbuffer *kept = n ? evbuffer_new() : NULL;
    connection->cutting = true;
    if (kept)
        evbuffer_remove_buffer(input, kept, n);
    evbuffer_drain(input, evbuffer_get_length(input));
    if (kept) {
        evbuffer_add_buffer(input, kept);
        evbuffer_free(kept);
    }
    connection->cutting = false;
}

bool gate_input(struct connection *connection, struct evbuffer *input, size_t added)
{
    size_t before = evbuffer_get_length(input) - added;
    if (connection->refusal) {
        keep_first(connection, input, before);
        return false;
    }
    uint64_t taken = connection->scan.at - before; // by evhttp
    connection->refusal = scan_added(&connection->scan, input, added);
    if (!connection->refusal)
        return true;
    uint64_t good = connection->scan.request_at;
    keep_first(connection, input, good > taken ? (size_t)(good - taken) : 0);
    event_active(connection->timer, EV_READ, 0); // evhttp may be at work on it further up
    return false;
}

static const char *reason(int status)
{
    switch (status) {
    case 414:
        return "URI Too Long";
    case 431:
        return "Request Header Fields Too Large";
    case 503:
        return "Service Unavailable";
    default:
        return "Bad Request";
    }
}

static void written(struct bufferevent *stream, void *context)
{
    (void)context;
    shutdown(bufferevent_getfd(stream), SHUT_WR);
}

static void ended(struct bufferevent *stream, short what, void *context)
{
    struct connection *connection = context;
    (void)stream;
    (void)what;
    evhttp_connection_free(connection->evhttp);
}

void gate_turn_away(struct connection *connection)
{
    struct bufferevent *stream = connection->stream;
    bool busy = connection->phase == PHASE_HANDLING || connection->phase == PHASE_WRITING;
    if (busy || evbuffer_get_length(bufferevent_get_input(stream)) > 0)
        return; // connection_answered comes back to it
    if (evbuffer_get_length(bufferevent_get_output(stream)) > 0)
        return; // evhttp has refused it too, and closes
    connection->reason = CLOSED_REFUSED;
    connection_phase(connection, PHASE_WRITING);
    connection_timer(connection, LINGER_S);
    bufferevent_setcb(stream, NULL, written, ended, connection);
    evbuffer_add_printf(bufferevent_get_output(stream),
                        "HTTP/1.1 %d %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                        connection->refusal, reason(connection->refusal));
    bufferevent_enable(stream, EV_WRITE);
}
