// How callbacks of providers come in, counted for each tenant: in memory, and written every second
// by a thread of its own. What a process counted in its last second is lost with it when it is
// killed. With the counts lives what else a process remembers of callbacks (replays.h).
//
// At most CALLBACK_COUNTS_MAX keys between two writes: a tenant that finds no place is counted
// without its name. Thread-safe.
#pragma once
#include "callbacks/replays.h"
#include "db/db.h"

#define CALLBACK_COUNTS_MAX 4096

enum callback_outcome {
    CALLBACK_ACCEPTED = 1, // what it names is asked about
    CALLBACK_DUPLICATE,    // the same bytes came lately
    CALLBACK_UNMATCHED,    // it names nothing that is open
    CALLBACK_UNKNOWN,      // it names nothing of the tenant's
    CALLBACK_MALFORMED,    // it names nothing at all
    CALLBACK_REFUSED,      // forged, from elsewhere, or for a credential that there is not
    CALLBACK_PROBE,        // an empty body: whether we are there
};
#define CALLBACK_OUTCOMES (CALLBACK_PROBE + 1)
const char *callback_outcome_name(enum callback_outcome outcome);

struct callback_counts;
// replay_s: the window of replays. NULL when it can't start.
struct callback_counts *callback_counts_start(const struct db_config *db, int64_t replay_s);
void callback_counts_stop(struct callback_counts *counts); // writes the last ones; NULL is fine
// tenant_id "": not known. provider: a provider's name, of static storage.
void callback_counts_add(struct callback_counts *counts, const char *tenant_id,
                         const char *provider, enum callback_outcome outcome);
struct replays *callback_counts_replays(struct callback_counts *counts);
