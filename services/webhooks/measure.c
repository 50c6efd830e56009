#include "measure.h"

#include "obs/metrics.h"

const struct service_gauge webhooks_gauges[] = {
    {"obol_webhook_deliveries_pending", "Deliveries that wait or are tried, counted to 10,001.",
     false},
    {"obol_webhook_pending_oldest_age_seconds", "How old the oldest of them is.", true},
};
const size_t webhooks_gauges_n = sizeof webhooks_gauges / sizeof *webhooks_gauges;

static struct metric_series *deliveries_series(const char *outcome)
{
    return metric_series(metric_counter("obol_webhook_deliveries_total",
                                        "Deliveries that have come to an end, by which.",
                                        "outcome"),
                         METRIC_LABELS(outcome));
}

static struct metric_series *disabled_series(void)
{
    return metric_series(metric_counter("obol_webhook_endpoints_disabled_total",
                                        "Endpoints that were disabled because they failed.", NULL),
                         NULL);
}

void tally_deliveries(struct db *db, const char *outcome, int64_t n)
{
    if (n > 0)
        db_tally(db, deliveries_series(outcome), n);
}

void tally_disabled(struct db *db)
{
    db_tally(db, disabled_series(), 1);
}

void tallies_begin(void)
{
    (void)deliveries_series("delivered");
    (void)deliveries_series("failed");
    (void)disabled_series();
}
