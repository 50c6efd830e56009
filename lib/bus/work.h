// Inside the room: events given to a consumer's handler, each once, whichever way they came.
#pragma once
#include "bus/internal.h"

struct work {
    const struct consumer_config *config;
    struct db *db;
    struct arena *arena;
    struct bell *bell; // rung to stop
    struct metric_series *consumed;
    atomic_bool *stopping;
};

enum work_result {
    WORK_DONE,    // in the database, or there already
    WORK_REFUSED, // INVALID_ARGUMENT when given alone: marked as taken, passed over
    WORK_LATER,   // failed again and again: to be delivered once more
    WORK_STOPPED, // stopping; nothing is known of the rest
};

// Does them all at once or, when that fails, one by one; ret[i] for each. False when stopping.
bool work_events(const struct work *work, const struct event *events, size_t n,
                 enum work_result *ret);
// Waits, shorter when stopping. False when stopping.
bool work_pause(const struct work *work, int64_t ms);
