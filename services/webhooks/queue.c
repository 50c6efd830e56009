#include "queue.h"

#include <string.h>

#include "base/log.h"
#include "journal/journal.h"
#include "measure.h"
#include "schedule.h"
#include "webhooks_sql.h"

enum status queue_waiting(struct db *db, struct arena *arena, struct endpoint_key from,
                          int64_t limit, int64_t due_max, struct waiting **ret, size_t *ret_n)
{
    struct db_params *params = db_params(arena);
    db_text(params, from.tenant_id);
    db_text(params, from.endpoint_id);
    db_int(params, limit);
    db_int(params, due_max);
    struct db_rows *rows = NULL;
    enum status status = db_run(db, arena, &sql_list_waiting, params, &rows);
    if (status != STATUS_OK)
        return status;
    size_t n = db_count(rows);
    struct waiting *items = ARENA_ARRAY(arena, n, struct waiting);
    if (!items)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < n; i++) {
        items[i].tenant_id = db_get_text(rows, i, 0);
        items[i].endpoint_id = db_get_text(rows, i, 1);
        items[i].due = db_get_int(rows, i, 2);
        items[i].lost = db_get_bool(rows, i, 3);
        items[i].first_us = db_get_time(rows, i, 4);
    }
    *ret = items;
    *ret_n = n;
    return STATUS_OK;
}

static struct attempt attempt_read(const struct db_rows *rows, size_t row)
{
    return (struct attempt){
        .tenant_id = db_get_text(rows, row, 0),
        .delivery_id = db_get_text(rows, row, 1),
        .endpoint_id = db_get_text(rows, row, 2),
        .event_id = db_get_text(rows, row, 3),
        .number = db_get_int(rows, row, 4),
        .schedule_start = db_get_int(rows, row, 5),
        .max_attempts = db_get_int(rows, row, 6),
        .started_us = db_get_time(rows, row, 7),
        .url = db_get_text(rows, row, 8),
        .enabled = db_get_bool(rows, row, 9),
        .failing = db_get_bool(rows, row, 10),
        .secret_sealed = db_get_bytea(rows, row, 11),
        .older_secret_sealed = db_get_bytea(rows, row, 12),
        .body = db_get_bytea(rows, row, 13),
        .request_id = db_get_text(rows, row, 14),
        .traceparent = db_get_text(rows, row, 15),
    };
}

enum status queue_claim(struct db *db, struct arena *arena, const struct waiting *items, size_t n,
                        int64_t lease_ms, struct attempt **ret, size_t *ret_n)
{
    struct db_params *params = db_params(arena);
    db_texts(params, n, DB_COLUMN(items, tenant_id));
    db_texts(params, n, DB_COLUMN(items, endpoint_id));
    db_ints(params, n, DB_COLUMN(items, allowed));
    db_times(params, n, DB_COLUMN(items, first_us));
    db_int(params, lease_ms);
    struct db_rows *rows = NULL;
    enum status status = db_run(db, arena, &sql_claim_deliveries, params, &rows);
    if (status != STATUS_OK)
        return status;
    size_t claimed_n = db_count(rows);
    struct attempt *claimed = ARENA_ARRAY(arena, claimed_n, struct attempt);
    if (!claimed)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; status == STATUS_OK && i < claimed_n; i++) {
        claimed[i] = attempt_read(rows, i);
        if (claimed[i].body.at)
            status = journal_body_open(db, arena, claimed[i].event_id, &claimed[i].body);
        if (status == STATUS_DATA_LOSS) { // as if it were gone: the others go on
            log_error("an event can't be opened", LOG_ATTEMPT(&claimed[i]));
            claimed[i].body = (struct bytes){0};
            status = STATUS_OK;
        }
    }
    *ret = claimed;
    *ret_n = claimed_n;
    return status;
}

static void tally(struct db *db, const struct outcome *items, size_t n)
{
    int64_t delivered = 0, failed = 0;
    for (size_t i = 0; i < n; i++) {
        delivered += strcmp(items[i].status, "delivered") == 0;
        failed += strcmp(items[i].status, "failed") == 0;
    }
    tally_deliveries(db, "delivered", delivered);
    tally_deliveries(db, "failed", failed);
}

enum status queue_finish(struct db *db, struct arena *arena, const struct outcome *items, size_t n)
{
    struct db_params *params = db_params(arena);
    db_texts(params, n, DB_COLUMN(items, tenant_id));
    db_texts(params, n, DB_COLUMN(items, delivery_id));
    db_ints(params, n, DB_COLUMN(items, number));
    db_texts(params, n, DB_COLUMN(items, status));
    db_times(params, n, DB_COLUMN(items, next_us));
    db_ints(params, n, DB_COLUMN(items, response_code));
    db_texts(params, n, DB_COLUMN(items, response_body));
    db_texts(params, n, DB_COLUMN(items, error));
    db_ints(params, n, DB_COLUMN(items, duration_us));
    db_texts(params, n, DB_COLUMN(items, request_headers));
    db_ints(params, n, DB_COLUMN(items, max_attempts));
    db_times(params, n, DB_COLUMN(items, started_us));
    db_texts(params, n, DB_COLUMN(items, url));
    if (db_in_transaction(db))
        tally(db, items, n);
    enum status status = db_post(db, arena, &sql_finish_deliveries, params);
    if (status == STATUS_OK && !db_in_transaction(db))
        tally(db, items, n);
    return status;
}

enum status queue_recover(struct db *db, struct arena *arena, const struct waiting *items, size_t n,
                          const int64_t *intervals_s, int64_t limit, size_t *ret_n)
{
    struct db_params *params = db_params(arena);
    db_texts(params, n, DB_COLUMN(items, tenant_id));
    db_texts(params, n, DB_COLUMN(items, endpoint_id));
    db_ints(params, SCHEDULE_ATTEMPTS, intervals_s, sizeof *intervals_s);
    db_int(params, limit);
    struct db_rows *rows = NULL;
    enum status status = db_run(db, arena, &sql_recover_leases, params, &rows);
    if (status != STATUS_OK)
        return status;
    int64_t spent = 0;
    *ret_n = db_count(rows);
    for (size_t i = 0; i < *ret_n; i++)
        spent += db_get_bool(rows, i, 0);
    tally_deliveries(db, "failed", spent);
    return status;
}

static struct db_params *outcome_params(struct arena *arena, const struct endpoint_outcome *items,
                                        size_t n)
{
    struct db_params *params = db_params(arena);
    db_texts(params, n, DB_COLUMN(items, tenant_id));
    db_texts(params, n, DB_COLUMN(items, endpoint_id));
    db_bools(params, n, DB_COLUMN(items, worked));
    return params;
}

enum status queue_note(struct db *db, struct arena *arena, const struct endpoint_outcome *items,
                       size_t n, int64_t cutoff_us, struct endpoint_key **ret, size_t *ret_n)
{
    enum status status =
        db_run(db, arena, &sql_touch_endpoints, outcome_params(arena, items, n), NULL);
    if (status != STATUS_OK)
        return status;
    struct db_params *params = outcome_params(arena, items, n);
    db_time(params, cutoff_us);
    struct db_rows *rows = NULL;
    status = db_run(db, arena, &sql_failing_endpoints, params, &rows);
    if (status != STATUS_OK)
        return status;
    struct endpoint_key *keys = ARENA_ARRAY(arena, db_count(rows), struct endpoint_key);
    if (!keys)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < db_count(rows); i++)
        keys[i] = (struct endpoint_key){db_get_text(rows, i, 0), db_get_text(rows, i, 1)};
    *ret = keys;
    *ret_n = db_count(rows);
    return STATUS_OK;
}
