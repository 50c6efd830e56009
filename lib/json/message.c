#include "json/message.h"

static void *from_arena(void *arena, size_t bytes)
{
    return arena_alloc(arena, bytes);
}

static void keep(void *arena, void *at)
{
    (void)arena, (void)at; // the arena frees
}

void *message_new(struct arena *arena, const ProtobufCMessageDescriptor *type)
{
    ProtobufCMessage *message = arena_alloc(arena, type->sizeof_message);
    if (message)
        protobuf_c_message_init(type, message);
    return message;
}

struct bytes message_pack(struct arena *arena, const ProtobufCMessage *message)
{
    size_t length = protobuf_c_message_get_packed_size(message);
    uint8_t *at = arena_alloc(arena, length);
    if (!at)
        return (struct bytes){NULL, 0};
    protobuf_c_message_pack(message, at);
    return (struct bytes){at, length};
}

ProtobufCMessage *message_unpack(struct arena *arena, const ProtobufCMessageDescriptor *type,
                                 struct bytes packed)
{
    static const uint8_t nothing[1];
    ProtobufCAllocator allocator = {.alloc = from_arena, .free = keep, .allocator_data = arena};
    return protobuf_c_message_unpack(type, &allocator, packed.length,
                                     packed.at ? packed.at : nothing);
}

enum status message_unread(const struct arena *arena)
{
    return arena_exhausted(arena) ? STATUS_RESOURCE_EXHAUSTED : STATUS_INVALID_ARGUMENT;
}
