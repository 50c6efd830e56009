#include "base/clock.h"
#include "base/id.h"
#include "webhooks.h"
#include "webhooks_sql.h"

static enum status sweep_default(struct db *db, struct arena *arena,
                                 const struct db_statement *statement, const char *prefix,
                                 int64_t keep_s, bool *more)
{
    struct id floor = id_floor(prefix, (clock_unix_us() - keep_s * US_PER_S) / 1000);
    struct db_params *params = db_params(arena);
    db_text(params, floor.text);
    db_int(params, SERVICE_SWEEP_ROWS);
    struct db_rows *rows = NULL;
    enum status status = db_run(db, arena, statement, params, &rows);
    if (status == STATUS_OK)
        *more |= db_count(rows) == SERVICE_SWEEP_ROWS;
    return status;
}

const struct sealed_column webhooks_sealed[] = {
    {"stored_events.body", &sql_stored_events_page, &sql_stored_events_reseal},
    {"endpoints.secret", &sql_secrets_page, &sql_secrets_reseal},
    {"endpoints.old_secret", &sql_old_secrets_page, &sql_old_secrets_reseal},
};
const size_t webhooks_sealed_n = sizeof webhooks_sealed / sizeof *webhooks_sealed;

enum status sweep_webhooks(void *state, struct db *db, struct arena *arena, bool *ret_more)
{
    const struct webhooks_settings *settings = ((const struct webhooks *)state)->settings;
    enum status status = sweep_default(db, arena, &sql_sweep_stored_events, "evt",
                                       settings->event_retention_s, ret_more);
    if (status == STATUS_OK)
        status = sweep_default(db, arena, &sql_sweep_deliveries, "whd",
                               settings->delivery_retention_s, ret_more);
    if (status == STATUS_OK)
        status = sweep_default(db, arena, &sql_sweep_attempts, "whd",
                               settings->delivery_retention_s, ret_more);
    if (status == STATUS_OK)
        status = sweep_default(db, arena, &sql_sweep_queue, "whd", settings->delivery_retention_s,
                               ret_more);
    return status == STATUS_OK ? db_run(db, arena, &sql_make_room, NULL, NULL) : status;
}
