#include "obs/health.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/escape.h"
#include "obs/metrics.h"

#define HEALTH_JSON_MAX ((size_t)64 << 10)
#define STUCK_AFTER_MS 30000

struct dependency {
    const char *name;
    bool required, up;
    int patience, missed; // reports in a row that it does not answer: borne, and so far
    int64_t latency_us;
    char reason[HEALTH_REASON_SIZE];
};

struct detail {
    const char *name;
    const char *(*write)(void *context, struct arena *arena); // NULL: taken away
    void *context;
};

struct health {
    const char *service, *version;
    pthread_mutex_t lock;
    struct dependency dependencies[HEALTH_DEPENDENCIES_MAX];
    size_t n;
    bool able, draining, leaving, ready; // ready: as last judged
    uint64_t generation;
    struct pulse *pulses;
    int64_t stuck_after_ns;
    pthread_mutex_t detail_lock; // held while the details are written
    struct detail details[HEALTH_DETAILS_MAX];
    size_t details_n;
    struct metric *shown_ready, *shown_up, *shown_latency;
};

struct health *health_new(const char *service, const char *version)
{
    struct health *health = calloc(1, sizeof(*health));
    if (!health)
        return NULL;
    health->service = service;
    health->version = version;
    health->able = health->ready = true;
    health->stuck_after_ns = STUCK_AFTER_MS * NS_PER_MS;
    health->shown_ready =
        metric_gauge("obol_ready", "Whether the process takes work: 1 or 0.", NULL);
    health->shown_up =
        metric_gauge("obol_dependency_up", "Whether a dependency answered when last asked: 1 or 0.",
                     "dependency");
    health->shown_latency =
        metric_gauge_ns("obol_dependency_latency_seconds",
                        "How long a dependency took to answer when last asked.", "dependency");
    metric_set(health->shown_ready, 1, NULL);
    pthread_mutex_init(&health->lock, NULL);
    pthread_mutex_init(&health->detail_lock, NULL);
    return health;
}

void health_free(struct health *health)
{
    if (!health)
        return;
    for (struct pulse *at = health->pulses, *next; at; at = next) {
        next = at->next;
        free(at);
    }
    pthread_mutex_destroy(&health->detail_lock);
    pthread_mutex_destroy(&health->lock);
    free(health);
}

// Probes only look, so a const health is locked like any other.
static void health_lock(const struct health *health)
{
    pthread_mutex_lock((pthread_mutex_t *)&health->lock);
}

static void health_unlock(const struct health *health)
{
    pthread_mutex_unlock((pthread_mutex_t *)&health->lock);
}

static void health_judge(struct health *health)
{
    health->able = true;
    for (size_t i = 0; i < health->n; i++)
        health->able &= health->dependencies[i].up || !health->dependencies[i].required;
    bool ready = health->able && !health->draining;
    if (ready != health->ready)
        health->generation++;
    health->ready = ready;
    metric_set(health->shown_ready, ready, NULL);
}

int health_add(struct health *health, const char *name, bool required)
{
    int index = -1;
    health_lock(health);
    if (health->n < HEALTH_DEPENDENCIES_MAX) {
        index = (int)health->n++;
        health->dependencies[index] = (struct dependency){.name = name, .required = required};
        health->dependencies[index].latency_us = -1;
        metric_set(health->shown_up, 0, METRIC_LABELS(name));
        health_judge(health);
    }
    health_unlock(health);
    return index;
}

// A latency that nobody measured this time stays as it was, until the dependency is down.
static void health_show(const struct health *health, const struct dependency *dependency)
{
    metric_set(health->shown_up, dependency->up, METRIC_LABELS(dependency->name));
    if (dependency->latency_us >= 0)
        metric_set(health->shown_latency, dependency->latency_us * 1000,
                   METRIC_LABELS(dependency->name));
    else if (!dependency->up)
        metric_forget(health->shown_latency, METRIC_LABELS(dependency->name));
}

void health_report(struct health *health, int dependency, bool up, int64_t latency_us)
{
    health_lock(health);
    if (dependency >= 0 && (size_t)dependency < health->n) {
        struct dependency *it = &health->dependencies[dependency];
        it->missed = up ? 0 : it->missed + 1;
        it->up = up || (it->up && it->missed <= it->patience);
        it->latency_us = latency_us;
        health_show(health, it);
        health_judge(health);
    }
    health_unlock(health);
}

void health_bear(struct health *health, int dependency, int misses)
{
    health_lock(health);
    if (dependency >= 0 && (size_t)dependency < health->n)
        health->dependencies[dependency].patience = misses;
    health_unlock(health);
}

void health_explain(struct health *health, int dependency, const char *reason)
{
    health_lock(health);
    if (dependency >= 0 && (size_t)dependency < health->n)
        snprintf(health->dependencies[dependency].reason, HEALTH_REASON_SIZE, "%s", reason);
    health_unlock(health);
}

struct pulse *health_pulse(struct health *health, const char *name)
{
    struct pulse *pulse = health ? calloc(1, sizeof(*pulse)) : NULL;
    if (!pulse)
        return NULL;
    pulse->name = name;
    health_lock(health);
    pulse->next = health->pulses;
    health->pulses = pulse;
    health_unlock(health);
    return pulse;
}

