// protobuf-c messages in an arena: made, packed, unpacked, nothing to free.
#pragma once
#include <protobuf-c/protobuf-c.h>

#include "base/arena.h"

// A new message of this type, initialised; NULL when the arena is full.
void *message_new(struct arena *arena, const ProtobufCMessageDescriptor *type);
#define MESSAGE_NEW(arena, prefix, type) ((type *)message_new((arena), &prefix##__descriptor))
struct bytes message_pack(struct arena *arena,
                          const ProtobufCMessage *message); // at NULL when full
// NULL when it is malformed, or found no memory (message_unread tells).
ProtobufCMessage *message_unpack(struct arena *arena, const ProtobufCMessageDescriptor *type,
                                 struct bytes packed);
// Why message_unpack gave NULL: RESOURCE_EXHAUSTED where the arena has refused, else
// INVALID_ARGUMENT. What is malformed is so for ever, what found no memory may be read next time.
enum status message_unread(const struct arena *arena);
