#include <stdlib.h>

#include "base/clock.h"
#include "housekeeping.h"
#include "obol/payments/v1/payments.obol.h"
#include "payments_sql.h"
#include "processor.h"
#include "rpc.h"
#include "store.h"

static struct payments_settings settings;

struct running {
    struct payments_state state; // first: what handlers get
    struct bell *housekeeping_bell;
    struct service_loop *housekeeping;
};

static void stop(void *state)
{
    struct running *running = state;
    service_loop_stop(running->housekeeping);
    processor_stop(running->state.processor);
    bell_free(running->housekeeping_bell);
    providers_free(running->state.providers);
    free(running);
}

static enum status start(struct service *service, void **ret_state)
{
    struct running *running = calloc(1, sizeof *running);
    if (!running)
        return STATUS_RESOURCE_EXHAUSTED;
    running->state = (struct payments_state){
        .settings = &settings,
        .journal = service_journal(service),
        .ring = service_keyring(service),
        .providers = providers_new(&settings),
        .outbox_bell = service_outbox_bell(service),
    };
    running->housekeeping_bell = bell_new();
    if (!running->state.providers || !running->housekeeping_bell) {
        providers_free(running->state.providers);
        bell_free(running->housekeeping_bell);
        free(running);
        return STATUS_RESOURCE_EXHAUSTED;
    }
    running->state.processor = processor_start(&(struct processor_config){
        .state = &running->state,
        .db = service_db_config(service),
        .slots = (size_t)settings.processor_slots,
    });
    running->housekeeping = service_loop_start(service, "housekeeping", running->housekeeping_bell,
                                               housekeeping_turn, &running->state);
    if (!running->state.processor || !running->housekeeping) {
        stop(running);
        return STATUS_RESOURCE_EXHAUSTED;
    }
    *ret_state = running;
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
        .start = start,
        .stop = stop,
        .jobs = jobs,
    };
    return service_main(argc, argv, &definition);
}
