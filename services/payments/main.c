#include <stdlib.h>

#include "base/clock.h"
#include "callbacks/callback_counts.h"
#include "creation/gate.h"
#include "housekeeping.h"
#include "measure.h"
#include "obol/payments/v1/payments.obol.h"
#include "obol/payments/v1/providers.obol.h"
#include "payments_sql.h"
#include "processor/processor.h"
#include "reconcile/reconcile_daily.h"
#include "rpc.h"
#include "store.h"

static struct payments_settings settings;

static void payments_free(struct payments_state *payments)
{
    if (payments->health) {
        health_detail(payments->health, "circuits", NULL, NULL);
        health_detail(payments->health, "payment_creation", NULL, NULL);
    }
    if (payments->sessions)
        sessions_on_news(payments->sessions, NULL, NULL); // the processor goes first
    processor_stop(payments->processor);
    reconcile_daily_stop(payments->reconcile_daily);
    sessions_stop(payments->sessions);
    callback_counts_stop(payments->callback_counts);
    gate_free(payments->gate);
    breakers_free(payments->breakers);
    setups_free(payments->setups);
    providers_free(payments->providers);
    free(payments);
}

static void stop(void *state)
{
    payments_free(state);
}

static void wake(void *processor)
{
    processor_wake(processor);
}

static bool start_threads(struct payments_state *payments, struct service *service)
{
    const struct db_config *db = service_db_config(service);
    payments->callback_counts = callback_counts_start(db, settings.callback_replay_s);
    payments->sessions = sessions_start(payments, db);
    payments->reconcile_daily =
        payments->sessions ? reconcile_daily_start(service, payments) : NULL;
    if (!payments->callback_counts || !payments->reconcile_daily ||
        !gate_watch(payments->gate, service))
        return false;
    if (settings.processor_slots == 0)
        return true;
    payments->processor = processor_start(&(struct processor_config){
        .state = payments,
        .db = db,
        .slots = (size_t)settings.processor_slots,
    });
    if (payments->processor)
        sessions_on_news(payments->sessions, wake, payments->processor);
    return payments->processor;
}

static enum status start(struct service *service, void **ret_state)
{
    struct payments_state *payments = calloc(1, sizeof *payments);
    if (!payments)
        return STATUS_RESOURCE_EXHAUSTED;
    *payments = (struct payments_state){
        .settings = &settings,
        .journal = service_journal(service),
        .ring = service_keyring(service),
        .providers = providers_new(&settings),
        .breakers = breakers_new(),
        .gate = gate_new(),
        .outbox_bell = service_outbox_bell(service),
    };
    if (payments->providers)
        payments->setups =
            setups_new(payments->ring, payments->providers, settings.callback_base_url);
    if (!payments->setups || !payments->breakers || !payments->gate ||
        !start_threads(payments, service)) {
        payments_free(payments);
        return STATUS_RESOURCE_EXHAUSTED;
    }
    measure_begin(payments->breakers, payments->providers);
    payments->health = service_health(service);
    health_detail(payments->health, "circuits", state_circuits_json, payments);
    health_detail(payments->health, "payment_creation", gate_json, payments->gate);
    *ret_state = payments;
    return STATUS_OK;
}

static enum status jobs(void *state, struct db *db, struct arena *arena, const char *tenant_id,
                        int64_t counts[4])
{
    (void)state;
    return store_jobs_count(db, arena, tenant_id, clock_unix_us() - 24 * 3600 * US_PER_S, counts);
}

int main(int argc, char **argv)
{
    struct db_migrations migrations = {"payments", payments_migrations, payments_migrations_n};
    const struct proto_file *files[] = {&obol_payments_v1_payments_file,
                                        &obol_payments_v1_providers_file};
    const struct service_table tables[] = {{"payments", "pay", &settings.payment_retention_s}};
    const struct service_definition definition = {
        .name = "payments",
        .migrations = &migrations,
        .files = files,
        .files_n = sizeof files / sizeof *files,
        .handlers = payments_handlers,
        .handlers_n = payments_handlers_n,
        .config = payments_config,
        .config_n = payments_config_n,
        .settings = &settings,
        .tables = tables,
        .tables_n = sizeof tables / sizeof *tables,
        .start = start,
        .stop = stop,
        .jobs = jobs,
        .sweep = sweep_payments,
        .measure = &sql_measure,
        .gauges = payments_gauges,
        .gauges_n = payments_gauges_n,
        .sealed = payments_sealed,
        .sealed_n = payments_sealed_n,
    };
    return service_main(argc, argv, &definition);
}
