// What the files of this room share.
#pragma once
#include <signal.h>

#include "http/ops.h"
#include "obs/presence.h"
#include "service/housekeeping.h"
#include "service/service.h"
#include "telemetry/telemetry.h"

struct service_settings {
    const char *listen, *ops_listen, *health_listen, *database_url, *fallback_database_url;
    const char *keys;
    int64_t fast_threads, slow_threads, event_keep_s;
    int64_t connection_age_s, measure_every_s;
    bool migrate;
};

struct service {
    const struct service_definition *definition;
    struct service_settings settings;
    struct bus_settings bus_settings;
    struct presence_settings presence;
    struct rpc_tls_settings tls_settings;
    struct rpc_tls *tls; // NULL: plaintext
    struct telemetry_settings telemetry_settings;
    struct keyring ring;
    struct journal journal;
    struct db_config db;
    struct health *health;
    int schema_dependency, listener_dependency;
    struct bus *bus;
    struct relay *relay;
    struct bell *outbox_bell;
    struct housekeeping housekeeping;
    struct bell *housekeeping_bell;
    struct service_loop *housekeeping_loop;
    struct bell *measure_bell;
    struct service_loop *measure_loop;
    const struct proto_file **files;
    struct rpc_server *rpc, *probes; // probes: the health service alone, in plain text; or NULL
    struct http_server *ops;
    void *state;
    _Atomic bool stopping;
};

// schema.c: until the database is there and its schema current; false: told to leave first.
bool schema_prepare(const struct service *service, struct db *db, const sigset_t *signals);
// Reports whether it still is.
void schema_look(const struct service *service, struct db *db);
// measure.c: a turn of the loop that reads the gauges; returns how long to sleep, milliseconds.
int64_t measure_turn(void *service, struct db *db, struct arena *arena);

// journal_rpc.c: JournalService, over the service's own journal.
extern const struct rpc_handler journal_handlers[];
extern const size_t journal_handlers_n;
