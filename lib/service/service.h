// The main() that every service shares: configure, connect, migrate, serve, drain. A service is one
// descriptor; main.c fills it and calls service_main.
//
// Environment that every service knows (service.c has the table): <NAME>_LISTEN, <NAME>_OPS_LISTEN,
// <NAME>_HEALTH_LISTEN, <NAME>_DATABASE_URL (else DATABASE_URL), NATS_URL, NATS_STREAM,
// NATS_REPLICAS, OBOL_KEYS (the keyring), OBOL_MIGRATE (true: migrate at start), FAST_THREADS,
// SLOW_THREADS, DRAIN_DELAY_MS, DRAIN_MS, LIVE_WITHIN_S, RPC_CONNECTION_AGE_S, EVENT_RETENTION_S,
// LOG_LEVEL, LOG_FORMAT. SIGTERM and SIGINT: not ready, but at work for DRAIN_DELAY_MS more (a
// second one ends that); then finish calls in hand within DRAIN_MS, stop loops, leave with 0. No
// dependency's absence ends the process or keeps it from starting.
#pragma once
#include "base/bell.h"
#include "base/config.h"
#include "bus/bus.h"
#include "db/migrate.h"
#include "journal/journal.h"
#include "journal/reseal.h"
#include "rpc/client.h"
#include "rpc/server.h"

struct service; // what service_main made; immutable while the service runs

// A table of the service that is range-partitioned by a time-ordered id. keep_s points into the
// service's settings; NULL or 0: for ever. The journal's own tables are known.
struct service_table {
    const char *name, *id_prefix;
    const int64_t *keep_s;
};

// A gauge that costs a query. age: the column is a time, and what is shown are the seconds since;
// 0 where it is NULL.
struct service_gauge {
    const char *name, *help; // static storage
    bool age;
};

#define SERVICE_SWEEP_ROWS 1000 // at most, in one statement

struct service_definition {
    const char *name;                       // "payments"; schema and journal scope too
    const struct db_migrations *migrations; // the service's own, numbered from 100
    const struct proto_file *const *files;
    size_t files_n; // JournalService is added by service_main
    const struct rpc_handler *handlers;
    size_t handlers_n;
    const struct config_entry *config; // the service's own entries
    size_t config_n;
    void *settings; // filled from config
    const struct service_table *tables;
    size_t tables_n;
    // Background work, started after migrations, stopped at drain. state is passed to everything
    // else.
    MUST_USE enum status (*start)(struct service *service, void **ret_state);
    void (*stop)(void *state);
    // GetJobs: counts of the tenant ("" for all).
    enum status (*jobs)(void *state, struct db *db, struct arena *arena, const char *tenant_id,
                        int64_t counts[4]);
    // What the service forgets beyond the journal and whole partitions, up to SERVICE_SWEEP_ROWS a
    // statement. Sets *ret_more when there is more, else leaves it. May be NULL.
    enum status (*sweep)(void *state, struct db *db, struct arena *arena, bool *ret_more);
    // What it measures of its tables: a statement without parameters whose one row has a column for
    // each gauge, bounded (counts to 10,001) and by index. Every replica shows the same. What can't
    // be read is not shown: obol_dependency_up tells why.
    const struct db_statement *measure;
    const struct service_gauge *gauges;
    size_t gauges_n;
    const struct sealed_column *sealed; // the service's own: housekeeping keeps them under the
    size_t sealed_n;                    // newest key
};

// What a handler's first argument is: one a worker thread. Rare writes use service_once.
struct worker {
    struct db *db;
    struct arena *arena; // of a batch: who uses it empties it
    struct service *service;
    const struct journal *journal;
    void *state; // of start()
};

int service_main(int argc, char **argv, const struct service_definition *definition);

// --- What loops and handlers ask of it.
const struct journal *service_journal(const struct service *service);
const struct keyring *service_keyring(const struct service *service);
const struct db_config *service_db_config(const struct service *service); // for a loop's own db_new
struct bus *service_bus(const struct service *service);
struct health *service_health(const struct service *service);
struct bell *service_outbox_bell(const struct service *service); // ring after committing events
struct rpc_tls *service_tls(const struct service *service);      // for rpc_client_new_to
bool service_stopping(const struct service *service);

// A rare write, done once per idempotency key: claims the key (when there is one), calls work in
// the same transaction, stores the answer, commits. A replay answers without work. work sets
// call->response; a refusal rolls everything back.
enum status service_once(struct worker *worker, struct call *call, const char *object_id,
                         enum status (*work)(struct worker *worker, struct call *call,
                                             void *context),
                         void *context);
// Run work in a transaction without a key; retried on ABORTED up to three times.
enum status service_transact(struct worker *worker, struct call *call,
                             enum status (*work)(struct worker *worker, struct call *call,
                                                 void *context),
                             void *context);
// A background loop of a service: `turn` is called again and again with an arena that is reset
// between turns and the loop's own connection; it returns how long to sleep at most (0: at once);
// the bell wakes it.
struct service_loop;
struct service_loop *
service_loop_start(struct service *service, const char *name, struct bell *bell,
                   int64_t (*turn)(void *context, struct db *db, struct arena *arena),
                   void *context);
void service_loop_stop(struct service_loop *loop); // rings, joins; NULL is fine
