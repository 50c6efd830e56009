// A finished run, written and told: rows, an event to the merchant where there are differences, an
// audit row; and as a message.
#pragma once
#include "effects.h"
#include "obol/payments/v1/providers.pb-c.h"
#include "reconcile/store_reconcile.h"

#define RECONCILE_SHOWN_MAX 1000 // differences in an answer
#define RECONCILE_TOLD_MAX 20    // in an event

// With the first so many differences. NULL when the arena is full.
Obol__Payments__V1__Reconciliation *view_reconciliation(struct arena *arena,
                                                        const struct reconciliation *run,
                                                        const struct reconcile *result,
                                                        size_t differences_max);
// In the caller's transaction. *ret_made false: nothing was written, the job has done this day
// already.
MUST_USE enum status reconcile_write(struct db *db, struct arena *arena,
                                     const struct reconciliation *run,
                                     const struct reconcile *result, const struct cause *cause,
                                     bool *ret_made);
// Sets the metric: differences in the newest run of each credential, of the last week.
void reconcile_measure(const struct providers *providers, struct db *db, struct arena *arena);
// The day of that time, UTC.
void reconcile_day_of(int64_t unix_us, char ret[DAY_SIZE]);
