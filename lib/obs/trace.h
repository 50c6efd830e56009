// W3C trace context (www.w3.org/TR/trace-context, version 00). Thread-safe.
#pragma once
#include <stdbool.h>
#include <string.h>

#include "base/log.h"

#define TRACEPARENT_SIZE 56
#define TRACE_ID_AT 3
#define TRACE_ID_LENGTH 32
#define SPAN_ID_AT 36
#define SPAN_ID_LENGTH 16
#define REQUEST_ID_MAX 128

// Copies a well-formed traceparent with a fresh span id, or starts a new trace when `parent` is
// NULL or malformed. Whether a trace is sampled is decided where it starts and then kept.
void trace_continue(const char *parent, char out[TRACEPARENT_SIZE]);
// A new trace that is not sampled: of work that no request asked for.
void trace_quiet(char out[TRACEPARENT_SIZE]);
bool trace_valid(const char *traceparent);
bool trace_sampled(const char *traceparent); // false for what is no traceparent
// Of new traces, this share is sampled (0 to 1; at first 1), judged by the trace id as
// OpenTelemetry's TraceIdRatioBased sampler judges it: whoever asks decides alike.
void trace_sample(double ratio);
bool trace_ratio_samples(const char *traceparent, double ratio); // of a valid one
// "0.25". False: not a decimal from 0 to 1.
bool trace_ratio_read(const char *text, double *ret);
// 1 to REQUEST_ID_MAX characters of [A-Za-z0-9._-]: what is taken over from a caller.
bool trace_request_id_valid(const char *request_id);

// The two ids as fields of a log line; "" where there is no trace.
static inline struct log_field trace_field(const char *name, const char *traceparent, size_t at,
                                           size_t length)
{
    if (!traceparent || strnlen(traceparent, TRACEPARENT_SIZE) != TRACEPARENT_SIZE - 1)
        return log_string(name, "");
    return (struct log_field){name, traceparent + at, (int64_t)length};
}
#define LOG_TRACE(traceparent_)                                                                    \
    trace_field("trace_id", (traceparent_), TRACE_ID_AT, TRACE_ID_LENGTH),                         \
        trace_field("span_id", (traceparent_), SPAN_ID_AT, SPAN_ID_LENGTH)