void health_stuck_after(struct health *health, int64_t max_ms)
{
    health_lock(health);
    health->stuck_after_ns = max_ms * NS_PER_MS;
    health_unlock(health);
}

// With the lock held.
static const char *stuck(const struct health *health)
{
    int64_t latest_ns = clock_now_ns() - health->stuck_after_ns;
    for (const struct pulse *at = health->pulses; at; at = at->next) {
        int64_t since_ns = atomic_load_explicit(&at->busy_since_ns, memory_order_relaxed);
        if (since_ns != 0 && since_ns < latest_ns)
            return at->name;
    }
    return NULL;
}

const char *health_stuck(const struct health *health)
{
    health_lock(health);
    const char *name = stuck(health);
    health_unlock(health);
    return name;
}

void health_drain(struct health *health)
{
    health_lock(health);
    health->draining = true;
    health_judge(health);
    health_unlock(health);
}

bool health_ready(const struct health *health)
{
    health_lock(health);
    bool ready = health->ready;
    health_unlock(health);
    return ready;
}

bool health_able(const struct health *health)
{
    health_lock(health);
    bool able = health->able;
    health_unlock(health);
    return able;
}

void health_leave(struct health *health)
{
    health_lock(health);
    health->leaving = true;
    health_unlock(health);
}

bool health_leaving(const struct health *health)
{
    health_lock(health);
    bool leaving = health->leaving;
    health_unlock(health);
    return leaving;
}

uint64_t health_generation(const struct health *health)
{
    health_lock(health);
    uint64_t generation = health->generation;
    health_unlock(health);
    return generation;
}

void health_detail(struct health *health, const char *name,
                   const char *(*write)(void *context, struct arena *arena), void *context)
{
    pthread_mutex_lock(&health->detail_lock);
    size_t i = 0;
    while (i < health->details_n && strcmp(health->details[i].name, name) != 0)
        i++;
    assert(i < HEALTH_DETAILS_MAX);
    health->details[i] = (struct detail){name, write, context};
    if (i == health->details_n)
        health->details_n++;
    pthread_mutex_unlock(&health->detail_lock);
}

static void health_print_details(const struct health *health, struct arena *arena,
                                 struct buffer *out)
{
    pthread_mutex_t *lock = (pthread_mutex_t *)&health->detail_lock;
    pthread_mutex_lock(lock);
    for (size_t i = 0; i < health->details_n; i++) {
        const struct detail *detail = &health->details[i];
        const char *value = detail->write ? detail->write(detail->context, arena) : NULL;
        if (!value)
            continue;
        buffer_adds(out, ",");
        escape_string(out, detail->name);
        buffer_adds(out, ":");
        buffer_adds(out, value);
    }
    pthread_mutex_unlock(lock);
}

static void health_print_dependency(const struct dependency *dependency, struct buffer *out)
{
    escape_string(out, dependency->name);
    buffer_addf(out, ":{\"status\":\"%s\",\"latency_ms\":", dependency->up ? "up" : "down");
    if (dependency->latency_us < 0)
        buffer_adds(out, "null");
    else
        buffer_addf(out, "%lld.%03d", (long long)(dependency->latency_us / 1000),
                    (int)(dependency->latency_us % 1000));
    if (dependency->reason[0]) {
        buffer_adds(out, ",\"reason\":");
        escape_string(out, dependency->reason);
    }
    buffer_adds(out, "}");
}

// The working directory's file system: where a full disk would hurt first.
static void health_print_disk(struct buffer *out)
{
    char path[4096];
    struct statvfs disk;
    buffer_adds(out, ",\"disk\":{\"path\":");
    escape_string(out, getcwd(path, sizeof(path)) ? path : NULL);
    buffer_adds(out, ",\"free_bytes\":");
    if (statvfs(".", &disk) == 0)
        buffer_addf(out, "%llu}", (unsigned long long)disk.f_bavail * disk.f_frsize);
    else
        buffer_adds(out, "null}");
}

char *health_json(const struct health *health, struct arena *arena)
{
    CLEANUP(buffer_deinit) struct buffer out;
    buffer_init(&out, HEALTH_JSON_MAX);
    health_lock(health);
    const char *status = health->draining ? "draining" : health->ready ? "up" : "down";
    buffer_addf(&out, "{\"status\":\"%s\",\"live\":%s,\"service\":", status,
                stuck(health) ? "false" : "true");
    escape_string(&out, health->service);
    buffer_adds(&out, ",\"version\":");
    escape_string(&out, health->version);
    buffer_adds(&out, ",\"dependencies\":{");
    for (size_t i = 0; i < health->n; i++) {
        buffer_adds(&out, i ? "," : "");
        health_print_dependency(&health->dependencies[i], &out);
    }
    health_unlock(health);
    buffer_adds(&out, "}");
    health_print_disk(&out);
    health_print_details(health, arena, &out);
    buffer_adds(&out, "}");
    return out.full ? NULL : arena_strdup(arena, out.at);
}
