#include "callbacks/replays.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define BUCKET_BITS 16
#define BUCKETS (1u << BUCKET_BITS)

struct seen {
    struct sha256 digest;
    int64_t at_ms;
    uint32_t next; // in its bucket, plus one; 0: the last
};

struct replays {
    pthread_mutex_t lock;
    int64_t window_ms;
    uint64_t seed; // odd; unknown outside, so that nobody can choose bodies for one bucket
    size_t n;      // that ever came; the next place is n % REPLAYS_MAX
    uint32_t buckets[BUCKETS]; // place of the newest, plus one
    struct seen seen[REPLAYS_MAX];
};

struct replays *replays_new(int64_t window_s)
{
    struct replays *replays = calloc(1, sizeof *replays);
    if (!replays)
        return NULL;
    pthread_mutex_init(&replays->lock, NULL);
    replays->window_ms = window_s * 1000;
    crypto_random(&replays->seed, sizeof replays->seed);
    replays->seed |= 1;
    return replays;
}

void replays_free(struct replays *replays)
{
    if (!replays)
        return;
    pthread_mutex_destroy(&replays->lock);
    free(replays);
}

static uint32_t *bucket_of(struct replays *replays, const struct sha256 *digest)
{
    uint64_t word;
    memcpy(&word, digest->at, sizeof word);
    return &replays->buckets[(word * replays->seed) >> (64 - BUCKET_BITS)];
}

static bool find(struct replays *replays, const struct sha256 *digest, int64_t now_ms)
{
    for (uint32_t at = *bucket_of(replays, digest); at; at = replays->seen[at - 1].next) {
        const struct seen *seen = &replays->seen[at - 1];
        if (now_ms - seen->at_ms < replays->window_ms &&
            memcmp(&seen->digest, digest, sizeof *digest) == 0)
            return true;
    }
    return false;
}

static void unlink_place(struct replays *replays, uint32_t place)
{
    uint32_t *link = bucket_of(replays, &replays->seen[place].digest);
    while (*link != place + 1)
        link = &replays->seen[*link - 1].next;
    *link = replays->seen[place].next;
}

bool replays_seen(struct replays *replays, const struct sha256 *digest, int64_t now_ms)
{
    pthread_mutex_lock(&replays->lock);
    bool seen = find(replays, digest, now_ms);
    pthread_mutex_unlock(&replays->lock);
    return seen;
}

bool replays_note(struct replays *replays, const struct sha256 *digest, int64_t now_ms)
{
    pthread_mutex_lock(&replays->lock);
    bool fresh = !find(replays, digest, now_ms);
    if (fresh) {
        uint32_t place = (uint32_t)(replays->n % REPLAYS_MAX);
        uint32_t *bucket = bucket_of(replays, digest);
        if (replays->n++ >= REPLAYS_MAX)
            unlink_place(replays, place);
        replays->seen[place] = (struct seen){*digest, now_ms, *bucket};
        *bucket = place + 1;
    }
    pthread_mutex_unlock(&replays->lock);
    return fresh;
}
