#include "gateway.h"

#define ENTRY(name_, kind_, field, fallback_, help_, min, max)                                     \
    {                                                                                              \
        name_, kind_, offsetof(struct gateway_settings, field), fallback_, help_, min, max         \
    }

const struct config_entry gateway_config[] = {
    ENTRY("GATEWAY_LISTEN", CONFIG_STRING, listen, "127.0.0.1:8000", "address of the REST API", 0,
          0),
    ENTRY("GATEWAY_OPS_LISTEN", CONFIG_STRING, ops_listen, "127.0.0.1:9000",
          "address of /health and /metrics, never public; empty: none", 0, 0),
    ENTRY("AUTH_TARGET", CONFIG_STRING, targets[UPSTREAM_AUTH], "127.0.0.1:50054",
          "gRPC target of auth", 0, 0),
    ENTRY("PAYMENTS_TARGET", CONFIG_STRING, targets[UPSTREAM_PAYMENTS], "127.0.0.1:50051",
          "gRPC target of payments", 0, 0),
    ENTRY("REFUNDS_TARGET", CONFIG_STRING, targets[UPSTREAM_REFUNDS], "127.0.0.1:50052",
          "gRPC target of refunds", 0, 0),
    ENTRY("WEBHOOKS_TARGET", CONFIG_STRING, targets[UPSTREAM_WEBHOOKS], "127.0.0.1:50053",
          "gRPC target of webhooks", 0, 0),
    ENTRY("GATEWAY_LOOPS", CONFIG_INT, loops, "1",
          "event loops, a thread each; one carries 30,000 requests a second, and gathers the most",
          1, 64),
    ENTRY("GATEWAY_BODY_MAX", CONFIG_INT, body_max, "262144", "largest request body in bytes", 1024,
          4194304),
    ENTRY("GATEWAY_CONNECTIONS_MAX", CONFIG_INT, connections_max, "20000", "connections a loop", 1,
          1000000),
    ENTRY("GATEWAY_REQUEST_S", CONFIG_INT, request_s, "20",
          "longest time for a request to come in, the TLS handshake included", 1, 3600),
    ENTRY("GATEWAY_IDLE_S", CONFIG_INT, idle_s, "75",
          "how long a connection is kept without requests", 1, 3600),
    ENTRY("GATEWAY_TLS_CERTIFICATE_FILE", CONFIG_STRING, tls_certificate_file, "",
          "certificate chain in PEM, taken again when it changes; empty: no TLS", 0, 0),
    ENTRY("GATEWAY_TLS_KEY_FILE", CONFIG_STRING, tls_key_file, "",
          "its private key in PEM, without a passphrase", 0, 0),
    ENTRY("REQUEST_TIMEOUT_MS", CONFIG_INT, timeout_ms, "10000", "longest wait for an answer", 100,
          600000),
    ENTRY("SLOW_REQUEST_TIMEOUT_MS", CONFIG_INT, slow_timeout_ms, "30000",
          "the same, for what waits on the outside world", 100, 600000),
    ENTRY("TRUSTED_PROXIES", CONFIG_STRING, trusted_proxies, "",
          "addresses and networks (a.b.c.d/n, …) whose X-Forwarded-For counts", 0, 0),
    ENTRY("ADDRESS_FAILURES_PER_MIN", CONFIG_INT, failures_per_min, "100",
          "requests a minute of one address without a good key; 0: no limit", 0, 10000000),
    ENTRY("ADDRESS_CARDS_PER_MIN", CONFIG_INT, cards_per_min, "100",
          "cards a minute from one address; 0: no limit", 0, 10000000),
    ENTRY("TEST_MODE", CONFIG_BOOL, test_mode, "false", "the page of jobs needs no key", 0, 0),
};
const size_t gateway_config_n = sizeof gateway_config / sizeof *gateway_config;
