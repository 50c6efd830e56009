#include <time.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "journal/journal.h"
#include "journal_sql.h"

#define MONTHS_AHEAD 2

const struct db_statement *const journal_measure = &sql_journal_measure;

static enum status sweep_one(struct db *db, struct arena *arena,
                             const struct db_statement *statement, int64_t before_us, size_t limit,
                             size_t *removed)
{
    struct db_params *params = db_params(arena);
    db_time(params, before_us);
    db_int(params, (int64_t)limit);
    struct db_rows *rows;
    enum status status = db_run(db, arena, statement, params, &rows);
    if (status == STATUS_OK)
        *removed += db_count(rows);
    return status;
}

enum status journal_sweep(struct db *db, struct arena *arena, int64_t now_us, int64_t keep_us,
                          size_t limit, size_t *ret_removed)
{
    size_t removed = 0;
    enum status status = sweep_one(db, arena, &sql_journal_sweep_keys, now_us, limit, &removed);
    if (status == STATUS_OK)
        status =
            sweep_one(db, arena, &sql_journal_sweep_consumed, now_us - keep_us, limit, &removed);
    if (status == STATUS_OK)
        *ret_removed = removed;
    return status;
}

// A month counted from year 0, so that adding months is adding numbers.
static int month_of(int64_t unix_us)
{
    time_t seconds = (time_t)(unix_us / US_PER_S);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    return (tm.tm_year + 1900) * 12 + tm.tm_mon;
}

static int64_t month_start_ms(int month)
{
    struct tm tm = {.tm_year = month / 12 - 1900, .tm_mon = month % 12, .tm_mday = 1};
    return (int64_t)timegm(&tm) * 1000;
}

static const char *partition_name(struct arena *arena, const char *table, int month)
{
    return arena_printf(arena, "%s_%04d%02d", table, month / 12, month % 12 + 1);
}

static enum status make_month(struct db *db, struct arena *arena, const char *table,
                              const char *id_prefix, int month)
{
    struct id low = id_floor(id_prefix, month_start_ms(month));
    struct id high = id_floor(id_prefix, month_start_ms(month + 1));
    const char *name = partition_name(arena, table, month);
    struct db_params *params = db_params(arena);
    db_text(params, table);
    db_text(params, name);
    db_text(params, low.text);
    db_text(params, high.text);
    struct db_rows *rows;
    enum status status = db_run(db, arena, &sql_journal_partition_make, params, &rows);
    if (status == STATUS_OK && !db_get_bool(rows, 0, 0))
        log_warn("journal.partition_left_to_default", LOG_S("table", table),
                 LOG_S("partition", name));
    return status;
}

static enum status drop_before(struct db *db, struct arena *arena, const char *table, int month)
{
    struct db_params *params = db_params(arena);
    db_text(params, table);
    db_text(params, partition_name(arena, table, month));
    struct db_rows *rows;
    enum status status = db_run(db, arena, &sql_journal_partitions_drop, params, &rows);
    if (status == STATUS_OK && db_get_int(rows, 0, 0) > 0)
        log_info("journal.partitions_dropped", LOG_S("table", table),
                 LOG_I("n", db_get_int(rows, 0, 0)));
    return status;
}

enum status journal_partitions(struct db *db, struct arena *arena, const char *table,
                               const char *id_prefix, int64_t now_us, int64_t keep_us)
{
    int now = month_of(now_us);
    for (int month = now; month <= now + MONTHS_AHEAD; month++) {
        enum status status = make_month(db, arena, table, id_prefix, month);
        if (status != STATUS_OK)
            return status;
    }
    return keep_us > 0 ? drop_before(db, arena, table, month_of(now_us - keep_us)) : STATUS_OK;
}
