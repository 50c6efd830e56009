#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "json/fields.h"
#include "json/json.h"
#include "json/message.h"

// Where the value goes, and how a refusal names it.
struct target {
    struct arena *arena;
    const char *path;
    struct problem *problem;
    ProtobufCMessage *message;
    const ProtobufCFieldDescriptor *field;
};

static enum status refuse(const struct target *target, const char *detail)
{
    return problem_invalid(target->problem, target->path, detail);
}

static enum status too_large(const struct target *target)
{
    return problem_set(target->problem, STATUS_RESOURCE_EXHAUSTED, "request_too_large", NULL,
                       "The request takes too much memory.");
}

// Decimal, without sign for zero and up, without leading zeros: one text a number.
static bool integer_parse(const char *text, int64_t *ret)
{
    const char *digits = *text == '-' ? text + 1 : text;
    size_t length = strspn(digits, "0123456789");

    if (length == 0 || length > 16 || digits[length])
        return false;
    if (digits[0] == '0' && (length > 1 || digits != text))
        return false;
    *ret = strtoll(text, NULL, 10);
    return true;
}

static enum status integer_set(const struct target *target, const ProtobufCFieldDescriptor *field,
                               void *member, const char *text)
{
    int64_t value = 0, min = 0, max = 0;

    if (!integer_parse(text, &value))
        return refuse(target, "Must be an integer.");
    if (json_field_set_integer(field, member, value))
        return STATUS_OK;
    json_field_range(field, &min, &max);
    return problem_set(target->problem, STATUS_INVALID_ARGUMENT, "invalid_request", target->path,
                       "Must be between %" PRId64 " and %" PRId64 ".", min, max);
}

static enum status scalar_set(const struct target *target, const ProtobufCFieldDescriptor *field,
                              void *member, const char *text)
{
    const ProtobufCEnumValue *value = NULL;

    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        *(char **)member = arena_strdup(target->arena, text);
        return *(char **)member ? STATUS_OK : too_large(target);
    case PROTOBUF_C_TYPE_BOOL:
        if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
            return refuse(target, "Must be true or false.");
        *(protobuf_c_boolean *)member = *text == 't';
        return STATUS_OK;
    case PROTOBUF_C_TYPE_ENUM:
        value = protobuf_c_enum_descriptor_get_value_by_name(field->descriptor, text);
        if (!value)
            return refuse(target, "Is none of the values that this field knows.");
        *(int *)member = value->value;
        return STATUS_OK;
    case PROTOBUF_C_TYPE_BYTES:
        return refuse(target, "Can't be given as text.");
    default:
        return integer_set(target, field, member, text);
    }
}

static enum status value_set(const struct target *target, void *member, const char *text)
{
    const ProtobufCMessageDescriptor *type = target->field->descriptor;
    ProtobufCMessage *made = NULL;
    enum kind kind = KIND_OBJECT;
    enum status status = STATUS_OK;
    int64_t unix_us = 0;

    if (target->field->type != PROTOBUF_C_TYPE_MESSAGE)
        return scalar_set(target, target->field, member, text);
    kind = json_message_kind(type);
    if (kind == KIND_OBJECT)
        return refuse(target, "Can't be given as text.");
    if (kind == KIND_TIMESTAMP && !clock_parse_rfc3339(text, &unix_us))
        return refuse(target, "Must be a time as RFC 3339 has it, as 2026-01-31T23:59:59Z.");
    made = message_new(target->arena, type);
    if (!made)
        return too_large(target);
    if (kind == KIND_TIMESTAMP)
        json_timestamp_set(made, unix_us);
    else
        status = scalar_set(target, &type->fields[0], MEMBER(made, &type->fields[0]), text);
    if (status == STATUS_OK)
        *(ProtobufCMessage **)member = made;
    return status;
}

