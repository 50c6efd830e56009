// Wiring of the refunds service.
#include <stdlib.h>
#include <string.h>

#include "intake.h"
#include "obol/refunds/v1/refunds.obol.h"
#include "refunds_sql.h"
#include "rpc_refunds.h"
#include "saga.h"
#include "store.h"

static struct {
    const char *payments_target;
    int64_t catch_up_s;
} settings;

static const struct config_entry config[] = {
    {"PAYMENTS_TARGET", CONFIG_STRING, offsetof(__typeof__(settings), payments_target),
     "127.0.0.1:50051", "gRPC target of payments", 0, 0},
    {"CATCH_UP_S", CONFIG_INT, offsetof(__typeof__(settings), catch_up_s), "30",
     "how often payments' events are compared", 1, 86400},
};

static const struct service_gauge gauges[] = {
    {"obol_refunds_open", "Refunds that are not at their end, counted to 10,001.", false},
    {"obol_refunds_open_oldest_age_seconds", "How old the oldest of them is.", true},
};

static void stop(void *state)
{
    struct refunds *refunds = state;
    if (refunds->consumer)
        consumer_stop(refunds->consumer);
    service_loop_stop(refunds->driver);
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
    saga_tallies_begin();
    refunds->service = service;
    refunds->journal = service_journal(service);
    refunds->bell = bell_new();
    refunds->payments =
        rpc_client_new_to(settings.payments_target, ROLE_PAYMENTS, service_tls(service));
    if (!refunds->bell || !refunds->payments)
        return STATUS_RESOURCE_EXHAUSTED;
    refunds->driver = service_loop_start(service, "driver", refunds->bell, saga_drive, refunds);
    refunds->consumer = intake_start(refunds, settings.catch_up_s);
    return refunds->driver && refunds->consumer ? STATUS_OK : STATUS_RESOURCE_EXHAUSTED;
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
    const struct service_table tables[] = {{"refunds", REFUND_PREFIX, NULL}};
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
        .tables = tables,
        .tables_n = sizeof tables / sizeof *tables,
        .start = start,
        .stop = stop,
        .jobs = jobs,
        .measure = &sql_measure,
        .gauges = gauges,
        .gauges_n = sizeof gauges / sizeof *gauges,
    };
    return service_main(argc, argv, &definition);
}
