#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/priority.h"
#include "bus/acks.h"
#include "bus/traced.h"
#include "crypto/crypto.h"

#define LOOK_EVERY_MS 100
#define ACK_WAIT_MS 2000
// Between turns: under load events come in a stream, and more of them cost less each.
#define GATHER_MS 4

struct relay {
    struct bus *bus;
    struct db *db;
    struct arena *arena;
    const char *service;
    struct bell *bell, *own_bell;
    jsCtx *js;
    struct acks *acks;
    unsigned long generation; // of the connection on which the stream was seen
    atomic_bool stopping;
    pthread_t thread;
};

static int by_type(const void *a, const void *b)
{
    const struct event *x = a, *y = b;
    int order = strcmp(x->type, y->type);
    return order ? order : strcmp(x->id, y->id);
}

static size_t event_bytes(const struct event *event)
{
    return event->body.length + event->payload.length;
}

// How many of the n events make the first parcel.
static size_t parcel_fill(const struct event *events, size_t n)
{
    size_t taken = 1, bytes = event_bytes(&events[0]);
    while (taken < n && taken < PARCEL_EVENTS_MAX &&
           strcmp(events[taken].type, events[0].type) == 0 &&
           (bytes += event_bytes(&events[taken])) <= PARCEL_BYTES_MAX)
        taken++;
    return taken;
}

// The same events have the same id, others another.
static const char *parcel_id(struct arena *arena, const struct parcel *parcel)
{
    struct bytes *ids = ARENA_ARRAY(arena, parcel->n, struct bytes);
    if (!ids)
        return NULL;
    for (size_t i = 0; i < parcel->n; i++)
        ids[i] = bytes_of_string(parcel->events[i].id);
    struct sha256 digest = crypto_sha256_parts(ids, parcel->n);
    return crypto_hex(arena, BYTES_OF_ARRAY(digest.at));
}

// Sorts the events. Fills at most n parcels; 0: no memory.
static size_t parcels_make(struct arena *arena, struct event *events, size_t n,
                           struct parcel *parcels)
{
    size_t made = 0;
    qsort(events, n, sizeof *events, by_type);
    for (size_t i = 0; i < n; i += parcels[made++].n) {
        parcels[made] = (struct parcel){.events = &events[i], .n = parcel_fill(&events[i], n - i)};
        parcels[made].id = parcel_id(arena, &parcels[made]);
        if (!parcels[made].id)
            return 0;
    }
    return made;
}

// False: this one can't be sent now.
static bool publish(struct relay *relay, const struct parcel *parcel, size_t index)
{
    char subject[BUS_SUBJECT_MAX];
    snprintf(subject, sizeof subject, "%s.%s.%s", relay->bus->config.settings.stream,
             relay->service, parcel->events[0].type);
    struct bytes packed = events_pack(relay->arena, parcel->events, parcel->n);
    natsMsg *message = NULL;
    if (!packed.at || natsMsg_Create(&message, subject, NULL, (const char *)packed.at,
                                     (int)packed.length) != NATS_OK)
        return false;
    jsPubOptions options;
    jsPubOptions_Init(&options);
    options.MsgId = parcel->id;
    acks_sent(relay->acks);
    natsStatus s = js_PublishMsgAsync(relay->js, &message, &options);
    if (s == NATS_OK)
        return true;
    acks_unsent(relay->acks);
    natsMsg_Destroy(message);
    if (s != NATS_MAX_PAYLOAD)
        return false;
    log_error("bus.event_too_large", LOG_EVENT(&parcel->events[0]), LOG_I("bytes", packed.length));
    acks_give_up(relay->acks, index);
    return true;
}

// Publishes a batch; the ids of what the bus now has.
static enum status send_batch(struct relay *relay, struct event *events, size_t n, const char **ids,
                              size_t *ret_n)
{
    struct parcel *parcels = ARENA_ARRAY(relay->arena, n, struct parcel);
    bool *done = ARENA_ARRAY(relay->arena, n, bool);
    size_t parcels_n = parcels ? parcels_make(relay->arena, events, n, parcels) : 0;
    if (!done || parcels_n == 0)
        return STATUS_RESOURCE_EXHAUSTED;
    struct traced traced;
    traced_begin(&traced, relay->arena, events, n);
    acks_begin(relay->acks, parcels, parcels_n);
    for (size_t i = 0; i < parcels_n && publish(relay, &parcels[i], i); i++)
        ;
    acks_wait(relay->acks, relay->bus, relay->js, ACK_WAIT_MS);
    if (acks_collect(relay->acks, done)) // nobody took a message: the stream is gone
        relay->generation = 0;
    for (size_t i = 0; i < parcels_n; i++) {
        for (size_t j = 0; done[i] && j < parcels[i].n; j++)
            ids[(*ret_n)++] = parcels[i].events[j].id;
        const struct traced_part part = {(size_t)(parcels[i].events - events), parcels[i].n,
                                         !done[i]};
        traced_end(&traced, &part, SPAN_PRODUCER, "send");
    }
    return STATUS_OK;
}