static enum status item_append(const struct target *target, const char *text)
{
    size_t *n = COUNT(target->message, target->field), size = json_field_size(target->field);
    char **items = MEMBER(target->message, target->field);
    char *larger = NULL;
    enum status status = STATUS_OK;

    if (*n >= JSON_ITEMS_MAX)
        return refuse(target, "Has too many items.");
    larger = arena_array(target->arena, *n + 1, size);
    if (!larger)
        return too_large(target);
    if (*n > 0)
        memcpy(larger, *items, *n * size);
    status = value_set(target, larger + *n * size, text);
    if (status)
        return status;
    *items = larger;
    (*n)++;
    return STATUS_OK;
}

static bool is_set(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    const void *member = MEMBER(message, field);
    const char *string = NULL;

    if (field->quantifier_offset != 0) // proto2, or a oneof
        return !json_field_absent(message, field);
    switch (field->type) {
    case PROTOBUF_C_TYPE_MESSAGE:
        return *(void *const *)member && json_message_kind(field->descriptor) != KIND_OBJECT;
    case PROTOBUF_C_TYPE_STRING:
        string = *(char *const *)member;
        return string && *string;
    case PROTOBUF_C_TYPE_BYTES:
        return ((const ProtobufCBinaryData *)member)->len > 0;
    case PROTOBUF_C_TYPE_BOOL:
        return *(const protobuf_c_boolean *)member;
    case PROTOBUF_C_TYPE_ENUM:
        return *(const int *)member != 0;
    default:
        return json_field_get_integer(field, member) != 0;
    }
}

// Walks the path, making the messages on the way. Maps have no place in a path: their keys are the
// merchant's own.
static enum status target_find(struct target *target, const char *path)
{
    char name[PROBLEM_PARAM_MAX];

    for (;;) {
        size_t length = strcspn(path, ".");
        ProtobufCMessage **inner = NULL;
        if (length >= sizeof(name))
            return refuse(target, "No such field is known here.");
        memcpy(name, path, length);
        name[length] = '\0';
        target->field =
            protobuf_c_message_descriptor_get_field_by_name(target->message->descriptor, name);
        if (!target->field || json_field_is_map(target->field))
            return refuse(target, "No such field is known here.");
        if (!path[length])
            return STATUS_OK;
        if (target->field->type != PROTOBUF_C_TYPE_MESSAGE ||
            target->field->label == PROTOBUF_C_LABEL_REPEATED ||
            json_message_kind(target->field->descriptor) != KIND_OBJECT)
            return refuse(target, "No such field is known here.");
        inner = MEMBER(target->message, target->field);
        if (!*inner)
            *inner = message_new(target->arena, target->field->descriptor);
        if (!*inner)
            return too_large(target);
        json_field_mark(target->message, target->field);
        target->message = *inner;
        path += length + 1;
    }
}

static bool has_control(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return true;
    }
    return false;
}

enum status json_set_text(struct arena *arena, ProtobufCMessage *message, const char *path,
                          const char *text, struct problem *problem)
{
    struct target target = {arena, path, problem, message, NULL};
    enum status status = STATUS_OK;

    if (!json_utf8_valid(bytes_of_string(path)) || has_control(path))
        return problem_invalid(problem, NULL, "A parameter's name is not UTF-8.");
    status = target_find(&target, path);
    if (status)
        return status;
    if (!json_utf8_valid(bytes_of_string(text)) || has_control(text))
        return refuse(&target, "Must be UTF-8 without control characters.");
    if (strlen(text) > JSON_STRING_MAX)
        return refuse(&target, "Is too long.");
    // NOLINTNEXTLINE: target_find has said OK, and so set it
    if (target.field->label == PROTOBUF_C_LABEL_REPEATED)
        return item_append(&target, text);
    if (is_set(target.message, target.field))
        return refuse(&target, "Is given twice.");
    status = value_set(&target, MEMBER(target.message, target.field), text);
    if (status == STATUS_OK)
        json_field_mark(target.message, target.field);
    return status;
}
