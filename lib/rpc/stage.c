// Where calls live that are not one question and one answer: Health.Watch and reflection. Also
// Health.Check, so that a probe is answered while every fast worker waits for the database.
//
// One thread, one queue. A stream has at most two batches of operations with the core: RECV_CLOSE
// from its beginning, which tells when the call is over, and one other. It is released when neither
// is left.
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "grpc/health/v1/health.obol.h"
#include "grpc/reflection/v1/reflection.obol.h"
#include "grpc/reflection/v1alpha/reflection.obol.h"
#include "rpc/internal.h"

#define CHECKS_N 16
#define KINDS_N 3
#define ARMED_N 2 // of each kind, waiting for a call or refusing one
#define POOL_N (STREAMS_MAX + KINDS_N * ARMED_N)
#define TICK_MS 100
#define SERVICE_NAME_MAX 255

struct stage_tag {
    struct stream *stream;
    enum { TAG_ARRIVE, TAG_CLOSE, TAG_IO } kind;
};

struct stream {
    struct stage *stage;
    struct binding *binding; // NULL: free
    struct stage_tag arrive, close, io;
    bool open, counted, io_busy, closed, ended; // ended: its last words are said
    grpc_call *call;
    grpc_metadata_array metadata;
    gpr_timespec deadline;
    grpc_byte_buffer *received, *sent;
    int cancelled;
    char service[SERVICE_NAME_MAX + 1];
    int serving_sent; // -1: nothing yet
};

struct stage {
    struct rpc_server *server;
    grpc_completion_queue *queue;
    struct binding check, kinds[KINDS_N];
    struct slot checks[CHECKS_N];
    struct stream streams[POOL_N];
    size_t open_n;
    struct arena *arena;
    pthread_t thread;
    bool runs;
    pthread_mutex_t mutex;
    pthread_cond_t shut_down;
    bool is_shut_down;
    struct stage_tag shutdown;
};

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
    pthread_cond_init(&stage->shut_down, &attributes);
    pthread_condattr_destroy(&attributes);
    stage->queue = grpc_completion_queue_create_for_next(NULL);
    grpc_server_register_completion_queue(server->core, stage->queue, NULL);
    stage->check.method = METHOD_Health_Check;
    stage->kinds[0].method = METHOD_Health_Watch;
    stage->kinds[1].method = METHOD_ServerReflection_ServerReflectionInfo;
    stage->kinds[2].method = METHOD_v1alpha_ServerReflection_ServerReflectionInfo;
    stage->check.registered =
        grpc_server_register_method(server->core, stage->check.method->path, NULL,
                                    GRPC_SRM_PAYLOAD_READ_INITIAL_BYTE_BUFFER, 0);
    for (size_t i = 0; i < KINDS_N; i++)
        stage->kinds[i].registered = grpc_server_register_method(
            server->core, stage->kinds[i].method->path, NULL,
            i == 0 ? GRPC_SRM_PAYLOAD_READ_INITIAL_BYTE_BUFFER : GRPC_SRM_PAYLOAD_NONE, 0);
    for (size_t i = 0; i < CHECKS_N; i++)
        slot_init(&stage->checks[i], server, &stage->check, stage->queue);
    return stage;
}

static bool stream_watches(const struct stream *stream)
{
    return stream->binding == &stream->stage->kinds[0];
}

static void stream_arm(struct stream *stream, struct binding *binding)
{
    struct stage *stage = stream->stage;
    if (atomic_load(&stage->server->stopping))
        return;
    stream->binding = binding;
    bool watches = stream_watches(stream);
    grpc_call_error error = grpc_server_request_registered_call(
        stage->server->core, binding->registered, &stream->call, &stream->deadline,
        &stream->metadata, watches ? &stream->received : NULL, stage->queue, stage->queue,
        &stream->arrive);
    if (error != GRPC_CALL_OK)
        stream->binding = NULL;
}

static void stream_release(struct stream *stream)
{
    struct stage *stage = stream->stage;
    struct binding *binding = stream->binding;
    bool counted = stream->counted;
    if (stream->received)
        grpc_byte_buffer_destroy(stream->received);
    if (stream->sent)
        grpc_byte_buffer_destroy(stream->sent);
    if (stream->call)
        grpc_call_unref(stream->call);
    grpc_metadata_array_destroy(&stream->metadata);
    *stream = (struct stream){.stage = stage, .serving_sent = -1};
    stream->arrive = (struct stage_tag){stream, TAG_ARRIVE};
    stream->close = (struct stage_tag){stream, TAG_CLOSE};
    stream->io = (struct stage_tag){stream, TAG_IO};
    grpc_metadata_array_init(&stream->metadata);
    if (counted)
        stage->open_n--; // another took its place when it was opened
    else if (binding)
        stream_arm(stream, binding);
}

