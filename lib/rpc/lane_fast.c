// The fast lane: one queue, some workers, each taking what is ready and answering all of it.
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "rpc/internal.h"

#define SLOTS_BUNDLE 64
#define SLOTS_METHOD 64
#define SLOTS_ONE 16 // methods written for one call are the rare ones
#define SLOTS_UNKNOWN 8
#define EVENTS_MAX (8 * RPC_BATCH_MAX) // finished sends count too; a turn must end

struct lane_fast {
    struct rpc_server *server;
    grpc_completion_queue *queue;
    struct slot *slots;
    size_t slots_n;
    pthread_t *threads;
    size_t threads_n; // started
};

static size_t binding_slots(const struct rpc_server *server, const struct binding *binding)
{
    if (!binding)
        return SLOTS_UNKNOWN;
    if (server->config.health_only)
        return 0;
    if (binding == &server->bundle)
        return SLOTS_BUNDLE;
    if (binding->method->lane != LANE_FAST)
        return 0;
    return binding->handler->many ? SLOTS_METHOD : SLOTS_ONE;
}

static void lane_add(struct lane_fast *lane, const struct binding *binding)
{
    size_t n = binding_slots(lane->server, binding);
    for (size_t i = 0; i < n; i++)
        slot_init(&lane->slots[lane->slots_n++], lane->server, binding, lane->queue);
}

struct lane_fast *lane_fast_new(struct rpc_server *server)
{
    struct lane_fast *lane = calloc(1, sizeof *lane);
    if (!lane)
        return NULL;
    lane->server = server;
    size_t n = SLOTS_BUNDLE + SLOTS_UNKNOWN;
    for (size_t i = 0; i < server->bindings_n; i++)
        n += binding_slots(server, &server->bindings[i]);
    lane->slots = calloc(n, sizeof *lane->slots);
    lane->threads = calloc(server->config.fast_threads, sizeof *lane->threads);
    if (!lane->slots || !lane->threads) {
        free(lane->slots);
        free(lane->threads);
        free(lane);
        return NULL;
    }
    lane->queue = grpc_completion_queue_create_for_next(NULL);
    grpc_server_register_completion_queue(server->core, lane->queue, NULL);
    lane_add(lane, &server->bundle);
    lane_add(lane, NULL);
    for (size_t i = 0; i < server->bindings_n; i++)
        lane_add(lane, &server->bindings[i]);
    return lane;
}

struct arena *turn_arena(struct turn *turn)
{
    if (turn->arenas_used == turn->arenas_made) {
        struct arena *arena =
            turn->arenas_made < TURN_ARENAS_MAX ? arena_new(ARENA_CAP_REQUEST) : NULL;
        if (!arena)
            return NULL;
        turn->arenas[turn->arenas_made++] = arena;
    }
    return turn->arenas[turn->arenas_used++];
}

static void refuse_unknown(struct slot *slot)
{
    struct problem problem = {0};
    problem_set(&problem, STATUS_UNIMPLEMENTED, "unimplemented", NULL, "No such method here.");
    slot_refuse(slot, &problem);
}

static void turn_take(struct turn *turn, struct slot *slot)
{
    if (!slot->binding) {
        refuse_unknown(slot);
        return;
    }
    turn->slots[turn->slots_n++] = slot;
    if (slot->binding == &turn->server->bundle) {
        bundle_expand(slot, turn);
        return;
    }
    slot_decode(slot, &slot->item, turn_arena(turn));
    turn->items[turn->items_n++] = &slot->item;
}

