#include "sender.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "obs/metrics.h"

#define IDLE_MS 1000

struct list { // first in, first out
    struct slot *first, **end;
};

struct sender {
    struct sending_rules rules;
    struct bell *bell;
    struct http_client *client;
    struct http_response *responses;
    struct arena *arena; // of a turn
    size_t slots;
    pthread_t thread;
    bool started;
    pthread_mutex_t lock; // of the two lists
    struct list handed, done;
    struct list finished; // done in this turn; the thread's own
    _Atomic bool stopping;
    struct metric *attempts, *durations;
};

static void list_clear(struct list *list)
{
    list->first = NULL;
    list->end = &list->first;
}

static void list_append(struct list *list, struct slot *slots)
{
    *list->end = slots;
    while (*list->end)
        list->end = &(*list->end)->next;
}

static struct slot *list_take(struct sender *sender, struct list *list)
{
    pthread_mutex_lock(&sender->lock);
    struct slot *slots = list->first;
    list_clear(list);
    pthread_mutex_unlock(&sender->lock);
    return slots;
}

static void finish(struct sender *sender, struct slot *slot, struct outcome outcome, bool tried)
{
    slot->outcome = outcome;
    slot->tried = tried;
    slot->next = NULL;
    list_append(&sender->finished, slot);
}

static void refuse(struct sender *sender, struct slot *slot, const char *error)
{
    finish(sender, slot, sending_refusal(&slot->attempt, error), false);
}

static void not_sent(struct sender *sender, struct slot *slot, enum status status)
{
    const struct attempt *attempt = &slot->attempt;
    log_error("attempt not sent", LOG_ATTEMPT(attempt), LOG_S("status", status_name(status)));
    struct outcome outcome = sending_refusal(attempt, "The attempt could not be sent.");
    if (attempt->number < attempt->max_attempts) {
        outcome.status = "pending";
        outcome.next_us =
            schedule_next_us(sender->rules.intervals_s, attempt->number - attempt->schedule_start,
                             clock_unix_us(), -1);
    }
    finish(sender, slot, outcome, false);
}

static void send(struct sender *sender, struct slot *slot)
{
    const struct attempt *attempt = &slot->attempt;
    if (clock_now_ns() > slot->send_by_ns) {
        // The lease must outlast the attempt: it is left to run out instead.
        log_warn("attempt claimed too late", LOG_ATTEMPT(attempt));
        finish(sender, slot, (struct outcome){0}, false);
        return;
    }
    if (!attempt->enabled) {
        refuse(sender, slot, "The endpoint is disabled or deleted.");
        return;
    }
    if (!attempt->body.at) {
        refuse(sender, slot, "The event is no longer kept.");
        return;
    }
    struct attempt traced = *attempt; // what is sent carries the span of its own sending
    slot->span.began_ns = clock_now_ns();
    if (span_begin(attempt->traceparent, slot->span.traceparent))
        traced.traceparent = slot->span.traceparent;
    enum status status = sending_request(slot->arena, &sender->rules, &traced, clock_unix_us(),
                                         &slot->request, &slot->header_lines);
    slot->request.context = slot;
    if (status == STATUS_OK)
        status = http_client_start(sender->client, &slot->request);
    if (status != STATUS_OK)
        not_sent(sender, slot, status);
    else if (failpoint_hit("deliver.sent"))
        log_debug("failpoint deliver.sent");
}

static void trace(const struct slot *slot, const struct http_response *response,
                  const struct outcome *outcome)
{
    const struct attempt *attempt = &slot->attempt;
    const struct span span = {.name = "POST webhook",
                              .kind = SPAN_CLIENT,
                              .traceparent = slot->span.traceparent,
                              .parent = attempt->traceparent,
                              .began_ns = slot->span.began_ns,
                              .failed = strcmp(outcome->status, "delivered") != 0};
    span_end(&span, LOG_S("http.request.method", "POST"),
             LOG_I("http.response.status_code", response->status),
             LOG_S("obol.delivery_id", attempt->delivery_id),
             LOG_S("obol.event_id", attempt->event_id), LOG_I("obol.attempt", attempt->number),
             LOG_S("obol.outcome", outcome->status), LOG_S("obol.request_id", attempt->request_id),
             LOG_S("obol.tenant_id", attempt->tenant_id));
}

