#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "gateway.h"
#include "http/ops.h"

#define REQUEST_S 20
#define IDLE_S 75
#define HEALTH_EVERY_S 1
#define CHECK_TIMEOUT_MS 900

static const char *const upstream_names[UPSTREAM_N] = {"auth", "payments", "refunds", "webhooks"};

static bool connect_services(struct gateway *gateway)
{
    for (size_t i = 0; i < UPSTREAM_N; i++) {
        gateway->clients[i] = rpc_client_new(gateway->settings.targets[i]);
        gateway->dependencies[i] = health_add(gateway->health, upstream_names[i], true);
        if (!gateway->clients[i])
            return false;
    }
    return true;
}

static void check_services(struct gateway *gateway)
{
    for (size_t i = 0; i < UPSTREAM_N; i++) {
        int64_t began_ns = clock_now_ns();
        bool up = rpc_client_check(gateway->clients[i], CHECK_TIMEOUT_MS) == STATUS_OK;
        health_report(gateway->health, gateway->dependencies[i], up,
                      (clock_now_ns() - began_ns) / 1000);
    }
}

static enum status listen_rest(struct gateway *gateway, struct http_server **ret)
{
    char host[128];
    uint16_t port = 0;
    if (!ops_split_address(gateway->settings.listen, host, sizeof host, &port))
        return STATUS_INVALID_ARGUMENT;
    struct http_server_config config = {
        .address = host,
        .port = port,
        .loops = (size_t)gateway->settings.loops,
        .body_max = (size_t)gateway->settings.body_max,
        .connections_max = (size_t)gateway->settings.connections_max,
        .request_s = REQUEST_S,
        .idle_s = IDLE_S,
        .loop_begin = edge_begin,
        .loop_end = edge_end,
        .handle = edge_handle,
        .ready = edge_ready,
        .context = gateway,
    };
    return http_server_start(&config, ret);
}

static void serve_until(struct gateway *gateway, const sigset_t *signals)
{
    const struct timespec wait = {.tv_sec = HEALTH_EVERY_S};
    do
        check_services(gateway);
    while (sigtimedwait(signals, NULL, &wait) <= 0);
}

static int run(struct gateway *gateway, const sigset_t *signals)
{
    struct http_server *ops = NULL, *rest = NULL;
    enum status status = connect_services(gateway) ? STATUS_OK : STATUS_RESOURCE_EXHAUSTED;
    if (status == STATUS_OK)
        status = ops_start(gateway->settings.ops_listen, gateway->health, &ops);
    if (status == STATUS_OK)
        status = listen_rest(gateway, &rest);
    if (status == STATUS_OK) {
        log_info("serving", LOG_S("address", gateway->settings.listen),
                 LOG_S("version", OBOL_VERSION));
        serve_until(gateway, signals);
        log_info("draining");
        health_drain(gateway->health);
    } else {
        log_error("could not start", LOG_S("status", status_name(status)),
                  LOG_S("address", gateway->settings.listen));
    }
    if (rest)
        http_server_stop(rest, gateway->settings.drain_ms);
    if (ops)
        http_server_stop(ops, 0);
    for (size_t i = 0; i < UPSTREAM_N; i++)
        if (gateway->clients[i])
            rpc_client_free(gateway->clients[i]);
    return status == STATUS_OK ? 0 : 1;
}

static int usage(const char *argument)
{
    bool version = strcmp(argument, "--version") == 0;
    printf("obol-gateway %s%s\n", OBOL_VERSION,
           version ? "" : ": configured by environment variables.\n");
    if (!version)
        config_print(gateway_config, gateway_config_n);
    return version || strcmp(argument, "--help") == 0 ? 0 : 2;
}

int main(int argc, char **argv)
{
    static struct gateway gateway;
    sigset_t signals;
    if (argc > 1)
        return usage(argv[1]);
    log_init("gateway");
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    if (config_load(gateway_config, gateway_config_n, &gateway.settings) != STATUS_OK)
        return 2;
    gateway.requests =
        metric_counter("obol_http_requests_total", "REST requests answered.", "method,status");
    gateway.seconds =
        metric_histogram("obol_http_request_duration_seconds", "From arrival to answer.", "method");
    gateway.health = health_new("gateway", OBOL_VERSION);
    gateway.routes = routes_new();
    int code = gateway.health && gateway.routes ? run(&gateway, &signals) : 1;
    routes_free(gateway.routes);
    health_free(gateway.health);
    log_info("stopped");
    return code;
}
