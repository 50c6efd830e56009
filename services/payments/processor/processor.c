#include "processor/processor.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/priority.h"
#include "obs/metrics.h"
#include "processor/claim.h"
#include "processor/news.h"
#include "processor/slot.h"

#define IDLE_MS 200 // for the work of other replicas, and what falls due
// Between two turns, where something is in hand: what is ready waits this long for company.
#define PACE_MS 3
#define PACE_BUSY_MS 10
// An act that was accepted waits this long for its callback before that alone is recorded: most
// are told at once, and then one record tells all.
#define HOLD_MS 50
#define HOLD_LOOK_MS 10
#define RETRY_MS_MAX 1000
// At a stop, what is out has so long to come home; a provider that takes longer is asked later.
#define STOP_MS 10000

struct processor {
    struct processor_config config;
    pthread_t thread;
    struct http_client *client;
    struct db *db;
    struct arena *arena; // of a turn
    struct news *news;   // by slot
    struct slot *slots;
    size_t waiting; // slots, for access tokens
    struct http_response *responses;
    struct finished *finished; // of a turn: what it records, whose it is, and whether it did
    struct slot **recorded;
    bool *settled;
    struct claim_place place;
    size_t out, held, answered; // slots
    int64_t look_ns;            // when to claim next
    int64_t turn_ns;            // no turn before
    int64_t retry_ms;           // after a failure to record
    int64_t record_ns;          // not before
    struct metric *requests, *durations;
    _Atomic bool stopping, rung;
};

static size_t place_of(const struct processor *processor, const struct slot *slot)
{
    return (size_t)(slot - processor->slots);
}

static size_t room(const struct processor *processor)
{
    return processor->config.slots - processor->waiting - processor->out - processor->held -
           processor->answered;
}

static void hold(struct processor *processor, struct slot *slot)
{
    bool worth_it =
        slot->step == STEP_ACT && slot->provider->calls_back && !atomic_load(&processor->stopping);
    slot->held_until_ns = worth_it ? clock_deadline_ns(HOLD_MS) : clock_now_ns();
    slot->state = SLOT_HELD;
    processor->held++;
}

static void answered(struct processor *processor, struct slot *slot)
{
    slot->state = SLOT_ANSWERED;
    processor->answered++;
}

// A decline is an answer; silence and being turned away are not.
static bool is_well(const struct outcome *outcome)
{
    return !outcome->unwell && outcome->kind != OUTCOME_LOST && outcome->kind != OUTCOME_NOT_SENT;
}

static void hear(struct processor *processor, struct slot *slot, const struct outcome *outcome,
                 int64_t duration_us)
{
    if (outcome->kind != OUTCOME_MUTE)
        breakers_note(processor->config.state->breakers, slot->provider->name,
                      slot->use.credential->id, is_well(outcome), clock_now_ns() / NS_PER_MS);
    const char *step = slot->step == STEP_ACT ? "act" : "query";
    const char *provider = slot->provider->name;
    metric_add(processor->requests, 1, METRIC_LABELS(provider, step, outcome_name(outcome->kind)));
    metric_observe_ns(processor->durations, duration_us * 1000, METRIC_LABELS(provider, step));
    slot_note(slot, outcome, duration_us);
    if (outcome->kind == OUTCOME_ACCEPTED)
        hold(processor, slot);
    else
        answered(processor, slot);
}

static struct slot *slot_free(struct processor *processor)
{
    for (size_t i = 0; i < processor->config.slots; i++)
        if (processor->slots[i].state == SLOT_FREE)
            return &processor->slots[i];
    return NULL;
}

static void set_out(struct processor *processor, struct slot *slot)
{
    struct outcome outcome = {0};
    const struct payments_state *state = processor->config.state;
    enum slot_sent sent = slot_send(slot, state, processor->client, &outcome);
    if (sent == SENT_NOT) {
        hear(processor, slot, &outcome, 0);
        return;
    }
    if (sent == SENT_WAITS) {
        slot->state = SLOT_WAITING;
        processor->waiting++;
        return;
    }
    slot->state = SLOT_OUT;
    processor->out++;
    breakers_leave(state->breakers, slot->use.credential->id, clock_now_ns() / NS_PER_MS);
    (void)failpoint_hit("charge.sent");
}

