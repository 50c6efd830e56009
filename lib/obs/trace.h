// W3C trace context (www.w3.org/TR/trace-context, version 00). Thread-safe.
#pragma once
#include <stdbool.h>

#define TRACEPARENT_SIZE 56
#define REQUEST_ID_MAX 128

// Copies a well-formed traceparent with a fresh span id, or starts a new trace when `parent` is
// NULL or malformed.
void trace_continue(const char *parent, char out[TRACEPARENT_SIZE]);
bool trace_valid(const char *traceparent);
// 1 to REQUEST_ID_MAX characters of [A-Za-z0-9._-]: what is taken over from a caller.
bool trace_request_id_valid(const char *request_id);
