#include "housekeeping.h"

#include "base/clock.h"
#include "base/log.h"
#include "store.h"

#define SWEEP_ROWS 1000
#define PAUSE_MS (60 * 1000)
#define KEEP_MARKS_US (90LL * 24 * 3600 * US_PER_S)

static enum status sweep(struct db *db, struct arena *arena, int64_t now_us, bool *ret_more)
{
    size_t keys = 0, tokens = 0;
    enum status status = journal_sweep(db, arena, now_us, KEEP_MARKS_US, SWEEP_ROWS, &keys);
    if (status == STATUS_OK)
        status = store_card_tokens_sweep(db, arena, now_us, SWEEP_ROWS, &tokens);
    *ret_more = keys >= SWEEP_ROWS || tokens >= SWEEP_ROWS;
    return status;
}

static enum status partition(const struct payments_settings *settings, struct db *db,
                             struct arena *arena, int64_t now_us)
{
    enum status status = journal_partitions(db, arena, "payments", "pay", now_us,
                                            settings->payment_retention_s * US_PER_S);
    if (status == STATUS_OK)
        status = journal_partitions(db, arena, "events", "evt", now_us,
                                    settings->event_retention_s * US_PER_S);
    if (status == STATUS_OK)
        status = journal_partitions(db, arena, "audit_log", "audit", now_us, 0);
    return status;
}

int64_t housekeeping_turn(void *context, struct db *db, struct arena *arena)
{
    const struct payments_state *state = context;
    int64_t now_us = clock_unix_us();
    bool more = false;
    enum status status = partition(state->settings, db, arena, now_us);
    if (status == STATUS_OK)
        status = sweep(db, arena, now_us, &more);
    if (status != STATUS_OK)
        log_warn("housekeeping", LOG_S("status", status_name(status)));
    return more && status == STATUS_OK ? 0 : PAUSE_MS;
}
