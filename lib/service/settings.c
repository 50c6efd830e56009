#include "service/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COMMON_N 13
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
        ENTRY(upper_name(service, "DATABASE_URL"), CONFIG_SECRET, database_url, "",
              "PostgreSQL of this service; empty: DATABASE_URL", 0, 0),
        ENTRY("DATABASE_URL", CONFIG_SECRET, fallback_database_url, "",
              "PostgreSQL for every service", 0, 0),
        ENTRY("NATS_URL", CONFIG_SECRET, nats_url, "nats://127.0.0.1:4222", "NATS servers", 0, 0),
        ENTRY("NATS_STREAM", CONFIG_STRING, nats_stream, "obol",
              "JetStream stream and first part of subjects", 0, 0),
        ENTRY("NATS_REPLICAS", CONFIG_INT, nats_replicas, "1", "replicas of the stream", 1, 5),
        ENTRY("OBOL_KEYS", CONFIG_SECRET, keys, NULL,
              "keys for secrets at rest: \"1:<64 hex digits>[,…]\", newest first", 0, 0),
        ENTRY("OBOL_MIGRATE", CONFIG_BOOL, migrate, "true", "apply missing migrations at start", 0,
              0),
        ENTRY("FAST_THREADS", CONFIG_INT, fast_threads, "4",
              "threads of the fast lane, one connection each", 1, 64),
        ENTRY("SLOW_THREADS", CONFIG_INT, slow_threads, "16",
              "threads of the slow lane, one connection each", 1, 256),
        ENTRY("DRAIN_MS", CONFIG_INT, drain_ms, "5000", "longest wait for calls in hand at the end",
              0, 600000),
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

enum status settings_load(struct service *service)
{
    const struct service_definition *definition = service->definition;
    struct service_settings *settings = &service->settings;
    enum status status = config_load(common_entries(definition->name), COMMON_N, settings);
    if (status == STATUS_OK)
        status = check(settings, &service->ring);
    enum status tls = config_load(rpc_tls_entries, rpc_tls_entries_n, &service->tls_settings);
    enum status own = config_load(definition->config, definition->config_n, definition->settings);
    if (status == STATUS_OK)
        status = tls;
    return status == STATUS_OK ? own : status;
}

void settings_print(const struct service_definition *definition)
{
    printf("obol-%s %s: configured by environment variables.\n\n", definition->name, OBOL_VERSION);
    config_print(common_entries(definition->name), COMMON_N);
    config_print(rpc_tls_entries, rpc_tls_entries_n);
    config_print(definition->config, definition->config_n);
}
