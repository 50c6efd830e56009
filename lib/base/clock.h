// Two clocks. Deadlines and durations use the monotonic one (clock_now_ns); what is stored and
// shown uses the wall clock in microseconds since 1970 UTC, PostgreSQL's own resolution.
// Thread-safe.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define NS_PER_MS 1000000LL
#define NS_PER_S 1000000000LL
#define US_PER_S 1000000LL

int64_t clock_now_ns(void);  // monotonic
int64_t clock_unix_us(void); // wall
// Monotonic instant, milliseconds from now.
int64_t clock_deadline_ns(int64_t from_now_ms);
// Milliseconds left until a monotonic instant, at least 0.
int64_t clock_left_ms(int64_t deadline_ns);

#define RFC3339_SIZE 32
// "2026-11-21T10:35:52.123Z", milliseconds always three digits (RFC 3339, UTC). What lies outside
// years 1970 to 9999 is shown as the nearest instant inside.
void clock_rfc3339(int64_t unix_us, char out[RFC3339_SIZE]);
// Accepts RFC 3339 with any offset and up to nine fraction digits. False when malformed or outside
// years 1970 to 9999.
bool clock_parse_rfc3339(const char *text, int64_t *ret_unix_us);
