// An HTTP/1.1 listener (libevent's evhttp): one event loop a thread, each with its own SO_REUSEPORT
// socket. A request is handed to the handler in its loop's thread; it is answered there, at once or
// later (http_loop_post brings other threads' results home). What the listener refuses by itself:
// bodies over body_max (413), a head over 16 KiB or of more than 128 headers (431, 414 where the
// target is what is long), a request that takes longer than request_s to come in (closed), and
// whatever could end elsewhere for a front proxy than for us (400, connection closed): see scan.h.
// Every other judgement is the handler's: all methods reach it. HTTP/1.0 is answered and closed.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"

struct metric;
struct tls_server;

struct http_server;
struct http_loop;
struct http_exchange; // one request and its answer, owned by its loop

struct http_server_config {
    const char *address;    // "127.0.0.1", "[::1]"
    uint16_t port;          // 0: any free one
    size_t loops;           // threads
    size_t body_max;        // bytes
    size_t connections_max; // per loop; beyond it new ones are closed
    int64_t request_s;      // whole request in, TLS handshake included, seconds
    int64_t idle_s;         // keep-alive
    struct tls_server *tls; // NULL: plain HTTP; borrowed
    struct metric *closed;  // counts connections that we closed, by reason; or NULL
    void *(*loop_begin)(void *context,
                        struct http_loop *loop); // in the loop's thread; result: loop state
    void (*loop_end)(void *loop_state);
    // Called once per request. Must lead to exactly one http_reply, now or later.
    void (*handle)(void *loop_state, struct http_exchange *exchange);
    // Called after a loop has handed out all the requests that were ready: the place to send a
    // batch.
    void (*ready)(void *loop_state); // may be NULL
    void *context;
};

// How many connections there are in each state: idle, reading, handling, writing.
#define HTTP_STATES 4
extern const char *const http_state_names[HTTP_STATES];
void http_server_connections(struct http_server *server, int64_t ret[HTTP_STATES]); // any thread

// UNAVAILABLE when the port is taken.
MUST_USE enum status http_server_start(const struct http_server_config *config,
                                       struct http_server **ret);
uint16_t http_server_port(const struct http_server *server);
// Says goodbye: everything goes on as before, but each answer from now on says `Connection: close`
// and is the last of its connection.
void http_server_leave(struct http_server *server);
// Stops accepting, then waits up to drain_ms until no exchange is under way; true when it came to
// that. The loops run on: posts are run, and a request that was already coming in is still handed
// out. For a handler that waits for others, which are to be stopped between this and
// http_server_stop.
bool http_server_drain(struct http_server *server, int64_t drain_ms);
// Stops accepting, waits up to drain_ms for exchanges under way, then closes and joins.
void http_server_stop(struct http_server *server, int64_t drain_ms);

// Any thread, until http_server_stop has returned: runs call(argument) soon in the loop's thread.
// Many posts cost one wake. False when the loop has ended; what was taken is run, before loop_end.
bool http_loop_post(struct http_loop *loop, void (*call)(void *), void *argument);

// --- The request: valid until http_reply.
struct arena *http_arena(struct http_exchange *exchange);
const char *http_method(const struct http_exchange *exchange); // "POST"; "" for one we don't know
const char *http_path(const struct http_exchange *exchange);   // raw, as sent, without the query
const char *http_query(const struct http_exchange *exchange);  // raw, NULL when none
const char *http_header_in(const struct http_exchange *exchange,
                           const char *name); // first; NULL when absent
// Calls visit for each header in order.
void http_headers_in(const struct http_exchange *exchange,
                     void (*visit)(void *, const char *name, const char *value), void *context);
struct bytes http_body(struct http_exchange *exchange);
const char *http_peer(const struct http_exchange *exchange);   // address of the socket
int64_t http_arrived_ns(const struct http_exchange *exchange); // monotonic
void **http_user(struct http_exchange *exchange);              // a pointer of the handler's

// Percent-decodes (RFC 3986) into the arena; '+' stays unless plus_is_space. NULL when malformed or
// when it holds U+0000.
char *http_decode(struct arena *arena, const char *text, size_t length, bool plus_is_space);

// --- The answer. name and value are copied; CR and LF in a value are refused (dropped with a log
// line). Content-Length is the listener's; without a Content-Type none is sent.
void http_header_out(struct http_exchange *exchange, const char *name, const char *value);
void http_reply(struct http_exchange *exchange, int status,
                struct bytes body); // copies body; ends the exchange
