// One stream of the stage: Health.Watch or reflection. It has at most two batches of operations
// with the core: RECV_CLOSE from its beginning, which tells when the call is over, and one other.
// It is released when neither is left.
#include <stdio.h>

#include "grpc/health/v1/health.obol.h"
#include "rpc/stage.h"

bool stream_watches(const struct stream *stream)
{
    return stream->binding == &stream->stage->kinds[0];
}

void stream_arm(struct stream *stream, struct binding *binding)
{
    struct stage *stage = stream->stage;
    if (atomic_load(&stage->server->stopping)) {
        server_leave(stage->server);
        return;
    }
    stream->binding = binding;
    bool watches = stream_watches(stream);
    grpc_call_error error = grpc_server_request_registered_call(
        stage->server->core, binding->registered, &stream->call, &stream->deadline,
        &stream->metadata, watches ? &stream->received : NULL, stage->queue, stage->queue,
        &stream->arrive);
    if (error != GRPC_CALL_OK) {
        stream->binding = NULL;
        server_leave(stage->server);
    }
}

void stream_reset(struct stream *stream, struct stage *stage)
{
    *stream = (struct stream){.stage = stage, .serving_sent = -1};
    stream->arrive = (struct stage_tag){stream, TAG_ARRIVE};
    stream->close = (struct stage_tag){stream, TAG_CLOSE};
    stream->io = (struct stage_tag){stream, TAG_IO};
    grpc_metadata_array_init(&stream->metadata);
}

static size_t *stream_open_n(struct stage *stage, bool watches)
{
    return watches ? &stage->watches_n : &stage->reflections_n;
}

static void stream_release(struct stream *stream)
{
    struct stage *stage = stream->stage;
    struct binding *binding = stream->binding;
    bool counted = stream->counted, watches = stream_watches(stream);
    if (stream->received)
        grpc_byte_buffer_destroy(stream->received);
    if (stream->sent)
        grpc_byte_buffer_destroy(stream->sent);
    grpc_call_unref(stream->call);
    grpc_metadata_array_destroy(&stream->metadata);
    stream_reset(stream, stage);
    if (!counted) {
        stream_arm(stream, binding);
        return;
    }
    *stream_open_n(stage, watches) -= 1; // another took its place when it was opened
    server_leave(stage->server);
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
    size_t *open_n = stream_open_n(stage, stream_watches(stream));
    stream->counted = *open_n < (stream_watches(stream) ? WATCHES_MAX : REFLECTIONS_MAX);
    if (stream->counted) {
        *open_n += 1;
        for (size_t i = 0; i < POOL_N; i++)
            if (!stage->streams[i].binding) {
                server_enter(stage->server);
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

void stream_turn(struct stream *stream)
{
    if (stream->closed || stream->ended || stream->io_busy)
        return;
    if (!stream->counted)
        stream_end(stream, STATUS_RESOURCE_EXHAUSTED, "Too many streams.");
    else if (atomic_load(&stream->stage->server->stopping))
        stream_end(stream, STATUS_UNAVAILABLE, "The server stops.");
    else if (!role_may(stream->stage->server, role_of_peer(stream->call), stream->binding->method))
        stream_end(stream, STATUS_PERMISSION_DENIED, "This certificate may not call this method.");
    else if (stream_watches(stream))
        watch_turn(stream);
    else
        reflection_turn(stream);
    arena_reset(stream->stage->arena);
}

void stream_event(struct stage_tag *tag, bool success)
{
    struct stream *stream = tag->stream;
    if (tag->kind == TAG_ARRIVE && success) {
        stream_arrive(stream);
    } else if (tag->kind == TAG_ARRIVE) {
        stream->binding = NULL; // the server stops
        server_leave(stream->stage->server);
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
