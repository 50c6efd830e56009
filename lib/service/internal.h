// What the files of this room share.
#pragma once
#include "http/ops.h"
#include "service/housekeeping.h"
#include "service/service.h"

struct service_settings {
    const char *listen, *ops_listen, *database_url, *fallback_database_url;
    const char *nats_url, *nats_stream, *keys;
    int64_t nats_replicas, fast_threads, slow_threads, drain_ms, event_keep_s;
    bool migrate;
};

struct service {
    const struct service_definition *definition;
    struct service_settings settings;
    struct rpc_tls_settings tls_settings;
    struct rpc_tls *tls; // NULL: plaintext
    struct keyring ring;
    struct journal journal;
    struct db_config db;
    struct health *health;
    struct bus *bus;
    struct relay *relay;
    struct bell *outbox_bell;
    struct housekeeping housekeeping;
    struct bell *housekeeping_bell;
    struct service_loop *housekeeping_loop;
    const struct proto_file **files;
    struct rpc_server *rpc;
    struct http_server *ops;
    void *state;
    _Atomic bool stopping;
};

// journal_rpc.c: JournalService, over the service's own journal.
extern const struct rpc_handler journal_handlers[];
extern const size_t journal_handlers_n;