static bool stream_start(struct stream *stream, const grpc_op *ops, size_t n, struct stage_tag *tag)
{
    if (grpc_call_start_batch(stream->call, ops, n, tag, NULL) == GRPC_CALL_OK)
        return true;
    grpc_call_cancel(stream->call, NULL);
    return false;
}

static void stream_end(struct stream *stream, enum status status, const char *detail)
{
    stream->ended = true;
    grpc_slice text = grpc_slice_from_copied_string(detail);
    grpc_op op = {.op = GRPC_OP_SEND_STATUS_FROM_SERVER};
    op.data.send_status_from_server.status = (grpc_status_code)status;
    op.data.send_status_from_server.status_details = &text;
    stream->io_busy = stream_start(stream, &op, 1, &stream->io);
    grpc_slice_unref(text);
}

static void stream_open(struct stream *stream)
{
    stream->open = true;
    grpc_op close = {.op = GRPC_OP_RECV_CLOSE_ON_SERVER};
    close.data.recv_close_on_server.cancelled = &stream->cancelled;
    stream->closed = !stream_start(stream, &close, 1, &stream->close);
    grpc_op ops[2] = {{.op = GRPC_OP_SEND_INITIAL_METADATA}, {.op = GRPC_OP_RECV_MESSAGE}};
    ops[1].data.recv_message.recv_message = &stream->received;
    bool receives = stream->counted && !stream_watches(stream);
    stream->io_busy = stream_start(stream, ops, receives ? 2 : 1, &stream->io);
}

static void stream_arrive(struct stream *stream)
{
    struct stage *stage = stream->stage;
    stream->counted = stage->open_n < STREAMS_MAX;
    if (stream->counted) {
        stage->open_n++;
        for (size_t i = 0; i < POOL_N; i++)
            if (!stage->streams[i].binding) {
                stream_arm(&stage->streams[i], stream->binding);
                break;
            }
    }
    stream_open(stream);
}

static void watch_begin(struct stream *stream)
{
    grpc_slice slice = grpc_empty_slice();
    Grpc__Health__V1__HealthCheckRequest *request = NULL;
    if (buffer_to_slice(stream->received, &slice))
        request = (void *)message_unpack(
            stream->stage->arena, &grpc__health__v1__health_check_request__descriptor,
            (struct bytes){GRPC_SLICE_START_PTR(slice), GRPC_SLICE_LENGTH(slice)});
    if (!request)
        stream_end(stream, STATUS_INVALID_ARGUMENT, "The message can't be read.");
    else
        snprintf(stream->service, sizeof stream->service, "%s", request->service);
    grpc_slice_unref(slice);
    if (stream->received)
        grpc_byte_buffer_destroy(stream->received);
    stream->received = NULL;
}

static void watch_turn(struct stream *stream)
{
    if (stream->received)
        watch_begin(stream);
    if (stream->ended)
        return;
    int serving = health_serving(stream->stage->server, stream->service);
    if (serving == stream->serving_sent)
        return;
    stream->serving_sent = serving;
    Grpc__Health__V1__HealthCheckResponse response = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
    response.status = (Grpc__Health__V1__HealthCheckResponse__ServingStatus)serving;
    stream->sent = buffer_of_message(&response.base);
    grpc_op op = {.op = GRPC_OP_SEND_MESSAGE};
    op.data.send_message.send_message = stream->sent;
    stream->io_busy = stream_start(stream, &op, 1, &stream->io);
}

static void reflection_turn(struct stream *stream)
{
    if (!stream->received) {
        stream_end(stream, STATUS_OK, ""); // the client has no more questions
        return;
    }
    struct stage *stage = stream->stage;
    grpc_slice slice = grpc_empty_slice();
    ProtobufCMessage *answer = NULL;
    if (buffer_to_slice(stream->received, &slice))
        answer = reflection_answer(
            stage->server, stage->arena,
            (struct bytes){GRPC_SLICE_START_PTR(slice), GRPC_SLICE_LENGTH(slice)});
    if (answer)
        stream->sent = buffer_of_message(answer);
    grpc_slice_unref(slice);
    grpc_byte_buffer_destroy(stream->received);
    stream->received = NULL;
    if (!answer) {
        stream_end(stream, STATUS_INVALID_ARGUMENT, "The message can't be read.");
        return;
    }
    grpc_op ops[2] = {{.op = GRPC_OP_SEND_MESSAGE}, {.op = GRPC_OP_RECV_MESSAGE}};
    ops[0].data.send_message.send_message = stream->sent;
    ops[1].data.recv_message.recv_message = &stream->received;
    stream->io_busy = stream_start(stream, ops, 2, &stream->io);
}

