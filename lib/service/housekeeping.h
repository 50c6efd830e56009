// What grows is swept, by one loop a service: partitions are made ahead of the clock and dropped
// whole behind it; idempotency keys and consumers' marks past their time, and what the service
// itself names, go in small batches.
#pragma once
#include "service/service.h"

struct housekeeping {
    const struct service_definition *definition;
    const int64_t *event_keep_s; // of the journal's events; 0: for ever
    void *state;                 // of the service, for its own sweep
    int64_t started_us;          // of this process
};

// Before the first row is written: rows that come ahead of their partition go to the default one.
MUST_USE enum status housekeeping_partitions(const struct housekeeping *housekeeping, struct db *db,
                                             struct arena *arena);
// A turn of the loop; returns how long to sleep, milliseconds.
int64_t housekeeping_turn(void *housekeeping, struct db *db, struct arena *arena);
