#include "service/service.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/process.h"
#include "base/signals.h"
#include "obol/journal/v1/journal.obol.h"
#include "obs/vitals.h"
#include "service/settings.h"

#define LOCK_TIMEOUT_MS 2000
#define STATEMENT_TIMEOUT_MS 15000
#define HEALTH_EVERY_MS 1000
#define SCHEMA_EVERY 5 // of those times
#define LISTEN_PATIENCE_MS 15000
#define LISTEN_RETRY_MS 500
#define SLOW_QUEUE 512
#define SLOW_PER_TENANT 256

const struct journal *service_journal(const struct service *service)
{
    return &service->journal;
}

const struct keyring *service_keyring(const struct service *service)
{
    return &service->ring;
}

const struct db_config *service_db_config(const struct service *service)
{
    return &service->db;
}

struct bus *service_bus(const struct service *service)
{
    return service->bus;
}

struct health *service_health(const struct service *service)
{
    return service->health;
}

struct bell *service_outbox_bell(const struct service *service)
{
    return service->outbox_bell;
}

struct rpc_tls *service_tls(const struct service *service)
{
    return service->tls;
}

bool service_stopping(const struct service *service)
{
    return atomic_load(&service->stopping);
}

static void *worker_begin(void *context)
{
    struct service *service = context;
    struct worker *worker = calloc(1, sizeof *worker);
    if (!worker) // without memory at start there is nothing to serve with
        abort();
    worker->db = db_new(&service->db);
    worker->arena = arena_new(ARENA_CAP_BATCH);
    if (!worker->db || !worker->arena)
        abort();
    worker->service = service;
    worker->journal = &service->journal;
    worker->state = service->state;
    return worker;
}

static void worker_end(void *context)
{
    struct worker *worker = context;
    db_free(worker->db);
    arena_free(worker->arena);
    free(worker);
}

// The address of a process that was just replaced, or that a passing connection of this machine
// happens to use, is free again in a moment.
static enum status listen_patiently(const struct rpc_server_config *config, const sigset_t *signals,
                                    struct rpc_server **ret)
{
    int64_t deadline_ns = clock_deadline_ns(LISTEN_PATIENCE_MS);
    for (;;) {
        enum status status = rpc_server_start(config, ret);
        if (status != STATUS_UNAVAILABLE || clock_left_ms(deadline_ns) == 0)
            return status;
        if (signals_wait(signals, LISTEN_RETRY_MS))
            return status;
    }
}

static enum status serve(struct service *service, const sigset_t *signals)
{
    const struct service_definition *definition = service->definition;
    size_t handlers_n = definition->handlers_n + journal_handlers_n;
    struct rpc_handler *handlers = calloc(handlers_n, sizeof *handlers);
    enum status status = STATUS_INTERNAL;
    if (handlers) {
        memcpy(handlers, definition->handlers, definition->handlers_n * sizeof *handlers);
        memcpy(handlers + definition->handlers_n, journal_handlers,
               journal_handlers_n * sizeof *handlers);
        struct rpc_server_config config = {
            .address = service->settings.listen,
            .files = service->files,
            .files_n = definition->files_n + 1,
            .handlers = handlers,
            .handlers_n = handlers_n,
            .fast_threads = (size_t)service->settings.fast_threads,
            .slow_threads = (size_t)service->settings.slow_threads,
            .slow_queue = SLOW_QUEUE,
            .slow_per_tenant = SLOW_PER_TENANT,
            .worker_begin = worker_begin,
            .worker_end = worker_end,
            .context = service,
            .tls = service->tls,
            .connection_age_s = service->settings.connection_age_s,
            .health = service->health,
        };
        status = listen_patiently(&config, signals, &service->rpc);
    }
    free(handlers);
    return status;
}

// From the first moment to the last, so that whoever probes is never refused while the process
// lives.
static enum status serve_probes(struct service *service, const sigset_t *signals)
{
    const struct service_definition *definition = service->definition;
    const struct proto_file **files = calloc(definition->files_n + 1, sizeof *files);
    service->files = files; // read for as long as a server runs
    if (!files)
        return STATUS_RESOURCE_EXHAUSTED;
    memcpy(files, definition->files, definition->files_n * sizeof *files);
    files[definition->files_n] = &obol_journal_v1_journal_file;
    if (!service->settings.health_listen[0])
        return STATUS_OK;
    struct rpc_server_config config = {
        .address = service->settings.health_listen,
        .files = files,
        .files_n = definition->files_n + 1,
        .health_only = true,
        .health = service->health,
    };
    return listen_patiently(&config, signals, &service->probes);
}

static enum status start_work(struct service *service, const sigset_t *signals)
{
    service->relay =
        relay_start(service->bus, &service->db, service->definition->name, service->outbox_bell);
    enum status status = STATUS_OK;
    if (service->definition->start)
        status = service->definition->start(service, &service->state);
    service->housekeeping.state = service->state;
    service->housekeeping_loop =
        service_loop_start(service, "housekeeping", service->housekeeping_bell, housekeeping_turn,
                           &service->housekeeping);
    service->measure_loop =
        service_loop_start(service, "measure", service->measure_bell, measure_turn, service);
    if (status == STATUS_OK)
        status = serve(service, signals);
    if (status != STATUS_OK)
        log_error("could not start", LOG_S("status", status_name(status)));
    return status;
}

