#include "base/bell.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"

struct bell {
    pthread_mutex_t lock;
    pthread_cond_t rung_or_late;
    bool rung;
};

struct bell *bell_new(void)
{
    struct bell *bell = calloc(1, sizeof(*bell));
    if (!bell)
        return NULL;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    // A wall clock set back would make a wait last for hours.
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&bell->rung_or_late, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&bell->lock, NULL);
    return bell;
}

void bell_free(struct bell *bell)
{
    if (!bell)
        return;
    pthread_cond_destroy(&bell->rung_or_late);
    pthread_mutex_destroy(&bell->lock);
    free(bell);
}

void bell_ring(struct bell *bell)
{
    pthread_mutex_lock(&bell->lock);
    bell->rung = true;
    pthread_cond_signal(&bell->rung_or_late);
    pthread_mutex_unlock(&bell->lock);
}

bool bell_wait(struct bell *bell, int64_t max_ms)
{
    int64_t deadline_ns = clock_deadline_ns(max_ms < 0 ? 0 : max_ms);
    struct timespec until = {deadline_ns / NS_PER_S, deadline_ns % NS_PER_S};
    pthread_mutex_lock(&bell->lock);
    while (!bell->rung && pthread_cond_timedwait(&bell->rung_or_late, &bell->lock, &until) == 0) {
    }
    bool rung = bell->rung;
    bell->rung = false;
    pthread_mutex_unlock(&bell->lock);
    return rung;
}
