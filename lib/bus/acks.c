#include "bus/acks.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"

#define LOOK_EVERY_MS 50

struct acks {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    const struct parcel *parcels;
    size_t n;
    size_t out; // published and neither answered nor taken back
    bool missing_stream;
    bool done[RELAY_BATCH];
};

struct acks *acks_new(void)
{
    struct acks *acks = calloc(1, sizeof *acks);
    if (!acks)
        return NULL;
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&acks->lock, NULL);
    pthread_cond_init(&acks->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return acks;
}

void acks_free(struct acks *acks)
{
    if (!acks)
        return;
    pthread_mutex_lock(&acks->lock);
    bool idle = acks->out == 0;
    pthread_mutex_unlock(&acks->lock);
    if (!idle)
        return;
    pthread_cond_destroy(&acks->changed);
    pthread_mutex_destroy(&acks->lock);
    free(acks);
}

void acks_begin(struct acks *acks, const struct parcel *parcels, size_t n)
{
    pthread_mutex_lock(&acks->lock);
    acks->parcels = parcels;
    acks->n = n;
    acks->missing_stream = false;
    memset(acks->done, 0, sizeof acks->done);
    pthread_mutex_unlock(&acks->lock);
}

void acks_sent(struct acks *acks)
{
    pthread_mutex_lock(&acks->lock);
    acks->out++;
    pthread_mutex_unlock(&acks->lock);
}

void acks_unsent(struct acks *acks)
{
    pthread_mutex_lock(&acks->lock);
    acks->out--;
    pthread_mutex_unlock(&acks->lock);
}

void acks_give_up(struct acks *acks, size_t index)
{
    pthread_mutex_lock(&acks->lock);
    acks->done[index] = true;
    pthread_mutex_unlock(&acks->lock);
}

// An answer to an earlier batch is as true as one to this: the id decides.
static void mark(struct acks *acks, const char *id)
{
    for (size_t i = 0; i < acks->n; i++)
        if (strcmp(acks->parcels[i].id, id) == 0)
            acks->done[i] = true;
}

void acks_on_ack(jsCtx *js, natsMsg *message, jsPubAck *ack, jsPubAckErr *error, void *closure)
{
    (void)js;
    struct acks *acks = closure;
    const char *id = NULL;
    pthread_mutex_lock(&acks->lock);
    if (ack && natsMsgHeader_Get(message, "Nats-Msg-Id", &id) == NATS_OK)
        mark(acks, id);
    if (error) {
        acks->missing_stream = true;
        log_debug("bus.publish_refused", LOG_S("text", error->ErrText),
                  LOG_I("code", error->ErrCode));
    }
    if (acks->out > 0)
        acks->out--;
    if (acks->out == 0)
        pthread_cond_signal(&acks->changed);
    pthread_mutex_unlock(&acks->lock);
    natsMsg_Destroy(message);
}

static void wait_until(struct acks *acks, int64_t deadline_ns)
{
    struct timespec until = {.tv_sec = deadline_ns / NS_PER_S, .tv_nsec = deadline_ns % NS_PER_S};
    while (acks->out > 0 && clock_left_ms(deadline_ns) > 0)
        pthread_cond_timedwait(&acks->changed, &acks->lock, &until);
}

void acks_wait(struct acks *acks, const struct bus *bus, jsCtx *js, int64_t max_ms)
{
    int64_t deadline_ns = clock_deadline_ns(max_ms);
    pthread_mutex_lock(&acks->lock);
    while (acks->out > 0 && clock_left_ms(deadline_ns) > 0 && bus_connected(bus))
        wait_until(acks, clock_deadline_ns(LOOK_EVERY_MS));
    bool complete = acks->out == 0;
    pthread_mutex_unlock(&acks->lock);
    if (complete)
        return;
    // When the server died no answer comes any more, not even an error.
    natsMsgList pending = {0};
    size_t taken = 0;
    if (js_PublishAsyncGetPendingList(&pending, js) == NATS_OK) {
        taken = (size_t)pending.Count;
        natsMsgList_Destroy(&pending);
    }
    // What was neither answered nor pending is in a callback at this moment.
    pthread_mutex_lock(&acks->lock);
    acks->out -= taken < acks->out ? taken : acks->out;
    wait_until(acks, clock_deadline_ns(1000));
    pthread_mutex_unlock(&acks->lock);
}

bool acks_collect(struct acks *acks, bool *done)
{
    pthread_mutex_lock(&acks->lock);
    memcpy(done, acks->done, acks->n * sizeof *done);
    bool missing_stream = acks->missing_stream;
    acks->parcels = NULL;
    acks->n = 0;
    pthread_mutex_unlock(&acks->lock);
    return missing_stream;
}
