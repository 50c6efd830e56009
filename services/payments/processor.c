#include "processor.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "claim.h"
#include "flush.h"
#include "obs/metrics.h"

#define IDLE_MS 200 // for the work of other replicas, and what falls due
#define GATHER_MS 3 // answers wait this long for company
#define RETRY_MS_MAX 1000
#define SLOT_ARENA_CAP ((size_t)1 << 20)

struct slot {
    enum { SLOT_FREE, SLOT_OUT, SLOT_ANSWERED } state;
    struct arena *arena; // of the request; emptied with the slot
    const struct provider *provider;
    struct http_request request;
    struct finished finished;
};

struct processor {
    struct processor_config config;
    pthread_t thread;
    struct http_client *client;
    struct db *db;
    struct arena *arena; // of a turn
    struct slot *slots;
    struct http_response *responses;
    struct finished *flushing;
    struct claim_turn turn;
    size_t out, answered;
    int64_t look_ns;  // when to claim next
    int64_t retry_ms; // after a failed flush
    int64_t flush_ns; // not before
    struct metric *requests, *durations;
    _Atomic bool stopping, rung;
};

static void answer(struct processor *processor, struct slot *slot, const struct outcome *outcome,
                   int64_t duration_us)
{
    slot->finished.outcome = *outcome;
    slot->finished.duration_us = duration_us;
    slot->state = SLOT_ANSWERED;
    processor->answered++;
    const char *step = slot->finished.step == STEP_ACT ? "act" : "query";
    const char *provider = slot->provider ? slot->provider->name : "none";
    metric_add(processor->requests, 1, METRIC_LABELS(provider, step, outcome_name(outcome->kind)));
    metric_observe_ns(processor->durations, duration_us * 1000, METRIC_LABELS(provider, step));
}

static bool build_act(struct processor *processor, struct slot *slot, const struct claimed *claimed)
{
    struct bytes token = {0};
    const struct operation *operation = &claimed->operation;
    if (claimed->provider_token.at && operation->kind == OPERATION_CHARGE) {
        const char *context =
            card_token_context(slot->arena, operation->tenant_id, claimed->card_token);
        if (!context || keyring_open(processor->config.state->ring, slot->arena,
                                     claimed->provider_token, context, &token) != STATUS_OK)
            return false;
    }
    struct provider_act act = {
        .kind = operation->kind,
        .reference = operation->id,
        .charge_reference = claimed->charge_reference,
        .amount = operation->amount,
        .currency = operation->currency,
        .method = claimed->method,
        .vpa = claimed->vpa,
        .token = token.at ? arena_strndup(slot->arena, (const char *)token.at, token.length) : NULL,
        .capture = strcmp(claimed->capture, "automatic") == 0,
    };
    return slot->provider->act(slot->provider, slot->arena, &act, &slot->request);
}

// Whether the whole request still fits into the lease.
static bool lease_holds(const struct slot *slot)
{
    return clock_unix_us() + slot->provider->total_ms * 1000 <= slot->finished.lease_us;
}

static bool send(struct processor *processor, struct slot *slot, const struct claimed *claimed)
{
    bool built = claimed->send ? build_act(processor, slot, claimed)
                               : slot->provider->query(slot->provider, slot->arena,
                                                       claimed->operation.id, &slot->request);
    if (!built) {
        log_error("request not built", LOG_S("operation", claimed->operation.id));
        return false;
    }
    slot->request.context = slot;
    if (failpoint_hit("charge.before_send") || !lease_holds(slot))
        return false;
    return http_client_start(processor->client, &slot->request) == STATUS_OK;
}

static struct slot *slot_free(struct processor *processor)
{
    for (size_t i = 0; i < processor->config.slots; i++)
        if (processor->slots[i].state == SLOT_FREE)
            return &processor->slots[i];
    return NULL;
}

