// The REST edge: authenticate, route, transcode, call. Stateless but for one second's memory of
// good keys. Everything of a request happens in the event loop that accepted it; the RPC clients'
// threads only bring answers home (http_loop_post).
//
//   gateway.c    what the loops share
//   front.c      the public listener: its limits, TLS, connections counted
//   edge.c       a request's way from the listener to its answer
//   routes.c     method tables -> REST routes
//   keys.c       API keys: headers, cache, batched verification
//   limits.c     how much a tenant may ask for, how often an address may fail
//   slices.c     tokens leased for that from buckets that all replicas share
//   proxies.c    whose request it is, behind proxies
//   transcode.c  HTTP request -> message
//   hop.c        calls that are ready together travel in one Bundle
//   lines.c      who waits for that, tenant by tenant
//   cards.c      a card is exchanged for a token before its payment is created
//   compose.c    what is asked of several services
//   spans.c      requests as spans
//   refusal.c    struct problem -> RFC 9457
#pragma once
#include <stdatomic.h>

#include "base/bell.h"
#include "base/config.h"
#include "http/server.h"
#include "obs/health.h"
#include "obs/metrics.h"
#include "obs/presence.h"
#include "obs/trace.h"
#include "proxies.h"
#include "rpc/client.h"
#include "telemetry/telemetry.h"

enum upstream { UPSTREAM_AUTH, UPSTREAM_PAYMENTS, UPSTREAM_REFUNDS, UPSTREAM_WEBHOOKS, UPSTREAM_N };
#define UPSTREAM_NONE UPSTREAM_N // the gateway answers itself

struct gateway_settings {
    const char *listen, *ops_listen;
    const char *targets[UPSTREAM_N];
    const char *tls_certificate_file, *tls_key_file;
    const char *trusted_proxies;
    int64_t failures_per_min, cards_per_min; // of an address; 0: no limit
    int64_t loops, body_max, timeout_ms, slow_timeout_ms, connections_max;
    int64_t request_s, idle_s;
    bool test_mode;
};

struct routes;
struct key_cache;
struct verification;
struct limits;
struct hop;
struct edge;

#define EDGES_MAX 64

struct gateway {
    struct gateway_settings settings;
    struct presence_settings presence;
    struct rpc_tls_settings rpc_tls_settings;
    struct telemetry_settings telemetry_settings;
    struct rpc_tls *rpc_tls; // NULL: plaintext; outlives the clients
    struct routes *routes;
    struct rpc_client *clients[UPSTREAM_N];
    struct health *health;
    int dependencies[UPSTREAM_N];
    struct metric *requests, *seconds; // by method and route
    struct metric *connections;        // by state
    struct metric *bundles;            // calls in one
    struct tls_server *front_tls;      // NULL: plain HTTP
    struct metric *limited;            // by limit
    struct proxies proxies;
    struct edge *_Atomic edges[EDGES_MAX];
    atomic_size_t edges_n;
    atomic_bool closing; // nothing goes out any more: the clients are being freed
    struct bell *closed; // rung by an edge that has seen it
};

// front.c
// UNAVAILABLE when the port is taken, INVALID_ARGUMENT when a setting can't be used (the log says
// why).
MUST_USE enum status front_open(struct gateway *gateway, struct http_server **ret);
void front_tend(struct gateway *gateway, struct http_server *server); // every second or so

// One a loop thread.
struct edge {
    struct gateway *gateway;
    struct http_loop *loop;
    struct key_cache *keys;
    struct limits *limits;
    struct hop *hops[UPSTREAM_N];
    size_t place; // in gateway->edges
    struct pulse *pulse;
    atomic_bool closed;
};

struct route_match {
    const struct method *method;
    enum upstream upstream;
    const struct http_rule *rule;
    const char *names[4], *values[4]; // path variables, decoded, in the arena
    size_t n;
    const char *allow; // where only the verb is wrong: the verbs that are right
};

enum limit { LIMIT_TENANT, LIMIT_FAILURES, LIMIT_CARDS, LIMITS_N };

