#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "obol/rpc/v1/bundle.obol.h"
#include "rpc/secure.h"

#define GRACE_MS_MAX 60000
#define HEALTH_MESSAGE_MAX 4096 // where nothing else is asked
#define ABANDON_MS 200          // for what was refused at the last moment to reach its caller

static int binding_compare(const void *left, const void *right)
{
    const struct binding *a = left, *b = right;
    return strcmp(a->method->path, b->method->path);
}

const struct binding *server_binding(const struct rpc_server *server, const char *path)
{
    struct method method = {.path = path};
    struct binding key = {.method = &method};
    return bsearch(&key, server->bindings, server->bindings_n, sizeof key, binding_compare);
}

static size_t methods_count(const struct rpc_server_config *config)
{
    size_t n = 0;
    for (size_t i = 0; i < config->files_n; i++)
        n += config->files[i]->methods_n;
    return n;
}

static void bindings_fill(struct rpc_server *server)
{
    const struct rpc_server_config *config = &server->config;
    for (size_t i = 0; i < config->files_n; i++)
        for (size_t j = 0; j < config->files[i]->methods_n; j++) {
            const struct method *method = &config->files[i]->methods[j];
            if (!method->client_streams && !method->server_streams)
                server->bindings[server->bindings_n++] = (struct binding){.method = method};
        }
    qsort(server->bindings, server->bindings_n, sizeof *server->bindings, binding_compare);
}

static bool handler_bind(struct rpc_server *server, const struct rpc_handler *handler)
{
    struct binding *binding = (struct binding *)server_binding(server, handler->method);
    const char *fault = NULL;
    if (!binding)
        fault = "no such method";
    else if (binding->handler)
        fault = "two handlers";
    else if (!handler->many == !handler->one)
        fault = "neither one nor many, or both";
    if (fault) {
        log_error("rpc.handler_refused", LOG_S("method", handler->method), LOG_S("reason", fault));
        return false;
    }
    binding->handler = handler;
    return true;
}

// Everything that is wrong is said before the server refuses to start.
static bool bindings_complete(struct rpc_server *server)
{
    const struct rpc_server_config *config = &server->config;
    if (config->health_only)
        return config->handlers_n == 0 && !config->tls;
    bool complete = config->fast_threads > 0;
    for (size_t i = 0; i < config->handlers_n; i++)
        complete = handler_bind(server, &server->handlers[i]) && complete;
    for (size_t i = 0; i < server->bindings_n; i++) {
        const struct binding *binding = &server->bindings[i];
        if (!binding->handler) {
            log_error("rpc.handler_missing", LOG_S("method", binding->method->path));
            complete = false;
        }
        if (binding->method->lane == LANE_SLOW && config->slow_threads == 0)
            complete = false;
    }
    return complete;
}

static void core_create(struct rpc_server *server)
{
    const struct rpc_server_config *config = &server->config;
    int64_t age_s = config->tls ? tls_connection_age_s(config->tls) : config->connection_age_s;
    int age_ms = (int)age_s * 1000;
    grpc_arg integers[] = {
        {GRPC_ARG_INTEGER, (char *)GRPC_ARG_ALLOW_REUSEPORT, {.integer = 0}},
        {GRPC_ARG_INTEGER,
         (char *)GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH,
         {.integer = config->health_only ? HEALTH_MESSAGE_MAX : (int)RPC_MESSAGE_MAX}},
        {GRPC_ARG_INTEGER, (char *)GRPC_ARG_MAX_SEND_MESSAGE_LENGTH, {.integer = -1}},
        {GRPC_ARG_INTEGER,
         (char *)GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
         {.integer = 1000}},
        {GRPC_ARG_INTEGER, (char *)GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, {.integer = 1}},
        {GRPC_ARG_INTEGER, (char *)GRPC_ARG_HTTP2_MAX_PING_STRIKES, {.integer = 0}},
        {GRPC_ARG_INTEGER, (char *)GRPC_ARG_MAX_CONNECTION_AGE_MS, {.integer = age_ms}},
        {GRPC_ARG_INTEGER,
         (char *)GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS,
         {.integer = age_ms < GRACE_MS_MAX ? age_ms : GRACE_MS_MAX}},
    };
    // The last two, where it has an age: so long does a certificate go on that is refused by now,
    // and a caller with the replicas that there were when it connected.
    size_t n = sizeof integers / sizeof *integers - (age_ms > 0 ? 0 : 2);
    grpc_channel_args arguments = {n, integers};
    server->core = grpc_server_create(&arguments, NULL);
}

// What is not registered arrives as a call of no known method.
static void core_register(struct rpc_server *server)
{
    if (server->config.health_only)
        return;
    server->bundle.registered =
        grpc_server_register_method(server->core, server->bundle.method->path, NULL,
                                    GRPC_SRM_PAYLOAD_READ_INITIAL_BYTE_BUFFER, 0);
    for (size_t i = 0; i < server->bindings_n; i++)
        server->bindings[i].registered =
            grpc_server_register_method(server->core, server->bindings[i].method->path, NULL,
                                        GRPC_SRM_PAYLOAD_READ_INITIAL_BYTE_BUFFER, 0);
}

static bool address_is_loopback(const char *address)
{
    static const char *const loopbacks[] = {"127.", "localhost:", "[::1]:", "unix:"};
    for (size_t i = 0; i < sizeof loopbacks / sizeof *loopbacks; i++)
        if (strncmp(address, loopbacks[i], strlen(loopbacks[i])) == 0)
            return true;
    return false;
}

