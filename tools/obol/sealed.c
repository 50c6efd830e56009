// The sealed columns of the services, read by the statements that their housekeeping reads them by.
#include <stdio.h>
#include <string.h>

#include "backup.h"
#include "payments_sql.h"
#include "webhooks_sql.h"

#define PAGE_ROWS 500
#define KEY_MAX 256
#define SEALED 1 // the first byte; the second is the key's id

static const struct db_statement sql_events = {
    "", "SELECT id, ''::text, 'event:' || id, CASE WHEN body <> '' AND (get_byte(body, 0) <> 1 OR "
        "get_byte(body, 1) <> $1::bigint) THEN body END FROM events WHERE id > $2::text AND "
        "$3::text = '' ORDER BY id LIMIT $4"};

struct column {
    enum peer peer; // PEERS: every service's
    const char *name;
    const struct db_statement *page;
};
static const struct column columns[] = {
    {PEERS, "events.body", &sql_events},
    {PEER_PAYMENTS, "payments.personal", &sql_personal_page},
    {PEER_PAYMENTS, "payments.card_tokens", &sql_card_tokens_page},
    {PEER_PAYMENTS, "payments.operation_tokens", &sql_operation_tokens_page},
    {PEER_PAYMENTS, "payments.testimonies", &sql_testimonies_page},
    {PEER_PAYMENTS, "payments.unknown_callbacks", &sql_unknown_callbacks_page},
    {PEER_PAYMENTS, "payments.provider_credentials", &sql_provider_credentials_page},
    {PEER_WEBHOOKS, "stored_events.body", &sql_stored_events_page},
    {PEER_WEBHOOKS, "endpoints.secret", &sql_secrets_page},
    {PEER_WEBHOOKS, "endpoints.old_secret", &sql_old_secrets_page},
};
#define COLUMNS_N (sizeof columns / sizeof *columns)

struct scan {
    struct db *db;
    struct arena *arena; // of a page
    const struct column *column;
    const struct keyring *ring;
    int64_t passed_over; // rows under this key need not come
    bool seen[KEY_IDS];
    int unopened; // a key's id; 0: none
    char after_1[KEY_MAX], after_2[KEY_MAX];
};

static void look_at(struct scan *scan, struct bytes sealed, const char *context)
{
    struct bytes plain;
    if (!sealed.at || sealed.length < 2 || sealed.at[0] != SEALED)
        return;
    uint8_t id = sealed.at[1];
    bool known = scan->seen[id];
    scan->seen[id] = true;
    scan->passed_over = id;
    if (known || !scan->ring || !context)
        return;
    if (keyring_open(scan->ring, scan->arena, sealed, context, &plain) == STATUS_OK)
        crypto_wipe((void *)(uintptr_t)plain.at, plain.length);
    else
        scan->unopened = id;
}

static enum status scan_page(struct scan *scan, bool *ret_more)
{
    struct db_rows *rows = NULL;
    arena_reset(scan->arena);
    struct db_params *params = db_params(scan->arena);
    db_int(params, scan->passed_over);
    db_text(params, scan->after_1);
    db_text(params, scan->after_2);
    db_int(params, PAGE_ROWS);
    enum status status = db_run(scan->db, scan->arena, scan->column->page, params, &rows);
    size_t n = status == STATUS_OK ? db_count(rows) : 0;
    for (size_t i = 0; i < n; i++)
        look_at(scan, db_get_bytea(rows, i, 3), db_get_text(rows, i, 2));
    *ret_more = n == PAGE_ROWS;
    if (*ret_more) {
        (void)snprintf(scan->after_1, KEY_MAX, "%s", db_get_text(rows, n - 1, 0));
        (void)snprintf(scan->after_2, KEY_MAX, "%s", db_get_text(rows, n - 1, 1));
    }
    return status;
}

static enum status scan_column(struct scan *scan, struct arena *arena, struct sealed_look *look)
{
    bool more = true;
    enum status status = STATUS_OK;
    for (size_t page = 0; status == STATUS_OK && more; page++) {
        status = scan_page(scan, &more);
        more = more && (look->pages_max == 0 || page + 1 < look->pages_max);
    }
    for (size_t id = 0; id < KEY_IDS; id++)
        look->keys[id] = look->keys[id] || scan->seen[id];
    if (scan->unopened && !look->fault)
        look->fault = arena_printf(arena,
                                   "%s is sealed under key %d, which these OBOL_KEYS do not "
                                   "open",
                                   scan->column->name, scan->unopened);
    return status;
}

enum status sealed_scan(struct db *db, struct arena *arena, struct sealed_look *look)
{
    enum status status = STATUS_OK;
    CLEANUP(arena_free) struct arena *page = arena_new(ARENA_CAP_BATCH);
    if (!page)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < COLUMNS_N && status == STATUS_OK; i++) {
        if (columns[i].peer != PEERS && columns[i].peer != look->peer)
            continue;
        struct scan scan = {.db = db, .arena = page, .column = &columns[i], .ring = look->ring};
        status = scan_column(&scan, arena, look);
    }
    return status;
}
