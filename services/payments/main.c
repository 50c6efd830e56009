#include <stdlib.h>

#include "base/clock.h"
#include "housekeeping.h"
#include "obol/payments/v1/payments.obol.h"
#include "payments_sql.h"
#include "processor.h"
#include "rpc.h"
#include "store.h"

static struct payments_settings settings;

static void stop(void *state)
{
    struct payments_state *payments = state;
    processor_stop(payments->processor);
    providers_free(payments->providers);
    free(payments);
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
        .outbox_bell = service_outbox_bell(service),
    };
    if (payments->providers && settings.processor_slots > 0)
        payments->processor = processor_start(&(struct processor_config){
            .state = payments,
            .db = service_db_config(service),
            .slots = (size_t)settings.processor_slots,
        });
    bool processes = payments->processor || settings.processor_slots == 0;
    if (!payments->providers || !processes) {
        providers_free(payments->providers);
        free(payments);
        return STATUS_RESOURCE_EXHAUSTED;
    }
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
    const struct proto_file *files[] = {&obol_payments_v1_payments_file};
    const struct service_table tables[] = {{"payments", "pay", &settings.payment_retention_s}};
    const struct service_definition definition = {
        .name = "payments",
        .migrations = &migrations,
        .files = files,
        .files_n = 1,
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
    };
    return service_main(argc, argv, &definition);
}
