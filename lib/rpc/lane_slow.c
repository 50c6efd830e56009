// The slow lane: an acceptor fills a bounded queue, first in first out; a few workers take one call
// each. A tenant holds at most so many places, so that one cannot take them all.
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "rpc/internal.h"

#define SLOTS_SPARE 16 // so that there is always a place to be refused in

struct lane_slow {
    struct rpc_server *server;
    grpc_completion_queue *queue;
    struct slot *slots;
    size_t slots_n;
    pthread_t acceptor;
    bool acceptor_runs;
    pthread_t *threads;
    size_t threads_n; // started
    pthread_mutex_t mutex;
    pthread_cond_t waiting_changed;
    struct slot *first, *last; // waiting
    struct slot **held;        // waiting and running
    size_t held_n, held_max;
    bool ended;
};

static bool binding_is_slow(const struct rpc_server *server, const struct binding *binding)
{
    return binding->method->lane == LANE_SLOW && !server->config.health_only;
}

static bool lane_allocate(struct lane_slow *lane)
{
    const struct rpc_server *server = lane->server;
    size_t methods = 0;
    for (size_t i = 0; i < server->bindings_n; i++)
        methods += binding_is_slow(server, &server->bindings[i]) ? 1 : 0;
    lane->held_max = server->config.slow_threads + server->config.slow_queue;
    size_t slots = methods * (lane->held_max + SLOTS_SPARE);
    lane->slots = calloc(slots + 1, sizeof *lane->slots);
    lane->threads = calloc(server->config.slow_threads + 1, sizeof *lane->threads);
    lane->held = calloc(lane->held_max + 1, sizeof(struct slot *));
    return lane->slots && lane->threads && lane->held;
}

static void lane_release(struct lane_slow *lane)
{
    free(lane->slots);
    free(lane->threads);
    free(lane->held);
    free(lane);
}

struct lane_slow *lane_slow_new(struct rpc_server *server)
{
    struct lane_slow *lane = calloc(1, sizeof *lane);
    if (!lane)
        return NULL;
    lane->server = server;
    if (!lane_allocate(lane)) {
        lane_release(lane);
        return NULL;
    }
    pthread_mutex_init(&lane->mutex, NULL);
    pthread_cond_init(&lane->waiting_changed, NULL);
    lane->queue = grpc_completion_queue_create_for_next(NULL);
    grpc_server_register_completion_queue(server->core, lane->queue, NULL);
    for (size_t i = 0; i < server->bindings_n; i++)
        if (binding_is_slow(server, &server->bindings[i]))
            for (size_t j = 0; j < lane->held_max + SLOTS_SPARE; j++)
                slot_init(&lane->slots[lane->slots_n++], server, &server->bindings[i], lane->queue);
    return lane;
}

// Longer ids are refused when the call is decoded; cut, they still name one tenant.
static void slot_name_tenant(struct slot *slot)
{
    struct bytes tenant_id = {NULL, 0};
    metadata_find(&slot->metadata, "obol-tenant-id", &tenant_id);
    size_t length = tenant_id.length < TENANT_ID_MAX ? tenant_id.length : TENANT_ID_MAX;
    if (length)
        memcpy(slot->tenant_id, tenant_id.at, length);
    slot->tenant_id[length] = '\0';
}

// With the mutex held. Operators' and internal calls (no tenant) have only the common bound.
static bool lane_has_place(const struct lane_slow *lane, const struct slot *slot)
{
    if (lane->held_n >= lane->held_max)
        return false;
    size_t same = 0;
    for (size_t i = 0; i < lane->held_n; i++)
        same += strcmp(lane->held[i]->tenant_id, slot->tenant_id) == 0 ? 1 : 0;
    return !slot->tenant_id[0] || same < lane->server->config.slow_per_tenant;
}

static bool lane_push(struct lane_slow *lane, struct slot *slot)
{
    pthread_mutex_lock(&lane->mutex);
    bool place = lane_has_place(lane, slot);
    if (place) {
        lane->held[lane->held_n++] = slot;
        slot->next = NULL;
        if (lane->last)
            lane->last->next = slot;
        else
            lane->first = slot;
        lane->last = slot;
        metric_series_add(lane->server->slow_depth, 1);
        pthread_cond_signal(&lane->waiting_changed);
    }
    pthread_mutex_unlock(&lane->mutex);
    return place;
}

