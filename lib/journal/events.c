#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "journal/journal.h"
#include "journal_sql.h"
#include "json/json.h"

#define XID_DIGITS_MAX 20

// Fields that a caller left out are empty in the row, never NULL.
static struct event complete(const struct event *event)
{
    static const uint8_t nothing[1];
    struct event whole = *event;
    const char **texts[] = {&whole.object_id, &whole.payment_id, &whole.request_id,
                            &whole.traceparent};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (!*texts[i])
            *texts[i] = "";
    }
    if (!whole.body.at)
        whole.body = (struct bytes){nothing, 0};
    if (!whole.payload.at)
        whole.payload = (struct bytes){nothing, 0};
    return whole;
}

static const char *body_context(struct arena *arena, const char *event_id)
{
    return arena_printf(arena, "event:%s", event_id);
}

// An empty body says that no merchant gets the event.
struct bytes journal_body_seal(struct db *db, struct arena *arena, const char *event_id,
                               struct bytes body)
{
    const char *context = body_context(arena, event_id);
    if (body.length == 0)
        return body;
    return context ? keyring_seal(db_keyring(db), arena, body, context) : (struct bytes){0};
}

enum status journal_body_open(struct db *db, struct arena *arena, const char *event_id,
                              struct bytes *body)
{
    const char *context = body_context(arena, event_id);
    return context ? keyring_read(db_keyring(db), arena, *body, context, body)
                   : STATUS_RESOURCE_EXHAUSTED;
}

enum status journal_append(struct db *db, struct arena *arena, const struct event *events, size_t n)
{
    if (n == 0)
        return STATUS_OK;
    struct event *rows = ARENA_ARRAY(arena, n, struct event);
    if (!rows)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < n; i++) {
        rows[i] = complete(&events[i]);
        rows[i].body = journal_body_seal(db, arena, rows[i].id, rows[i].body);
        if (!rows[i].body.at)
            return STATUS_RESOURCE_EXHAUSTED;
    }
    struct db_params *params = db_params(arena);
    db_texts(params, n, DB_COLUMN(rows, id));
    db_texts(params, n, DB_COLUMN(rows, tenant_id));
    db_texts(params, n, DB_COLUMN(rows, type));
    db_texts(params, n, DB_COLUMN(rows, object_id));
    db_texts(params, n, DB_COLUMN(rows, payment_id));
    db_ints(params, n, DB_COLUMN(rows, sequence));
    db_times(params, n, DB_COLUMN(rows, created_us));
    db_texts(params, n, DB_COLUMN(rows, request_id));
    db_texts(params, n, DB_COLUMN(rows, traceparent));
    db_byteas(params, n, DB_COLUMN(rows, body));
    db_byteas(params, n, DB_COLUMN(rows, payload));
    return db_post(db, arena, &sql_journal_append, params);
}

char *journal_render(struct arena *arena, const struct event *event, const char *noun,
                     const char *object_json)
{
    char created_at[RFC3339_SIZE];
    clock_rfc3339(event->created_us, created_at);
    const struct json_member data[] = {JSON_R(noun, object_json), {0}};
    const char *data_json = json_object(arena, data);
    if (!data_json)
        return NULL;
    const struct json_member members[] = {
        JSON_S("id", event->id),          JSON_S("event", event->type),
        JSON_S("created_at", created_at), JSON_I("sequence", event->sequence),
        JSON_R("data", data_json),        {0},
    };
    return json_object(arena, members);
}

// A cursor is the last event's transaction number and id: "<xid>.<id>".
static bool parse_cursor(struct arena *arena, const char *cursor, const char **ret_xid,
                         const char **ret_id)
{
    size_t digits = strspn(cursor, "0123456789");
    if (digits == 0 || digits > XID_DIGITS_MAX || cursor[digits] != '.')
        return false;
    *ret_id = cursor + digits + 1;
    size_t length = strlen(*ret_id);
    if (length == 0 || length > ID_TEXT_MAX)
        return false;
    *ret_xid = arena_strndup(arena, cursor, digits);
    return *ret_xid;
}