// Blocks for the first event, then takes only what is there. False: the queue has ended.
static bool turn_gather(struct turn *turn, grpc_completion_queue *queue)
{
    gpr_timespec until = gpr_inf_future(GPR_CLOCK_MONOTONIC);
    for (size_t events = 0; events < EVENTS_MAX; events++) {
        grpc_event event = grpc_completion_queue_next(queue, until, NULL);
        if (event.type == GRPC_QUEUE_SHUTDOWN)
            return turn->slots_n > 0;
        if (event.type == GRPC_QUEUE_TIMEOUT)
            return true;
        struct slot *slot = event.tag;
        if (slot_event(slot, event.success))
            turn_take(turn, slot);
        if (turn->slots_n == RPC_BATCH_MAX || turn->items_n >= RPC_BATCH_MAX)
            return true;
        if (turn->slots_n > 0)
            until = gpr_inf_past(GPR_CLOCK_MONOTONIC);
    }
    return true;
}

// First come first: the oldest call that waits decides which method is next.
static void turn_run(struct turn *turn)
{
    for (size_t first = 0; first < turn->items_n; first++) {
        struct item *group[RPC_BATCH_MAX];
        size_t n = 0;
        const struct binding *binding = turn->items[first]->binding;
        for (size_t i = first; i < turn->items_n && n < RPC_BATCH_MAX; i++)
            if (!turn->items[i]->settled && turn->items[i]->binding == binding)
                group[n++] = turn->items[i];
        if (turn->items[first]->settled || n == 0)
            continue;
        items_run(turn->worker, group, n);
        metric_observe(turn->server->batches, (int64_t)n, METRIC_LABELS(binding->method->path));
    }
}

static void turn_answer(struct turn *turn)
{
    for (size_t i = 0; i < turn->slots_n; i++) {
        struct slot *slot = turn->slots[i];
        if (slot->binding == &turn->server->bundle)
            bundle_answer(slot);
        else
            slot_answer(slot, &slot->item.call);
    }
    for (size_t i = 0; i < turn->arenas_used; i++)
        arena_reset(turn->arenas[i]);
    turn->slots_n = turn->items_n = turn->arenas_used = 0;
}

static void *worker_main(void *argument)
{
    struct lane_fast *lane = argument;
    const struct rpc_server_config *config = &lane->server->config;
    struct turn *turn = calloc(1, sizeof *turn);
    if (!turn) // without memory at start there is nothing to serve with
        abort();
    turn->server = lane->server;
    turn->worker = config->worker_begin ? config->worker_begin(config->context) : NULL;
    struct pulse *pulse = health_pulse(config->health, "fast lane");
    while (turn_gather(turn, lane->queue)) {
        int64_t n = (int64_t)turn->items_n;
        metric_series_add(lane->server->fast_depth, n);
        pulse_busy(pulse);
        turn_run(turn);
        turn_answer(turn);
        pulse_rest(pulse);
        metric_series_add(lane->server->fast_depth, -n);
    }
    if (config->worker_end)
        config->worker_end(turn->worker);
    for (size_t i = 0; i < turn->arenas_made; i++)
        arena_free(turn->arenas[i]);
    free(turn);
    return NULL;
}

void lane_fast_arm(struct lane_fast *lane)
{
    for (size_t i = 0; i < lane->slots_n; i++) {
        server_enter(lane->server);
        slot_arm(&lane->slots[i]);
    }
}

bool lane_fast_run(struct lane_fast *lane)
{
    for (size_t i = 0; i < lane->server->config.fast_threads; i++) {
        if (pthread_create(&lane->threads[i], NULL, worker_main, lane) != 0)
            return false;
        lane->threads_n++;
    }
    return true;
}

void lane_fast_free(struct lane_fast *lane)
{
    if (!lane)
        return;
    grpc_completion_queue_shutdown(lane->queue);
    for (size_t i = 0; i < lane->threads_n; i++)
        pthread_join(lane->threads[i], NULL);
    while (
        grpc_completion_queue_next(lane->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL).type !=
        GRPC_QUEUE_SHUTDOWN)
        ;
    for (size_t i = 0; i < lane->slots_n; i++)
        slot_deinit(&lane->slots[i]);
    grpc_completion_queue_destroy(lane->queue);
    free(lane->slots);
    free(lane->threads);
    free(lane);
}
