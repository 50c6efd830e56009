// Wiring only.
#include "auth_sql.h"
#include "base/clock.h"
#include "obol/auth/v1/auth.obol.h"
#include "rpc_auth.h"
#include "rpc_tokens.h"
#include "service/service.h"
#include "store_buckets.h"
#include "tenant.h"

#define BUCKETS_KEEP_US (60 * US_PER_S) // beyond what a clock of the database may be off from ours

static struct auth_settings settings;

static const struct config_entry config[] = {
    {"TENANT_RATE_PER_MIN", CONFIG_INT, offsetof(struct auth_settings, tenant_rate_per_min), "6000",
     "requests a minute of a tenant that has no rate of its own; 0: no limit", 0, RATE_PER_MIN_MAX},
};

static enum status start(struct service *service, void **ret_state)
{
    (void)service;
    *ret_state = &settings;
    return STATUS_OK;
}

static enum status sweep(void *state, struct db *db, struct arena *arena, bool *ret_more)
{
    (void)state;
    size_t removed = 0;
    enum status status =
        buckets_sweep(db, arena, clock_unix_us() - BUCKETS_KEEP_US, SERVICE_SWEEP_ROWS, &removed);
    if (status == STATUS_OK && removed >= SERVICE_SWEEP_ROWS)
        *ret_more = true;
    return status;
}

int main(int argc, char **argv)
{
    const struct db_migrations migrations = {"auth", auth_migrations, auth_migrations_n};
    static const struct proto_file *const files[] = {&obol_auth_v1_auth_file};
    const struct service_definition definition = {
        .name = "auth",
        .migrations = &migrations,
        .files = files,
        .files_n = sizeof files / sizeof *files,
        .handlers = auth_handlers,
        .handlers_n = auth_handlers_n,
        .config = config,
        .config_n = sizeof config / sizeof *config,
        .settings = &settings,
        .start = start,
        .sweep = sweep,
    };
    return service_main(argc, argv, &definition);
}
