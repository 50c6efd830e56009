// Bundle.Call on the server's side: its items join the turn as if each had come alone.
#include "base/clock.h"
#include "base/log.h"
#include "rpc/internal.h"

static void item_from_bundle(struct item *item, const Obol__Rpc__V1__BundledCall *from,
                             int64_t deadline_ns, struct turn *turn)
{
    struct slot *slot = item->slot;
    struct call *call = &item->call;
    item->settled = true;
    item->binding = server_binding(slot->server, from->method);
    if (!item->binding || item->binding->method->lane != LANE_FAST) {
        call->method = slot->binding->method;
        call_refuse(call, STATUS_UNIMPLEMENTED, "unimplemented", NULL,
                    "No such method rides in a bundle here.");
        return;
    }
    call->method = item->binding->method;
    call->arena = turn_arena(turn);
    if (!call->arena) {
        call_refuse(call, STATUS_RESOURCE_EXHAUSTED, "out_of_memory", NULL,
                    "The server has no memory left for this call.");
        return;
    }
    static const uint8_t nothing[1];
    call->request_bytes =
        (struct bytes){from->request.data ? from->request.data : nothing, from->request.len};
    call->context.deadline_ns = deadline_ns;
    if (context_from_bundle(from->context, call->arena, &call->context, &call->problem) &&
        call_admit(slot->server, slot->role, call))
        item_prepare(item, clock_now_ns());
}

// The bundle as a call of its own: context, bounds, items. False: the item has the problem.
static bool bundle_open(struct slot *slot, struct item *item)
{
    if (!slot_decode(slot, item, slot->arena))
        return false;
    slot->bundle = (Obol__Rpc__V1__BundleRequest *)(uintptr_t)item->call.request;
    if (slot->bundle->n_calls > BUNDLE_CALLS_MAX) {
        problem_invalid(&item->call.problem, "calls", "Too many calls for one bundle.");
        return false;
    }
    slot->items = ARENA_ARRAY(slot->arena, slot->bundle->n_calls, struct item);
    if (!slot->items)
        call_refuse(&item->call, STATUS_RESOURCE_EXHAUSTED, "out_of_memory", NULL,
                    "The server has no memory left for this call.");
    return slot->items != NULL;
}

void bundle_expand(struct slot *slot, struct turn *turn)
{
    slot->bundle = NULL;
    slot->items = NULL;
    slot->arena = turn_arena(turn);
    if (!bundle_open(slot, &slot->item)) {
        slot->bundle = NULL;
        return;
    }
    for (size_t i = 0; i < slot->bundle->n_calls; i++) {
        struct item *item = &slot->items[i];
        item->slot = slot;
        item_from_bundle(item, slot->bundle->calls[i], slot->item.call.context.deadline_ns, turn);
        turn->items[turn->items_n++] = item;
    }
}

static void answer_refused(Obol__Rpc__V1__BundledAnswer *answer, struct problem *problem,
                           struct arena *arena)
{
    uint8_t packed[DETAILS_BYTES_MAX];
    size_t length = details_pack(problem, packed);
    struct bytes details = arena_copy(arena, (struct bytes){packed, length});
    answer->status = (int32_t)problem->status;
    answer->message = problem->detail;
    if (details.at)
        answer->details = (ProtobufCBinaryData){details.length, (uint8_t *)(uintptr_t)details.at};
}

// Bounded together, so that the bundle can always be carried.
static void answer_fill(Obol__Rpc__V1__BundledAnswer *answer, struct item *item, size_t *bytes_left)
{
    struct call *call = &item->call;
    obol__rpc__v1__bundled_answer__init(answer);
    if (call->problem.status == STATUS_OK) {
        if (!call->packed.at)
            call->packed = message_pack(call->arena, call->response);
        if (!call->packed.at || call->packed.length > *bytes_left)
            call_answer_lost(call);
    }
    server_observe(item->slot->server, call, item->slot->began_ns);
    if (call->problem.status != STATUS_OK) {
        answer_refused(answer, &call->problem, item->slot->arena);
        return;
    }
    *bytes_left -= call->packed.length;
    answer->response =
        (ProtobufCBinaryData){call->packed.length, (uint8_t *)(uintptr_t)call->packed.at};
    answer->replayed = call->replayed;
}

void bundle_answer(struct slot *slot)
{
    if (!slot->bundle) {
        slot_answer(slot, &slot->item.call);
        return;
    }
    size_t n = slot->bundle->n_calls, bytes_left = RPC_ANSWER_BYTES_MAX;
    Obol__Rpc__V1__BundledAnswer *answers =
        ARENA_ARRAY(slot->arena, n, Obol__Rpc__V1__BundledAnswer);
    Obol__Rpc__V1__BundledAnswer **pointers =
        ARENA_ARRAY(slot->arena, n, Obol__Rpc__V1__BundledAnswer *);
    if (!answers || !pointers) { // the items ran: whatever they did stands
        problem_unknown(&slot->item.call.problem);
        slot_answer(slot, &slot->item.call);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        answer_fill(&answers[i], &slot->items[i], &bytes_left);
        pointers[i] = &answers[i];
    }
    Obol__Rpc__V1__BundleResponse response = OBOL__RPC__V1__BUNDLE_RESPONSE__INIT;
    response.n_answers = n;
    response.answers = pointers;
    slot_answer_message(slot, &response.base);
}
