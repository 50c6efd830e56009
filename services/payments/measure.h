// What payments count: each where its transaction commits (db_tally), by tables of ours. And the
// gauges that cost a query.
#pragma once
#include "operation.h"
#include "payment.h"
#include "providers/provider.h"
#include "service/service.h"

struct breakers;

extern const struct service_gauge payments_gauges[]; // of sql_measure
extern const size_t payments_gauges_n;

// So that a provider, and what becomes of its payments, is seen before the first.
void measure_begin(struct breakers *breakers, const struct providers *providers);

void tally_created(struct db *db, const struct payment *payment);
// What `act` has made of a payment that was in `before`.
void tally_changed(struct db *db, const struct payment *payment, enum payment_status before,
                   const struct payment_act *act);
void tally_retry(struct db *db, const struct operation *operation);
// A request to a provider has ended. act: an operation's kind, "query" or "tokenize".
void measure_request(const char *provider, const char *act, enum outcome_kind outcome,
                     int64_t duration_us);
