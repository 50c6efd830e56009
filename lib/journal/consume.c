#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "journal/journal.h"
#include "journal_sql.h"

// Where an event stands in the caller's list.
struct place {
    const char *id;
    size_t at;
};

static int by_id(const void *a, const void *b)
{
    const struct place *left = a, *right = b;
    int order = strcmp(left->id, right->id);
    return order != 0 ? order : (left->at > right->at) - (left->at < right->at);
}

// The first place of this id; it is there.
static const struct place *find(const struct place *places, size_t n, const char *id)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(places[middle].id, id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    assert(low < n && strcmp(places[low].id, id) == 0);
    return &places[low];
}

enum status journal_take(struct db *db, struct arena *arena, const char *consumer,
                         const struct event *events, size_t n, bool *fresh)
{
    if (n == 0)
        return STATUS_OK;
    struct place *places = ARENA_ARRAY(arena, n, struct place);
    if (!places)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < n; i++)
        places[i] = (struct place){events[i].id, i};
    struct db_params *params = db_params(arena);
    db_text(params, consumer);
    db_texts(params, n, DB_COLUMN(events, id));
    struct db_rows *rows;
    enum status status = db_run(db, arena, &sql_journal_take, params, &rows);
    if (status != STATUS_OK)
        return status;
    qsort(places, n, sizeof *places, by_id);
    memset(fresh, 0, n * sizeof *fresh);
    for (size_t row = 0; row < db_count(rows); row++)
        fresh[find(places, n, db_get_text(rows, row, 0))->at] = true;
    return STATUS_OK;
}

enum status journal_cursor_get(struct db *db, struct arena *arena, const char *consumer,
                               const char **ret)
{
    struct db_params *params = db_params(arena);
    db_text(params, consumer);
    struct db_rows *rows;
    enum status status = db_run(db, arena, &sql_journal_cursor_get, params, &rows);
    if (status == STATUS_OK)
        *ret = db_count(rows) > 0 ? db_get_text(rows, 0, 0) : "";
    return status;
}

enum status journal_cursor_set(struct db *db, struct arena *arena, const char *consumer,
                               const char *cursor)
{
    struct db_params *params = db_params(arena);
    db_text(params, consumer);
    db_text(params, cursor);
    return db_post(db, arena, &sql_journal_cursor_set, params);
}

enum status journal_restored(struct db *db, struct arena *arena)
{
    enum status status = db_run(db, arena, &sql_journal_restored_events, NULL, NULL);
    return status == STATUS_OK ? db_run(db, arena, &sql_journal_restored_cursors, NULL, NULL)
                               : status;
}
