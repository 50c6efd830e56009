#include "measure.h"

#include "obs/metrics.h"

const struct service_gauge webhooks_gauges[] = {
    {"obol_webhook_deliveries_pending", "Deliveries that wait or are tried, counted to 10,001.",
     false},
    {"obol_webhook_pending_oldest_age_seconds", "How old the oldest of them is.", true},
};
const size_t webhooks_gauges_n = sizeof webhooks_gauges / sizeof *webhooks_gauges;

void tally_deliveries(struct db *db, const char *outcome, int64_t n)
{
    struct metric *metric =
        metric_counter("obol_webhook_deliveries_total",
                       "Deliveries that have come to an end, by which.", "outcome");
    if (n > 0)
        db_tally(db, metric_series(metric, METRIC_LABELS(outcome)), n);
}

void tally_disabled(struct db *db)
{
    db_tally(
        db,
        metric_series(metric_counter("obol_webhook_endpoints_disabled_total",
                                     "Endpoints that were disabled because they failed.", NULL),
                      NULL),
        1);
}
