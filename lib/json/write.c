#include "json/write.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "crypto/crypto.h"
#include "json/fields.h"
#include "json/json.h"
#include "json/utf8.h"

struct writer {
    struct arena *arena;
    struct buffer out;
};

static void message_write(struct writer *writer, const ProtobufCMessage *message);

static void escape_write(struct buffer *out, uint8_t byte)
{
    static const char short_forms[] = "btn\0fr"; // from U+0008; there is none for U+000B
    static const char hex[] = "0123456789abcdef";
    char text[6] = {'\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15]};

    if (byte == '"' || byte == '\\')
        text[1] = (char)byte;
    else if (byte >= 8 && byte <= 13 && short_forms[byte - 8])
        text[1] = short_forms[byte - 8];
    buffer_add(out, text, text[1] == 'u' ? 6 : 2);
}

void json_write_string(struct buffer *out, const char *string)
{
    const uint8_t *at = (const uint8_t *)string;
    size_t length = strlen(string), from = 0, step = 0;

    buffer_add(out, "\"", 1);
    for (size_t i = 0; i < length; i += step) {
        step = at[i] < 0x80 ? 1 : json_utf8_length(at + i, length - i);
        if (step > 0 && at[i] >= 0x20 && at[i] != '"' && at[i] != '\\')
            continue;
        buffer_add(out, at + from, i - from);
        if (step > 0)
            escape_write(out, at[i]);
        else
            buffer_add(out, "\xef\xbf\xbd", 3);
        step = 1;
        from = i + 1;
    }
    buffer_add(out, at + from, length - from);
    buffer_add(out, "\"", 1);
}

void json_write_integer(struct buffer *out, int64_t value)
{
    char text[24];
    size_t at = sizeof(text);
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

    do {
        text[--at] = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (value < 0)
        text[--at] = '-';
    buffer_add(out, text + at, sizeof(text) - at);
}

static void bytes_write(struct writer *writer, const ProtobufCBinaryData *data)
{
    const char *text = crypto_base64(writer->arena, (struct bytes){data->data, data->len});

    if (text)
        json_write_string(&writer->out, text);
    else
        writer->out.full = true;
}

static void enum_write(struct buffer *out, const ProtobufCEnumDescriptor *type, int number)
{
    const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(type, number);

    if (value)
        json_write_string(out, value->name);
    else
        json_write_integer(out, number); // from a newer peer
}

static void value_write(struct writer *writer, const ProtobufCFieldDescriptor *field,
                        const void *member)
{
    const char *string = NULL;

    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        string = *(char *const *)member;
        json_write_string(&writer->out, string ? string : "");
        break;
    case PROTOBUF_C_TYPE_BYTES:
        bytes_write(writer, member);
        break;
    case PROTOBUF_C_TYPE_BOOL:
        buffer_adds(&writer->out, *(const protobuf_c_boolean *)member ? "true" : "false");
        break;
    case PROTOBUF_C_TYPE_ENUM:
        enum_write(&writer->out, field->descriptor, *(const int *)member);
        break;
    case PROTOBUF_C_TYPE_MESSAGE:
        if (*(ProtobufCMessage *const *)member)
            message_write(writer, *(ProtobufCMessage *const *)member);
        else
            buffer_adds(&writer->out, "null");
        break;
    default:
        assert(json_field_is_integer(field)); // no floating point in our contracts
        json_write_integer(&writer->out, json_field_get_integer(field, member));
    }
}

static void map_write(struct writer *writer, ProtobufCMessage *const *entries, size_t n)
{
    buffer_add(&writer->out, "{", 1);
    for (size_t i = 0; i < n; i++) {
        const ProtobufCFieldDescriptor *fields = entries[i]->descriptor->fields;
        if (i > 0)
            buffer_add(&writer->out, ",", 1);
        value_write(writer, &fields[0], MEMBER(entries[i], &fields[0]));
        buffer_add(&writer->out, ":", 1);
        value_write(writer, &fields[1], MEMBER(entries[i], &fields[1]));
    }
    buffer_add(&writer->out, "}", 1);
}

static void repeated_write(struct writer *writer, const ProtobufCFieldDescriptor *field,
                           const ProtobufCMessage *message)
{
    size_t n = *COUNT(message, field), size = json_field_size(field);
    const char *items = *(char *const *)MEMBER(message, field);

    if (json_field_is_map(field)) {
        map_write(writer, *(ProtobufCMessage *const **)MEMBER(message, field), n);
        return;
    }
    buffer_add(&writer->out, "[", 1);
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            buffer_add(&writer->out, ",", 1);
        value_write(writer, field, items + i * size);
    }
    buffer_add(&writer->out, "]", 1);
}

static void object_write(struct writer *writer, const ProtobufCMessage *message)
{
    const ProtobufCMessageDescriptor *type = message->descriptor;

    buffer_add(&writer->out, "{", 1);
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        if (i > 0)
            buffer_add(&writer->out, ",", 1);
        buffer_add(&writer->out, "\"", 1);
        buffer_adds(&writer->out, field->name);
        buffer_add(&writer->out, "\":", 2);
        if (field->label == PROTOBUF_C_LABEL_REPEATED)
            repeated_write(writer, field, message);
        else if (json_field_absent(message, field))
            buffer_add(&writer->out, "null", 4);
        else
            value_write(writer, field, MEMBER(message, field));
    }
    buffer_add(&writer->out, "}", 1);
}

static void message_write(struct writer *writer, const ProtobufCMessage *message)
{
    const ProtobufCFieldDescriptor *first = message->descriptor->fields;
    char time[RFC3339_SIZE];

    switch (json_message_kind(message->descriptor)) {
    case KIND_TIMESTAMP:
        clock_rfc3339(json_timestamp_get(message), time);
        json_write_string(&writer->out, time);
        break;
    case KIND_WRAPPER:
        value_write(writer, first, MEMBER(message, first));
        break;
    case KIND_OBJECT:
        object_write(writer, message);
        break;
    }
}

char *json_write(struct arena *arena, const ProtobufCMessage *message)
{
    struct writer writer = {.arena = arena};
    char *text = NULL;

    buffer_init(&writer.out, JSON_WRITE_MAX);
    message_write(&writer, message);
    if (!writer.out.full)
        text = (char *)arena_copy(arena, buffer_bytes(&writer.out)).at;
    buffer_deinit(&writer.out);
    return text;
}