static void read_event(const struct db_rows *rows, size_t row, struct event *ret)
{
    *ret = (struct event){
        .id = db_get_text(rows, row, 0),
        .tenant_id = db_get_text(rows, row, 1),
        .type = db_get_text(rows, row, 2),
        .object_id = db_get_text(rows, row, 3),
        .payment_id = db_get_text(rows, row, 4),
        .sequence = db_get_int(rows, row, 5),
        .created_us = db_get_time(rows, row, 6),
        .request_id = db_get_text(rows, row, 7),
        .traceparent = db_get_text(rows, row, 8),
        .body = db_get_bytea(rows, row, 9),
        .payload = db_get_bytea(rows, row, 10),
    };
}

static enum status check_known(struct db *db, struct arena *arena, const char *xid)
{
    struct db_params *params = db_params(arena);
    db_text(params, xid);
    struct db_rows *rows;
    enum status status = db_run(db, arena, &sql_journal_cursor_known, params, &rows);
    if (status != STATUS_OK)
        return status;
    return db_get_bool(rows, 0, 0) ? STATUS_OK : STATUS_INVALID_ARGUMENT;
}

static enum status read_events(struct db *db, struct arena *arena, const struct db_rows *rows,
                               struct event *ret)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < db_count(rows); i++) {
        read_event(rows, i, &ret[i]);
        status = journal_body_open(db, arena, ret[i].id, &ret[i].body);
    }
    return status;
}

enum status journal_list(struct db *db, struct arena *arena, const char *cursor, size_t limit,
                         struct event **ret, size_t *ret_n, const char **ret_cursor)
{
    const char *xid = "0", *id = "";
    bool from_start = !cursor || !*cursor;
    if (!from_start && !parse_cursor(arena, cursor, &xid, &id))
        return STATUS_INVALID_ARGUMENT;
    struct db_params *params = db_params(arena);
    db_text(params, xid);
    db_text(params, id);
    db_int(params, (int64_t)limit);
    struct db_rows *rows;
    enum status status = db_run(db, arena, &sql_journal_list, params, &rows);
    if (status == STATUS_OK && db_count(rows) == 0 && !from_start)
        status = check_known(db, arena, xid);
    if (status != STATUS_OK)
        return status;
    size_t n = db_count(rows);
    struct event *events = ARENA_ARRAY(arena, n, struct event);
    const char *next = from_start ? "" : arena_strdup(arena, cursor);
    if (events)
        status = read_events(db, arena, rows, events);
    if (status != STATUS_OK)
        return status;
    if (events && n > 0)
        next = arena_printf(arena, "%s.%s", db_get_text(rows, n - 1, 11), events[n - 1].id);
    if (!events || !next)
        return STATUS_RESOURCE_EXHAUSTED;
    *ret = events;
    *ret_n = n;
    *ret_cursor = next;
    return STATUS_OK;
}

enum status journal_outbox_take(struct db *db, struct arena *arena, size_t limit,
                                struct event **ret, size_t *ret_n)
{
    struct db_params *params = db_params(arena);
    db_int(params, (int64_t)limit);
    struct db_rows *rows;
    enum status status = db_run(db, arena, &sql_journal_outbox_take, params, &rows);
    if (status != STATUS_OK)
        return status;
    struct event *events = ARENA_ARRAY(arena, db_count(rows), struct event);
    if (!events)
        return STATUS_RESOURCE_EXHAUSTED;
    *ret = events;
    *ret_n = db_count(rows);
    return read_events(db, arena, rows, events);
}

enum status journal_outbox_delete(struct db *db, struct arena *arena, const char *const *ids,
                                  size_t n)
{
    struct db_params *params = db_params(arena);
    db_texts(params, n, ids, sizeof *ids);
    return db_post(db, arena, &sql_journal_outbox_delete, params);
}
