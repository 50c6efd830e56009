// Where calls live that are not one question and one answer: Health.Watch and reflection. Also
// Health.Check, so that a probe is answered while every fast worker waits for the database. One
// thread, one queue.
#include "rpc/stage.h"

#include <stdlib.h>

#include "base/clock.h"
#include "grpc/health/v1/health.obol.h"
#include "grpc/reflection/v1/reflection.obol.h"
#include "grpc/reflection/v1alpha/reflection.obol.h"

struct stage *stage_new(struct rpc_server *server)
{
    struct stage *stage = calloc(1, sizeof *stage);
    if (!stage || !(stage->arena = arena_new(ARENA_CAP_REQUEST))) {
        free(stage);
        return NULL;
    }
    stage->server = server;
    pthread_mutex_init(&stage->mutex, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&stage->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    stage->queue = grpc_completion_queue_create_for_next(NULL);
    grpc_server_register_completion_queue(server->core, stage->queue, NULL);
    stage->check.method = METHOD_Health_Check;
    stage->kinds[0].method = METHOD_Health_Watch;
    // What the contracts are is for operators; their own .proto says nothing of callers.
    stage->reflections[0] = *METHOD_ServerReflection_ServerReflectionInfo;
    stage->reflections[1] = *METHOD_v1alpha_ServerReflection_ServerReflectionInfo;
    for (size_t i = 0; i < 2; i++) {
        stage->reflections[i].callers = ROLE_BIT(ROLE_OPERATOR);
        stage->kinds[1 + i].method = &stage->reflections[i];
    }
    stage->check.registered =
        grpc_server_register_method(server->core, stage->check.method->path, NULL,
                                    GRPC_SRM_PAYLOAD_READ_INITIAL_BYTE_BUFFER, 0);
    stage->kinds_n = server->config.health_only ? 1 : KINDS_N;
    for (size_t i = 0; i < stage->kinds_n; i++)
        stage->kinds[i].registered = grpc_server_register_method(
            server->core, stage->kinds[i].method->path, NULL,
            i == 0 ? GRPC_SRM_PAYLOAD_READ_INITIAL_BYTE_BUFFER : GRPC_SRM_PAYLOAD_NONE, 0);
    for (size_t i = 0; i < CHECKS_N; i++)
        slot_init(&stage->checks[i], server, &stage->check, stage->queue);
    for (size_t i = 0; i < POOL_N; i++)
        stream_reset(&stage->streams[i], stage);
    return stage;
}

static void check_answer(struct stage *stage, struct slot *slot)
{
    struct call *call = &slot->item.call;
    Grpc__Health__V1__HealthCheckResponse response = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
    if (slot_decode(slot, &slot->item, stage->arena)) {
        const Grpc__Health__V1__HealthCheckRequest *request = (const void *)call->request;
        int serving = health_serving(stage->server, request->service);
        response.status = (Grpc__Health__V1__HealthCheckResponse__ServingStatus)serving;
        if (serving == GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVICE_UNKNOWN)
            problem_not_found(&call->problem, "service");
        else
            call_answer(call, &response.base);
    }
    slot_answer(slot, call);
    arena_reset(stage->arena);
}

// Streams that wait for nothing but a change. A busy one is cut off when the server stops.
static void stage_tick(struct stage *stage)
{
    for (size_t i = 0; i < POOL_N; i++) {
        struct stream *stream = &stage->streams[i];
        if (!stream->open)
            continue;
        if (atomic_load(&stage->server->stopping) && stream->io_busy && !stream->ended) {
            stream->ended = true;
            grpc_call_cancel_with_status(stream->call, GRPC_STATUS_UNAVAILABLE, "The server stops.",
                                         NULL);
        }
        stream_turn(stream);
    }
}

static void stage_change(struct stage *stage, bool *what)
{
    pthread_mutex_lock(&stage->mutex);
    *what = true;
    pthread_cond_broadcast(&stage->changed);
    pthread_mutex_unlock(&stage->mutex);
}

static void stage_event(struct stage *stage, void *tag, bool success)
{
    struct slot *slot = tag;
    if (slot >= stage->checks && slot < stage->checks + CHECKS_N) {
        if (slot_event(slot, success))
            check_answer(stage, slot);
    } else if (tag == &stage->shutdown) {
        stage_change(stage, &stage->is_shut_down);
    } else {
        stream_event(tag, success);
    }
}

// A stream that arrives takes a free one to be armed in its place: while others are still being
// armed, none is free for certain.
static void stage_wait_armed(struct stage *stage)
{
    pthread_mutex_lock(&stage->mutex);
    while (!stage->armed)
        pthread_cond_wait(&stage->changed, &stage->mutex);
    pthread_mutex_unlock(&stage->mutex);
}

static void *stage_main(void *argument)
{
    struct stage *stage = argument;
    stage_wait_armed(stage);
    for (;;) {
        gpr_timespec until = stage->watches_n + stage->reflections_n > 0
                                 ? deadline_to_core(clock_deadline_ns(TICK_MS))
                                 : gpr_inf_future(GPR_CLOCK_MONOTONIC);
        grpc_event event = grpc_completion_queue_next(stage->queue, until, NULL);
        if (event.type == GRPC_QUEUE_SHUTDOWN)
            return NULL;
        if (event.type == GRPC_OP_COMPLETE)
            stage_event(stage, event.tag, event.success);
        stage_tick(stage);
    }
}

bool stage_run(struct stage *stage)
{
    stage->runs = pthread_create(&stage->thread, NULL, stage_main, stage) == 0;
    return stage->runs;
}

void stage_arm(struct stage *stage)
{
    for (size_t i = 0; i < CHECKS_N; i++) {
        server_enter(stage->server);
        slot_arm(&stage->checks[i]);
    }
    for (size_t i = 0; i < stage->kinds_n * ARMED_N; i++) {
        server_enter(stage->server);
        stream_arm(&stage->streams[i], &stage->kinds[i % stage->kinds_n]);
    }
    stage_change(stage, &stage->armed);
}

void stage_shutdown(struct stage *stage)
{
    grpc_server_shutdown_and_notify(stage->server->core, stage->queue, &stage->shutdown);
}

bool stage_wait(struct stage *stage, int64_t max_ms)
{
    int64_t until_ns = clock_deadline_ns(max_ms);
    struct timespec until = {until_ns / NS_PER_S, until_ns % NS_PER_S};
    int error = 0;
    pthread_mutex_lock(&stage->mutex);
    while (!stage->is_shut_down && error == 0)
        error = pthread_cond_timedwait(&stage->changed, &stage->mutex, &until);
    bool done = stage->is_shut_down;
    pthread_mutex_unlock(&stage->mutex);
    return done;
}

void stage_free(struct stage *stage)
{
    if (!stage)
        return;
    grpc_completion_queue_shutdown(stage->queue);
    stage_change(stage, &stage->armed); // where it came to nothing
    if (stage->runs)
        pthread_join(stage->thread, NULL);
    while (
        grpc_completion_queue_next(stage->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL).type !=
        GRPC_QUEUE_SHUTDOWN)
        ;
    for (size_t i = 0; i < CHECKS_N; i++)
        slot_deinit(&stage->checks[i]);
    for (size_t i = 0; i < POOL_N; i++)
        grpc_metadata_array_destroy(&stage->streams[i].metadata);
    grpc_completion_queue_destroy(stage->queue);
    pthread_cond_destroy(&stage->changed);
    pthread_mutex_destroy(&stage->mutex);
    arena_free(stage->arena);
    free(stage);
}
