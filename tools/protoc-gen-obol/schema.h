// JSON Schemas (2020-12, as OpenAPI 3.1 takes them) of messages, in the mapping of lib/json.
#pragma once
#include <jansson.h>
#include <stdbool.h>

#include "comments.h"
#include "emit.h"

struct document {
    struct emit *emit;
    json_t *root, *paths, *schemas;
};

struct message {
    const Google__Protobuf__DescriptorProto *type;
    struct place place;
    char name[256]; // fully qualified, with a dot in front
};
bool message_find(const struct emit *emit, const char *name, struct message *ret);

// {"$ref": …}; the message and what it is made of are added to the document's components.
json_t *schema_ref(struct document *document, const char *type);
// An object of the fields that are not named in `without` (which ends with NULL).
json_t *schema_object(struct document *document, const struct message *message,
                      const char *const *without);
// nullable: as JSON bodies have it; not in parameters.
json_t *schema_field(struct document *document, const struct message *message, size_t field,
                     bool nullable);
// Adds a "description" when the place has a comment.
void describe(json_t *object, const struct place *place);
bool type_is_empty(const char *type); // google.protobuf.Empty