static enum status relay_in_transaction(struct relay *relay, size_t *ret_taken, size_t *ret_sent)
{
    struct event *events;
    size_t n;
    enum status status = journal_outbox_take(relay->db, relay->arena, RELAY_BATCH, &events, &n);
    if (status != STATUS_OK || n == 0)
        return status;
    const char **ids = ARENA_ARRAY(relay->arena, n, const char *);
    if (!ids)
        return STATUS_RESOURCE_EXHAUSTED;
    *ret_taken = n;
    status = send_batch(relay, events, n, ids, ret_sent);
    if (status != STATUS_OK || *ret_sent == 0)
        return status;
    db_tally(relay->db, relay->bus->published, (int64_t)*ret_sent);
    return journal_outbox_delete(relay->db, relay->arena, ids, *ret_sent);
}

// How long to sleep at most.
static int64_t turn(struct relay *relay)
{
    size_t taken = 0, sent = 0;
    enum status status = db_begin(relay->db);
    if (status == STATUS_OK)
        status = relay_in_transaction(relay, &taken, &sent);
    // A COMMIT that is lost leaves the rows, which are published again and dropped by their ids.
    if (status == STATUS_OK && sent > 0)
        status = db_commit(relay->db);
    else
        db_rollback(relay->db);
    arena_reset(relay->arena);
    if (status != STATUS_OK)
        log_debug("relay.turn_failed", LOG_S("status", status_name(status)));
    if (status != STATUS_OK || sent < taken)
        return BUS_RETRY_MS;
    return taken == RELAY_BATCH ? 0 : LOOK_EVERY_MS;
}

static void gather(int64_t until_ns)
{
    int64_t left_ns = until_ns - clock_now_ns();
    if (left_ns > 0)
        nanosleep(&(struct timespec){.tv_nsec = left_ns}, NULL);
}

// No transaction is begun unless there is a stream to publish to.
static bool is_ready(struct relay *relay)
{
    if (!bus_connected(relay->bus))
        return false;
    if (!relay->js)
        relay->js = bus_context(relay->bus, acks_on_ack, relay->acks);
    unsigned long generation = atomic_load(&relay->bus->generation);
    if (!relay->js || relay->generation == generation)
        return relay->js;
    if (!bus_stream_ensure(relay->bus, relay->js))
        return false;
    relay->generation = generation;
    return true;
}

static void *run(void *context)
{
    struct relay *relay = context;
    priority_background();
    while (!atomic_load(&relay->stopping)) {
        int64_t sleep_ms = is_ready(relay) ? turn(relay) : BUS_RETRY_MS;
        if (sleep_ms == BUS_RETRY_MS) {
            // Rings don't shorten a wait for something that is away; stopping does.
            int64_t deadline_ns = clock_deadline_ns(sleep_ms);
            while (!atomic_load(&relay->stopping) && clock_left_ms(deadline_ns) > 0)
                bell_wait(relay->bell, clock_left_ms(deadline_ns));
        } else if (sleep_ms > 0) {
            int64_t gathered_ns = clock_deadline_ns(GATHER_MS);
            bell_wait(relay->bell, sleep_ms);
            gather(gathered_ns);
        }
    }
    nats_ReleaseThreadMemory();
    return NULL;
}

static void release(struct relay *relay)
{
    jsCtx_Destroy(relay->js);
    acks_free(relay->acks);
    db_free(relay->db);
    arena_free(relay->arena);
    bell_free(relay->own_bell);
    free(relay);
}

struct relay *relay_start(struct bus *bus, const struct db_config *db, const char *service,
                          struct bell *bell)
{
    struct relay *relay = calloc(1, sizeof *relay);
    if (!relay)
        return NULL;
    relay->bus = bus;
    relay->service = service;
    relay->own_bell = bell ? NULL : bell_new();
    relay->bell = bell ? bell : relay->own_bell;
    // A deletion that is lost publishes again what the bus already has, under the same id.
    struct db_config relaxed = *db;
    relaxed.relaxed = true;
    relay->db = db_new(&relaxed);
    relay->arena = arena_new(ARENA_CAP_BATCH);
    relay->acks = acks_new();
    if (!relay->bell || !relay->db || !relay->arena || !relay->acks ||
        pthread_create(&relay->thread, NULL, run, relay) != 0) {
        release(relay);
        return NULL;
    }
    return relay;
}

void relay_stop(struct relay *relay)
{
    if (!relay)
        return;
    atomic_store(&relay->stopping, true);
    bell_ring(relay->bell);
    pthread_join(relay->thread, NULL);
    release(relay);
}
