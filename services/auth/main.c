// Wiring only.
#include "auth_sql.h"
#include "housekeeping.h"
#include "obol/auth/v1/auth.obol.h"
#include "rpc_auth.h"
#include "service/service.h"

static enum status no_jobs(void *state, struct db *db, struct arena *arena, const char *tenant_id,
                           int64_t counts[4])
{
    (void)state;
    (void)db;
    (void)arena;
    (void)tenant_id;
    for (int i = 0; i < 4; i++)
        counts[i] = 0;
    return STATUS_OK;
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
        .start = housekeeping_start,
        .stop = housekeeping_stop,
        .jobs = no_jobs,
    };
    return service_main(argc, argv, &definition);
}
