#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "crypto/crypto.h"
#include "json/fields.h"
#include "json/message.h"
#include "json/parse.h"

// More than decoding base64 takes of the arena: the bytes, and the text once more.
#define DECODING_BYTES(length) (2 * (length) + 64)

struct reader {
    struct arena *arena;
    struct problem *problem;
    char path[PROBLEM_PARAM_MAX]; // of the value at hand, cut when it is longer
    size_t length;
};

static enum status object_read(struct reader *reader, const ProtobufCMessageDescriptor *type,
                               const json_t *object, ProtobufCMessage **ret);
static enum status value_read(struct reader *reader, const ProtobufCFieldDescriptor *field,
                              const json_t *value, void *member);

__attribute__((format(printf, 2, 3))) static size_t path_push(struct reader *reader,
                                                              const char *format, ...)
{
    size_t before = reader->length, left = sizeof(reader->path) - before;
    va_list arguments;
    int wanted = 0;

    va_start(arguments, format);
    wanted = vsnprintf(reader->path + before, left, format, arguments);
    va_end(arguments);
    if (wanted > 0)
        reader->length += (size_t)wanted < left ? (size_t)wanted : left - 1;
    return before;
}

static void path_pop(struct reader *reader, size_t before)
{
    reader->length = before;
    reader->path[before] = '\0';
}

static enum status refuse(struct reader *reader, const char *detail)
{
    return problem_invalid(reader->problem, reader->path, detail);
}

static enum status too_large(struct reader *reader)
{
    return problem_set(reader->problem, STATUS_RESOURCE_EXHAUSTED, "request_too_large", NULL,
                       "The request takes too much memory.");
}

static enum status string_read(struct reader *reader, const json_t *value, char **member)
{
    if (!json_is_string(value))
        return refuse(reader, "Must be a string.");
    if (json_string_length(value) > JSON_STRING_MAX)
        return refuse(reader, "Is too long.");
    *member = arena_strndup(reader->arena, json_string_value(value), json_string_length(value));
    return *member ? STATUS_OK : too_large(reader);
}

static enum status bytes_read(struct reader *reader, const json_t *value,
                              ProtobufCBinaryData *member)
{
    struct bytes decoded;

    if (!json_is_string(value))
        return refuse(reader, "Must be a string of base64.");
    if (json_string_length(value) > JSON_STRING_MAX)
        return refuse(reader, "Is too long.");
    size_t length = json_string_length(value);
    if (!crypto_base64_decode(reader->arena, json_string_value(value), length, &decoded)) {
        bool had_room = arena_alloc(reader->arena, DECODING_BYTES(length));
        return had_room ? refuse(reader, "Must be base64.") : too_large(reader);
    }
    member->data = (uint8_t *)decoded.at;
    member->len = decoded.length;
    return STATUS_OK;
}

static enum status integer_read(struct reader *reader, const ProtobufCFieldDescriptor *field,
                                const json_t *value, void *member)
{
    int64_t min = 0, max = 0;

    if (!json_is_integer(value))
        return refuse(reader, "Must be an integer, without fraction or exponent.");
    if (json_field_set_integer(field, member, json_integer_value(value)))
        return STATUS_OK;
    json_field_range(field, &min, &max);
    return problem_set(reader->problem, STATUS_INVALID_ARGUMENT, "invalid_request", reader->path,
                       "Must be between %" PRId64 " and %" PRId64 ".", min, max);
}

static enum status enum_read(struct reader *reader, const ProtobufCEnumDescriptor *type,
                             const json_t *value, int *member)
{
    const ProtobufCEnumValue *found = NULL;

    if (json_is_string(value))
        found = protobuf_c_enum_descriptor_get_value_by_name(type, json_string_value(value));
    if (!found)
        return refuse(reader, "Is none of the values that this field knows.");
    *member = found->value;
    return STATUS_OK;
}

static enum status message_read(struct reader *reader, const ProtobufCMessageDescriptor *type,
                                const json_t *value, ProtobufCMessage **member)
{
    enum kind kind = json_message_kind(type);
    int64_t unix_us = 0;

    if (kind == KIND_OBJECT)
        return object_read(reader, type, value, member);
    if (kind == KIND_TIMESTAMP &&
        (!json_is_string(value) || !clock_parse_rfc3339(json_string_value(value), &unix_us)))
        return refuse(reader, "Must be a time as RFC 3339 has it, as 2026-01-31T23:59:59Z.");
    *member = message_new(reader->arena, type);
    if (!*member)
        return too_large(reader);
    if (kind == KIND_WRAPPER)
        return value_read(reader, &type->fields[0], value, MEMBER(*member, &type->fields[0]));
    json_timestamp_set(*member, unix_us);
    return STATUS_OK;
}