// Those whose access token has come, or won't.
static void look_for_sessions(struct processor *processor)
{
    for (size_t i = 0; processor->waiting > 0 && i < processor->config.slots; i++) {
        struct slot *slot = &processor->slots[i];
        if (slot->state != SLOT_WAITING)
            continue;
        processor->waiting--;
        set_out(processor, slot);
    }
}

// What was to be sent certainly was not; what was to be asked is asked when its lease has run out.
static void give_up(struct processor *processor, struct slot *slot, const struct claimed *claimed)
{
    if (!claimed->send || !slot_is_named(slot)) {
        slot_empty(slot);
        return;
    }
    slot_note(slot, &(struct outcome){.kind = OUTCOME_NOT_SENT}, 0);
    answered(processor, slot);
}

static void begin(struct processor *processor, const struct claimed *claimed)
{
    struct slot *slot = slot_free(processor);
    const struct payments_state *state = processor->config.state;
    if (!slot || claimed->held_back)
        return; // its lease runs out, then it is asked about
    if (!slot_take(slot, state, processor->db, claimed)) {
        give_up(processor, slot, claimed);
        return;
    }
    news_open(processor->news, place_of(processor, slot), slot->provider->name,
              slot->finished.operation.id);
    set_out(processor, slot);
}

static void read_responses(struct processor *processor, int64_t max_ms)
{
    size_t n = http_client_collect(processor->client, processor->arena, max_ms,
                                   processor->responses, processor->config.slots);
    for (size_t i = 0; i < n; i++) {
        const struct http_response *response = &processor->responses[i];
        struct slot *slot = response->context;
        bool again = false;
        struct outcome outcome = slot_read(slot, processor->config.state, response, &again);
        processor->out--;
        if (again)
            set_out(processor, slot);
        else
            hear(processor, slot, &outcome, response->duration_us);
    }
}

// What a callback says is asked at once, and what has waited long enough for one goes on.
static void listen(struct processor *processor)
{
    int64_t now_ns = clock_now_ns();
    for (size_t i = 0; processor->held > 0 && i < processor->config.slots; i++) {
        struct slot *slot = &processor->slots[i];
        if (slot->state != SLOT_HELD)
            continue;
        bool rung = news_take(processor->news, i);
        if (!rung && slot->held_until_ns > now_ns)
            continue;
        processor->held--;
        if (rung && slot_ask(slot, processor->config.state, processor->client)) {
            slot->state = SLOT_OUT;
            processor->out++;
            continue;
        }
        slot->finished.rung = rung;
        answered(processor, slot);
    }
}

static size_t gather(struct processor *processor)
{
    size_t n = 0;
    if (processor->answered == 0 || clock_now_ns() < processor->record_ns)
        return 0;
    for (size_t i = 0; i < processor->config.slots; i++) {
        struct slot *slot = &processor->slots[i];
        if (slot->state != SLOT_ANSWERED)
            continue;
        if (news_close(processor->news, i))
            slot->finished.rung = true;
        processor->finished[n] = slot->finished;
        processor->settled[n] = false;
        processor->recorded[n++] = slot;
    }
    return n;
}

static void release(struct processor *processor, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!processor->settled[i])
            continue;
        slot_empty(processor->recorded[i]);
        processor->answered--;
    }
}

// Answers are kept in their slots: what a provider said is worth more than room for more work.
static void put_off(struct processor *processor)
{
    processor->retry_ms = processor->retry_ms ? processor->retry_ms * 2 : 20;
    if (processor->retry_ms > RETRY_MS_MAX)
        processor->retry_ms = RETRY_MS_MAX;
    processor->record_ns = clock_deadline_ns(processor->retry_ms);
}

