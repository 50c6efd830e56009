#include <string.h>

#include "base/clock.h"
#include "bus/bus.h"
#include "obol/journal/v1/journal.pb-c.h"
#include "json/message.h"

static char *text(const char *value)
{
    return (char *)(value ? value : "");
}

static ProtobufCBinaryData binary(struct bytes bytes)
{
    return (ProtobufCBinaryData){bytes.length, (uint8_t *)bytes.at};
}

static Obol__Journal__V1__Event message_of(const struct event *event,
                                           Google__Protobuf__Timestamp *created_at)
{
    *created_at = (Google__Protobuf__Timestamp)GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    created_at->seconds = event->created_us / US_PER_S;
    created_at->nanos = (int32_t)(event->created_us % US_PER_S) * 1000;
    Obol__Journal__V1__Event message = OBOL__JOURNAL__V1__EVENT__INIT;
    message.id = text(event->id);
    message.tenant_id = text(event->tenant_id);
    message.type = text(event->type);
    message.object_id = text(event->object_id);
    message.payment_id = text(event->payment_id);
    message.sequence = event->sequence;
    message.created_at = created_at;
    message.request_id = text(event->request_id);
    message.traceparent = text(event->traceparent);
    message.body = binary(event->body);
    message.payload = binary(event->payload);
    return message;
}

struct bytes events_pack(struct arena *arena, const struct event *events, size_t n)
{
    Obol__Journal__V1__Event *messages = ARENA_ARRAY(arena, n, Obol__Journal__V1__Event);
    Obol__Journal__V1__Event **pointers = ARENA_ARRAY(arena, n, Obol__Journal__V1__Event *);
    Google__Protobuf__Timestamp *times = ARENA_ARRAY(arena, n, Google__Protobuf__Timestamp);
    if (!messages || !pointers || !times)
        return (struct bytes){0};
    for (size_t i = 0; i < n; i++) {
        messages[i] = message_of(&events[i], &times[i]);
        pointers[i] = &messages[i];
    }
    Obol__Journal__V1__Events all = OBOL__JOURNAL__V1__EVENTS__INIT;
    all.n_events = n;
    all.events = pointers;
    return message_pack(arena, &all.base);
}

static struct event event_of(const Obol__Journal__V1__Event *message)
{
    int64_t created_us = 0;
    if (message->created_at)
        created_us = message->created_at->seconds * US_PER_S + message->created_at->nanos / 1000;
    return (struct event){
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
}

enum status events_unpack(struct arena *arena, struct bytes packed, struct event **ret,
                          size_t *ret_n)
{
    const Obol__Journal__V1__Events *all =
        (const void *)message_unpack(arena, &obol__journal__v1__events__descriptor, packed);
    if (!all)
        return message_unread(arena);
    if (all->n_events == 0)
        return STATUS_INVALID_ARGUMENT;
    struct event *events = ARENA_ARRAY(arena, all->n_events, struct event);
    if (!events)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < all->n_events; i++) {
        if (!*all->events[i]->id || !*all->events[i]->type)
            return STATUS_INVALID_ARGUMENT;
        events[i] = event_of(all->events[i]);
    }
    *ret = events;
    *ret_n = all->n_events;
    return STATUS_OK;
}
