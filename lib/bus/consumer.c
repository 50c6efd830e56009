#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/priority.h"
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

// A message that was fetched, and its place in the events of the fetch.
struct letter {
    natsMsg *message;
    struct event *events;
    size_t n;
};

struct catch
{
    struct letter *letters;
    struct event *events; // of all letters
    enum work_result *results;
    size_t letters_n, n;
};

static void unpack(struct consumer *consumer, natsMsg *message, struct catch *caught)
{
    struct letter *letter = &caught->letters[caught->letters_n];
    struct bytes packed = {(const uint8_t *)natsMsg_GetData(message),
                           (size_t)natsMsg_GetDataLength(message)};
    letter->message = message;
    if (!feed_wants_subject(consumer->feed, natsMsg_GetSubject(message))) {
        natsMsg_Ack(message, NULL);
        return;
    }
    enum status status = events_unpack(consumer->work.arena, packed, &letter->events, &letter->n);
    if (status == STATUS_OK) {
        caught->letters_n++;
        caught->n += letter->n;
    } else if (status == STATUS_RESOURCE_EXHAUSTED) {
        log_warn("consumer.no_memory", LOG_S("consumer", consumer->config.durable));
        natsMsg_NakWithDelay(message, BUS_RETRY_MS, NULL); // there is more of it then
    } else {
        log_error("consumer.message_malformed", LOG_S("consumer", consumer->config.durable),
                  LOG_S("subject", natsMsg_GetSubject(message)));
        natsMsg_Term(message, NULL);
    }
}

static bool lay_out(struct arena *arena, struct catch *caught)
{
    caught->events = ARENA_ARRAY(arena, caught->n, struct event);
    caught->results = ARENA_ARRAY(arena, caught->n, enum work_result);
    if (!caught->events || !caught->results)
        return false;
    struct event *at = caught->events;
    for (size_t i = 0; i < caught->letters_n; at += caught->letters[i++].n)
        memcpy(at, caught->letters[i].events, caught->letters[i].n * sizeof *at);
    return true;
}

// One event that has to come again brings its whole letter; the others are known by then.
static enum work_result result_of(const enum work_result *results, size_t n)
{
    enum work_result worst = WORK_REFUSED;
    for (size_t i = 0; i < n; i++) {
        if (results[i] == WORK_DONE && worst == WORK_REFUSED)
            worst = WORK_DONE;
        if (results[i] == WORK_STOPPED || (results[i] == WORK_LATER && worst != WORK_STOPPED))
            worst = results[i];
    }
    return worst;
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
    struct arena *arena = consumer->work.arena;
    struct catch caught = {.letters = ARENA_ARRAY(arena, (size_t)list->Count, struct letter)};
    if (!caught.letters)
        return;
    for (int i = 0; i < list->Count; i++)
        unpack(consumer, list->Msgs[i], &caught);
    if (caught.n == 0 || !lay_out(arena, &caught))
        return;
    (void)work_events(&consumer->work, caught.events, caught.n, caught.results);
    const enum work_result *results = caught.results;
    for (size_t i = 0; i < caught.letters_n; results += caught.letters[i++].n)
        answer(caught.letters[i].message, result_of(results, caught.letters[i].n));
}

static void *run(void *context)
{
    struct consumer *consumer = context;
    priority_background();
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
        .consumed = bus->consumed,
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
