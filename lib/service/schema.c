// The service's schema is what its code expects, or it isn't ready: brought there by itself, or
// waited for until an operator has (OBOL_MIGRATE=false). A newer schema is as good: migrations are
// backward compatible by one version, and a rollout meets old code with the new schema.
#include "base/log.h"
#include "base/signals.h"
#include "db/migrate.h"
#include "service/internal.h"

#define DATABASE_RETRY_MS 250

// "missing: 3 outbox, 104 limits"; "" when none is.
static const char *missing_text(struct arena *arena, const struct db_migration *const *missing,
                                size_t n)
{
    const char *text = "";
    for (size_t i = 0; i < n && text; i++)
        text = arena_printf(arena, "%s%s%d %s", text, i ? ", " : "missing: ", missing[i]->version,
                            missing[i]->name);
    return text ? text : "missing: some";
}

// OK: known, and reported.
static enum status look(const struct service *service, struct db *db, struct arena *arena,
                        const struct db_migrations *all, const char **ret_missing)
{
    const struct db_migration *missing[MIGRATIONS_MAX];
    size_t n = 0;
    enum status status = db_migrate_missing(db, all, missing, &n);
    if (status != STATUS_OK)
        return status;
    *ret_missing = missing_text(arena, missing, n);
    health_explain(service->health, service->schema_dependency, *ret_missing);
    health_report(service->health, service->schema_dependency, n == 0, -1);
    return STATUS_OK;
}

// FAILED_PRECONDITION: behind, and not ours to change.
static enum status bring(const struct service *service, struct db *db, struct arena *arena,
                         const char **ret_missing)
{
    struct db_migration items[MIGRATIONS_MAX];
    struct db_migrations all;
    if (!journal_migrations_before(service->definition->migrations, items, &all))
        return STATUS_INTERNAL;
    enum status status = service->settings.migrate ? db_migrate_up(db, &all) : STATUS_OK;
    if (status == STATUS_OK)
        status = look(service, db, arena, &all, ret_missing);
    if (status == STATUS_OK && **ret_missing)
        return STATUS_FAILED_PRECONDITION;
    return status == STATUS_OK ? housekeeping_partitions(&service->housekeeping, db, arena)
                               : status;
}

static void say(enum status status, const char *missing)
{
    if (status == STATUS_FAILED_PRECONDITION)
        log_warn("waiting for migrations: `obol migrate up` applies them",
                 LOG_S("reason", missing));
    else
        log_warn("waiting for the database", LOG_S("status", status_name(status)));
}

// A missing database is waited for; its absence is the operator's to see in the health page.
bool schema_prepare(const struct service *service, struct db *db, const sigset_t *signals)
{
    CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_CAP_BATCH);
    enum status said = STATUS_OK;
    while (arena) {
        const char *missing = "";
        enum status status = bring(service, db, arena, &missing);
        if (status == STATUS_OK)
            return true;
        if (status != said)
            say(status, missing);
        said = status;
        arena_reset(arena);
        if (signals_wait(signals, DATABASE_RETRY_MS))
            return false;
    }
    return false;
}

void schema_look(const struct service *service, struct db *db)
{
    CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    struct db_migration items[MIGRATIONS_MAX];
    struct db_migrations all;
    const char *missing = "";
    if (!arena || !journal_migrations_before(service->definition->migrations, items, &all))
        return;
    if (look(service, db, arena, &all, &missing) == STATUS_OK && *missing)
        log_warn("the schema is behind", LOG_S("reason", missing));
}
