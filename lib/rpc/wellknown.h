// google.protobuf's well-known types from and to plain values. Messages live in the arena; NULL
// when it is full. Thread-safe.
#pragma once
#include <google/protobuf/timestamp.pb-c.h>
#include <google/protobuf/wrappers.pb-c.h>
#include <stdint.h>

#include "base/arena.h"

#define WELLKNOWN_TIME_NULL INT64_MIN // the same as db's DB_TIME_NULL

// Microseconds since 1970 UTC.
Google__Protobuf__Timestamp *wellknown_time(struct arena *arena, int64_t unix_us);
// WELLKNOWN_TIME_NULL for NULL.
int64_t wellknown_time_us(const Google__Protobuf__Timestamp *time);
Google__Protobuf__StringValue *wellknown_string(struct arena *arena, const char *value);
Google__Protobuf__Int64Value *wellknown_int(struct arena *arena, int64_t value);
Google__Protobuf__BoolValue *wellknown_bool(struct arena *arena, bool value);
