#include "base/clock.h"
#include "base/id.h"
#include "journal/journal.h"
#include "store.h"
#include "webhooks_sql.h"

#define ATTEMPTS_SHOWN_MAX 100
// From when a delivery is made to its last attempt by the schedule, amply.
#define SCHEDULE_SPAN_US (24 * 3600 * US_PER_S)

enum column {
    ID,
    ENDPOINT_ID,
    EVENT_TYPE,
    EVENT_ID,
    PAYMENT_ID,
    URL,
    STATUS,
    ATTEMPTS,
    MAX_ATTEMPTS,
    RESPONSE_CODE,
    RESPONSE_BODY,
    LAST_ERROR,
    NEXT_AT,
    CREATED_AT,
    DELIVERED_AT,
};

static struct delivery delivery_read(const struct db_rows *rows, size_t row)
{
    return (struct delivery){
        .id = db_get_text(rows, row, ID),
        .endpoint_id = db_get_text(rows, row, ENDPOINT_ID),
        .event_type = db_get_text(rows, row, EVENT_TYPE),
        .event_id = db_get_text(rows, row, EVENT_ID),
        .payment_id = db_get_text(rows, row, PAYMENT_ID),
        .url = db_get_text(rows, row, URL),
        .status = db_get_text(rows, row, STATUS),
        .attempts = db_get_int(rows, row, ATTEMPTS),
        .max_attempts = db_get_int(rows, row, MAX_ATTEMPTS),
        .response_code = db_get_int(rows, row, RESPONSE_CODE),
        .response_body = db_get_text(rows, row, RESPONSE_BODY),
        .last_error = db_get_text(rows, row, LAST_ERROR),
        .next_us = db_get_time(rows, row, NEXT_AT),
        .created_us = db_get_time(rows, row, CREATED_AT),
        .delivered_us = db_get_time(rows, row, DELIVERED_AT),
    };
}

static struct db_params *key_params(struct arena *arena, const char *tenant_id, const char *id)
{
    struct db_params *params = db_params(arena);
    db_text(params, tenant_id);
    db_text(params, id);
    return params;
}

enum status store_deliveries_insert(struct db *db, struct arena *arena,
                                    const struct new_delivery *items, size_t n, int64_t due_us,
                                    int64_t max_attempts)
{
    if (n == 0)
        return STATUS_OK;
    struct db_params *params = db_params(arena);
    db_texts(params, n, DB_COLUMN(items, tenant_id));
    db_texts(params, n, DB_COLUMN(items, id));
    db_texts(params, n, DB_COLUMN(items, endpoint_id));
    db_texts(params, n, DB_COLUMN(items, event_id));
    db_texts(params, n, DB_COLUMN(items, event_type));
    db_texts(params, n, DB_COLUMN(items, payment_id));
    db_texts(params, n, DB_COLUMN(items, url));
    db_time(params, due_us);
    db_int(params, max_attempts);
    return db_post(db, arena, &sql_insert_deliveries, params);
}

enum status store_delivery_get(struct db *db, struct arena *arena, const char *tenant_id,
                               const char *id, struct delivery *ret)
{
    struct db_rows *rows = NULL;
    enum status status =
        db_run(db, arena, &sql_get_delivery, key_params(arena, tenant_id, id), &rows);
    if (status != STATUS_OK)
        return status;
    if (db_count(rows) == 0)
        return STATUS_NOT_FOUND;
    *ret = delivery_read(rows, 0);
    return STATUS_OK;
}

// The one whose index answers the narrowest filter.
static const struct db_statement *list_statement(const struct delivery_filter *filter)
{
    if (filter->event_id)
        return &sql_list_deliveries_of_event;
    if (filter->payment_id)
        return &sql_list_deliveries_of_payment;
    return filter->endpoint_id ? &sql_list_deliveries_of_endpoint : &sql_list_deliveries;
}

enum status store_delivery_list(struct db *db, struct arena *arena, const char *tenant_id,
                                const struct delivery_filter *filter, const struct page *page,
                                struct delivery **ret, size_t *ret_n)
{
    struct db_params *params = key_params(arena, tenant_id, page->from);
    db_bool(params, page->newer);
    db_int(params, (int64_t)page->limit + 1);
    db_text(params, filter->endpoint_id);
    db_text(params, filter->event_type);
    db_text(params, filter->event_id);
    db_text(params, filter->payment_id);
    db_text(params, filter->status);
    db_time(params, page->created_gte_us);
    db_time(params, page->created_lt_us);
    struct db_rows *rows = NULL;
    enum status status = db_run(db, arena, list_statement(filter), params, &rows);
    if (status != STATUS_OK)
        return status;
    size_t n = db_count(rows);
    struct delivery *items = ARENA_ARRAY(arena, n, struct delivery);
    if (!items)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < n; i++)
        items[i] = delivery_read(rows, i);
    *ret = items;
    *ret_n = n;
    return STATUS_OK;
}

