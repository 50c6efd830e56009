// Token buckets, shared by all replicas of the gateway: each leases a slice at a time. The keys of
// a bucket say whose it is; a tenant's rate is the tenant's own, whatever the caller says. Rules
// only, no I/O; the arithmetic of a lease stands in sql/buckets_lease.sql, where the row is locked.
#pragma once
#include "base/problem.h"
#include "obol/auth/v1/auth.pb-c.h"

#define BUCKET_KEY_MAX 128
#define BUCKET_TOKENS_MAX 10000000LL // of a lease, and of a bucket

struct bucket_lease {
    const char *key;
    int64_t rate_per_min; // above 0
    int64_t burst;        // what the bucket holds when it is full, above 0
    int64_t wanted, returned;
    // The answer:
    int64_t granted;
    int64_t empty_us; // how long until the bucket is full again
};

// The id of the tenant whose bucket that is; NULL: an address's.
const char *bucket_tenant(const char *key);
// What a tenant's bucket holds: nine seconds of its rate, at least 1. The edge keeps a slice for a
// second at most, so that in any minute no more goes through than the rate and ten seconds of it.
int64_t bucket_burst(int64_t rate_per_min);
// Rate and burst of a tenant's bucket are filled in later. INVALID_ARGUMENT.
MUST_USE enum status bucket_read(const Obol__Auth__V1__LeaseTokensRequest *request,
                                 struct bucket_lease *ret, struct problem *problem);
// limit, granted, remaining, reset_ms, next_ms of a lease that was made.
void bucket_answer(const struct bucket_lease *lease, Obol__Auth__V1__LeaseTokensResponse *ret);
// Leases of one bucket become one: the sum of what is wanted and returned, within bounds.
void bucket_join(struct bucket_lease *sum, const struct bucket_lease *lease);
