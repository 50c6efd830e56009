// What the webhooks service counts, and the gauges that cost a query.
#pragma once
#include "service/service.h"

extern const struct service_gauge webhooks_gauges[]; // of sql_measure
extern const size_t webhooks_gauges_n;

// Counters at 0, so that the first of a kind is seen to come.
void tallies_begin(void);
// n deliveries have come to this end, if the transaction commits: "delivered" or "failed".
void tally_deliveries(struct db *db, const char *outcome, int64_t n);
void tally_disabled(struct db *db);
