// A loop's slices of buckets that all replicas share: tokens leased from the auth service, spent
// here one by one, leased anew before they run out. A slice is a quarter of a second of the rate,
// at least 1, and is kept for a second; what is not spent by then goes back with the next lease.
// While the auth service is away, the loop goes on with its own share of the rate. Pure: the time
// is given, who sends the leases is limits.c. A loop's own.
//
// The table has a fixed size. Where a set of it is full, the slice that was idle the longest is
// forgotten: its tokens are lost to the bucket, which fills up again, and what the bucket holds is
// known to the auth service.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SLICE_KEY_SIZE 112
#define SLICES_MAX 4096

struct request;
struct slices;

// What a bucket is to give. share: how many loops of this process draw from it.
struct slice_terms {
    int64_t rate_per_min, burst, share; // all above 0
};

struct slice {
    char key[SLICE_KEY_SIZE];
    int64_t used_ns;
    int64_t older, older_until_ns; // left of the lease before the newest
    int64_t tokens, until_ns;
    int64_t spare;        // too old to be spent
    int64_t dry_until_ns; // the bucket had no more
    bool away;            // the newest lease failed
    int64_t again_ns;     // when to ask again, then
    int64_t local_full_ns;
    int64_t remaining, full_ns; // the bucket's, as of the newest lease
    bool leasing;
    int64_t asked, asked_ns;       // of the lease under way
    bool held;                     // not to be forgotten just now
    struct request *first, **last; // who waits for the lease
    int64_t waiting_n;
};

struct slices *slices_new(void);
void slices_free(struct slices *slices);
// Made where there is none. NULL: all that it could take the place of are in use.
struct slice *slices_find(struct slices *slices, const char *key, int64_t now_ns);

enum slice_verdict { SLICE_TAKEN = 1, SLICE_DRY, SLICE_WAITS };
enum slice_verdict slice_take(struct slice *slice, const struct slice_terms *terms, int64_t now_ns);
// One that was taken and not needed.
void slice_give_back(struct slice *slice, const struct slice_terms *terms, int64_t now_ns);

// How many tokens to ask for now, with *ret_returned; 0: ask for nothing. What it says is then
// under way.
int64_t slice_ask(struct slice *slice, const struct slice_terms *terms, int64_t now_ns,
                  int64_t *ret_returned);
struct slice_grant {
    int64_t granted, remaining, reset_ms, next_ms;
};
void slice_granted(struct slice *slice, const struct slice_grant *grant, int64_t now_ns);
void slice_failed(struct slice *slice, int64_t now_ns);

// For the caller, in seconds, rounded up.
int64_t slice_retry_s(const struct slice *slice, const struct slice_terms *terms, int64_t now_ns);
int64_t slice_reset_s(const struct slice *slice, int64_t now_ns);
int64_t slice_remaining(const struct slice *slice);