// How much to claim now.
static size_t wanted(struct processor *processor)
{
    size_t free_slots = room(processor);
    if (atomic_load(&processor->stopping) || free_slots == 0)
        return 0;
    bool rung = atomic_exchange(&processor->rung, false);
    return rung || clock_now_ns() >= processor->look_ns ? free_slots : 0;
}

static void take_turn(struct processor *processor)
{
    if (clock_now_ns() < processor->turn_ns)
        return;
    struct turn turn = {
        .state = processor->config.state,
        .db = processor->db,
        .arena = processor->arena,
        .place = &processor->place,
        .finished = processor->finished,
        .finished_n = gather(processor),
        .settled = processor->settled,
        .room = wanted(processor),
    };
    if (turn.finished_n + turn.room == 0)
        return;
    if (turn_run(&turn) == STATUS_OK)
        processor->retry_ms = 0;
    else
        put_off(processor);
    release(processor, turn.finished_n);
    for (size_t i = 0; i < turn.claimed_n; i++)
        begin(processor, &turn.claimed[i]);
    // A full net means that there is more.
    if (turn.room > 0)
        processor->look_ns =
            turn.claimed_n == turn.room ? clock_now_ns() : clock_deadline_ns(IDLE_MS);
    size_t in_hand = processor->config.slots - room(processor);
    bool busy = in_hand > processor->config.slots / 8;
    processor->turn_ns = in_hand == 0 ? 0 : clock_deadline_ns(busy ? PACE_BUSY_MS : PACE_MS);
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t wait_ms(struct processor *processor)
{
    int64_t wait = IDLE_MS;
    if (processor->held + processor->waiting > 0)
        wait = HOLD_LOOK_MS;
    if (processor->answered > 0) {
        int64_t left = clock_left_ms(later(processor->turn_ns, processor->record_ns));
        wait = left < wait ? left : wait;
    }
    if (room(processor) > 0) {
        int64_t look_ns = atomic_load(&processor->rung) ? 0 : processor->look_ns;
        int64_t left = clock_left_ms(later(processor->turn_ns, look_ns));
        wait = left < wait ? left : wait;
    }
    return wait;
}

static void *run(void *argument)
{
    struct processor *processor = argument;
    int64_t give_up_ns = 0;
    priority_background();
    for (;;) {
        bool stopping = atomic_load(&processor->stopping);
        if (stopping && give_up_ns == 0)
            give_up_ns = clock_deadline_ns(STOP_MS);
        if (stopping &&
            (room(processor) == processor->config.slots || clock_left_ms(give_up_ns) == 0))
            break;
        read_responses(processor, stopping ? 10 : wait_ms(processor));
        look_for_sessions(processor);
        listen(processor);
        take_turn(processor);
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
    for (size_t i = 0; processor->slots && i < processor->config.slots; i++) {
        setup_release(processor->slots[i].setup); // of what was still out
        arena_free(processor->slots[i].arena);
    }
    db_free(processor->db);
    arena_free(processor->arena);
    news_free(processor->news);
    free(processor->slots);
    free(processor->responses);
    free(processor->finished);
    free(processor->recorded);
    free(processor->settled);
    free(processor);
}

static bool make_slots(struct processor *processor)
{
    size_t n = processor->config.slots;
    processor->news = news_new(n);
    processor->slots = calloc(n, sizeof *processor->slots);
    processor->responses = calloc(n, sizeof *processor->responses);
    processor->finished = calloc(n, sizeof *processor->finished);
    processor->recorded = calloc(n, sizeof(struct slot *));
    processor->settled = calloc(n, sizeof *processor->settled);
    return processor->news && processor->slots && processor->responses && processor->finished &&
           processor->recorded && processor->settled;
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

void processor_wake(struct processor *processor)
{
    http_client_wake(processor->client);
}

bool processor_news(struct processor *processor, const char *provider, const char *reference)
{
    bool found = news_ring(processor->news, provider, reference);
    if (found)
        http_client_wake(processor->client);
    return found;
}
