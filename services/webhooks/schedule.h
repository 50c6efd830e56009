// When a delivery is tried again, and what an answer means. Rules only, no I/O.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define SCHEDULE_ATTEMPTS 5
#define SCHEDULE_RETRY_AFTER_MAX_S 86400

// SCHEDULE_ATTEMPTS waits in seconds: before the first attempt (0), the second, …
const int64_t *schedule_intervals_s(bool test);

// When the next attempt is due after `made` of this schedule (0 after a retry by hand overtook the
// attempt). retry_after_s, -1 for none, can only put it off, and by a day at most.
int64_t schedule_next_us(const int64_t *intervals_s, int64_t made, int64_t now_us,
                         int64_t retry_after_s);

// A Retry-After header (RFC 9110 10.2.3: seconds, or an HTTP date) as seconds from now; -1 when
// NULL or malformed.
int64_t schedule_retry_after_s(const char *header, int64_t now_us);

enum verdict {
    VERDICT_DELIVERED, // 2xx
    VERDICT_FAILED,    // everything else, redirects included
    VERDICT_GONE,      // 410: the endpoint wants no more
};
enum verdict schedule_verdict(int http_status);
