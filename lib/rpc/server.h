// A gRPC server on the C core: registered methods in two lanes, the Bundle, the standard health
// service (Check, Watch) and reflection (v1, v1alpha). Unknown methods get UNIMPLEMENTED, malformed
// messages INVALID_ARGUMENT, calls past their deadline are not begun. Call grpc_init's wrapper
// through this room only: rpc_server_start and rpc_client_new do it.
//
// Fast lane: each worker thread takes what is ready (to RPC_BATCH_MAX calls), groups it by method
// and gives each handler its calls at once, first come first; a Bundle's items join the groups as
// if each had come alone. Slow lane: an acceptor puts calls into a bounded queue; slow_threads take
// one each; a tenant may hold at most slow_per_tenant places (running and waiting),
// RESOURCE_EXHAUSTED beyond. Calls without a tenant have only the common bound.
//
// A call without a deadline gets 60 s, a longer one is brought down to an hour. Messages coming in
// are at most RPC_MESSAGE_MAX; a bundle's answers together 64 MiB (beyond: RESOURCE_EXHAUSTED, or
// UNKNOWN where the work is done). Health.Check and the streams (512 Watch, 64 reflection) have a
// thread of their own. Metrics: obol_rpc_calls_total, obol_rpc_seconds, obol_rpc_batches_total.
#pragma once
#include "obs/health.h"
#include "rpc/call.h"
#include "rpc/tls.h"

#define RPC_BATCH_MAX 128
#define RPC_MESSAGE_MAX ((size_t)4 << 20)

// What Health knows beside "" and each service's name, which say whether the process is ready:
// "live": it comes round (health_stuck). "obol.rpc.v1.Bundle": it isn't leaving; this is what our
// clients watch, for a service whose database is away still says so itself, call by call.
// "able": ready, but for draining; a caller that asks one of several replicas how the service is
// asks for this, for one that leaves serves on.
#define RPC_HEALTH_LIVE "live"
#define RPC_HEALTH_ABLE "able"

struct rpc_handler {
    const char *method; // full path, must exist in files
    // Exactly one of the two. worker: what worker_begin made for this thread.
    // n from 1 to RPC_BATCH_MAX, all of this method.
    void (*many)(void *worker, struct call *const *calls, size_t n);
    enum status (*one)(void *worker,
                       struct call *call); // the returned status is call->problem.status
};

struct rpc_server_config {
    const char *address; // "127.0.0.1:50051"; port 0: any free one
    const struct proto_file *const
        *files; // all services served; imports are followed for reflection
    size_t files_n;
    const struct rpc_handler
        *handlers;     // every method of the files that isn't streaming must be here, else
    size_t handlers_n; // rpc_server_start refuses
    // fast_threads at least 1, slow_threads too when a method is slow; slow_per_tenant 0: no such
    // bound.
    size_t fast_threads, slow_threads, slow_queue, slow_per_tenant;
    void *(*worker_begin)(
        void *context); // in each worker thread, before its first call; may be NULL
    void (*worker_end)(void *worker);
    void *context;
    struct rpc_tls *tls; // NULL: plaintext; outlives the server
    // About how long a connection lives, seconds, 0: for ever; under TLS tls says. Its calls in
    // hand have as long again, at most a minute.
    int64_t connection_age_s;
    struct health *health; // serving state: overall and of each service
    // Nothing is served but Health (Check, Watch), of these files' services; everything else is
    // UNIMPLEMENTED. In plain text it shows no more than whether the process is well, so probes
    // need no certificate. No handlers, no threads, no tls.
    bool health_only;
};

struct rpc_server;
// files and their tables, health and context must outlive the server; the rest is copied. A
// worker's memory is its thread's: a call's arena is emptied as soon as its answer is sent.
// INVALID_ARGUMENT when a handler is missing or names no method, UNAVAILABLE when the address is
// taken.
MUST_USE enum status rpc_server_start(const struct rpc_server_config *config,
                                      struct rpc_server **ret);
int rpc_server_port(const struct rpc_server *server);
// Stops accepting, waits up to drain_ms, refuses what has not begun (UNAVAILABLE), cancels the
// rest, waits for the handlers (their deadlines bound them), joins, frees. Watches end with
// UNAVAILABLE.
void rpc_server_stop(struct rpc_server *server, int64_t drain_ms);
