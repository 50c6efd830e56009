#include <sys/resource.h>

#include "base/log.h"
#include "crypto/tls.h"
#include "gateway.h"
#include "http/ops.h"

// A shell's usual 1,024 descriptors would be the limit of connections otherwise.
static void descriptors_raise(const struct gateway_settings *settings)
{
    struct rlimit limit;
    rlim_t wanted = (rlim_t)(settings->connections_max * settings->loops);
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur <= wanted)
        log_warn("fewer descriptors than connections are allowed",
                 LOG_I("descriptors", (int64_t)limit.rlim_cur),
                 LOG_I("connections", (int64_t)wanted));
}

static enum status tls_open(struct gateway *gateway)
{
    const struct gateway_settings *settings = &gateway->settings;
    bool certificate = settings->tls_certificate_file[0], key = settings->tls_key_file[0];
    if (!certificate && !key)
        return STATUS_OK;
    if (certificate && key)
        return tls_server_new(settings->tls_certificate_file, settings->tls_key_file,
                              &gateway->front_tls);
    log_error("GATEWAY_TLS_CERTIFICATE_FILE and GATEWAY_TLS_KEY_FILE go together: set both or "
              "neither");
    return STATUS_INVALID_ARGUMENT;
}

enum status front_open(struct gateway *gateway, struct http_server **ret)
{
    const struct gateway_settings *settings = &gateway->settings;
    char host[128];
    uint16_t port = 0;
    if (!ops_split_address(settings->listen, host, sizeof host, &port))
        return STATUS_INVALID_ARGUMENT;
    descriptors_raise(settings);
    enum status status = tls_open(gateway);
    if (status != STATUS_OK)
        return status;
    gateway->connections =
        metric_gauge("obol_http_connections", "Connections of the REST API.", "state");
    metric_set(metric_gauge("obol_http_connections_max",
                            "Most connections of the REST API, of all loops.", NULL),
               settings->connections_max * settings->loops, NULL);
    struct http_server_config config = {
        .address = host,
        .port = port,
        .loops = (size_t)settings->loops,
        .body_max = (size_t)settings->body_max,
        .connections_max = (size_t)settings->connections_max,
        .request_s = settings->request_s,
        .idle_s = settings->idle_s,
        .tls = gateway->front_tls,
        .closed = metric_counter("obol_http_connections_closed_total",
                                 "Connections of the REST API that ended.", "reason"),
        .loop_begin = edge_begin,
        .loop_end = edge_end,
        .handle = edge_handle,
        .ready = edge_ready,
        .context = gateway,
    };
    return http_server_start(&config, ret);
}

void front_tend(struct gateway *gateway, struct http_server *server)
{
    int64_t connections[HTTP_STATES];
    http_server_connections(server, connections);
    for (size_t i = 0; i < HTTP_STATES; i++)
        metric_set(gateway->connections, connections[i], METRIC_LABELS(http_state_names[i]));
    if (gateway->front_tls)
        tls_server_refresh(gateway->front_tls);
}
