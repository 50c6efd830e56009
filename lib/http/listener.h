// The insides of the server: a loop with its connections and exchanges. Private to the room;
// everything belongs to the loop's thread, except what stands under the loop's mutex.
#pragma once
#include <event2/event.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <pthread.h>
#include <stdatomic.h>

#include "http/scan.h"
#include "http/server.h"

#undef HTTP_OK // evhttp's 200; http/client.h has another

struct bufferevent;
struct evbuffer;
struct connection;

struct post {
    struct post *next;
    void (*call)(void *);
    void *argument;
};

struct http_loop {
    const struct http_server_config *config;
    pthread_t thread;
    bool started;
    int listen_fd; // -1 once evhttp has it
    struct event_base *base;
    struct evhttp *http;
    struct evhttp_bound_socket *bound;
    struct event *accept_again; // after the process ran out of descriptors
    void *state;

    struct event *ready_event;
    bool ready_due;

    pthread_mutex_t mutex; // guards posts, posts_end, ended, drained
    pthread_cond_t drained_changed;
    struct post *posts, **posts_end;
    bool ended;
    bool drained; // nothing was in hand at some moment since draining began
    struct event *posted;

    struct connection *connections;
    struct connection **by_fd; // evhttp keeps no pointer of ours with a connection
    size_t by_fd_n, connections_n;
    _Atomic int64_t in_state[HTTP_STATES]; // connections by phase
    size_t busy_n; // connections on which a request is coming in, being handled or being answered
    struct http_exchange *exchanges;
    size_t exchanges_n;
    struct http_exchange *spare; // emptied ones, to be used again
    size_t spare_n;
    atomic_bool leaving;     // every answer is its connection's last
    bool draining, stopping; // stopping: the loop ends when it is drained
    int64_t stop_ms;
    struct event *drain, *stop, *stop_over;
};

// IDLE: not a byte of a request. An exchange exists while HANDLING.
enum phase { PHASE_IDLE, PHASE_READING, PHASE_HANDLING, PHASE_WRITING };

enum closed {
    CLOSED_DONE,
    CLOSED_IDLE,
    CLOSED_SLOW,
    CLOSED_HANDSHAKE,
    CLOSED_TOO_MANY,
    CLOSED_REFUSED
};

struct connection {
    struct connection *next, **link;
    struct http_loop *loop;
    struct bufferevent *stream;
    struct evhttp_connection *evhttp; // NULL until adopted
    struct event *timer; // adoption, then the bound on a whole request and on a whole answer
    int fd;
    enum phase phase;
    struct ssl_st *tls; // NULL: plain; the stream's
    int64_t idle_since_ns;
    bool close_after;
    bool cutting; // the gate is moving what is in the input already
    int refusal;  // of the gate: nothing more is read
    enum closed reason;
    struct scan scan;
    struct http_exchange *exchange;
};

struct http_exchange {
    struct http_exchange *next, **link;
    struct http_loop *loop;
    struct connection *connection; // NULL when the client has left
    struct evhttp_request *request;
    struct arena *arena;
    const char *method, *path, *query, *peer;
    struct http_header *headers;
    size_t headers_n;
    struct bytes body;
    int64_t arrived_ns;
    void *user;
};

// loop.c
bool loop_init(struct http_loop *loop, const struct http_server_config *config, int listen_fd);
void loop_deinit(struct http_loop *loop); // for one whose thread never started
void *loop_run(void *loop);               // the thread
// Any thread. Both take no more connections; stop ends the loop, once drained or after stop_ms.
void loop_drain(struct http_loop *loop);
void loop_stop(struct http_loop *loop, int64_t stop_ms);
bool loop_wait_drained(struct http_loop *loop, int64_t deadline_ns);
void loop_request_handed_out(struct http_loop *loop);
void loop_check_drained(struct http_loop *loop);

// connection.c
struct bufferevent *connection_open(struct event_base *base, void *loop);
void connection_request(struct evhttp_request *request, void *loop);
void connection_answering(struct connection *connection, struct evhttp_request *request);
void connection_close_soon(struct connection *connection);
void connection_phase(struct connection *connection, enum phase phase);
void connection_timer(struct connection *connection, int64_t seconds);
void connection_free_unadopted(struct http_loop *loop);

// gate.c
// What came in, before evhttp sees it. False when it must not see it.
bool gate_input(struct connection *connection, struct evbuffer *input, size_t added);
void gate_turn_away(struct connection *connection); // answers and closes, when its turn has come

// exchange.c
// NULL when memory is short.
struct http_exchange *exchange_new(struct connection *connection, struct evhttp_request *request);
void exchange_free(struct http_exchange *exchange); // to the spare ones
void exchange_destroy(struct http_exchange *exchange);
