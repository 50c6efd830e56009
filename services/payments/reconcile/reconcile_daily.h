// The daily job of reconciliation: once a day, after RECONCILE_AT_UTC, yesterday's run for every
// enabled credential whose provider has a book or can be asked (reconcile_source). Among replicas
// each is done once: a lock that the connection holds keeps two from asking at the same time, and
// the row of the run, which is unique, says that it is done. What fails is tried again in the next
// round.
#pragma once
#include "service/service.h"
#include "state.h"

struct reconcile_daily;
// at: "02:00"; "off": never. NULL when out of memory or when at is neither.
struct reconcile_daily *reconcile_daily_new(const struct payments_state *state, const char *at);
void reconcile_daily_free(struct reconcile_daily *daily); // NULL is fine
// One credential at most; returns how long to sleep, milliseconds.
int64_t reconcile_daily_turn(void *daily, struct db *db, struct arena *arena);

// The same in a loop of the service. NULL when it can't start; the log says why.
struct reconcile_daily *reconcile_daily_start(struct service *service,
                                              const struct payments_state *state);
// A run that is under way is given up. NULL is fine.
void reconcile_daily_stop(struct reconcile_daily *daily);
