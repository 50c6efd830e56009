// Wiring of the refunds service.
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "intake.h"
#include "obol/refunds/v1/refunds.obol.h"
#include "refunds_sql.h"
#include "rpc_refunds.h"
#include "saga.h"
#include "store.h"

#define HOUSEKEEPING_MS 60000
#define SWEEP_BATCH 1000
#define CONSUMED_MARGIN_S (7LL * 24 * 3600)

static struct {
    const char *payments_target;
    int64_t event_retention_s, catch_up_s;
} settings;

static const struct config_entry config[] = {
    {"PAYMENTS_TARGET", CONFIG_STRING, offsetof(__typeof__(settings), payments_target),
     "127.0.0.1:50051", "gRPC target of payments", 0, 0},
    {"EVENT_RETENTION_S", CONFIG_INT, offsetof(__typeof__(settings), event_retention_s), "7776000",
     "how long events are kept", 86400, 315360000},
    {"CATCH_UP_S", CONFIG_INT, offsetof(__typeof__(settings), catch_up_s), "30",
     "how often payments' events are compared", 1, 86400},
};

static int64_t housekeeping(void *context, struct db *db, struct arena *arena)
{
    int64_t now_us = clock_unix_us(), keep_us = settings.event_retention_s * US_PER_S;
    size_t removed = 0;
    (void)context;
    if (journal_partitions(db, arena, "refunds", REFUND_PREFIX, now_us, 0) != STATUS_OK ||
        journal_partitions(db, arena, "events", "evt", now_us, keep_us) != STATUS_OK ||
        journal_partitions(db, arena, "audit_log", "audit", now_us, 0) != STATUS_OK ||
        journal_sweep(db, arena, now_us, keep_us + CONSUMED_MARGIN_S * US_PER_S, SWEEP_BATCH,
                      &removed) != STATUS_OK)
        return HOUSEKEEPING_MS / 10;
    return removed < SWEEP_BATCH ? HOUSEKEEPING_MS : 0;
}

static void stop(void *state)
{
    struct refunds *refunds = state;
    if (refunds->consumer)
        consumer_stop(refunds->consumer);
    service_loop_stop(refunds->driver);
    service_loop_stop(refunds->housekeeping);
    if (refunds->payments)
        rpc_client_free(refunds->payments);
    bell_free(refunds->bell);
    free(refunds);
}

static enum status start(struct service *service, void **ret_state)
{
    struct refunds *refunds = calloc(1, sizeof *refunds);
    *ret_state = refunds;
    if (!refunds)
        return STATUS_RESOURCE_EXHAUSTED;
    refunds->service = service;
    refunds->journal = service_journal(service);
    refunds->bell = bell_new();
    refunds->payments = rpc_client_new(settings.payments_target);
    if (!refunds->bell || !refunds->payments)
        return STATUS_RESOURCE_EXHAUSTED;
    refunds->driver = service_loop_start(service, "driver", refunds->bell, saga_drive, refunds);
    refunds->housekeeping =
        service_loop_start(service, "housekeeping", refunds->bell, housekeeping, refunds);
    refunds->consumer = intake_start(refunds, settings.catch_up_s);
    return refunds->driver && refunds->housekeeping && refunds->consumer
               ? STATUS_OK
               : STATUS_RESOURCE_EXHAUSTED;
}

static enum status jobs(void *state, struct db *db, struct arena *arena, const char *tenant_id,
                        int64_t counts[4])
{
    (void)state;
    return refunds_count(db, arena, tenant_id, counts);
}

int main(int argc, char **argv)
{
    static const struct proto_file *const files[] = {&obol_refunds_v1_refunds_file};
    const struct db_migrations migrations = {"refunds", refunds_migrations, refunds_migrations_n};
    const struct service_definition definition = {
        .name = "refunds",
        .migrations = &migrations,
        .files = files,
        .files_n = 1,
        .handlers = refund_handlers,
        .handlers_n = refund_handlers_n,
        .config = config,
        .config_n = sizeof config / sizeof *config,
        .settings = &settings,
        .start = start,
        .stop = stop,
        .jobs = jobs,
    };
    return service_main(argc, argv, &definition);
}