// What an idle stream does next.
static void stream_turn(struct stream *stream)
{
    if (stream->closed || stream->ended || stream->io_busy)
        return;
    if (!stream->counted)
        stream_end(stream, STATUS_RESOURCE_EXHAUSTED, "Too many streams.");
    else if (atomic_load(&stream->stage->server->stopping))
        stream_end(stream, STATUS_UNAVAILABLE, "The server stops.");
    else if (stream_watches(stream))
        watch_turn(stream);
    else
        reflection_turn(stream);
    arena_reset(stream->stage->arena);
}

static void stream_event(struct stage_tag *tag, bool success)
{
    struct stream *stream = tag->stream;
    if (tag->kind == TAG_ARRIVE && success) {
        stream_arrive(stream);
    } else if (tag->kind == TAG_ARRIVE) {
        stream->binding = NULL; // the server stops
        return;
    } else if (tag->kind == TAG_CLOSE) {
        stream->closed = true;
    } else {
        stream->io_busy = false;
        if (stream->sent)
            grpc_byte_buffer_destroy(stream->sent);
        stream->sent = NULL;
        if (!success)
            stream->ended = true; // RECV_CLOSE follows
    }
    stream_turn(stream);
    if (stream->closed && !stream->io_busy)
        stream_release(stream);
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

static void stage_event(struct stage *stage, void *tag, bool success)
{
    struct slot *slot = tag;
    if (slot >= stage->checks && slot < stage->checks + CHECKS_N) {
        if (slot_event(slot, success))
            check_answer(stage, slot);
    } else if (tag == &stage->shutdown) {
        pthread_mutex_lock(&stage->mutex);
        stage->is_shut_down = true;
        pthread_cond_broadcast(&stage->shut_down);
        pthread_mutex_unlock(&stage->mutex);
    } else {
        stream_event(tag, success);
    }
}

static void *stage_main(void *argument)
{
    struct stage *stage = argument;
    for (;;) {
        gpr_timespec until = stage->open_n > 0 ? deadline_to_core(clock_deadline_ns(TICK_MS))
                                               : gpr_inf_future(GPR_CLOCK_MONOTONIC);
        grpc_event event = grpc_completion_queue_next(stage->queue, until, NULL);
        if (event.type == GRPC_QUEUE_SHUTDOWN)
            return NULL;
        if (event.type == GRPC_OP_COMPLETE)
            stage_event(stage, event.tag, event.success);
        stage_tick(stage);
    }
}

enum status stage_run(struct stage *stage)
{
    for (size_t i = 0; i < CHECKS_N; i++)
        slot_arm(&stage->checks[i]);
    for (size_t i = 0; i < POOL_N; i++) {
        struct stream *stream = &stage->streams[i];
        stream->stage = stage;
        stream_release(stream); // gives it its tags
        if (i < KINDS_N * ARMED_N)
            stream_arm(stream, &stage->kinds[i % KINDS_N]);
    }
    if (pthread_create(&stage->thread, NULL, stage_main, stage) != 0)
        return STATUS_RESOURCE_EXHAUSTED;
    stage->runs = true;
    return STATUS_OK;
}

void stage_shutdown(struct stage *stage)
{
    grpc_server_shutdown_and_notify(stage->server->core, stage->queue, &stage->shutdown);
}

// Without its thread (it could not be started) somebody must still see the end.
static void stage_drain(struct stage *stage)
{
    gpr_timespec until = gpr_inf_future(GPR_CLOCK_MONOTONIC);
    while (!stage->is_shut_down)
        if (grpc_completion_queue_next(stage->queue, until, NULL).tag == &stage->shutdown)
            stage->is_shut_down = true;
}

bool stage_wait(struct stage *stage, int64_t max_ms)
{
    if (!stage->runs)
        stage_drain(stage);
    int64_t until_ns = clock_deadline_ns(max_ms);
    struct timespec until = {until_ns / NS_PER_S, until_ns % NS_PER_S};
    int error = 0;
    pthread_mutex_lock(&stage->mutex);
    while (!stage->is_shut_down && error == 0)
        error = pthread_cond_timedwait(&stage->shut_down, &stage->mutex, &until);
    bool done = stage->is_shut_down;
    pthread_mutex_unlock(&stage->mutex);
    return done;
}

void stage_free(struct stage *stage)
{
    if (!stage)
        return;
    grpc_completion_queue_shutdown(stage->queue);
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
    pthread_cond_destroy(&stage->shut_down);
    pthread_mutex_destroy(&stage->mutex);
    arena_free(stage->arena);
    free(stage);
}
