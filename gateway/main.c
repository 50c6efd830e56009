#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/program.h"
#include "base/signals.h"
#include "gateway.h"
#include "http/ops.h"
#include "http/probe.h"

#define HEALTH_EVERY_MS 1000
#define CHECK_TIMEOUT_MS 900
#define LAST_WORDS_MS 1000

static void check_services(struct gateway *gateway)
{
    for (size_t i = 0; i < UPSTREAM_N; i++) {
        int64_t began_ns = clock_now_ns();
        bool up = rpc_client_check(gateway->clients[i], CHECK_TIMEOUT_MS) == STATUS_OK;
        health_report(gateway->health, gateway->dependencies[i], up,
                      (clock_now_ns() - began_ns) / 1000);
    }
}

static void edge_came_round(void *pulse)
{
    pulse_rest(pulse);
}

static void prod_edges(struct gateway *gateway)
{
    for (size_t i = 0; i < EDGES_MAX; i++) {
        struct edge *edge = atomic_load(&gateway->edges[i]);
        if (edge && pulse_expect(edge->pulse) &&
            !http_loop_post(edge->loop, edge_came_round, edge->pulse))
            pulse_rest(edge->pulse);
    }
}

static void serve_until(struct gateway *gateway, struct http_server *rest, const sigset_t *signals)
{
    struct pulse *pulse = health_pulse(gateway->health, "main loop");
    do {
        pulse_busy(pulse);
        prod_edges(gateway);
        check_services(gateway);
        front_tend(gateway, rest);
    } while (!signals_wait(signals, HEALTH_EVERY_MS));
    pulse_rest(pulse);
}

static void tell_clients(void *rest)
{
    http_server_leave(rest); // with their next answer
}

// After its notice what is in hand is finished; then what still waits for a service is told so,
// which needs the loops; then they end.
static void drain(struct gateway *gateway, struct http_server *rest, const sigset_t *signals)
{
    presence_end(&gateway->presence, gateway->health, signals, tell_clients, rest);
    http_server_drain(rest, gateway->presence.drain_ms);
    gateway_close(gateway);
    http_server_stop(rest, LAST_WORDS_MS);
}

static int run(struct gateway *gateway, const sigset_t *signals)
{
    struct http_server *ops = NULL, *rest = NULL;
    enum status status = ops_start(gateway->settings.ops_listen, gateway->health, &ops);
    health_stuck_after(gateway->health, gateway->presence.live_within_s * 1000);
    if (status == STATUS_OK)
        status = front_open(gateway, &rest);
    if (status == STATUS_OK) {
        log_info("serving", LOG_S("address", gateway->settings.listen),
                 LOG_S("version", OBOL_VERSION));
        serve_until(gateway, rest, signals);
        drain(gateway, rest, signals);
    } else {
        log_error("could not start", LOG_S("status", status_name(status)),
                  LOG_S("address", gateway->settings.listen));
    }
    if (ops)
        http_server_stop(ops, 0);
    return status == STATUS_OK ? 0 : 1;
}

int main(int argc, char **argv)
{
    static struct gateway gateway;
    sigset_t signals;
    if (argc > 1 && strcmp(argv[1], "--probe") == 0)
        return probe_run(gateway_config, gateway_config_n,
                         offsetof(struct gateway_settings, ops_listen), argv[2]);
    const struct config_table tables[] = {
        {gateway_config, gateway_config_n, &gateway.settings},
        {presence_entries, presence_entries_n, &gateway.presence},
        {rpc_tls_entries, rpc_tls_entries_n, &gateway.rpc_tls_settings},
        {telemetry_entries, telemetry_entries_n, &gateway.telemetry_settings},
    };
    const struct program program = {"obol-gateway", OBOL_VERSION, "gateway",
                                    NULL,           tables,       sizeof tables / sizeof *tables};
    int code = program_begin(&program, argc, argv);
    if (code != PROGRAM_SERVES)
        return code;
    signals_block(&signals);
    if (rpc_tls_open(&gateway.rpc_tls_settings, &gateway.rpc_tls) != STATUS_OK)
        return 2;
    if (!proxies_read(gateway.settings.trusted_proxies, &gateway.proxies)) {
        fprintf(stderr, "TRUSTED_PROXIES: addresses and networks, at most %d, with commas\n",
                PROXIES_MAX);
        return 2;
    }
    struct telemetry *telemetry;
    if (telemetry_start(&gateway.telemetry_settings, "gateway", &telemetry) != STATUS_OK)
        return 2;
    code = gateway_init(&gateway) ? run(&gateway, &signals) : 1;
    gateway_deinit(&gateway);
    telemetry_stop(telemetry);
    rpc_tls_close(gateway.rpc_tls);
    log_info("stopped");
    return code;
}
