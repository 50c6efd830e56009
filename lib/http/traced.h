// An outgoing request as part of a trace. Who sends it records the span, for it knows what for.
#pragma once
#include "http/client.h"
#include "obs/span.h"

struct http_span {
    char traceparent[TRACEPARENT_SIZE]; // of the request's own span; "" where none is recorded
    int64_t began_ns;
};
// Puts a traceparent on the request: of a span of its own where the trace is sampled, else the
// parent's where it is one. False: the arena is full, the request stays as it was.
bool http_trace(struct http_request *request, struct arena *arena, const char *parent,
                struct http_span *ret);
