#include "callbacks/callback_counts.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/bell.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/id.h"
#include "base/log.h"
#include "base/priority.h"
#include "callbacks/store_callbacks.h"
#include "obs/metrics.h"

#define WRITE_MS 1000
#define BUCKETS 8192
// Beyond the maximum there is room for those without a tenant: they are as few as providers.
#define PLACES (CALLBACK_COUNTS_MAX + 64 * CALLBACK_OUTCOMES)

struct count {
    char tenant_id[ID_TEXT_MAX + 1];
    const char *provider;
    enum callback_outcome outcome;
    int64_t n, last_us;
    uint32_t next; // in its bucket, plus one; 0: the last
};

struct callback_counts {
    struct db *db;
    struct arena *arena; // of a write
    struct bell *bell;
    struct replays *replays;
    struct metric *metric;
    pthread_t thread;
    _Atomic bool stopping;
    struct count *written; // being written
    pthread_mutex_t lock;  // guards what follows
    size_t n;
    uint32_t buckets[BUCKETS];
    struct count *counts;
};

const char *callback_outcome_name(enum callback_outcome outcome)
{
    static const char *const names[] = {
        [CALLBACK_ACCEPTED] = "accepted",   [CALLBACK_DUPLICATE] = "duplicate",
        [CALLBACK_UNMATCHED] = "unmatched", [CALLBACK_UNKNOWN] = "unknown",
        [CALLBACK_MALFORMED] = "malformed", [CALLBACK_REFUSED] = "refused",
        [CALLBACK_PROBE] = "probe",
    };
    return names[outcome];
}

static bool same(const struct count *a, const struct count *b)
{
    return a->outcome == b->outcome && strcmp(a->tenant_id, b->tenant_id) == 0 &&
           strcmp(a->provider, b->provider) == 0;
}

static uint32_t *bucket_of(struct callback_counts *counts, const struct count *count)
{
    size_t hash =
        hash_text(count->tenant_id) ^ (hash_text(count->provider) * 31) ^ (size_t)count->outcome;
    return &counts->buckets[hash % BUCKETS];
}

// False: there is no place for another key. Under the lock.
static bool add(struct callback_counts *counts, const struct count *more)
{
    uint32_t *bucket = bucket_of(counts, more);
    for (uint32_t at = *bucket; at; at = counts->counts[at - 1].next) {
        struct count *count = &counts->counts[at - 1];
        if (!same(count, more))
            continue;
        count->n += more->n;
        count->last_us = more->last_us > count->last_us ? more->last_us : count->last_us;
        return true;
    }
    if (counts->n >= (more->tenant_id[0] ? (size_t)CALLBACK_COUNTS_MAX : (size_t)PLACES))
        return false;
    struct count *count = &counts->counts[counts->n++];
    *count = *more;
    count->next = *bucket;
    *bucket = (uint32_t)counts->n;
    return true;
}

static void add_somewhere(struct callback_counts *counts, struct count *more)
{
    if (add(counts, more))
        return;
    more->tenant_id[0] = '\0';
    (void)add(counts, more);
}

void callback_counts_add(struct callback_counts *counts, const char *tenant_id,
                         const char *provider, enum callback_outcome outcome)
{
    struct count one = {
        .provider = provider, .outcome = outcome, .n = 1, .last_us = clock_unix_us()};
    memcpy(one.tenant_id, tenant_id, strnlen(tenant_id, ID_TEXT_MAX));
    metric_add(counts->metric, 1, METRIC_LABELS(provider, callback_outcome_name(outcome)));
    pthread_mutex_lock(&counts->lock);
    add_somewhere(counts, &one);
    pthread_mutex_unlock(&counts->lock);
}

struct replays *callback_counts_replays(struct callback_counts *counts)
{
    return counts->replays;
}

