#include "base/id.h"
#include "journal/journal.h"
#include "journal_sql.h"

// An entry with the id that it gets.
struct audit_row {
    struct id id;
    const char *id_text;
    struct audit what;
};

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

enum status journal_audit(struct db *db, struct arena *arena, const struct audit *entries, size_t n)
{
    if (n == 0)
        return STATUS_OK;
    struct audit_row *rows = ARENA_ARRAY(arena, n, struct audit_row);
    if (!rows)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < n; i++) {
        const struct audit *entry = &entries[i];
        rows[i].id = id_new("audit");
        rows[i].id_text = rows[i].id.text;
        rows[i].what = (struct audit){or_empty(entry->tenant_id),
                                      or_empty(entry->actor),
                                      or_empty(entry->action),
                                      or_empty(entry->object_id),
                                      or_empty(entry->request_id),
                                      entry->before,
                                      entry->after};
    }
    struct db_params *params = db_params(arena);
    db_texts(params, n, DB_COLUMN(rows, id_text));
    db_texts(params, n, DB_COLUMN(rows, what.tenant_id));
    db_texts(params, n, DB_COLUMN(rows, what.actor));
    db_texts(params, n, DB_COLUMN(rows, what.action));
    db_texts(params, n, DB_COLUMN(rows, what.object_id));
    db_texts(params, n, DB_COLUMN(rows, what.request_id));
    db_texts(params, n, DB_COLUMN(rows, what.before));
    db_texts(params, n, DB_COLUMN(rows, what.after));
    return db_post(db, arena, &sql_journal_audit, params);
}

static void read_entry(const struct db_rows *rows, size_t row, struct audit_entry *ret)
{
    *ret = (struct audit_entry){
        .id = db_get_text(rows, row, 0),
        .at_us = db_get_time(rows, row, 1),
        .what =
            {
                .tenant_id = db_get_text(rows, row, 2),
                .actor = db_get_text(rows, row, 3),
                .action = db_get_text(rows, row, 4),
                .object_id = db_get_text(rows, row, 5),
                .request_id = db_get_text(rows, row, 6),
                .before = db_get_text(rows, row, 7),
                .after = db_get_text(rows, row, 8),
            },
    };
}

enum status journal_audit_list(struct db *db, struct arena *arena,
                               const struct audit_filter *filter, struct audit_entry **ret,
                               size_t *ret_n)
{
    struct db_params *params = db_params(arena);
    db_text(params, or_empty(filter->tenant_id));
    db_text(params, or_empty(filter->object_id));
    db_text(params, or_empty(filter->before_id));
    db_int(params, (int64_t)filter->limit);
    struct db_rows *rows;
    enum status status = db_run(db, arena, &sql_journal_audit_list, params, &rows);
    if (status != STATUS_OK)
        return status;
    struct audit_entry *entries = ARENA_ARRAY(arena, db_count(rows), struct audit_entry);
    if (!entries)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < db_count(rows); i++)
        read_entry(rows, i, &entries[i]);
    *ret = entries;
    *ret_n = db_count(rows);
    return STATUS_OK;
}
