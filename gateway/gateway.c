// The parts that the loops share, made at start and taken down in order at the end.
#include "gateway.h"

#include <stdlib.h>

#include "crypto/tls.h"
#include "obs/vitals.h"

// All gateways ask the same services: one late answer must not take them all out of the balance.
#define CHECKS_BORNE 1
#define EDGE_CLOSE_MS 1000

static const enum role upstream_roles[UPSTREAM_N] = {ROLE_AUTH, ROLE_PAYMENTS, ROLE_REFUNDS,
                                                     ROLE_WEBHOOKS};
static const char *const upstream_names[UPSTREAM_N] = {"auth", "payments", "refunds", "webhooks"};

bool gateway_init(struct gateway *gateway)
{
    gateway->requests = metric_counter("obol_http_requests_total", "REST requests answered.",
                                       "method,route,status");
    gateway->seconds =
        metric_histogram_ns("obol_http_request_duration_seconds",
                            "From a REST request's arrival to its answer.", "method,route");
    gateway->bundles =
        metric_histogram_sizes("obol_bundle_calls", "Calls that left in one Bundle.", NULL);
    gateway->limited =
        metric_counter("obol_gateway_limited_total", "Requests refused by a limit.", "limit");
    vitals_begin(OBOL_VERSION);
    gateway->health = health_new("gateway", OBOL_VERSION);
    gateway->routes = routes_new();
    gateway->closed = bell_new();
    if (!gateway->health || !gateway->routes || !gateway->closed)
        return false;
    for (size_t i = 0; i < UPSTREAM_N; i++) {
        gateway->clients[i] =
            rpc_client_new_to(gateway->settings.targets[i], upstream_roles[i], gateway->rpc_tls);
        gateway->dependencies[i] = health_add(gateway->health, upstream_names[i], true);
        health_bear(gateway->health, gateway->dependencies[i], CHECKS_BORNE);
        if (!gateway->clients[i])
            return false;
    }
    return true;
}

static void edge_closed(void *argument)
{
    struct edge *edge = argument;
    edge_ready(edge); // what waits is refused
    atomic_store(&edge->closed, true);
    bell_ring(edge->gateway->closed);
}

// A loop that saw `closing` unset may be handing a call to a client; when it has come to a post of
// ours, it is through, and will not do so again.
void gateway_close(struct gateway *gateway)
{
    atomic_store(&gateway->closing, true);
    for (size_t i = 0; i < EDGES_MAX; i++) {
        struct edge *edge = atomic_load(&gateway->edges[i]);
        if (!edge || !http_loop_post(edge->loop, edge_closed, edge))
            continue;
        while (!atomic_load(&edge->closed))
            bell_wait(gateway->closed, EDGE_CLOSE_MS);
    }
    for (size_t i = 0; i < UPSTREAM_N; i++) {
        rpc_client_free(gateway->clients[i]);
        gateway->clients[i] = NULL;
    }
}

void gateway_deinit(struct gateway *gateway)
{
    gateway_close(gateway);
    tls_server_free(gateway->front_tls);
    bell_free(gateway->closed);
    routes_free(gateway->routes);
    health_free(gateway->health);
}