enum status store_attempts(struct db *db, struct arena *arena, const char *tenant_id,
                           const char *delivery_id, struct logged_attempt **ret, size_t *ret_n)
{
    struct db_params *params = key_params(arena, tenant_id, delivery_id);
    db_int(params, ATTEMPTS_SHOWN_MAX);
    struct db_rows *rows = NULL;
    enum status status = db_run(db, arena, &sql_list_attempts, params, &rows);
    if (status != STATUS_OK)
        return status;
    size_t n = db_count(rows);
    struct logged_attempt *items = ARENA_ARRAY(arena, n, struct logged_attempt);
    if (!items)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < n; i++) {
        size_t row = n - 1 - i; // the statement gives the newest first
        items[i] = (struct logged_attempt){
            .number = db_get_int(rows, row, 0),
            .started_us = db_get_time(rows, row, 1),
            .duration_us = db_is_null(rows, row, 2) ? -1 : db_get_int(rows, row, 2),
            .request_headers = db_get_text(rows, row, 3),
            .response_code = db_get_int(rows, row, 4),
            .response_body = db_get_text(rows, row, 5),
            .error = db_get_text(rows, row, 6),
        };
    }
    *ret = items;
    *ret_n = n;
    return STATUS_OK;
}

enum status store_event_body(struct db *db, struct arena *arena, const char *tenant_id,
                             const char *event_id, struct bytes *ret)
{
    struct db_rows *rows = NULL;
    enum status status =
        db_run(db, arena, &sql_get_event_body, key_params(arena, tenant_id, event_id), &rows);
    if (status != STATUS_OK)
        return status;
    if (db_count(rows) == 0)
        return STATUS_NOT_FOUND;
    *ret = db_get_bytea(rows, 0, 0);
    return journal_body_open(db, arena, event_id, ret);
}

enum status store_delivery_lock(struct db *db, struct arena *arena, const char *tenant_id,
                                const char *id, struct retry_look *ret)
{
    struct db_rows *rows = NULL;
    enum status status =
        db_run(db, arena, &sql_lock_queued, key_params(arena, tenant_id, id), NULL);
    if (status == STATUS_OK)
        status = db_run(db, arena, &sql_lock_delivery, key_params(arena, tenant_id, id), &rows);
    if (status != STATUS_OK)
        return status;
    if (db_count(rows) == 0)
        return STATUS_NOT_FOUND;
    *ret = (struct retry_look){
        .enabled = db_get_bool(rows, 0, 0),
        .deleted = db_get_bool(rows, 0, 1),
        .kept = db_get_bool(rows, 0, 2),
    };
    return STATUS_OK;
}

enum status store_delivery_retry(struct db *db, struct arena *arena, const char *tenant_id,
                                 const char *id, int64_t more_attempts)
{
    struct db_params *params = key_params(arena, tenant_id, id);
    db_int(params, more_attempts);
    return db_run(db, arena, &sql_retry_delivery, params, NULL);
}

enum status store_replayable(struct db *db, struct arena *arena, const struct replay *replay,
                             struct new_delivery **ret, size_t *ret_n)
{
    struct db_params *params = key_params(arena, replay->tenant_id, replay->endpoint_id);
    db_time(params, replay->since_us);
    db_time(params, replay->until_us);
    db_text(params, replay->event_floor);
    db_texts(params, replay->patterns_n, replay->patterns, sizeof *replay->patterns);
    db_bool(params, replay->only_failed);
    db_int(params, replay->limit);
    struct db_rows *rows = NULL;
    enum status status = db_run(db, arena, &sql_list_replayable, params, &rows);
    if (status != STATUS_OK)
        return status;
    size_t n = db_count(rows);
    struct new_delivery *items = ARENA_ARRAY(arena, n, struct new_delivery);
    if (!items)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < n; i++) {
        items[i].event_id = db_get_text(rows, i, 0);
        items[i].event_type = db_get_text(rows, i, 1);
        items[i].payment_id = db_get_text(rows, i, 2);
    }
    *ret = items;
    *ret_n = n;
    return STATUS_OK;
}

enum status store_jobs(struct db *db, struct arena *arena, const char *tenant_id, int64_t since_us,
                       int64_t counts[4])
{
    struct db_params *params = db_params(arena);
    db_text(params, tenant_id);
    db_time(params, since_us);
    struct id floor = id_floor("whd", (since_us - SCHEDULE_SPAN_US) / 1000);
    db_text(params, floor.text);
    struct db_rows *rows = NULL;
    enum status status = db_run(db, arena, &sql_count_jobs, params, &rows);
    for (int i = 0; status == STATUS_OK && i < 4; i++)
        counts[i] = db_get_int(rows, 0, i);
    return status;
}
