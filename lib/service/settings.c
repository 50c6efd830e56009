#include "service/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/probe.h"

#define COMMON_N 12
#define ENTRY(name_, kind_, field, fallback_, help_, min, max)                                     \
    {                                                                                              \
        name_, kind_, offsetof(struct service_settings, field), fallback_, help_, min, max         \
    }

static char *upper_name(const char *service, const char *suffix)
{
    char *name = NULL;
    if (asprintf(&name, "%s_%s", service, suffix) < 0)
        abort();
    for (char *c = name; *c && *c != '_'; c++)
        *c = (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
    return name;
}

// They live until exit, like everything that configuration gives.
static const struct config_entry *common_entries(const char *service)
{
    static struct config_entry kept[COMMON_N];
    if (kept[0].name)
        return kept;
    const struct config_entry entries[COMMON_N] = {
        ENTRY(upper_name(service, "LISTEN"), CONFIG_STRING, listen, NULL, "gRPC address", 0, 0),
        ENTRY(upper_name(service, "OPS_LISTEN"), CONFIG_STRING, ops_listen, "",
              "address of /health and /metrics; empty: none", 0, 0),
        ENTRY(upper_name(service, "HEALTH_LISTEN"), CONFIG_STRING, health_listen, "",
              "address of the gRPC health service alone, in plain text, for kubelet's probes; "
              "empty: none",
              0, 0),
        ENTRY(upper_name(service, "DATABASE_URL"), CONFIG_SECRET, database_url, "",
              "PostgreSQL of this service; empty: DATABASE_URL", 0, 0),
        ENTRY("DATABASE_URL", CONFIG_SECRET, fallback_database_url, "",
              "PostgreSQL for every service", 0, 0),
        ENTRY("OBOL_KEYS", CONFIG_SECRET, keys, NULL,
              "keys for secrets at rest: \"1:<64 hex digits>[,…]\", newest first", 0, 0),
        ENTRY("OBOL_MIGRATE", CONFIG_BOOL, migrate, "true", "apply missing migrations at start", 0,
              0),
        ENTRY("FAST_THREADS", CONFIG_INT, fast_threads, "4",
              "threads of the fast lane, one connection each", 1, 64),
        ENTRY("SLOW_THREADS", CONFIG_INT, slow_threads, "16",
              "threads of the slow lane, one connection each", 1, 256),
        ENTRY("RPC_CONNECTION_AGE_S", CONFIG_INT, connection_age_s, "300",
              "about how long a gRPC connection lives, so that callers find new replicas; 0: for "
              "ever; under TLS RPC_TLS_CONNECTION_AGE_S",
              0, 86400),
        ENTRY("MEASURE_EVERY_S", CONFIG_INT, measure_every_s, "15",
              "how often the gauges of /metrics that cost a query are read", 1, 3600),
        ENTRY("EVENT_RETENTION_S", CONFIG_INT, event_keep_s, "7776000",
              "how long the journal keeps its events; 0: for ever", 0, 3650LL * 86400),
    };
    memcpy(kept, entries, sizeof kept);
    return kept;
}

static enum status check(struct service_settings *settings, struct keyring *ring)
{
    if (settings->database_url[0] == '\0')
        settings->database_url = settings->fallback_database_url;
    if (settings->database_url[0] == '\0') {
        fprintf(stderr, "DATABASE_URL: required\n");
        return STATUS_INVALID_ARGUMENT;
    }
    if (!keyring_parse(settings->keys, ring)) {
        fprintf(stderr, "OBOL_KEYS: want \"1:<64 hex digits>\", keys separated by commas\n");
        return STATUS_INVALID_ARGUMENT;
    }
    // Read once: neither /proc/<pid>/environ nor the memory shows it any more.
    crypto_wipe((void *)(uintptr_t)settings->keys, strlen(settings->keys));
    return STATUS_OK;
}

int settings_begin(struct service *service, int argc, char **argv)
{
    const struct service_definition *definition = service->definition;
    if (argc > 1 && strcmp(argv[1], "--probe") == 0)
        return probe_run(common_entries(definition->name), COMMON_N,
                         offsetof(struct service_settings, ops_listen), argv[2]);
    char name[64];
    snprintf(name, sizeof name, "obol-%s", definition->name);
    const struct config_table tables[] = {
        {common_entries(definition->name), COMMON_N, &service->settings},
        {bus_entries, bus_entries_n, &service->bus_settings},
        {presence_entries, presence_entries_n, &service->presence},
        {rpc_tls_entries, rpc_tls_entries_n, &service->tls_settings},
        {telemetry_entries, telemetry_entries_n, &service->telemetry_settings},
        {definition->config, definition->config_n, definition->settings},
    };
    const struct program program = {name, OBOL_VERSION, definition->name,
                                    NULL, tables,       sizeof tables / sizeof *tables};
    int code = program_begin(&program, argc, argv);
    if (code != PROGRAM_SERVES)
        return code;
    return check(&service->settings, &service->ring) == STATUS_OK ? PROGRAM_SERVES : 2;
}
