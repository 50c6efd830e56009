#include "slices.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"

#define WAYS 8
#define SETS (SLICES_MAX / WAYS)
#define PER_MINUTE 240 // slices
#define KEEP_NS NS_PER_S
#define AGAIN_NS NS_PER_S
#define DRY_MS_MIN 10
#define DRY_MS_MAX 60000
#define MINUTE_NS (60 * NS_PER_S)

struct slices {
    struct slice at[SLICES_MAX];
};

struct slices *slices_new(void)
{
    return calloc(1, sizeof(struct slices));
}

void slices_free(struct slices *slices)
{
    free(slices);
}

struct slice *slices_find(struct slices *slices, const char *key, int64_t now_ns)
{
    struct slice *set = &slices->at[hash_text(key) % SETS * WAYS], *idle = NULL;
    size_t length = strlen(key);
    if (length >= SLICE_KEY_SIZE)
        return NULL;
    for (size_t i = 0; i < WAYS; i++) {
        if (strcmp(set[i].key, key) == 0)
            return &set[i];
        bool busy = set[i].leasing || set[i].held || set[i].waiting_n > 0;
        if (!busy && (!idle || set[i].used_ns < idle->used_ns))
            idle = &set[i];
    }
    if (!idle)
        return NULL;
    *idle = (struct slice){.used_ns = now_ns};
    memcpy(idle->key, key, length + 1);
    idle->last = &idle->first;
    return idle;
}

static void drop_old(struct slice *slice, int64_t now_ns)
{
    if (now_ns >= slice->older_until_ns) {
        slice->spare += slice->older;
        slice->older = 0;
    }
    if (now_ns >= slice->until_ns) {
        slice->spare += slice->tokens;
        slice->tokens = 0;
    }
}

// The loop's own share of the rate, counted by the moment at which it would be whole again.
static int64_t local_token_ns(const struct slice_terms *terms)
{
    return (MINUTE_NS + terms->rate_per_min - 1) / terms->rate_per_min * terms->share;
}

static int64_t local_room_ns(const struct slice_terms *terms)
{
    int64_t burst = terms->burst / terms->share;
    return (burst > 0 ? burst : 1) * local_token_ns(terms);
}

static enum slice_verdict take_local(struct slice *slice, const struct slice_terms *terms,
                                     int64_t now_ns)
{
    int64_t from_ns = slice->local_full_ns > now_ns ? slice->local_full_ns : now_ns;
    int64_t full_ns = from_ns + local_token_ns(terms);
    if (full_ns > now_ns + local_room_ns(terms))
        return SLICE_DRY;
    slice->local_full_ns = full_ns;
    return SLICE_TAKEN;
}

enum slice_verdict slice_take(struct slice *slice, const struct slice_terms *terms, int64_t now_ns)
{
    slice->used_ns = now_ns;
    drop_old(slice, now_ns);
    if (slice->older > 0) {
        slice->older--;
        return SLICE_TAKEN;
    }
    if (slice->tokens > 0) {
        slice->tokens--;
        return SLICE_TAKEN;
    }
    if (slice->away)
        return take_local(slice, terms, now_ns);
    return now_ns < slice->dry_until_ns ? SLICE_DRY : SLICE_WAITS;
}

void slice_give_back(struct slice *slice, const struct slice_terms *terms, int64_t now_ns)
{
    if (slice->away)
        slice->local_full_ns -= local_token_ns(terms);
    else if (now_ns < slice->until_ns)
        slice->tokens++;
    else
        slice->spare++;
}

static int64_t size_of(const struct slice_terms *terms)
{
    int64_t size = terms->rate_per_min / PER_MINUTE;
    size = size < terms->burst ? size : terms->burst;
    return size > 0 ? size : 1;
}

int64_t slice_ask(struct slice *slice, const struct slice_terms *terms, int64_t now_ns,
                  int64_t *ret_returned)
{
    int64_t size = size_of(terms), in_hand = slice->older + slice->tokens;
    int64_t soonest_ns = slice->away ? slice->again_ns : slice->dry_until_ns;
    // Ahead of need, where there are more than one at a time; else for those who wait.
    bool needed = slice->waiting_n > 0 || slice->away || (size > 1 && in_hand < size / 2);
    if (slice->leasing || !needed || now_ns < soonest_ns)
        return 0;
    slice->leasing = true;
    slice->asked = slice->waiting_n > size ? slice->waiting_n : size;
    slice->asked_ns = now_ns;
    *ret_returned = slice->spare;
    slice->spare = 0;
    return slice->asked;
}

void slice_granted(struct slice *slice, const struct slice_grant *grant, int64_t now_ns)
{
    drop_old(slice, now_ns);
    if (slice->older > 0) {
        slice->older += slice->tokens;
    } else {
        slice->older = slice->tokens;
        slice->older_until_ns = slice->until_ns;
    }
    slice->leasing = slice->away = false;
    slice->tokens = grant->granted;
    slice->until_ns = slice->asked_ns + KEEP_NS;
    slice->remaining = grant->remaining;
    slice->full_ns = now_ns + grant->reset_ms * NS_PER_MS;
    if (grant->granted < slice->asked) {
        int64_t dry_ms = grant->next_ms > DRY_MS_MIN ? grant->next_ms : DRY_MS_MIN;
        slice->dry_until_ns = now_ns + (dry_ms < DRY_MS_MAX ? dry_ms : DRY_MS_MAX) * NS_PER_MS;
    }
}

void slice_failed(struct slice *slice, int64_t now_ns)
{
    slice->leasing = false;
    slice->away = true;
    slice->again_ns = now_ns + AGAIN_NS;
}

static int64_t seconds(int64_t ns)
{
    return ns > 0 ? (ns + NS_PER_S - 1) / NS_PER_S : 0;
}

int64_t slice_retry_s(const struct slice *slice, const struct slice_terms *terms, int64_t now_ns)
{
    int64_t ns = slice->dry_until_ns - now_ns;
    if (slice->away)
        ns = slice->local_full_ns + local_token_ns(terms) - local_room_ns(terms) - now_ns;
    return ns > 0 ? seconds(ns) : 1;
}

int64_t slice_reset_s(const struct slice *slice, int64_t now_ns)
{
    return seconds(slice->full_ns - now_ns);
}

int64_t slice_remaining(const struct slice *slice)
{
    return slice->remaining + slice->older + slice->tokens;
}
