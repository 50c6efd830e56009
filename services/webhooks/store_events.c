#include <string.h>

#include "journal/journal.h"
#include "store.h"
#include "webhooks_sql.h"

enum column { ID, TYPE, OBJECT_ID, PAYMENT_ID, SEQUENCE, BODY, CREATED_AT };

static enum status event_read(struct db *db, struct arena *arena, const struct db_rows *rows,
                              size_t row, struct stored_event *ret)
{
    *ret = (struct stored_event){
        .id = db_get_text(rows, row, ID),
        .type = db_get_text(rows, row, TYPE),
        .object_id = db_get_text(rows, row, OBJECT_ID),
        .payment_id = db_get_text(rows, row, PAYMENT_ID),
        .sequence = db_get_int(rows, row, SEQUENCE),
        .body = db_get_bytea(rows, row, BODY),
        .created_us = db_get_time(rows, row, CREATED_AT),
    };
    return journal_body_open(db, arena, ret->id, &ret->body);
}

static void mark_fresh(const struct db_rows *rows, const struct event *events, size_t n,
                       bool *fresh)
{
    memset(fresh, 0, n * sizeof *fresh);
    for (size_t row = 0; row < db_count(rows); row++)
        for (size_t i = 0; i < n; i++)
            if (strcmp(db_get_text(rows, row, 1), events[i].id) == 0 &&
                strcmp(db_get_text(rows, row, 0), events[i].tenant_id) == 0)
                fresh[i] = true;
}

enum status store_events_insert(struct db *db, struct arena *arena, const struct event *events,
                                size_t n, bool *fresh)
{
    struct bytes *bodies = ARENA_ARRAY(arena, n, struct bytes);
    for (size_t i = 0; bodies && i < n; i++) {
        bodies[i] = journal_body_seal(db, arena, events[i].id, events[i].body);
        if (!bodies[i].at)
            bodies = NULL;
    }
    struct db_params *params = db_params(arena);
    if (!bodies)
        return STATUS_RESOURCE_EXHAUSTED;
    db_texts(params, n, DB_COLUMN(events, tenant_id));
    db_texts(params, n, DB_COLUMN(events, id));
    db_texts(params, n, DB_COLUMN(events, type));
    db_texts(params, n, DB_COLUMN(events, object_id));
    db_texts(params, n, DB_COLUMN(events, payment_id));
    db_ints(params, n, DB_COLUMN(events, sequence));
    db_texts(params, n, DB_COLUMN(events, request_id));
    db_texts(params, n, DB_COLUMN(events, traceparent));
    db_byteas(params, n, bodies, sizeof *bodies);
    db_times(params, n, DB_COLUMN(events, created_us));
    struct db_rows *rows = NULL;
    enum status status = db_run(db, arena, &sql_insert_events, params, &rows);
    if (status == STATUS_OK)
        mark_fresh(rows, events, n, fresh);
    return status;
}

enum status store_event_get(struct db *db, struct arena *arena, const char *tenant_id,
                            const char *id, struct stored_event *ret)
{
    struct db_params *params = db_params(arena);
    db_text(params, tenant_id);
    db_text(params, id);
    struct db_rows *rows = NULL;
    enum status status = db_run(db, arena, &sql_get_event, params, &rows);
    if (status != STATUS_OK)
        return status;
    if (db_count(rows) == 0)
        return STATUS_NOT_FOUND;
    return event_read(db, arena, rows, 0, ret);
}

// The one whose index answers the narrowest filter.
static const struct db_statement *list_statement(const struct event_filter *filter)
{
    if (filter->object_id)
        return &sql_list_events_of_object;
    return filter->payment_id ? &sql_list_events_of_payment : &sql_list_events;
}

enum status store_event_list(struct db *db, struct arena *arena, const char *tenant_id,
                             const struct event_filter *filter, const struct page *page,
                             struct stored_event **ret, size_t *ret_n)
{
    struct db_params *params = db_params(arena);
    db_text(params, tenant_id);
    db_text(params, page->from);
    db_bool(params, page->newer);
    db_int(params, (int64_t)page->limit + 1);
    db_text(params, filter->type);
    db_text(params, filter->object_id);
    db_text(params, filter->payment_id);
    db_time(params, page->created_gte_us);
    db_time(params, page->created_lt_us);
    struct db_rows *rows = NULL;
    enum status status = db_run(db, arena, list_statement(filter), params, &rows);
    if (status != STATUS_OK)
        return status;
    size_t n = db_count(rows);
    struct stored_event *items = ARENA_ARRAY(arena, n, struct stored_event);
    if (!items)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; status == STATUS_OK && i < n; i++)
        status = event_read(db, arena, rows, i, &items[i]);
    *ret = items;
    *ret_n = n;
    return status;
}
