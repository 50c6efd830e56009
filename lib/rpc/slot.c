#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "rpc/internal.h"

void slot_init(struct slot *slot, struct rpc_server *server, const struct binding *binding,
               grpc_completion_queue *queue)
{
    *slot = (struct slot){.server = server, .binding = binding, .queue = queue};
    slot->request = grpc_empty_slice();
    grpc_metadata_array_init(&slot->metadata);
    grpc_call_details_init(&slot->details);
}

void slot_deinit(struct slot *slot)
{
    grpc_metadata_array_destroy(&slot->metadata);
}

void slot_arm(struct slot *slot)
{
    if (atomic_load(&slot->server->stopping)) {
        server_leave(slot->server);
        return;
    }
    grpc_call_error error;
    slot->began_ns = 0;
    atomic_store_explicit(&slot->state, SLOT_ARMED, memory_order_release);
    if (slot->binding)
        error = grpc_server_request_registered_call(slot->server->core, slot->binding->registered,
                                                    &slot->call, &slot->deadline, &slot->metadata,
                                                    &slot->payload, slot->queue, slot->queue, slot);
    else
        error = grpc_server_request_call(slot->server->core, &slot->call, &slot->details,
                                         &slot->metadata, slot->queue, slot->queue, slot);
    if (error != GRPC_CALL_OK) {
        atomic_store(&slot->state, SLOT_IDLE);
        server_leave(slot->server);
        log_error("rpc.slot_not_armed", LOG_S("reason", grpc_call_error_to_string(error)));
    }
}

static void slot_release(struct slot *slot)
{
    if (slot->payload)
        grpc_byte_buffer_destroy(slot->payload);
    if (slot->answer)
        grpc_byte_buffer_destroy(slot->answer);
    slot->payload = slot->answer = NULL;
    grpc_slice_unref(slot->request);
    slot->request = grpc_empty_slice();
    if (!slot->binding) {
        grpc_call_details_destroy(&slot->details);
        grpc_call_details_init(&slot->details);
    }
    slot->metadata.count = 0;
    if (slot->call)
        grpc_call_unref(slot->call);
    slot->call = NULL;
}

bool slot_event(struct slot *slot, bool success)
{
    int state = atomic_load_explicit(&slot->state, memory_order_acquire);
    if (state == SLOT_ARMED && success) {
        atomic_store(&slot->state, SLOT_RUNNING);
        slot->began_ns = clock_now_ns();
        return true;
    }
    atomic_store(&slot->state, SLOT_IDLE);
    if (state == SLOT_SENDING) {
        slot_release(slot);
        slot_arm(slot);
    } else { // armed, and the server stops
        server_leave(slot->server);
    }
    return false;
}

struct bytes slot_request(struct slot *slot)
{
    if (!slot->payload || !buffer_to_slice(slot->payload, &slot->request))
        return (struct bytes){NULL, 0};
    static const uint8_t nothing[1];
    size_t length = GRPC_SLICE_LENGTH(slot->request);
    return (struct bytes){length ? GRPC_SLICE_START_PTR(slot->request) : nothing, length};
}

bool slot_context(struct slot *slot, struct call_context *ret, struct arena *arena,
                  struct problem *problem)
{
    ret->deadline_ns = deadline_from_core(slot->deadline);
    return context_from_metadata(&slot->metadata, arena, ret, problem);
}

bool slot_decode(struct slot *slot, struct item *item, struct arena *arena)
{
    *item = (struct item){.slot = slot, .binding = slot->binding};
    item->call.method = slot->binding->method;
    item->call.arena = arena;
    if (!arena) {
        item->settled = true;
        call_refuse(&item->call, STATUS_RESOURCE_EXHAUSTED, "out_of_memory", NULL,
                    "The server has no memory left for this call.");
        return false;
    }
    if (!slot_context(slot, &item->call.context, arena, &item->call.problem)) {
        item->settled = true;
        return false;
    }
    slot->role = role_of_peer(slot->call);
    if (!call_admit(slot->server, slot->role, &item->call)) {
        item->settled = true;
        return false;
    }
    item->call.request_bytes = slot_request(slot);
    item_prepare(item, clock_now_ns());
    return !item->settled;
}

// One batch of operations, one event when all of it is over.
static void slot_send(struct slot *slot, enum status status, const char *detail,
                      grpc_metadata *entry, bool replayed)
{
    grpc_metadata mark = {.key = grpc_slice_from_static_string(KEY_REPLAYED),
                          .value = grpc_slice_from_static_string("true")};
    grpc_slice text = grpc_slice_from_copied_string(detail);
    grpc_op ops[4] = {0};
    size_t n = 0;
    ops[n].op = GRPC_OP_SEND_INITIAL_METADATA;
    ops[n].data.send_initial_metadata.count = replayed ? 1 : 0;
    ops[n++].data.send_initial_metadata.metadata = &mark;
    if (slot->answer) {
        ops[n].op = GRPC_OP_SEND_MESSAGE;
        ops[n++].data.send_message.send_message = slot->answer;
    }
    ops[n].op = GRPC_OP_SEND_STATUS_FROM_SERVER;
    ops[n].data.send_status_from_server.status = (grpc_status_code)status;
    ops[n].data.send_status_from_server.status_details = &text;
    ops[n].data.send_status_from_server.trailing_metadata_count = entry ? 1 : 0;
    ops[n++].data.send_status_from_server.trailing_metadata = entry;
    ops[n].op = GRPC_OP_RECV_CLOSE_ON_SERVER;
    ops[n++].data.recv_close_on_server.cancelled = &slot->cancelled;
    grpc_call *call = slot->call;
    atomic_store_explicit(&slot->state, SLOT_SENDING, memory_order_release);
    grpc_call_error error = grpc_call_start_batch(call, ops, n, slot, NULL);
    grpc_slice_unref(text);
    if (error == GRPC_CALL_OK)
        return; // the slot is the queue's now
    log_error("rpc.answer_not_sent", LOG_S("reason", grpc_call_error_to_string(error)));
    grpc_call_cancel(call, NULL);
    slot_event(slot, false);
}

void slot_refuse(struct slot *slot, const struct problem *problem)
{
    uint8_t packed[DETAILS_BYTES_MAX];
    size_t length = details_pack(problem, packed);
    grpc_metadata entry = {.key = grpc_slice_from_static_string(KEY_DETAILS),
                           .value = grpc_slice_from_copied_buffer((const char *)packed, length)};
    slot_send(slot, problem->status, problem->detail, length ? &entry : NULL, false);
    grpc_slice_unref(entry.value);
}

void slot_answer_message(struct slot *slot, const ProtobufCMessage *message)
{
    slot->answer = buffer_of_message(message);
    slot_send(slot, STATUS_OK, "", NULL, false);
}

void slot_answer(struct slot *slot, struct call *call)
{
    server_observe(slot->server, call, slot->began_ns);
    if (call->problem.status != STATUS_OK) {
        slot_refuse(slot, &call->problem);
        return;
    }
    slot->answer =
        call->packed.at ? buffer_of_bytes(call->packed) : buffer_of_message(call->response);
    slot_send(slot, STATUS_OK, "", NULL, call->replayed);
}
