#include "dispatcher.h"

#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "slots.h"

#define WAIT_MS 200
#define DATABASE_AWAY_MS 100
#define RECOVER_EVERY_MS 1000
#define RECOVER_LIMIT 500
#define SLOT_ARENA_CAP ((size_t)8 << 20)

struct dispatcher *dispatcher_new(struct arena *arena, const struct dispatcher_config *config)
{
    struct dispatcher *dispatcher = ARENA_NEW(arena, struct dispatcher);
    struct slot *slots = ARENA_ARRAY(arena, config->slots, struct slot);
    if (!dispatcher || !slots)
        return NULL;
    dispatcher->config = *config;
    dispatcher->slots = slots;
    dispatcher->from = (struct endpoint_key){"", ""};
    dispatcher->from_arena = arena_new(ARENA_CAP_REQUEST);
    dispatcher->drained = bell_new();
    dispatcher->attempts =
        metric_counter("obol_webhook_attempts_total",
                       "Webhook attempts by what became of the delivery.", "status");
    dispatcher->durations = metric_histogram("obol_webhook_attempt_seconds",
                                             "How long endpoints take to answer.", NULL);
    dispatcher->in_flight =
        metric_gauge("obol_webhook_attempts_in_flight", "Webhook attempts under way.", NULL);
    bool ok = dispatcher->from_arena && dispatcher->drained;
    for (size_t i = 0; i < config->slots && ok; i++)
        ok = (slots[i].arena = arena_new(SLOT_ARENA_CAP)) != NULL;
    if (ok)
        return dispatcher;
    dispatcher_free(dispatcher);
    return NULL;
}

void dispatcher_free(struct dispatcher *dispatcher)
{
    if (!dispatcher)
        return;
    struct http_client *client = atomic_exchange(&dispatcher->client, NULL);
    if (client)
        http_client_free(client);
    for (size_t i = 0; i < dispatcher->config.slots; i++)
        arena_free(dispatcher->slots[i].arena);
    arena_free(dispatcher->from_arena);
    bell_free(dispatcher->drained);
}

void dispatcher_wake(struct dispatcher *dispatcher)
{
    struct http_client *client = atomic_load(&dispatcher->client);
    if (client)
        http_client_wake(client);
    bell_ring(dispatcher->config.bell);
}

bool dispatcher_drain(struct dispatcher *dispatcher, int64_t max_ms)
{
    atomic_store(&dispatcher->draining, true);
    dispatcher_wake(dispatcher);
    return bell_wait(dispatcher->drained, max_ms);
}

size_t slots_count(const struct dispatcher *dispatcher, enum slot_state state)
{
    size_t n = 0;
    for (size_t i = 0; i < dispatcher->config.slots; i++)
        n += dispatcher->slots[i].state == state;
    return n;
}

void slot_done(struct slot *slot, struct outcome outcome, bool tried)
{
    slot->outcome = outcome;
    slot->tried = tried;
    slot->state = SLOT_DONE;
}

static void take_response(struct dispatcher *dispatcher, const struct http_response *response)
{
    struct slot *slot = response->context;
    struct outcome outcome = sending_outcome(slot->arena, &dispatcher->config.rules, &slot->attempt,
                                             response, clock_unix_us());
    outcome.request_headers = slot->header_lines;
    slot_done(slot, outcome, true);
    metric_add(dispatcher->attempts, 1, METRIC_LABELS(outcome.status));
    metric_observe_ns(dispatcher->durations, response->duration_us * 1000, NULL);
    if (strcmp(outcome.status, "delivered") != 0)
        log_debug("attempt failed", LOG_S("delivery", outcome.delivery_id),
                  LOG_I("attempt", outcome.number), LOG_S("error", outcome.error));
}

static void collect(struct dispatcher *dispatcher, struct http_client *client, struct arena *arena)
{
    size_t max = dispatcher->config.slots;
    if (http_client_busy(client) == 0)
        return;
    struct http_response *responses = ARENA_ARRAY(arena, max, struct http_response);
    if (!responses)
        return;
    size_t n = http_client_collect(client, arena, WAIT_MS, responses, max);
    for (size_t i = 0; i < n; i++)
        take_response(dispatcher, &responses[i]);
}

static void recover(struct dispatcher *dispatcher, struct db *db, struct arena *arena)
{
    if (clock_now_ns() < dispatcher->recover_ns)
        return;
    dispatcher->recover_ns = clock_deadline_ns(RECOVER_EVERY_MS);
    size_t n = 0;
    enum status status = queue_recover(db, arena, dispatcher->config.rules.intervals_s,
                                       SCHEDULE_ATTEMPTS, RECOVER_LIMIT, &n);
    if (status == STATUS_OK && n > 0)
        log_warn("attempts without an outcome", LOG_I("count", n));
}

// In the thread that turns: an http_client belongs to the thread that made it.
static struct http_client *client_of(struct dispatcher *dispatcher)
{
    struct http_client *client = atomic_load(&dispatcher->client);
    if (!client) {
        client = http_client_new(dispatcher->config.slots, WEBHOOK_USER_AGENT);
        atomic_store(&dispatcher->client, client);
    }
    return client;
}

int64_t dispatcher_turn(void *context, struct db *db, struct arena *arena)
{
    struct dispatcher *dispatcher = context;
    struct http_client *client = client_of(dispatcher);
    if (!client)
        return WAIT_MS;
    collect(dispatcher, client, arena);
    enum status flushed = dispatcher_flush(dispatcher, db, arena);
    size_t started = 0;
    enum status claimed = STATUS_OK;
    bool behind =
        dispatcher->from.endpoint_id[0] != '\0'; // then this look is not at the whole queue
    if (!atomic_load(&dispatcher->draining)) {
        recover(dispatcher, db, arena);
        claimed = dispatcher_claim(dispatcher, client, db, arena, &started);
    } else if (slots_count(dispatcher, SLOT_FREE) == dispatcher->config.slots) {
        bell_ring(dispatcher->drained);
    }
    size_t busy = http_client_busy(client);
    metric_set(dispatcher->in_flight, (int64_t)busy, NULL);
    if (busy > 0)
        return 0; // collect waits
    if (flushed != STATUS_OK || claimed != STATUS_OK)
        return DATABASE_AWAY_MS;
    return started > 0 || behind ? 0 : WAIT_MS;
}
