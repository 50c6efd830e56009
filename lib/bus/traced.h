// Events as parts of traces, on their way through the bus. Private to the room.
#pragma once
#include "bus/bus.h"
#include "obs/span.h"

// What sampled events came with; they go on with a span of their own.
struct traced {
    struct event *events;
    const char **parents; // NULL where an event has none; NULL: no event has one
    size_t n;
    int64_t began_ns;
};
// Gives each sampled event a traceparent of its own, in the arena. When that is full, less is
// traced.
void traced_begin(struct traced *ret, struct arena *arena, struct event *events, size_t n);
// A stretch of them, and what became of it.
struct traced_part {
    size_t first, n;
    bool failed;
};
// Its spans. what: "send" or "process".
void traced_end(const struct traced *traced, const struct traced_part *part, enum span_kind kind,
                const char *what);
