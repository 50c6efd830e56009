// What the room counts of itself, and what those above count of their transactions.
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "db/connection.h"
#include "obs/metrics.h"

#define COUNTS_FIRST 16

static struct {
    pthread_once_t once;
    struct metric_series *states[DB_STATES], *most;
    struct metric *answers, *errors;
} measures = {.once = PTHREAD_ONCE_INIT};

static void measures_make(void)
{
    struct metric *connections = metric_gauge(
        "obol_db_connections", "Connections to PostgreSQL that this process keeps.", "state");
    measures.states[DB_DOWN] = metric_series(connections, METRIC_LABELS("down"));
    measures.states[DB_IDLE] = metric_series(connections, METRIC_LABELS("idle"));
    measures.states[DB_BUSY] = metric_series(connections, METRIC_LABELS("busy"));
    measures.most = metric_series(
        metric_gauge("obol_db_connections_max",
                     "Most connections to PostgreSQL that this process will open.", NULL),
        NULL);
    measures.answers = metric_histogram_ns(
        "obol_db_statement_duration_seconds",
        "How long PostgreSQL was waited for: a statement, with what was posted before it.", NULL);
    measures.errors = metric_counter("obol_db_errors_total",
                                     "Failures by SQLSTATE class; 08: no connection.", "class");
}

void db_measures_join(struct db *db)
{
    pthread_once(&measures.once, measures_make);
    db->state = DB_DOWN;
    metric_series_add(measures.states[DB_DOWN], 1);
    metric_series_add(measures.most, 1);
}

void db_measures_leave(struct db *db)
{
    metric_series_add(measures.states[db->state], -1);
    metric_series_add(measures.most, -1);
}

void db_show(struct db *db, bool busy)
{
    enum db_state state = !db->connection ? DB_DOWN : busy ? DB_BUSY : DB_IDLE;
    if (state == db->state)
        return;
    metric_series_add(measures.states[db->state], -1);
    metric_series_add(measures.states[state], 1);
    db->state = state;
}

void db_measure_answer(int64_t began_ns)
{
    metric_observe(measures.answers, clock_now_ns() - began_ns, NULL);
}

void db_measure_error(const char *sqlstate)
{
    static const char *const classes[] = {"08", "22", "23", "25", "26", "40",
                                          "42", "53", "55", "57", "58", "XX"};
    const char *shown = "other";
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
        if (strncmp(sqlstate, classes[i], 2) == 0)
            shown = classes[i];
    metric_add(measures.errors, 1, METRIC_LABELS(shown));
}

static struct db_count *count_of(struct db *db, struct metric_series *series)
{
    for (size_t i = 0; i < db->counts_n; i++)
        if (db->counts[i].series == series)
            return &db->counts[i];
    if (db->counts_n == db->counts_max) {
        size_t wanted = db->counts_max ? 2 * db->counts_max : COUNTS_FIRST;
        struct db_count *counts = reallocarray(db->counts, wanted, sizeof *counts);
        if (!counts)
            return NULL;
        db->counts = counts;
        db->counts_max = wanted;
    }
    db->counts[db->counts_n] = (struct db_count){.series = series};
    return &db->counts[db->counts_n++];
}

void db_tally(struct db *db, struct metric_series *series, int64_t amount)
{
    if (db->transaction == DB_OUTSIDE) {
        metric_series_add(series, amount > 0 ? amount : 0);
        return;
    }
    struct db_count *count = count_of(db, series);
    if (count) // without memory the payment goes on, uncounted
        count->amount += amount;
}

void db_counts_end(struct db *db, bool committed)
{
    for (size_t i = 0; committed && i < db->counts_n; i++)
        metric_series_add(db->counts[i].series,
                          db->counts[i].amount > 0 ? db->counts[i].amount : 0);
    db->counts_n = 0;
}