// --- Writing
static size_t take(struct callback_counts *counts)
{
    pthread_mutex_lock(&counts->lock);
    size_t n = counts->n;
    memcpy(counts->written, counts->counts, n * sizeof *counts->counts);
    counts->n = 0;
    if (n > 0)
        memset(counts->buckets, 0, sizeof counts->buckets);
    pthread_mutex_unlock(&counts->lock);
    return n;
}

static void put_back(struct callback_counts *counts, size_t n)
{
    pthread_mutex_lock(&counts->lock);
    for (size_t i = 0; i < n; i++)
        add_somewhere(counts, &counts->written[i]);
    pthread_mutex_unlock(&counts->lock);
}

static int by_key(const void *a, const void *b)
{
    const struct count *x = a, *y = b;
    int order = strcmp(x->tenant_id, y->tenant_id);
    if (order == 0)
        order = strcmp(x->provider, y->provider);
    return order ? order : (int)x->outcome - (int)y->outcome;
}

static enum status store(struct callback_counts *counts, size_t n)
{
    struct callback_count *rows = ARENA_ARRAY(counts->arena, n, struct callback_count);
    if (!rows)
        return STATUS_RESOURCE_EXHAUSTED;
    // In one order everywhere, so that no two replicas wait for each other.
    qsort(counts->written, n, sizeof *counts->written, by_key);
    for (size_t i = 0; i < n; i++) {
        const struct count *count = &counts->written[i];
        rows[i] = (struct callback_count){count->tenant_id, count->provider,
                                          callback_outcome_name(count->outcome), count->n,
                                          count->last_us};
    }
    return store_callback_counts_add(counts->db, counts->arena, rows, n);
}

static void write_counts(struct callback_counts *counts)
{
    size_t n = take(counts);
    if (n == 0)
        return;
    enum status status = store(counts, n);
    // Perhaps written is not written again: a count too few is better than two too many.
    if (status != STATUS_OK && status != STATUS_UNKNOWN)
        put_back(counts, n);
    arena_reset(counts->arena);
}

static void *run(void *argument)
{
    struct callback_counts *counts = argument;
    priority_background();
    while (!atomic_load(&counts->stopping)) {
        (void)bell_wait(counts->bell, WRITE_MS);
        write_counts(counts);
    }
    write_counts(counts);
    return NULL;
}

static void counts_free(struct callback_counts *counts)
{
    db_free(counts->db);
    arena_free(counts->arena);
    bell_free(counts->bell);
    replays_free(counts->replays);
    pthread_mutex_destroy(&counts->lock);
    free(counts->written);
    free(counts->counts);
    free(counts);
}

struct callback_counts *callback_counts_start(const struct db_config *db, int64_t replay_s)
{
    struct callback_counts *counts = calloc(1, sizeof *counts);
    if (!counts)
        return NULL;
    struct db_config relaxed = *db;
    relaxed.relaxed = true;
    pthread_mutex_init(&counts->lock, NULL);
    counts->metric =
        metric_counter("obol_provider_callbacks_total",
                       "Callbacks of providers by what came of them.", "provider,outcome");
    counts->db = db_new(&relaxed);
    counts->arena = arena_new(ARENA_CAP_BATCH);
    counts->bell = bell_new();
    counts->replays = replays_new(replay_s);
    counts->written = calloc(PLACES, sizeof *counts->written);
    counts->counts = calloc(PLACES, sizeof *counts->counts);
    if (!counts->db || !counts->arena || !counts->bell || !counts->replays || !counts->written ||
        !counts->counts || pthread_create(&counts->thread, NULL, run, counts) != 0) {
        log_error("counts of callbacks not started");
        counts_free(counts);
        return NULL;
    }
    return counts;
}

void callback_counts_stop(struct callback_counts *counts)
{
    if (!counts)
        return;
    atomic_store(&counts->stopping, true);
    bell_ring(counts->bell);
    pthread_join(counts->thread, NULL);
    counts_free(counts);
}