static enum status value_read(struct reader *reader, const ProtobufCFieldDescriptor *field,
                              const json_t *value, void *member)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        return string_read(reader, value, member);
    case PROTOBUF_C_TYPE_BYTES:
        return bytes_read(reader, value, member);
    case PROTOBUF_C_TYPE_BOOL:
        if (!json_is_boolean(value))
            return refuse(reader, "Must be true or false.");
        *(protobuf_c_boolean *)member = json_is_true(value);
        return STATUS_OK;
    case PROTOBUF_C_TYPE_ENUM:
        return enum_read(reader, field->descriptor, value, member);
    case PROTOBUF_C_TYPE_MESSAGE:
        return message_read(reader, field->descriptor, value, member);
    default:
        return integer_read(reader, field, value, member);
    }
}

static enum status map_read(struct reader *reader, const ProtobufCFieldDescriptor *field,
                            const json_t *value, ProtobufCMessage *message)
{
    const ProtobufCMessageDescriptor *type = field->descriptor;
    size_t n = json_object_size(value);
    ProtobufCMessage **entries = NULL;

    if (!json_is_object(value))
        return refuse(reader, "Must be an object.");
    if (n > JSON_ITEMS_MAX)
        return refuse(reader, "Has too many members.");
    entries = ARENA_ARRAY(reader->arena, n, ProtobufCMessage *);
    if (!entries)
        return too_large(reader);
    *(ProtobufCMessage ***)MEMBER(message, field) = entries;
    for (void *at = json_object_iter((json_t *)value); at;
         at = json_object_iter_next((json_t *)value, at)) {
        size_t before = path_push(reader, ".%s", json_object_iter_key(at));
        ProtobufCMessage *entry = message_new(reader->arena, type);
        enum status status = STATUS_OK;
        if (!entry)
            return too_large(reader);
        *(char **)MEMBER(entry, &type->fields[0]) =
            arena_strdup(reader->arena, json_object_iter_key(at));
        if (!*(char **)MEMBER(entry, &type->fields[0]))
            return too_large(reader);
        if (json_object_iter_key_len(at) > JSON_STRING_MAX)
            return refuse(reader, "Has too long a name.");
        status = value_read(reader, &type->fields[1], json_object_iter_value(at),
                            MEMBER(entry, &type->fields[1]));
        if (status)
            return status;
        path_pop(reader, before);
        entries[(*COUNT(message, field))++] = entry;
    }
    return STATUS_OK;
}

static enum status list_read(struct reader *reader, const ProtobufCFieldDescriptor *field,
                             const json_t *value, ProtobufCMessage *message)
{
    size_t n = json_array_size(value), size = json_field_size(field);
    char *items = NULL;

    if (!json_is_array(value))
        return refuse(reader, "Must be an array.");
    if (n > JSON_ITEMS_MAX)
        return refuse(reader, "Has too many items.");
    items = arena_array(reader->arena, n, size);
    if (!items)
        return too_large(reader);
    for (size_t i = 0; i < n; i++) {
        size_t before = path_push(reader, "[%zu]", i);
        enum status status = value_read(reader, field, json_array_get(value, i), items + i * size);
        if (status)
            return status;
        path_pop(reader, before);
    }
    *(char **)MEMBER(message, field) = items;
    *COUNT(message, field) = n;
    return STATUS_OK;
}

static enum status member_read(struct reader *reader, const ProtobufCFieldDescriptor *field,
                               const json_t *value, ProtobufCMessage *message)
{
    if (json_is_null(value))
        return STATUS_OK;
    if (json_field_is_map(field))
        return map_read(reader, field, value, message);
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return list_read(reader, field, value, message);
    json_field_mark(message, field);
    return value_read(reader, field, value, MEMBER(message, field));
}

static enum status object_read(struct reader *reader, const ProtobufCMessageDescriptor *type,
                               const json_t *object, ProtobufCMessage **ret)
{
    ProtobufCMessage *message = NULL;

    if (!json_is_object(object))
        return refuse(reader, "Must be an object.");
    message = message_new(reader->arena, type);
    if (!message)
        return too_large(reader);
    for (void *at = json_object_iter((json_t *)object); at;
         at = json_object_iter_next((json_t *)object, at)) {
        const char *name = json_object_iter_key(at);
        size_t before = path_push(reader, "%s%s", reader->length > 0 ? "." : "", name);
        const ProtobufCFieldDescriptor *field =
            protobuf_c_message_descriptor_get_field_by_name(type, name);
        enum status status = STATUS_OK;
        if (!field)
            return refuse(reader, "No such field is known here.");
        status = member_read(reader, field, json_object_iter_value(at), message);
        if (status)
            return status;
        path_pop(reader, before);
    }
    *ret = message;
    return STATUS_OK;
}

enum status json_read(struct arena *arena, const ProtobufCMessageDescriptor *type,
                      struct bytes text, ProtobufCMessage **ret, struct problem *problem)
{
    struct reader reader = {.arena = arena, .problem = problem};
    CLEANUP(json_decref) json_t *root = NULL;
    enum status status = json_load_strict(text, &root, problem);

    if (status)
        return status;
    if (!json_is_object(root))
        return refuse(&reader, "The body must be a JSON object.");
    return object_read(&reader, type, root, ret);
}