struct request {
    struct edge *edge;
    struct http_exchange *exchange;
    struct arena *arena;
    struct route_match match;
    const struct method *method; // match.method; NULL for an unknown path
    const char *page;            // of the gateway's own, static storage; NULL: none
    const char *tenant_id, *key_id, *request_id, *idempotency_key;
    struct bytes
        fingerprint; // the edge's digest of method, path and body: what makes two requests the same
    char traceparent[TRACEPARENT_SIZE];
    const char *parent; // what the client sent as traceparent, or NULL
    ProtobufCMessage *message;
    int64_t deadline_ns;
    struct problem problem;
    char address[ADDRESS_TEXT_SIZE];   // request_address
    int64_t rate_per_min;              // of its tenant; 0: no limit
    struct verification *verification; // of its key, where it is the first to ask for it
    // limits.c:
    enum limit waits_for;
    struct request *next_waiting;
    void (*go_on)(struct request *request);
    void (*give_up)(struct request *request);
    bool taken[LIMITS_N];
    bool limited; // the answer tells of its tenant's limit
    int64_t remaining, reset_s;
};

// A call on its way. Embedded in what waits for it; `finish` runs in the loop's thread.
struct hop_call {
    struct call call;
    struct edge *edge;
    void (*finish)(struct hop_call *hop_call);
    void *owner; // what waits for it
    struct hop_call *next;
};

// gateway.c
// From its settings; the rest is zero. False: gateway_deinit what there is.
bool gateway_init(struct gateway *gateway);
// Frees the clients, with every loop running: calls under way are cancelled, and their answers
// brought home; requests that come later get 503.
void gateway_close(struct gateway *gateway);
void gateway_deinit(struct gateway *gateway); // after the loops have ended

// edge.c
extern const struct config_entry gateway_config[];
extern const size_t gateway_config_n;
void *edge_begin(void *gateway, struct http_loop *loop);
void edge_end(void *edge);
void edge_handle(void *edge, struct http_exchange *exchange);
void edge_ready(void *edge);
void request_authenticated(struct request *request); // goes on after keys_check
void request_call(struct request *request);          // sends request->message to its service
void request_answer(struct request *request, const ProtobufCMessage *message, bool replayed);
void request_refuse(struct request *request); // answers request->problem
// A call of `method` on behalf of the request, in `arena`; finish gets it back. NULL: no memory.
struct hop_call *request_new_call(struct request *request, struct arena *arena,
                                  const struct method *method, const ProtobufCMessage *message,
                                  void (*finish)(struct hop_call *));

// routes.c
struct routes *routes_new(void);
void routes_free(struct routes *routes);
// NOT_FOUND for an unknown path, UNIMPLEMENTED with match->allow for a wrong verb.
MUST_USE enum status routes_find(const struct routes *routes, struct arena *arena, const char *verb,
                                 const char *path, struct route_match *ret);

// keys.c
#define KEY_GOOD_MS 1000   // how long a good answer is remembered
#define KEY_STALE_MS 60000 // how long it serves while the auth service is away
struct key_cache *key_cache_new(struct edge *edge);
void key_cache_free(struct key_cache *cache);
// Leads to request_authenticated or request_refuse, now or later.
void keys_check(struct request *request);
bool keys_given(const struct http_exchange *exchange);
struct credentials {
    const char *id, *secret;
};
// The key that a request shows: by its own two headers, or by Basic. False: none, or what can't be
// one. Pure.
bool keys_read(const struct http_exchange *exchange, struct arena *arena, struct credentials *ret);

// limits.c
struct limits *limits_new(struct edge *edge);
void limits_free(struct limits *limits);
// The client's: the socket's peer, or whom a trusted proxy names.
const char *request_address(struct request *request);
// Each leads, now or later, to what goes on, or to a refusal.
void limits_tenant(struct request *request); // then request_authenticated
// Taken before it is known whether the key is good, so that many at once are no way around it.
// give_up: with the reason in request->problem.
void limits_failure(struct request *request, void (*go_on)(struct request *),
                    void (*give_up)(struct request *));
void limits_no_failure(struct request *request); // it was good, or nobody could say
void limits_card(struct request *request);       // then cards_exchange
void limits_headers(const struct request *request);

// transcode.c
MUST_USE enum status transcode_in(struct request *request); // fills message, idempotency_key

// hop.c
struct hop *hop_new(struct edge *edge, enum upstream upstream);
void hop_free(struct hop *hop);
void hop_send(struct hop *hop, struct hop_call *call); // travels at once, or at the next hop_flush
void hop_flush(struct hop *hop);

// cards.c
// From now on, what the request holds of a card is wiped when it ends, however it ends. False: no
// memory.
MUST_USE bool cards_guard(struct request *request);
bool cards_wanted(const struct request *request);
void cards_exchange(struct request *request); // then request_call

// spans.c
void request_span(const struct request *request, int status);

// compose.c
void compose(struct request *request);

// refusal.c
int refusal_http_status(const struct problem *problem);
const char *refusal_json(struct arena *arena, const struct problem *problem, int status,
                         const char *request_id);
