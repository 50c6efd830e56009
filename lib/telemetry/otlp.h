// Spans as OTLP's ExportTraceServiceRequest. Pure.
#pragma once
#include "base/arena.h"
#include "obs/span.h"

struct otlp_resource {
    const char *service, *version, *instance;
};
// In the arena; at NULL when it is full.
struct bytes otlp_pack(struct arena *arena, const struct otlp_resource *resource,
                       const struct span_kept *spans, size_t n);
// How many of a request's spans the collector says that it refused; 0 for what can't be read.
int64_t otlp_refused(struct arena *arena, struct bytes response);
