// proto3 strings are UTF-8; protobuf-c takes any bytes. What isn't UTF-8 must not reach a handler:
// PostgreSQL would refuse it deep inside, and JSON can't hold it.
#include "rpc/internal.h"
#include "json/json.h"

#define DEPTH_MAX 32

static const char *bad_text(const ProtobufCMessage *message, int depth);

static const char *bad_value(const ProtobufCFieldDescriptor *field, const void *value, int depth)
{
    if (field->type == PROTOBUF_C_TYPE_STRING) {
        const char *text = *(const char *const *)value;
        return text && !json_utf8_valid(bytes_of_string(text)) ? field->name : NULL;
    }
    const ProtobufCMessage *inner = *(const ProtobufCMessage *const *)value;
    return inner ? bad_text(inner, depth + 1) : NULL;
}

static const char *bad_field(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                             int depth)
{
    const char *base = (const char *)message;
    bool one_of = (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
    if (one_of && *(const uint32_t *)(const void *)(base + field->quantifier_offset) != field->id)
        return NULL; // the union holds another member
    if (field->label != PROTOBUF_C_LABEL_REPEATED)
        return bad_value(field, base + field->offset, depth);
    size_t n = *(const size_t *)(const void *)(base + field->quantifier_offset);
    const void *const *items = *(const void *const *const *)(const void *)(base + field->offset);
    for (size_t i = 0; i < n; i++) {
        const char *bad = bad_value(field, &items[i], depth);
        if (bad)
            return bad;
    }
    return NULL;
}

static const char *bad_text(const ProtobufCMessage *message, int depth)
{
    const ProtobufCMessageDescriptor *type = message->descriptor;
    if (depth > DEPTH_MAX)
        return type->short_name;
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        bool textual =
            field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE;
        const char *bad = textual ? bad_field(message, field, depth) : NULL;
        if (bad)
            return bad;
    }
    return NULL;
}

const char *message_bad_text(const ProtobufCMessage *message)
{
    return bad_text(message, 0);
}