static struct slot *lane_pop(struct lane_slow *lane)
{
    pthread_mutex_lock(&lane->mutex);
    while (!lane->first && !lane->ended)
        pthread_cond_wait(&lane->waiting_changed, &lane->mutex);
    struct slot *slot = lane->first;
    if (slot) {
        lane->first = slot->next;
        metric_series_add(lane->server->slow_depth, -1);
    }
    if (!lane->first)
        lane->last = NULL;
    pthread_mutex_unlock(&lane->mutex);
    return slot;
}

static void lane_leave(struct lane_slow *lane, const struct slot *slot)
{
    pthread_mutex_lock(&lane->mutex);
    for (size_t i = 0; i < lane->held_n; i++)
        if (lane->held[i] == slot) {
            lane->held[i] = lane->held[--lane->held_n];
            break;
        }
    pthread_mutex_unlock(&lane->mutex);
}

static void accept_call(struct lane_slow *lane, struct slot *slot)
{
    slot_name_tenant(slot);
    if (lane_push(lane, slot))
        return;
    struct problem problem = {0};
    problem_set(&problem, STATUS_RESOURCE_EXHAUSTED, "too_many_requests", NULL,
                "Too many requests of this kind are under way. Try again shortly.");
    problem.retry_after_s = 1;
    slot_refuse(slot, &problem);
}

static void *acceptor_main(void *argument)
{
    struct lane_slow *lane = argument;
    for (;;) {
        grpc_event event =
            grpc_completion_queue_next(lane->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
        if (event.type == GRPC_QUEUE_SHUTDOWN)
            return NULL;
        if (event.type == GRPC_OP_COMPLETE && slot_event(event.tag, event.success))
            accept_call(lane, event.tag);
    }
}

static void *worker_main(void *argument)
{
    struct lane_slow *lane = argument;
    const struct rpc_server_config *config = &lane->server->config;
    void *worker = config->worker_begin ? config->worker_begin(config->context) : NULL;
    struct arena *arena = NULL;
    for (struct slot *slot; (slot = lane_pop(lane));) {
        if (!arena)
            arena = arena_new(ARENA_CAP_REQUEST);
        struct item *item = &slot->item;
        if (slot_decode(slot, item, arena))
            items_run(worker, &item, 1);
        lane_leave(lane, slot);
        slot_answer(slot, &item->call);
        if (arena)
            arena_reset(arena);
    }
    arena_free(arena);
    if (config->worker_end)
        config->worker_end(worker);
    return NULL;
}

void lane_slow_arm(struct lane_slow *lane)
{
    for (size_t i = 0; i < lane->slots_n; i++) {
        server_enter(lane->server);
        slot_arm(&lane->slots[i]);
    }
}

bool lane_slow_run(struct lane_slow *lane)
{
    if (pthread_create(&lane->acceptor, NULL, acceptor_main, lane) != 0)
        return false;
    lane->acceptor_runs = true;
    if (lane->slots_n == 0)
        return true; // no slow methods: no workers
    for (size_t i = 0; i < lane->server->config.slow_threads; i++) {
        if (pthread_create(&lane->threads[i], NULL, worker_main, lane) != 0)
            return false;
        lane->threads_n++;
    }
    return true;
}

void lane_slow_free(struct lane_slow *lane)
{
    if (!lane)
        return;
    pthread_mutex_lock(&lane->mutex);
    lane->ended = true;
    pthread_cond_broadcast(&lane->waiting_changed);
    pthread_mutex_unlock(&lane->mutex);
    for (size_t i = 0; i < lane->threads_n; i++)
        pthread_join(lane->threads[i], NULL);
    grpc_completion_queue_shutdown(lane->queue);
    if (lane->acceptor_runs)
        pthread_join(lane->acceptor, NULL);
    while (
        grpc_completion_queue_next(lane->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL).type !=
        GRPC_QUEUE_SHUTDOWN)
        ;
    for (size_t i = 0; i < lane->slots_n; i++)
        slot_deinit(&lane->slots[i]);
    grpc_completion_queue_destroy(lane->queue);
    pthread_cond_destroy(&lane->waiting_changed);
    pthread_mutex_destroy(&lane->mutex);
    lane_release(lane);
}
