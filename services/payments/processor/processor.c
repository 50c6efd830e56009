#include "processor/processor.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/priority.h"
#include "processor/claim.h"
#include "processor/hand.h"

#define IDLE_MS 200 // for the work of other replicas, and what falls due
// Between two turns, where something is in hand: what is ready waits this long for company.
#define PACE_MS 3
#define PACE_BUSY_MS 10
#define HOLD_LOOK_MS 10
#define RETRY_MS_MAX 1000
// At a stop, what is out has so long to come home; a provider that takes longer is asked later.
#define STOP_MS 10000

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
    size_t free_slots = hand_room(processor);
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
        .finished_n = hand_gather(processor),
        .settled = processor->settled,
        .room = wanted(processor),
    };
    if (turn.room > 0)
        turn.long_room = hand_long_room(processor);
    if (turn.finished_n + turn.room == 0)
        return;
    if (turn_run(&turn) == STATUS_OK)
        processor->retry_ms = 0;
    else
        put_off(processor);
    hand_release(processor, turn.finished_n);
    for (size_t i = 0; i < turn.claimed_n; i++)
        hand_begin(processor, &turn.claimed[i]);
    // A full net means that there is more.
    if (turn.room > 0)
        processor->look_ns =
            turn.claimed_n == turn.room ? clock_now_ns() : clock_deadline_ns(IDLE_MS);
    size_t in_hand = processor->config.slots - hand_room(processor);
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
    if (hand_room(processor) > 0) {
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
            (hand_room(processor) == processor->config.slots || clock_left_ms(give_up_ns) == 0))
            break;
        hand_read_responses(processor, stopping ? 10 : wait_ms(processor));
        hand_look_for_sessions(processor);
        hand_listen(processor);
        take_turn(processor);
        breakers_settle(processor->config.state->breakers, clock_now_ns() / NS_PER_MS);
        metric_set(processor->in_flight, (int64_t)(processor->config.slots - hand_room(processor)),
                   NULL);
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
    processor->in_flight = metric_gauge("obol_operations_in_flight",
                                        "Operations that the processor has in hand.", NULL);
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
