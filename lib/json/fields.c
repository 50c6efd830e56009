#include "json/fields.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "google/protobuf/timestamp.pb-c.h"
#include "google/protobuf/wrappers.pb-c.h"
#include "json/json.h"

enum kind json_message_kind(const ProtobufCMessageDescriptor *type)
{
    static const ProtobufCMessageDescriptor *const wrappers[] = {
        &google__protobuf__string_value__descriptor, &google__protobuf__int64_value__descriptor,
        &google__protobuf__bool_value__descriptor,   &google__protobuf__int32_value__descriptor,
        &google__protobuf__uint64_value__descriptor, &google__protobuf__uint32_value__descriptor,
        &google__protobuf__bytes_value__descriptor,
    };

    if (type == &google__protobuf__timestamp__descriptor)
        return KIND_TIMESTAMP;
    for (size_t i = 0; i < sizeof(wrappers) / sizeof(*wrappers); i++) {
        if (type == wrappers[i])
            return KIND_WRAPPER;
    }
    return KIND_OBJECT;
}

bool json_field_is_map(const ProtobufCFieldDescriptor *field)
{
    const ProtobufCMessageDescriptor *entry = field->descriptor;
    size_t length = 0;

    if (field->label != PROTOBUF_C_LABEL_REPEATED || field->type != PROTOBUF_C_TYPE_MESSAGE)
        return false;
    length = strlen(entry->short_name);
    return length > 5 && strcmp(entry->short_name + length - 5, "Entry") == 0 &&
           entry->n_fields == 2 && entry->fields[0].type == PROTOBUF_C_TYPE_STRING &&
           entry->fields[0].id == 1 && strcmp(entry->fields[0].name, "key") == 0 &&
           entry->fields[1].id == 2 && strcmp(entry->fields[1].name, "value") == 0;
}

size_t json_field_size(const ProtobufCFieldDescriptor *field)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return sizeof(int64_t);
    default:
        return sizeof(int32_t);
    }
}

bool json_field_is_integer(const ProtobufCFieldDescriptor *field)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        return true;
    default:
        return false;
    }
}

void json_field_range(const ProtobufCFieldDescriptor *field, int64_t *ret_min, int64_t *ret_max)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        *ret_min = INT32_MIN, *ret_max = INT32_MAX;
        break;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        *ret_min = 0, *ret_max = UINT32_MAX;
        break;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        *ret_min = 0, *ret_max = JSON_INTEGER_MAX;
        break;
    default:
        *ret_min = -JSON_INTEGER_MAX, *ret_max = JSON_INTEGER_MAX;
    }
}

bool json_field_set_integer(const ProtobufCFieldDescriptor *field, void *member, int64_t value)
{
    int64_t min = 0, max = 0;

    json_field_range(field, &min, &max);
    if (value < min || value > max)
        return false;
    if (json_field_size(field) == sizeof(int64_t))
        *(int64_t *)member = value;
    else if (min < 0)
        *(int32_t *)member = (int32_t)value;
    else
        *(uint32_t *)member = (uint32_t)value;
    return true;
}

int64_t json_field_get_integer(const ProtobufCFieldDescriptor *field, const void *member)
{
    int64_t min = 0, max = 0;

    if (json_field_size(field) == sizeof(int64_t))
        return *(const int64_t *)member;
    json_field_range(field, &min, &max);
    return min < 0 ? *(const int32_t *)member : (int64_t) * (const uint32_t *)member;
}

bool json_field_absent(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    const void *quantifier = (const char *)message + field->quantifier_offset;

    if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
        return *(const uint32_t *)quantifier != field->id;
    if (field->label == PROTOBUF_C_LABEL_OPTIONAL && field->quantifier_offset != 0)
        return !*(const protobuf_c_boolean *)quantifier;
    return field->type == PROTOBUF_C_TYPE_MESSAGE && !*(void *const *)MEMBER(message, field);
}

void json_field_mark(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    void *quantifier = (char *)message + field->quantifier_offset;

    if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
        *(uint32_t *)quantifier = field->id;
    else if (field->label == PROTOBUF_C_LABEL_OPTIONAL && field->quantifier_offset != 0)
        *(protobuf_c_boolean *)quantifier = true;
}

void json_timestamp_set(ProtobufCMessage *timestamp, int64_t unix_us)
{
    Google__Protobuf__Timestamp *to = (Google__Protobuf__Timestamp *)timestamp;

    assert(unix_us >= 0); // clock_parse_rfc3339 knows no time before 1970
    to->seconds = unix_us / US_PER_S;
    to->nanos = (int32_t)(unix_us % US_PER_S) * 1000;
}

int64_t json_timestamp_get(const ProtobufCMessage *timestamp)
{
    const Google__Protobuf__Timestamp *from = (const Google__Protobuf__Timestamp *)timestamp;
    int64_t us = 0;

    // Far outside the calendar: clock_rfc3339 shows the nearest instant inside.
    if (__builtin_mul_overflow(from->seconds, US_PER_S, &us))
        return from->seconds < 0 ? INT64_MIN : INT64_MAX;
    if (__builtin_add_overflow(us, from->nanos / 1000, &us))
        return INT64_MAX;
    return us;
}
