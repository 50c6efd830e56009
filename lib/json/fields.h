// What this room knows of protobuf-c's descriptors.
#pragma once
#include <protobuf-c/protobuf-c.h>

#include "base/arena.h"

#define MEMBER(message, field) ((void *)((char *)(message) + (field)->offset))
#define COUNT(message, field) ((size_t *)(void *)((char *)(message) + (field)->quantifier_offset))

enum kind {
    KIND_OBJECT,
    KIND_TIMESTAMP,
    KIND_WRAPPER, // its one field is the value
};
enum kind json_message_kind(const ProtobufCMessageDescriptor *type);

// protobuf-c carries no map flag: an entry is told by its name and its two fields.
bool json_field_is_map(const ProtobufCFieldDescriptor *field);
size_t json_field_size(const ProtobufCFieldDescriptor *field); // of one value, in C
bool json_field_is_integer(const ProtobufCFieldDescriptor *field);

// False when the value does not fit the field or JSON.
bool json_field_set_integer(const ProtobufCFieldDescriptor *field, void *member, int64_t value);
int64_t json_field_get_integer(const ProtobufCFieldDescriptor *field, const void *member);
// "between 0 and 9007199254740991", for the refusal.
void json_field_range(const ProtobufCFieldDescriptor *field, int64_t *ret_min, int64_t *ret_max);

// Presence beyond the value itself: a oneof's case or a proto2 has_ member.
bool json_field_absent(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field);
void json_field_mark(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field);

void json_timestamp_set(ProtobufCMessage *timestamp, int64_t unix_us);
int64_t json_timestamp_get(const ProtobufCMessage *timestamp);