static void begin(struct processor *processor, const struct claimed *claimed)
{
    const struct operation *operation = &claimed->operation;
    struct slot *slot = slot_free(processor);
    if (!slot || claimed->held_back)
        return; // its lease runs out, then it is asked about
    slot->provider = providers_find(processor->config.state->providers, operation->provider);
    slot->finished = (struct finished){
        .operation = {arena_strdup(slot->arena, operation->tenant_id),
                      arena_strdup(slot->arena, operation->id)},
        .step = claimed->send ? STEP_ACT : STEP_QUERY,
        .attempt = operation->attempts,
        .lease_us = operation->lease_us,
    };
    if (!slot->provider || !slot->finished.operation.id) {
        log_error("operation without provider", LOG_S("operation", operation->id));
        arena_reset(slot->arena);
        return;
    }
    if (!send(processor, slot, claimed)) {
        answer(processor, slot, &(struct outcome){.kind = OUTCOME_NOT_SENT}, 0);
        return;
    }
    slot->state = SLOT_OUT;
    processor->out++;
    (void)failpoint_hit("charge.sent");
}

static void read_responses(struct processor *processor, int64_t max_ms)
{
    size_t n = http_client_collect(processor->client, processor->arena, max_ms,
                                   processor->responses, processor->config.slots);
    for (size_t i = 0; i < n; i++) {
        const struct http_response *response = &processor->responses[i];
        struct slot *slot = response->context;
        struct outcome outcome = {0};
        if (slot->finished.step == STEP_ACT)
            slot->provider->read_act(slot->provider, slot->arena, response, &outcome);
        else
            slot->provider->read_query(slot->provider, slot->arena, response, &outcome);
        if (failpoint_hit("charge.answered"))
            outcome = (struct outcome){.kind = OUTCOME_LOST};
        if (outcome.kind == OUTCOME_LOST || outcome.kind == OUTCOME_NOT_SENT)
            log_warn("no usable answer from the provider",
                     LOG_S("operation", slot->finished.operation.id),
                     LOG_S("reason", response->error), LOG_I("status", response->status));
        processor->out--;
        answer(processor, slot, &outcome, response->duration_us);
    }
}

static void slot_release(struct processor *processor, struct slot *slot)
{
    slot->state = SLOT_FREE;
    arena_reset(slot->arena);
    processor->answered--;
}

// Something in the data, or a fault of ours: it would be the same the next time, for all of them.
static bool lasting(enum status status)
{
    return status == STATUS_INVALID_ARGUMENT || status == STATUS_INTERNAL ||
           status == STATUS_RESOURCE_EXHAUSTED;
}

// One bad item must not keep the others from being recorded. Its operation is asked about again
// when its lease has run out.
static void flush_singly(struct processor *processor)
{
    for (size_t i = 0; i < processor->config.slots; i++) {
        struct slot *slot = &processor->slots[i];
        if (slot->state != SLOT_ANSWERED)
            continue;
        arena_reset(processor->arena);
        enum status status = flush_outcomes(processor->config.state, processor->db,
                                            processor->arena, &slot->finished, 1, clock_unix_us());
        if (lasting(status))
            log_error("outcome not recorded", LOG_S("operation", slot->finished.operation.id),
                      LOG_S("outcome", outcome_name(slot->finished.outcome.kind)),
                      LOG_S("status", status_name(status)));
        if (status == STATUS_OK || lasting(status))
            slot_release(processor, slot);
    }
}

static void release_answered(struct processor *processor)
{
    for (size_t i = 0; i < processor->config.slots; i++)
        if (processor->slots[i].state == SLOT_ANSWERED)
            slot_release(processor, &processor->slots[i]);
}

static void flush(struct processor *processor)
{
    size_t n = 0;
    if (processor->answered == 0 || clock_now_ns() < processor->flush_ns)
        return;
    for (size_t i = 0; i < processor->config.slots; i++)
        if (processor->slots[i].state == SLOT_ANSWERED)
            processor->flushing[n++] = processor->slots[i].finished;
    enum status status = flush_outcomes(processor->config.state, processor->db, processor->arena,
                                        processor->flushing, n, clock_unix_us());
    if (status == STATUS_OK) {
        release_answered(processor);
        processor->retry_ms = 0;
        return;
    }
    log_warn("outcomes not recorded yet", LOG_I("outcomes", n),
             LOG_S("status", status_name(status)));
    if (lasting(status)) {
        flush_singly(processor);
        return;
    }
    // Answers are kept in their slots: what a provider said is worth more than room for more work.
    processor->retry_ms = processor->retry_ms ? processor->retry_ms * 2 : 20;
    if (processor->retry_ms > RETRY_MS_MAX)
        processor->retry_ms = RETRY_MS_MAX;
    processor->flush_ns = clock_deadline_ns(processor->retry_ms);
}

