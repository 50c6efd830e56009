#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "webhooks.h"
#include "webhooks_sql.h"

#define EVERY_MS 60000
#define SOON_MS 1000
#define SWEEP_LIMIT 2000
// What was taken is remembered for longer than peers keep their events readable.
#define CONSUMED_SLACK_S (45 * 86400)

static enum status sweep_default(struct db *db, struct arena *arena,
                                 const struct db_statement *statement, const char *prefix,
                                 int64_t keep_s, bool *more)
{
    struct id floor = id_floor(prefix, (clock_unix_us() - keep_s * US_PER_S) / 1000);
    struct db_params *params = db_params(arena);
    db_text(params, floor.text);
    db_int(params, SWEEP_LIMIT);
    struct db_rows *rows = NULL;
    enum status status = db_run(db, arena, statement, params, &rows);
    if (status == STATUS_OK)
        *more |= db_count(rows) == SWEEP_LIMIT;
    return status;
}

enum status housekeeping_partitions(const struct webhooks_settings *settings, struct db *db,
                                    struct arena *arena)
{
    int64_t now_us = clock_unix_us();
    int64_t deliveries_us = settings->delivery_retention_s * US_PER_S;
    enum status status = journal_partitions(db, arena, "stored_events", "evt", now_us,
                                            settings->event_retention_s * US_PER_S);
    if (status == STATUS_OK)
        status = journal_partitions(db, arena, "events", "evt", now_us,
                                    settings->event_retention_s * US_PER_S);
    if (status == STATUS_OK) // kept for ever
        status = journal_partitions(db, arena, "audit_log", "audit", now_us, 0);
    if (status == STATUS_OK)
        status = journal_partitions(db, arena, "deliveries", "whd", now_us, deliveries_us);
    if (status == STATUS_OK)
        status = journal_partitions(db, arena, "delivery_attempts", "whd", now_us, deliveries_us);
    return status;
}

static enum status sweep(const struct webhooks_settings *settings, struct db *db,
                         struct arena *arena, bool *more)
{
    size_t removed = 0;
    int64_t keep_us = (settings->event_retention_s + CONSUMED_SLACK_S) * US_PER_S;
    enum status status = journal_sweep(db, arena, clock_unix_us(), keep_us, SWEEP_LIMIT, &removed);
    *more = removed >= SWEEP_LIMIT;
    if (status == STATUS_OK)
        status = sweep_default(db, arena, &sql_sweep_stored_events, "evt",
                               settings->event_retention_s, more);
    if (status == STATUS_OK)
        status = sweep_default(db, arena, &sql_sweep_deliveries, "whd",
                               settings->delivery_retention_s, more);
    if (status == STATUS_OK)
        status = sweep_default(db, arena, &sql_sweep_attempts, "whd",
                               settings->delivery_retention_s, more);
    return status;
}

int64_t housekeeping_turn(void *context, struct db *db, struct arena *arena)
{
    const struct webhooks *webhooks = context;
    bool more = false;
    enum status status = housekeeping_partitions(webhooks->settings, db, arena);
    if (status == STATUS_OK)
        status = sweep(webhooks->settings, db, arena, &more);
    if (status != STATUS_OK)
        log_warn("housekeeping", LOG_S("status", status_name(status)));
    return more ? SOON_MS : EVERY_MS;
}
