#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "bus/catch_up.h"
#include "bus/feed.h"

#define FETCH_MS 500
#define LATER_MS 10000

struct consumer {
    struct consumer_config config;
    struct work work;
    struct feed *feed;
    int64_t catch_up_at_ns;
    atomic_bool stopping;
    pthread_t thread;
};

// The events of a fetch and the messages that they came in.
struct catch
{
    struct event *events;
    natsMsg **messages;
    enum work_result *results;
    size_t n;
};

static void unpack(struct consumer *consumer, natsMsgList *list, struct catch *caught)
{
    for (int i = 0; i < list->Count; i++) {
        natsMsg *message = list->Msgs[i];
        struct bytes packed = {(const uint8_t *)natsMsg_GetData(message),
                               (size_t)natsMsg_GetDataLength(message)};
        if (!feed_wants_subject(consumer->feed, natsMsg_GetSubject(message))) {
            natsMsg_Ack(message, NULL);
        } else if (event_unpack(consumer->work.arena, packed, &caught->events[caught->n]) ==
                   STATUS_OK) {
            caught->messages[caught->n++] = message;
        } else {
            log_error("consumer.message_malformed", LOG_S("consumer", consumer->config.durable),
                      LOG_S("subject", natsMsg_GetSubject(message)));
            natsMsg_Term(message, NULL);
        }
    }
}

static void answer(natsMsg *message, enum work_result result)
{
    switch (result) {
    case WORK_DONE:
        natsMsg_Ack(message, NULL);
        break;
    case WORK_REFUSED:
        natsMsg_Term(message, NULL);
        break;
    case WORK_LATER:
        natsMsg_NakWithDelay(message, LATER_MS, NULL);
        break;
    case WORK_STOPPED: // delivered again when nobody answers
        break;
    }
}

static void take(struct consumer *consumer, natsMsgList *list)
{
    size_t n = (size_t)list->Count;
    struct arena *arena = consumer->work.arena;
    struct catch caught = {
        .events = ARENA_ARRAY(arena, n, struct event),
        .messages = ARENA_ARRAY(arena, n, natsMsg *),
        .results = ARENA_ARRAY(arena, n, enum work_result),
    };
    if (!caught.events || !caught.messages || !caught.results)
        return;
    unpack(consumer, list, &caught);
    if (caught.n > 0)
        (void)work_events(&consumer->work, caught.events, caught.n, caught.results);
    for (size_t i = 0; i < caught.n; i++)
        answer(caught.messages[i], caught.results[i]);
}

static void *run(void *context)
{
    struct consumer *consumer = context;
    while (!atomic_load(&consumer->stopping)) {
        natsMsgList list;
        if (consumer->config.list && clock_left_ms(consumer->catch_up_at_ns) == 0) {
            catch_up(&consumer->work, consumer->feed);
            consumer->catch_up_at_ns = clock_deadline_ns(consumer->config.catch_up_s * 1000);
        }
        int64_t start_ns = clock_now_ns();
        if (feed_fetch(consumer->feed, &list, FETCH_MS))
            take(consumer, &list);
        else if (clock_now_ns() - start_ns < BUS_RETRY_MS * NS_PER_MS)
            // Failed rather than waited.
            work_pause(&consumer->work, BUS_RETRY_MS);
        natsMsgList_Destroy(&list);
        arena_reset(consumer->work.arena);
    }
    nats_ReleaseThreadMemory();
    return NULL;
}

static void release(struct consumer *consumer)
{
    feed_free(consumer->feed);
    db_free(consumer->work.db);
    arena_free(consumer->work.arena);
    bell_free(consumer->work.bell);
    free(consumer);
}

struct consumer *consumer_start(struct bus *bus, const struct db_config *db,
                                const struct consumer_config *config)
{
    struct consumer *consumer = calloc(1, sizeof *consumer);
    if (!consumer)
        return NULL;
    consumer->config = *config;
    struct db_config own = *db;
    own.relaxed = config->relaxed;
    consumer->work = (struct work){
        .config = &consumer->config,
        .db = db_new(&own),
        .arena = arena_new(ARENA_CAP_BATCH),
        .bell = bell_new(),
        .stopping = &consumer->stopping,
    };
    consumer->feed = feed_new(bus, config->durable, config->filters);
    if (!consumer->work.db || !consumer->work.arena || !consumer->work.bell || !consumer->feed ||
        pthread_create(&consumer->thread, NULL, run, consumer) != 0) {
        release(consumer);
        return NULL;
    }
    return consumer;
}

void consumer_stop(struct consumer *consumer)
{
    if (!consumer)
        return;
    atomic_store(&consumer->stopping, true);
    bell_ring(consumer->work.bell);
    pthread_join(consumer->thread, NULL);
    release(consumer);
}
