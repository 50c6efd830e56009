#include "bucket.h"

#include <string.h>

#include "tenant.h"

#define BURST_S 9
#define MINUTE_US 60000000LL

static const char tenant_prefix[] = "tenant:";

const char *bucket_tenant(const char *key)
{
    size_t length = sizeof tenant_prefix - 1;
    return strncmp(key, tenant_prefix, length) == 0 ? key + length : NULL;
}

int64_t bucket_burst(int64_t rate_per_min)
{
    int64_t burst = rate_per_min * BURST_S / 60;
    return burst > 0 ? burst : 1;
}

static bool key_known(const char *key)
{
    static const char *const others[] = {"failures:", "cards:"};
    size_t length = strlen(key);
    if (length > BUCKET_KEY_MAX)
        return false;
    if (bucket_tenant(key))
        return bucket_tenant(key)[0] != '\0';
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strncmp(key, others[i], strlen(others[i])) == 0 && length > strlen(others[i]))
            return true;
    return false;
}

static bool within(int64_t value, int64_t least, int64_t most)
{
    return value >= least && value <= most;
}

enum status bucket_read(const Obol__Auth__V1__LeaseTokensRequest *request, struct bucket_lease *ret,
                        struct problem *problem)
{
    bool own = bucket_tenant(request->key) != NULL;
    if (!key_known(request->key))
        return problem_invalid(problem, "key", "There is no bucket of this name.");
    if (!own && !within(request->rate_per_min, 1, RATE_PER_MIN_MAX))
        return problem_invalid(problem, "rate_per_min", "The rate is 1 to 10000000 a minute.");
    if (!own && !within(request->burst, 1, BUCKET_TOKENS_MAX))
        return problem_invalid(problem, "burst", "The burst is 1 to 10000000.");
    if (!within(request->wanted, 0, BUCKET_TOKENS_MAX) ||
        !within(request->returned, 0, BUCKET_TOKENS_MAX))
        return problem_invalid(problem, "wanted", "A lease is of 0 to 10000000 tokens.");
    *ret = (struct bucket_lease){
        .key = request->key,
        .rate_per_min = own ? 0 : request->rate_per_min,
        .burst = own ? 0 : request->burst,
        .wanted = request->wanted,
        .returned = request->returned,
    };
    return STATUS_OK;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void bucket_join(struct bucket_lease *sum, const struct bucket_lease *lease)
{
    sum->wanted = least(sum->wanted + lease->wanted, BUCKET_TOKENS_MAX);
    sum->returned = least(sum->returned + lease->returned, BUCKET_TOKENS_MAX);
}

static int64_t milliseconds(int64_t us)
{
    return us > 0 ? (us + 999) / 1000 : 0;
}

// As sql/buckets_lease.sql has it.
static int64_t time_us(const struct bucket_lease *lease, int64_t tokens)
{
    return (tokens * MINUTE_US + lease->rate_per_min - 1) / lease->rate_per_min;
}

void bucket_answer(const struct bucket_lease *lease, Obol__Auth__V1__LeaseTokensResponse *ret)
{
    int64_t held_us = time_us(lease, lease->burst) - lease->empty_us;
    ret->limit = lease->rate_per_min;
    ret->granted = lease->granted;
    ret->remaining = held_us > 0 ? held_us * lease->rate_per_min / MINUTE_US : 0;
    ret->reset_ms = milliseconds(lease->empty_us);
    ret->next_ms = ret->remaining > 0 ? 0 : milliseconds(time_us(lease, 1) - held_us);
}