static void take_response(struct sender *sender, const struct http_response *response)
{
    struct slot *slot = response->context;
    struct outcome outcome =
        sending_outcome(slot->arena, &sender->rules, &slot->attempt, response, clock_unix_us());
    outcome.request_headers = slot->header_lines;
    bool delivered = strcmp(outcome.status, "delivered") == 0;
    trace(slot, response, &outcome);
    metric_add(sender->attempts, 1, METRIC_LABELS(delivered ? "delivered" : "failed"));
    metric_observe(sender->durations, response->duration_us * 1000, NULL);
    if (!delivered)
        log_debug("attempt failed", LOG_ATTEMPT(&slot->attempt), LOG_I("attempt", outcome.number),
                  LOG_S("error", outcome.error));
    finish(sender, slot, outcome, true);
}

static void hand_back(struct sender *sender)
{
    if (!sender->finished.first)
        return;
    pthread_mutex_lock(&sender->lock);
    list_append(&sender->done, sender->finished.first);
    pthread_mutex_unlock(&sender->lock);
    list_clear(&sender->finished);
    bell_ring(sender->bell);
}

static void *run(void *context)
{
    struct sender *sender = context;
    while (!atomic_load(&sender->stopping)) {
        for (struct slot *slot = list_take(sender, &sender->handed), *next; slot; slot = next) {
            next = slot->next;
            send(sender, slot);
        }
        secrets_wipe(sender->rules.secrets);
        hand_back(sender); // what needed no answer
        size_t n = http_client_collect(sender->client, sender->arena, IDLE_MS, sender->responses,
                                       sender->slots);
        for (size_t i = 0; i < n; i++)
            take_response(sender, &sender->responses[i]);
        hand_back(sender);
        arena_reset(sender->arena);
    }
    return NULL;
}

struct sender *sender_new(const struct sending_rules *rules, size_t slots, struct bell *bell)
{
    struct sender *sender = calloc(1, sizeof *sender);
    if (!sender)
        return NULL;
    sender->rules = *rules;
    sender->rules.secrets = secrets_new();
    sender->slots = slots;
    sender->bell = bell;
    list_clear(&sender->handed);
    list_clear(&sender->done);
    list_clear(&sender->finished);
    pthread_mutex_init(&sender->lock, NULL);
    sender->attempts =
        metric_counter("obol_webhook_attempts_total",
                       "Webhook attempts by whether the endpoint took the event.", "outcome");
    metric_add(sender->attempts, 0, METRIC_LABELS("delivered"));
    metric_add(sender->attempts, 0, METRIC_LABELS("failed"));
    sender->durations = metric_histogram_ns("obol_webhook_attempt_duration_seconds",
                                            "How long endpoints take to answer.", NULL);
    // Made here, used by the thread alone from when it starts: so a wake always finds it.
    sender->client = http_client_new(slots, WEBHOOK_USER_AGENT);
    sender->arena = arena_new(ARENA_CAP_BATCH);
    sender->responses = calloc(slots, sizeof *sender->responses);
    sender->started = sender->client && sender->rules.secrets && sender->arena &&
                      sender->responses && pthread_create(&sender->thread, NULL, run, sender) == 0;
    if (sender->started)
        return sender;
    sender_free(sender);
    return NULL;
}

void sender_free(struct sender *sender)
{
    if (!sender)
        return;
    if (sender->started) {
        atomic_store(&sender->stopping, true);
        http_client_wake(sender->client);
        pthread_join(sender->thread, NULL);
    }
    if (sender->client)
        http_client_free(sender->client);
    secrets_free(sender->rules.secrets);
    arena_free(sender->arena);
    free(sender->responses);
    pthread_mutex_destroy(&sender->lock);
    free(sender);
}

void sender_hand(struct sender *sender, struct slot *slots)
{
    pthread_mutex_lock(&sender->lock);
    list_append(&sender->handed, slots);
    pthread_mutex_unlock(&sender->lock);
    http_client_wake(sender->client);
}

struct slot *sender_take(struct sender *sender)
{
    return list_take(sender, &sender->done);
}
