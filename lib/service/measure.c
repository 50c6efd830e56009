// Gauges that cost a query: the journal's and the service's own, read by one loop.
#include "base/clock.h"
#include "base/log.h"
#include "obs/metrics.h"
#include "service/internal.h"

static const struct service_gauge journal_gauges[] = {
    {"obol_outbox_rows", "Events that the bus does not have yet, counted to 10,001.", false},
    {"obol_outbox_oldest_age_seconds", "How long the oldest of them has waited.", true},
    {"obol_db_server_connections", "Connections of all clients to the PostgreSQL server.", false},
    {"obol_db_server_connections_max", "Connections that the PostgreSQL server takes.", false},
};

static struct metric *gauge_metric(const struct service_gauge *gauge)
{
    return gauge->age ? metric_gauge_ns(gauge->name, gauge->help, NULL)
                      : metric_gauge(gauge->name, gauge->help, NULL);
}

// A row that is younger than our clock has waited for nothing.
static int64_t age_ns(int64_t since_us)
{
    int64_t age_us = since_us == DB_TIME_NULL ? 0 : clock_unix_us() - since_us;
    return age_us > 0 ? age_us * 1000 : 0;
}

static void show(const struct service_gauge *gauges, size_t n, const struct db_rows *rows)
{
    for (size_t i = 0; i < n; i++) {
        struct metric *metric = gauge_metric(&gauges[i]);
        int column = (int)i;
        if (!rows || db_count(rows) == 0)
            metric_forget(metric, NULL);
        else
            metric_set(metric,
                       gauges[i].age ? age_ns(db_get_time(rows, 0, column))
                                     : db_get_int(rows, 0, column),
                       NULL);
    }
}

static void measure(struct db *db, struct arena *arena, const struct db_statement *statement,
                    const struct service_gauge *gauges, size_t n)
{
    struct db_rows *rows = NULL;
    enum status status = db_run(db, arena, statement, db_params(arena), &rows);
    if (status != STATUS_OK)
        log_debug("gauges not read", LOG_S("statement", statement->name),
                  LOG_S("status", status_name(status)));
    show(gauges, n, status == STATUS_OK ? rows : NULL);
}

int64_t measure_turn(void *context, struct db *db, struct arena *arena)
{
    const struct service *service = context;
    const struct service_definition *definition = service->definition;
    measure(db, arena, journal_measure, journal_gauges,
            sizeof journal_gauges / sizeof *journal_gauges);
    if (definition->measure)
        measure(db, arena, definition->measure, definition->gauges, definition->gauges_n);
    return service->settings.measure_every_s * 1000;
}
