#include <string.h>

#include "base/clock.h"
#include "bus/bus.h"
#include "obol/journal/v1/journal.pb-c.h"

static char *text(const char *value)
{
    return (char *)(value ? value : "");
}

static ProtobufCBinaryData binary(struct bytes bytes)
{
    return (ProtobufCBinaryData){bytes.length, (uint8_t *)bytes.at};
}

struct bytes event_pack(struct arena *arena, const struct event *event)
{
    Google__Protobuf__Timestamp created_at = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    created_at.seconds = event->created_us / US_PER_S;
    created_at.nanos = (int32_t)(event->created_us % US_PER_S) * 1000;
    Obol__Journal__V1__Event message = OBOL__JOURNAL__V1__EVENT__INIT;
    message.id = text(event->id);
    message.tenant_id = text(event->tenant_id);
    message.type = text(event->type);
    message.object_id = text(event->object_id);
    message.payment_id = text(event->payment_id);
    message.sequence = event->sequence;
    message.created_at = &created_at;
    message.request_id = text(event->request_id);
    message.traceparent = text(event->traceparent);
    message.body = binary(event->body);
    message.payload = binary(event->payload);
    size_t length = obol__journal__v1__event__get_packed_size(&message);
    uint8_t *packed = arena_alloc(arena, length);
    if (!packed)
        return (struct bytes){0};
    return (struct bytes){packed, obol__journal__v1__event__pack(&message, packed)};
}

static void *from_arena(void *arena, size_t size)
{
    return arena_alloc(arena, size);
}

static void keep(void *arena, void *at)
{
    (void)arena, (void)at; // the arena frees
}

enum status event_unpack(struct arena *arena, struct bytes packed, struct event *ret)
{
    ProtobufCAllocator allocator = {.alloc = from_arena, .free = keep, .allocator_data = arena};
    const Obol__Journal__V1__Event *message =
        obol__journal__v1__event__unpack(&allocator, packed.length, packed.at);
    if (!message || !*message->id || !*message->type)
        return STATUS_INVALID_ARGUMENT;
    int64_t created_us = 0;
    if (message->created_at)
        created_us = message->created_at->seconds * US_PER_S + message->created_at->nanos / 1000;
    *ret = (struct event){
        .id = message->id,
        .tenant_id = message->tenant_id,
        .type = message->type,
        .object_id = message->object_id,
        .payment_id = message->payment_id,
        .request_id = message->request_id,
        .traceparent = message->traceparent,
        .sequence = message->sequence,
        .created_us = created_us,
        .body = {message->body.data, message->body.len},
        .payload = {message->payload.data, message->payload.len},
    };
    return STATUS_OK;
}
