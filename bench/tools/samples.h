// Latencies, every one kept, so that percentiles are exact. One thread at a time.
#pragma once
#include "bench.h"

struct samples {
    int64_t *ns;
    size_t n, capacity;
    bool sorted;
    bool lost; // memory ran out: the figures would be wrong
};

void samples_add(struct samples *samples, int64_t ns);
void samples_deinit(struct samples *samples);
// The smallest sample that at least this share of them does not exceed (nearest rank), in
// milliseconds; "null" without samples.
const char *samples_ms(struct samples *samples, struct arena *arena, double share);
// {"p50_ms","p90_ms","p99_ms","max_ms"}
const char *samples_json(struct samples *samples, struct arena *arena);
