#include "schema.h"

#include <stdlib.h>
#include <string.h>

typedef Google__Protobuf__DescriptorProto Message;
typedef Google__Protobuf__FieldDescriptorProto Field;

#define FIELD(type_) GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_##type_
#define REPEATED GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__LABEL__LABEL_REPEATED

struct shape {
    const char *type, *format;
};

static bool nested_find(Message *const *types, size_t n, struct message *at, const char *name)
{
    struct place place = at->place;
    size_t scope = strlen(at->name);
    int32_t step = place.length == 0 ? PLACE_MESSAGE : PLACE_NESTED;

    for (size_t i = 0; i < n; i++) {
        snprintf(at->name + scope, sizeof(at->name) - scope, ".%s", types[i]->name);
        at->place = place_in(place, step, i);
        at->type = types[i];
        if (strcmp(at->name, name) == 0 ||
            nested_find(types[i]->nested_type, types[i]->n_nested_type, at, name))
            return true;
    }
    at->name[scope] = '\0';
    return false;
}

bool message_find(const struct emit *emit, const char *name, struct message *ret)
{
    for (size_t i = 0; i < emit->request->n_proto_file; i++) {
        const Google__Protobuf__FileDescriptorProto *file = emit->request->proto_file[i];
        struct message at = {.place = {.file = file}};
        if (file->package && *file->package)
            snprintf(at.name, sizeof(at.name), ".%s", file->package);
        if (nested_find(file->message_type, file->n_message_type, &at, name)) {
            *ret = at;
            return true;
        }
    }
    return false;
}

void describe(json_t *object, const struct place *place)
{
    char *comment = place_comment(place);

    if (comment)
        json_object_set_new(object, "description", json_string(comment));
    free(comment);
}

bool type_is_empty(const char *type)
{
    return strcmp(type, ".google.protobuf.Empty") == 0;
}

static struct shape scalar_shape(int type)
{
    switch (type) {
    case FIELD(BOOL):
        return (struct shape){"boolean", NULL};
    case FIELD(INT32):
    case FIELD(SINT32):
    case FIELD(SFIXED32):
    case FIELD(UINT32):
    case FIELD(FIXED32):
        return (struct shape){"integer", "int32"};
    case FIELD(INT64):
    case FIELD(SINT64):
    case FIELD(SFIXED64):
    case FIELD(UINT64):
    case FIELD(FIXED64):
        return (struct shape){"integer", "int64"};
    case FIELD(BYTES):
        return (struct shape){"string", "byte"};
    default:
        return (struct shape){"string", NULL};
    }
}

// The well-known types that JSON shows bare; type is NULL for the rest.
static struct shape bare_shape(const char *type)
{
    static const struct {
        const char *name;
        struct shape shape;
    } bare[] = {
        {".google.protobuf.StringValue", {"string", NULL}},
        {".google.protobuf.Int64Value", {"integer", "int64"}},
        {".google.protobuf.UInt64Value", {"integer", "int64"}},
        {".google.protobuf.Int32Value", {"integer", "int32"}},
        {".google.protobuf.UInt32Value", {"integer", "int32"}},
        {".google.protobuf.BoolValue", {"boolean", NULL}},
        {".google.protobuf.BytesValue", {"string", "byte"}},
        {".google.protobuf.Timestamp", {"string", "date-time"}},
    };

    for (size_t i = 0; i < sizeof(bare) / sizeof(*bare); i++) {
        if (strcmp(type, bare[i].name) == 0)
            return bare[i].shape;
    }
    return (struct shape){NULL, NULL};
}

static json_t *shape_schema(struct shape shape, bool nullable)
{
    json_t *schema = json_object();

    json_object_set_new(schema, "type",
                        nullable ? json_pack("[s, s]", shape.type, "null")
                                 : json_string(shape.type));
    if (shape.format)
        json_object_set_new(schema, "format", json_string(shape.format));
    return schema;
}

// One value of the field, be it repeated or not.
static json_t *value_schema(struct document *document, const Field *field, bool nullable)
{
    struct shape shape;

    if (field->type != FIELD(MESSAGE))
        return shape_schema(scalar_shape((int)field->type), false);
    shape = bare_shape(field->type_name);
    if (shape.type)
        return shape_schema(shape, nullable);
    if (!nullable)
        return schema_ref(document, field->type_name);
    return json_pack("{s: [o, {s: s}]}", "anyOf", schema_ref(document, field->type_name), "type",
                     "null");
}

static json_t *field_schema(struct document *document, const Field *field, bool nullable)
{
    struct message entry;

    if (field->label != REPEATED)
        return value_schema(document, field, nullable);
    if (field->type == FIELD(MESSAGE) && message_find(document->emit, field->type_name, &entry) &&
        entry.type->options && entry.type->options->map_entry)
        return json_pack("{s: s, s: o}", "type", "object", "additionalProperties",
                         value_schema(document, entry.type->field[1], false));
    return json_pack("{s: s, s: o}", "type", "array", "items",
                     value_schema(document, field, false));
}

json_t *schema_field(struct document *document, const struct message *message, size_t field,
                     bool nullable)
{
    struct place place = place_in(message->place, PLACE_FIELD, field);
    json_t *schema = field_schema(document, message->type->field[field], nullable);

    describe(schema, &place);
    return schema;
}

json_t *schema_object(struct document *document, const struct message *message,
                      const char *const *without)
{
    json_t *properties = json_object();
    json_t *schema = json_pack("{s: s}", "type", "object");

    describe(schema, &message->place);
    json_object_set_new(schema, "properties", properties);
    for (size_t i = 0; i < message->type->n_field; i++) {
        const char *name = message->type->field[i]->name;
        size_t j = 0;
        while (without[j] && strcmp(without[j], name) != 0)
            j++;
        if (!without[j])
            json_object_set_new(properties, name, schema_field(document, message, i, true));
    }
    return schema;
}

// "payments.Payment" for ".obol.payments.v1.Payment": two services may have messages of one name.
static void component_name(const char *type, char *out, size_t size)
{
    const char *from = strncmp(type, ".obol.", 6) == 0 ? type + 6 : type + 1;
    const char *version = strstr(from, ".v1.");

    if (version)
        snprintf(out, size, "%.*s%s", (int)(version - from), from, version + 3);
    else
        snprintf(out, size, "%s", from);
}

json_t *schema_ref(struct document *document, const char *type)
{
    static const char *const nothing[] = {NULL};
    char name[256];
    struct message message;

    component_name(type, name, sizeof(name));
    if (!json_object_get(document->schemas, name)) {
        if (!message_find(document->emit, type, &message)) {
            emit_fail(document->emit, "%s: no such message", type);
            return json_object();
        }
        // First a place, so that a message that holds itself ends.
        json_object_set_new(document->schemas, name, json_object());
        json_object_set_new(document->schemas, name, schema_object(document, &message, nothing));
    }
    return json_pack("{s: s+}", "$ref", "#/components/schemas/", name);
}