// Calls first, then the loops that finish what calls began, then the relay that tells of it.
static void stop_work(struct service *service)
{
    atomic_store(&service->stopping, true);
    health_drain(service->health);
    if (service->rpc)
        rpc_server_stop(service->rpc, service->presence.drain_ms);
    service_loop_stop(service->housekeeping_loop);
    service_loop_stop(service->measure_loop);
    if (service->definition->stop && service->state)
        service->definition->stop(service->state);
    if (service->relay)
        relay_stop(service->relay);
}

static void serve_until(const struct service *service, struct db *db, const sigset_t *signals)
{
    struct pulse *pulse = health_pulse(service->health, "main loop");
    for (size_t turn = 1; !signals_wait(signals, HEALTH_EVERY_MS); turn++) {
        pulse_busy(pulse);
        if (db_ping(db) != STATUS_OK)
            log_debug("database away");
        else if (turn % SCHEMA_EVERY == 0)
            schema_look(service, db);
    }
    pulse_rest(pulse);
}

static void tell_callers(void *health)
{
    health_leave(health);
}

static int run(struct service *service, struct db *db, const sigset_t *signals)
{
    if (!schema_prepare(service, db, signals))
        return 0;
    enum status status = start_work(service, signals);
    if (status == STATUS_OK) {
        health_report(service->health, service->listener_dependency, true, -1);
        log_info("serving", LOG_S("address", service->settings.listen),
                 LOG_S("version", OBOL_VERSION));
        serve_until(service, db, signals);
        presence_end(&service->presence, service->health, signals, tell_callers, service->health);
    }
    stop_work(service);
    return status == STATUS_OK ? 0 : 1;
}

static enum status assemble(struct service *service)
{
    service->journal = (struct journal){service->definition->name, &service->ring};
    vitals_begin(OBOL_VERSION);
    journal_tallies_begin();
    service->health = health_new(service->definition->name, OBOL_VERSION);
    service->outbox_bell = bell_new();
    service->housekeeping_bell = bell_new();
    service->measure_bell = bell_new();
    service->housekeeping = (struct housekeeping){
        .definition = service->definition,
        .event_keep_s = &service->settings.event_keep_s,
        .started_us = clock_unix_us(),
    };
    if (!service->health || !service->outbox_bell || !service->housekeeping_bell ||
        !service->measure_bell)
        return STATUS_RESOURCE_EXHAUSTED;
    service->db = (struct db_config){
        .url = service->settings.database_url,
        .schema = service->definition->migrations->schema,
        .application = service->definition->name,
        .statement_timeout_ms = STATEMENT_TIMEOUT_MS,
        .lock_timeout_ms = LOCK_TIMEOUT_MS,
        .health = service->health,
        .dependency = health_add(service->health, "postgres", true),
        .ring = &service->ring,
    };
    service->schema_dependency = health_add(service->health, "migrations", true);
    service->listener_dependency = health_add(service->health, "listener", true);
    health_stuck_after(service->health, service->presence.live_within_s * 1000);
    struct bus_config bus = {
        .settings = service->bus_settings,
        .client = service->definition->name,
        .health = service->health,
        .dependency = health_add(service->health, "nats", false),
    };
    service->bus = bus_new(&bus);
    return service->bus ? STATUS_OK : STATUS_RESOURCE_EXHAUSTED;
}

static int run_assembled(struct service *service, const sigset_t *signals)
{
    int code = 1;
    enum status status = assemble(service);
    if (status == STATUS_OK)
        status = ops_start(service->settings.ops_listen, service->health, &service->ops);
    if (status == STATUS_OK)
        status = serve_probes(service, signals);
    if (status == STATUS_OK) {
        struct db *db = db_new(&service->db);
        if (db)
            code = run(service, db, signals);
        db_free(db);
    } else {
        log_error("could not start", LOG_S("status", status_name(status)),
                  LOG_S("ops", service->settings.ops_listen),
                  LOG_S("health", service->settings.health_listen));
    }
    rpc_server_stop(service->probes, 0);
    if (service->ops)
        http_server_stop(service->ops, 0);
    if (service->bus)
        bus_free(service->bus);
    free(service->files);
    bell_free(service->outbox_bell);
    bell_free(service->housekeeping_bell);
    bell_free(service->measure_bell);
    health_free(service->health);
    return code;
}

int service_main(int argc, char **argv, const struct service_definition *definition)
{
    struct service service = {.definition = definition};
    int code = settings_begin(&service, argc, argv);
    if (code != PROGRAM_SERVES)
        return code;
    sigset_t signals;
    signals_block(&signals);
    if (rpc_tls_open(&service.tls_settings, &service.tls) != STATUS_OK)
        return 2;
    struct telemetry *telemetry;
    if (telemetry_start(&service.telemetry_settings, definition->name, &telemetry) != STATUS_OK)
        return 2;
    process_lock(&service.ring, sizeof service.ring);
    code = run_assembled(&service, &signals);
    telemetry_stop(telemetry);
    rpc_tls_close(service.tls);
    crypto_wipe(&service.ring, sizeof service.ring);
    log_info("stopped");
    return code;
}