static void claim(struct processor *processor)
{
    struct claimed *claimed = NULL;
    size_t n = 0, room = processor->config.slots - processor->out - processor->answered;
    if (room == 0 ||
        (!atomic_exchange(&processor->rung, false) && clock_now_ns() < processor->look_ns))
        return;
    enum status status = claim_operations(processor->config.state, processor->db, processor->arena,
                                          &processor->turn, room, &claimed, &n);
    if (status != STATUS_OK) {
        processor->look_ns = clock_deadline_ns(IDLE_MS);
        return;
    }
    for (size_t i = 0; i < n; i++)
        begin(processor, &claimed[i]);
    // A full net means that there is more.
    processor->look_ns = n == room ? clock_now_ns() : clock_deadline_ns(IDLE_MS);
}

static int64_t wait_ms(const struct processor *processor)
{
    size_t busy = processor->out + processor->answered;
    if (processor->answered > 0) {
        int64_t left_ms = clock_left_ms(processor->flush_ns);
        return left_ms > 0 ? left_ms : 0;
    }
    if (busy < processor->config.slots)
        return clock_left_ms(processor->look_ns);
    return IDLE_MS;
}

static void *run(void *argument)
{
    struct processor *processor = argument;
    int64_t give_up_ns = 0;
    for (;;) {
        bool stopping = atomic_load(&processor->stopping);
        if (stopping && give_up_ns == 0)
            give_up_ns = clock_deadline_ns(claim_lease_ms(processor->config.state));
        if (stopping &&
            (processor->out + processor->answered == 0 || clock_left_ms(give_up_ns) == 0))
            break;
        read_responses(processor, stopping ? 10 : wait_ms(processor));
        if (processor->answered > 0 && processor->out > 0)
            read_responses(processor, GATHER_MS);
        flush(processor);
        if (!stopping)
            claim(processor);
        arena_reset(processor->arena);
    }
    return NULL;
}

static void processor_free(struct processor *processor)
{
    if (!processor)
        return;
    if (processor->client)
        http_client_free(processor->client);
    for (size_t i = 0; processor->slots && i < processor->config.slots; i++)
        arena_free(processor->slots[i].arena);
    db_free(processor->db);
    arena_free(processor->arena);
    free(processor->slots);
    free(processor->responses);
    free(processor->flushing);
    free(processor);
}

static bool make_slots(struct processor *processor)
{
    size_t n = processor->config.slots;
    processor->slots = calloc(n, sizeof *processor->slots);
    processor->responses = calloc(n, sizeof *processor->responses);
    processor->flushing = calloc(n, sizeof *processor->flushing);
    for (size_t i = 0; processor->slots && i < n; i++)
        if (!(processor->slots[i].arena = arena_new(SLOT_ARENA_CAP)))
            return false;
    return processor->slots && processor->responses && processor->flushing;
}

struct processor *processor_start(const struct processor_config *config)
{
    struct processor *processor = calloc(1, sizeof *processor);
    if (!processor)
        return NULL;
    processor->config = *config;
    processor->requests =
        metric_counter("obol_provider_requests_total", "Requests to providers by outcome",
                       "provider,step,outcome");
    processor->durations = metric_histogram("obol_provider_request_seconds",
                                            "Duration of requests to providers", "provider,step");
    processor->arena = arena_new(ARENA_CAP_BATCH);
    processor->db = db_new(config->db);
    // Made here, used by the loop alone from when its thread starts: so a ring always finds it.
    processor->client = http_client_new(config->slots, "Obol/" OBOL_VERSION);
    if (!processor->arena || !processor->db || !processor->client || !make_slots(processor) ||
        pthread_create(&processor->thread, NULL, run, processor) != 0) {
        processor_free(processor);
        return NULL;
    }
    return processor;
}

void processor_stop(struct processor *processor)
{
    if (!processor)
        return;
    atomic_store(&processor->stopping, true);
    http_client_wake(processor->client);
    pthread_join(processor->thread, NULL);
    processor_free(processor);
}

void processor_ring(struct processor *processor)
{
    if (!atomic_exchange(&processor->rung, true))
        http_client_wake(processor->client);
}
