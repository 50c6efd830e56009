// What a .proto says about its own parts, from SourceCodeInfo.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "google/protobuf/descriptor.pb-c.h"

// A place in a file: field numbers of FileDescriptorProto and indices, by turns.
#define PLACE_MAX 16
struct place {
    const Google__Protobuf__FileDescriptorProto *file;
    int32_t path[PLACE_MAX];
    size_t length;
};
#define PLACE_MESSAGE 4 // FileDescriptorProto.message_type
#define PLACE_SERVICE 6 // FileDescriptorProto.service
#define PLACE_FIELD 2   // DescriptorProto.field, ServiceDescriptorProto.method
#define PLACE_NESTED 3  // DescriptorProto.nested_type

struct place place_in(struct place place, int32_t field, size_t index);

// The comment before the place or, without one, on its line; as one line. NULL when there is none;
// free() it.
char *place_comment(const struct place *place);
