#include "settings.h"

#define ENTRY(name_, kind_, field_, fallback_, help_)                                              \
    {                                                                                              \
        name_, kind_, offsetof(struct obol_settings, field_), fallback_, help_, 0, 0               \
    }

const struct config_entry obol_config[] = {
    ENTRY("AUTH_TARGET", CONFIG_STRING, targets[PEER_AUTH], "127.0.0.1:50054",
          "gRPC target of auth"),
    ENTRY("PAYMENTS_TARGET", CONFIG_STRING, targets[PEER_PAYMENTS], "127.0.0.1:50051",
          "gRPC target of payments"),
    ENTRY("REFUNDS_TARGET", CONFIG_STRING, targets[PEER_REFUNDS], "127.0.0.1:50052",
          "gRPC target of refunds"),
    ENTRY("WEBHOOKS_TARGET", CONFIG_STRING, targets[PEER_WEBHOOKS], "127.0.0.1:50053",
          "gRPC target of webhooks"),
    ENTRY("DATABASE_URL", CONFIG_SECRET, database_url, "",
          "PostgreSQL for every service; what works on databases needs it"),
    ENTRY("AUTH_DATABASE_URL", CONFIG_SECRET, database_urls[PEER_AUTH], "",
          "PostgreSQL of auth; empty: DATABASE_URL"),
    ENTRY("PAYMENTS_DATABASE_URL", CONFIG_SECRET, database_urls[PEER_PAYMENTS], "",
          "PostgreSQL of payments; empty: DATABASE_URL"),
    ENTRY("REFUNDS_DATABASE_URL", CONFIG_SECRET, database_urls[PEER_REFUNDS], "",
          "PostgreSQL of refunds; empty: DATABASE_URL"),
    ENTRY("WEBHOOKS_DATABASE_URL", CONFIG_SECRET, database_urls[PEER_WEBHOOKS], "",
          "PostgreSQL of webhooks; empty: DATABASE_URL"),
    ENTRY("OBOL_KEYS", CONFIG_SECRET, keys, "", "the keyring; for what reads or counts keys"),
    ENTRY("PG_BIN", CONFIG_STRING, pg_bin, "",
          "where pg_dump and pg_restore lie; empty: where Debian keeps them, or on PATH"),
    ENTRY("AUTH_OPS_LISTEN", CONFIG_STRING, ops[PEER_AUTH], "",
          "where doctor asks auth for its health; empty: nowhere"),
    ENTRY("PAYMENTS_OPS_LISTEN", CONFIG_STRING, ops[PEER_PAYMENTS], "",
          "where doctor asks payments for its health; empty: nowhere"),
    ENTRY("REFUNDS_OPS_LISTEN", CONFIG_STRING, ops[PEER_REFUNDS], "",
          "where doctor asks refunds for its health; empty: nowhere"),
    ENTRY("WEBHOOKS_OPS_LISTEN", CONFIG_STRING, ops[PEER_WEBHOOKS], "",
          "where doctor asks webhooks for its health; empty: nowhere"),
    ENTRY("GATEWAY_OPS_LISTEN", CONFIG_STRING, ops[PEERS], "",
          "where doctor asks the gateway for its health; empty: nowhere"),
    ENTRY("DEMO_WEBHOOK_URL", CONFIG_STRING, demo_webhook_url, "http://127.0.0.1:4000/webhook",
          "where the demo tenant's endpoint points"),
};
const size_t obol_config_n = sizeof obol_config / sizeof *obol_config;

struct obol_settings obol_settings;
struct bus_settings obol_bus;
