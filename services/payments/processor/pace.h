// When an operation is looked at next. Pure.
#pragma once
#include "operation.h"

#define US_PER_MS 1000LL
#define BACKOFF_MS_MAX (60 * 1000LL)

// first_ms, and half as much again each time, up to max_ms; in microseconds.
int64_t pace_backoff_us(int64_t first_ms, int64_t times, int64_t max_ms);
// How often the stage that it is in was tried, about: each stage before took one try at least.
int64_t pace_tries(const struct operation *operation);
// Until what did nothing is tried again. By attempt and operation, so that what failed together
// doesn't come back together.
int64_t pace_retry_us(const struct operation *operation);