static bool core_listen(struct rpc_server *server)
{
    grpc_server_credentials *credentials = server_credentials(server);
    server->port = grpc_server_add_http2_port(server->core, server->config.address, credentials);
    grpc_server_credentials_release(credentials);
    bool open = !server->config.tls && !server->config.health_only;
    if (server->port > 0 && open && !address_is_loopback(server->config.address))
        log_warn("rpc.open_to_all", LOG_S("address", server->config.address),
                 LOG_S("advice", "gRPC without TLS beyond loopback: whoever reaches this port may "
                                 "call everything; give RPC_TLS_*_FILE"));
    if (server->port <= 0)
        log_error("rpc.not_listening", LOG_S("address", server->config.address));
    return server->port > 0;
}

static void server_metrics(struct rpc_server *server)
{
    server->calls_total = metric_counter("obol_rpc_calls_total", "Calls answered.", "method,code");
    server->seconds = metric_histogram_ns("obol_rpc_call_duration_seconds",
                                          "From a call's arrival to its answer.", "method");
    server->callers_total = metric_counter(
        "obol_rpc_callers_total",
        "Calls under TLS, by method, the caller's role and whether it may.", "method,role,allowed");
    server->batches = metric_histogram_sizes(
        "obol_rpc_batch_calls", "Calls that a fast method's handler was given at once.", "method");
    struct metric *depth = metric_gauge(
        "obol_rpc_queue_depth",
        "Calls taken and not answered (fast lane), or waiting for a thread (slow lane).", "lane");
    server->fast_depth = metric_series(depth, METRIC_LABELS("fast"));
    server->slow_depth = metric_series(depth, METRIC_LABELS("slow"));
}

void server_observe(const struct rpc_server *server, const struct call *call, int64_t began_ns)
{
    call_served(call, began_ns);
    metric_add(server->calls_total, 1,
               METRIC_LABELS(call->method->path, status_name(call->problem.status)));
    metric_observe(server->seconds, clock_now_ns() - began_ns, METRIC_LABELS(call->method->path));
}

void server_enter(struct rpc_server *server)
{
    atomic_fetch_add(&server->out, 1);
}

void server_leave(struct rpc_server *server)
{
    if (atomic_fetch_sub(&server->out, 1) > 1 || !atomic_load(&server->stopping))
        return;
    pthread_mutex_lock(&server->mutex);
    pthread_cond_broadcast(&server->emptied);
    pthread_mutex_unlock(&server->mutex);
}

// Handlers end by their deadlines; until then their calls need the queues.
static void server_wait_empty(struct rpc_server *server)
{
    pthread_mutex_lock(&server->mutex);
    while (atomic_load(&server->out) > 0)
        pthread_cond_wait(&server->emptied, &server->mutex);
    pthread_mutex_unlock(&server->mutex);
}

static void server_free(struct rpc_server *server)
{
    lane_slow_free(server->slow);
    lane_fast_free(server->fast);
    stage_free(server->stage);
    if (server->core)
        grpc_server_destroy(server->core);
    pthread_cond_destroy(&server->emptied);
    pthread_mutex_destroy(&server->mutex);
    free(server->bindings);
    free(server->handlers);
    free(server);
    core_end();
}

// Threads first, then the port, then calls: whatever fails, nothing is under way yet.
static enum status server_open(struct rpc_server *server)
{
    if (!bindings_complete(server))
        return STATUS_INVALID_ARGUMENT;
    core_create(server);
    core_register(server);
    server->fast = lane_fast_new(server);
    server->slow = lane_slow_new(server);
    server->stage = stage_new(server);
    if (!server->fast || !server->slow || !server->stage || !stage_run(server->stage) ||
        !lane_slow_run(server->slow) || !lane_fast_run(server->fast))
        return STATUS_RESOURCE_EXHAUSTED;
    return core_listen(server) ? STATUS_OK : STATUS_UNAVAILABLE;
}

enum status rpc_server_start(const struct rpc_server_config *config, struct rpc_server **ret)
{
    struct rpc_server *server = calloc(1, sizeof *server);
    if (!server)
        return STATUS_RESOURCE_EXHAUSTED;
    server->config = *config;
    if (config->health_only)
        server->config.fast_threads = 1; // it says UNIMPLEMENTED
    if (server->config.slow_per_tenant == 0)
        server->config.slow_per_tenant = SIZE_MAX;
    server->bindings = calloc(methods_count(config) + 1, sizeof *server->bindings);
    server->handlers = calloc(config->handlers_n + 1, sizeof *server->handlers);
    pthread_mutex_init(&server->mutex, NULL);
    pthread_cond_init(&server->emptied, NULL);
    core_begin();
    if (!server->bindings || !server->handlers) {
        server_free(server);
        return STATUS_RESOURCE_EXHAUSTED;
    }
    for (size_t i = 0; i < config->handlers_n; i++)
        server->handlers[i] = config->handlers[i];
    server->bundle.method = METHOD_Bundle_Call;
    server_metrics(server);
    bindings_fill(server);
    enum status status = server_open(server);
    if (status != STATUS_OK) {
        server_free(server);
        return status;
    }
    grpc_server_start(server->core);
    stage_arm(server->stage);
    lane_slow_arm(server->slow);
    lane_fast_arm(server->fast);
    *ret = server;
    return STATUS_OK;
}

int rpc_server_port(const struct rpc_server *server)
{
    return server->port;
}

void rpc_server_stop(struct rpc_server *server, int64_t drain_ms)
{
    if (!server)
        return;
    atomic_store(&server->stopping, true);
    stage_shutdown(server->stage);
    if (!stage_wait(server->stage, drain_ms)) {
        atomic_store(&server->abandoning, true);
        if (!stage_wait(server->stage, ABANDON_MS)) {
            grpc_server_cancel_all_calls(server->core);
            while (!stage_wait(server->stage, 1000))
                log_warn("rpc.still_stopping", LOG_I("port", server->port));
        }
    }
    server_wait_empty(server);
    server_free(server);
}
