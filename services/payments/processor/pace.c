#include "processor/pace.h"

#include "base/hash.h"
#include "processor/outcome.h"

int64_t pace_backoff_us(int64_t first_ms, int64_t times, int64_t max_ms)
{
    int64_t wait_ms = first_ms;
    for (int64_t i = 0; i < times && wait_ms < max_ms; i++)
        wait_ms += wait_ms / 2 + 1;
    return (wait_ms < max_ms ? wait_ms : max_ms) * US_PER_MS;
}

int64_t pace_tries(const struct operation *operation)
{
    return operation->attempts - operation->stage;
}

int64_t pace_retry_us(const struct operation *operation)
{
    int64_t tries = pace_tries(operation), quick = tries < 1 ? 0 : tries - 1;
    if (quick >= RETRIES_QUICK)
        return pace_backoff_us(RETRY_SLOW_MS, 2 * (quick - RETRIES_QUICK), BACKOFF_MS_MAX);
    int64_t wait_us = (RETRY_FIRST_MS << quick) * US_PER_MS;
    int64_t chance = (int64_t)((hash_text(operation->id) >> 16) % 512) - 256;
    return wait_us + wait_us / 4 * chance / 256;
}
