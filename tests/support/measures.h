// What /metrics would say, and how a statement of gauges reads its tables.
#pragma once
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "db/db.h"
#include "obs/metrics.h"
#include "support/support.h"

// Of a series as it is printed, labels and all; -1: it is not shown.
static inline double test_metric(const char *series)
{
    struct buffer out;
    double value = -1;
    buffer_init(&out, 16 << 20);
    metrics_print(&out);
    cr_assert_not(out.full);
    size_t length = strlen(series);
    for (const char *at = out.at; (at = strstr(at, series)); at += length)
        if ((at == out.at || at[-1] == '\n') && at[length] == ' ')
            value = strtod(at + length, NULL);
    buffer_deinit(&out);
    return value;
}

#define TEST_ROWS_PASSED_OVER_MAX 20

// Every table is read by an index, and no more of it than is counted, whatever it holds; the
// server's own catalogue aside.
static inline void test_by_index(struct db *of, struct arena *in,
                                 const struct db_statement *statement)
{
    static const char relation[] = "\"Relation Name\": \"";
    static const char passed_over[] = "\"Rows Removed by Filter\": ";
    const char *plan =
        test_sql(of, in, arena_printf(in, "EXPLAIN (ANALYZE, FORMAT JSON) %s", statement->text));
    for (const char *at = plan; (at = strstr(at, "\"Node Type\": \"Seq Scan\"")); at++) {
        const char *table = strstr(at, relation);
        cr_assert(table && strncmp(table + strlen(relation), "pg_", 3) == 0, "%s", plan);
    }
    for (const char *at = plan; (at = strstr(at, passed_over)); at++)
        cr_assert_leq(strtol(at + strlen(passed_over), NULL, 10), TEST_ROWS_PASSED_OVER_MAX, "%s",
                      plan);
}

// The one row of a statement of gauges.
static inline struct db_rows *test_measured(struct db *of, struct arena *in,
                                            const struct db_statement *statement)
{
    struct db_rows *rows = NULL;
    cr_assert_eq(db_run(of, in, statement, db_params(in), &rows), STATUS_OK);
    cr_assert_eq(db_count(rows), 1);
    return rows;
}
