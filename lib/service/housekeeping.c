#include "service/housekeeping.h"

#include "base/clock.h"
#include "base/log.h"

#define EVERY_MS 60000
#define SOON_MS 1000
// What was taken is remembered for longer than events can come again.
#define MARKS_MARGIN_S (45LL * 24 * 3600)
#define MARKS_KEEP_MAX_S (3650LL * 24 * 3600)

enum status housekeeping_partitions(const struct housekeeping *housekeeping, struct db *db,
                                    struct arena *arena)
{
    const struct service_definition *definition = housekeeping->definition;
    int64_t now_us = clock_unix_us();
    enum status status = journal_partitions(db, arena, "events", "evt", now_us,
                                            *housekeeping->event_keep_s * US_PER_S);
    if (status == STATUS_OK) // kept for ever
        status = journal_partitions(db, arena, "audit_log", "audit", now_us, 0);
    for (size_t i = 0; status == STATUS_OK && i < definition->tables_n; i++) {
        const struct service_table *table = &definition->tables[i];
        int64_t keep_s = table->keep_s ? *table->keep_s : 0;
        status =
            journal_partitions(db, arena, table->name, table->id_prefix, now_us, keep_s * US_PER_S);
    }
    return status;
}

static enum status sweep(const struct housekeeping *housekeeping, struct db *db,
                         struct arena *arena, bool *ret_more)
{
    int64_t events_s = *housekeeping->event_keep_s;
    int64_t marks_s = events_s > 0 ? events_s + MARKS_MARGIN_S : MARKS_KEEP_MAX_S;
    size_t removed = 0;
    enum status status =
        journal_sweep(db, arena, clock_unix_us(), marks_s * US_PER_S, SERVICE_SWEEP_ROWS, &removed);
    *ret_more = removed >= SERVICE_SWEEP_ROWS;
    if (status == STATUS_OK && housekeeping->definition->sweep)
        status = housekeeping->definition->sweep(housekeeping->state, db, arena, ret_more);
    return status;
}

static enum status reseal(const struct housekeeping *housekeeping, struct db *db,
                          struct arena *arena, bool *ret_more)
{
    const struct service_definition *definition = housekeeping->definition;
    enum status status =
        journal_reseal(db, arena, &journal_sealed, housekeeping->started_us, ret_more);
    for (size_t i = 0; status == STATUS_OK && i < definition->sealed_n; i++)
        status =
            journal_reseal(db, arena, &definition->sealed[i], housekeeping->started_us, ret_more);
    return status;
}

int64_t housekeeping_turn(void *context, struct db *db, struct arena *arena)
{
    const struct housekeeping *housekeeping = context;
    bool more = false;
    enum status status = housekeeping_partitions(housekeeping, db, arena);
    if (status == STATUS_OK)
        status = sweep(housekeeping, db, arena, &more);
    if (status == STATUS_OK)
        status = reseal(housekeeping, db, arena, &more);
    if (status != STATUS_OK)
        log_warn("housekeeping", LOG_S("status", status_name(status)));
    return more && status == STATUS_OK ? SOON_MS : EVERY_MS;
}
