// The OpenAPI 3.1 document: paths from the http rules, schemas from the messages, words from the
// comments. As openapi.json to read, and as openapi.c and openapi.h for the gateway to serve.
#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "options.h"
#include "schema.h"

typedef Google__Protobuf__FileDescriptorProto File;
typedef Google__Protobuf__ServiceDescriptorProto Service;
typedef Google__Protobuf__MethodDescriptorProto Method;

#define VARIABLES_MAX 8

// "{id}" in a path.
struct variables {
    char names[VARIABLES_MAX][64];
    const char *list[VARIABLES_MAX + 1]; // the same, ending with NULL
    size_t n;
};

struct operation {
    const Service *service;
    const Method *method;
    const struct method_options *options;
    struct place place;
    struct message input;
    struct binding binding;
    size_t index; // of the binding
};

static bool variables_read(const char *path, struct variables *ret)
{
    memset(ret, 0, sizeof(*ret));
    for (const char *at = strchr(path, '{'); at; at = strchr(at, '{')) {
        size_t length = strcspn(++at, "=}");
        if (ret->n == VARIABLES_MAX || length >= sizeof(*ret->names) || !at[length])
            return false;
        memcpy(ret->names[ret->n], at, length);
        ret->list[ret->n] = ret->names[ret->n];
        ret->n++;
    }
    return true;
}

// Equal but for the names of their variables.
static bool same_shape(const char *a, const char *b)
{
    while (*a && *a == *b) {
        if (*a == '{') {
            a += strcspn(a, "}");
            b += strcspn(b, "}");
        }
        a++;
        b++;
    }
    return !*a && !*b;
}

// Two paths of one shape must not stand beside each other (OpenAPI 3.1, section 4.8.8), so the
// later one takes the first one's key.
static const char *path_key(const json_t *paths, const char *path)
{
    for (void *at = json_object_iter((json_t *)paths); at;
         at = json_object_iter_next((json_t *)paths, at)) {
        if (same_shape(json_object_iter_key(at), path))
            return json_object_iter_key(at);
    }
    return path;
}

static void path_parameters_add(struct document *document, const struct operation *operation,
                                const char *key, json_t *parameters)
{
    struct variables ours, shown;

    if (!variables_read(operation->binding.path, &ours) || !variables_read(key, &shown)) {
        emit_fail(document->emit, "%s: its variables do not parse", operation->binding.path);
        return;
    }
    for (size_t i = 0; i < ours.n; i++) {
        size_t field = 0;
        while (field < operation->input.type->n_field &&
               strcmp(operation->input.type->field[field]->name, ours.names[i]) != 0)
            field++;
        if (field == operation->input.type->n_field) {
            emit_fail(document->emit, "%s: %s has no field %s", operation->binding.path,
                      operation->input.name, ours.names[i]);
            return;
        }
        json_t *schema = schema_field(document, &operation->input, field, false);
        json_t *parameter =
            json_pack("{s: s, s: s, s: b}", "name", shown.names[i], "in", "path", "required", 1);
        if (!json_object_get(schema, "description"))
            json_object_set_new(parameter, "description", json_string(ours.names[i]));
        json_object_set_new(parameter, "schema", schema);
        json_array_append_new(parameters, parameter);
    }
}

static void query_parameters_add(struct document *document, const struct operation *operation,
                                 const struct variables *bound, json_t *parameters)
{
    const Google__Protobuf__DescriptorProto *type = operation->input.type;

    for (size_t i = 0; i < type->n_field; i++) {
        size_t j = 0;
        while (bound->list[j] && strcmp(bound->list[j], type->field[i]->name) != 0)
            j++;
        if (!bound->list[j])
            json_array_append_new(parameters,
                                  json_pack("{s: s, s: s, s: o}", "name", type->field[i]->name,
                                            "in", "query", "schema",
                                            schema_field(document, &operation->input, i, false)));
    }
}

static json_t *body_make(struct document *document, const struct operation *operation,
                         const struct variables *bound)
{
    json_t *schema = NULL;
    int required = 0;

    if (operation->options->rule->raw)
        return json_pack("{s: b, s: {s: {}}}", "required", 1, "content", "*/*");
    schema = schema_object(document, &operation->input, bound->list);
    required = json_object_size(json_object_get(schema, "properties")) > 0 && bound->n == 0;
    json_object_set_new(schema, "additionalProperties", json_false());
    return json_pack("{s: b, s: {s: {s: o}}}", "required", required, "content", "application/json",
                     "schema", schema);
}

static json_t *responses_make(struct document *document, const struct operation *operation)
{
    int success = method_options_success(operation->options);
    char code[16];
    json_t *answer = json_pack("{s: s}", "description", success == 204 ? "Done." : "Success.");
    json_t *responses = json_object();

    snprintf(code, sizeof(code), "%d", success);
    if (success != 204 && !type_is_empty(operation->method->output_type))
        json_object_set_new(answer, "content",
                            json_pack("{s: {s: o}}", "application/json", "schema",
                                      schema_ref(document, operation->method->output_type)));
    json_object_set_new(responses, code, answer);
    json_object_set_new(responses, "default",
                        json_pack("{s: s}", "$ref", "#/components/responses/Problem"));
    return responses;
}

static json_t *operation_make(struct document *document, const struct operation *operation,
                              const char *key)
{
    json_t *object = json_object(), *parameters = json_array();
    const char *service = operation->service->name;
    char *comment = place_comment(&operation->place);
    size_t sentence = comment ? strcspn(comment, ".") : 0;
    char id[256];
    struct variables bound;

    snprintf(id, sizeof(id), "%s_%s", service, operation->method->name);
    if (operation->index > 0)
        snprintf(id + strlen(id), sizeof(id) - strlen(id), "_%zu", operation->index + 1);
    json_object_set_new(object, "operationId", json_string(id));
    json_object_set_new(object, "tags", json_pack("[s]", service));
    if (comment) {
        json_object_set_new(object, "summary", json_stringn(comment, sentence));
        json_object_set_new(object, "description", json_string(comment));
    }
    free(comment);
    path_parameters_add(document, operation, key, parameters);
    if (!variables_read(operation->binding.path, &bound))
        memset(&bound, 0, sizeof(bound));
    if (!*operation->binding.body)
        query_parameters_add(document, operation, &bound, parameters);
    else
        json_object_set_new(object, "requestBody", body_make(document, operation, &bound));
    if (operation->options->rule->writes && strcmp(operation->binding.verb, "POST") == 0)
        json_array_append_new(
            parameters, json_pack("{s: s}", "$ref", "#/components/parameters/IdempotencyKey"));
    json_object_set_new(object, "parameters", parameters);
    json_object_set_new(object, "responses", responses_make(document, operation));
    if (operation->options->rule->open)
        json_object_set_new(object, "security", json_array());
    return object;
}

static void operation_add(struct document *document, const struct operation *operation)
{
    const char *key = path_key(document->paths, operation->binding.path);
    json_t *item = json_object_get(document->paths, key);
    char verb[8] = "";

    for (size_t i = 0; operation->binding.verb[i] && i < sizeof(verb) - 1; i++)
        verb[i] = (char)(operation->binding.verb[i] | 0x20);
    if (!item) {
        item = json_object();
        json_object_set_new(document->paths, key, item);
    }
    if (json_object_get(item, verb)) {
        emit_fail(document->emit, "%s %s is bound twice", operation->binding.verb,
                  operation->binding.path);
        return;
    }
    json_object_set_new(item, verb, operation_make(document, operation, key));
}

static void method_add(struct document *document, struct operation *operation)
{
    struct method_options options;
    const char *reason = NULL;

    if (!method_options_read(operation->method, &options, &reason)) {
        emit_fail(document->emit, "%s.%s: %s", operation->service->name, operation->method->name,
                  reason);
        return;
    }
    operation->options = &options;
    if (!message_find(document->emit, operation->method->input_type, &operation->input))
        emit_fail(document->emit, "%s: no such message", operation->method->input_type);
    for (size_t i = 0; !document->emit->error && i < method_options_bindings_n(&options); i++) {
        operation->binding = method_options_binding(&options, i);
        operation->index = i;
        operation_add(document, operation);
    }
    method_options_deinit(&options);
}

static void file_add(struct document *document, const File *file)
{
    struct place top = {.file = file};

    for (size_t i = 0; i < file->n_service; i++) {
        struct place service = place_in(top, PLACE_SERVICE, i);
        for (size_t j = 0; j < file->service[i]->n_method; j++) {
            struct operation operation = {.service = file->service[i],
                                          .method = file->service[i]->method[j],
                                          .place = place_in(service, PLACE_FIELD, j)};
            method_add(document, &operation);
        }
    }
}

// What holds for all of the API and no .proto says.
static json_t *components_make(void)
{
    static const char text[] =
        "{\"schemas\":{\"Problem\":{\"type\":\"object\",\"description\":\"RFC 9457.\","
        "\"properties\":{\"type\":{\"type\":\"string\"},\"title\":{\"type\":\"string\"},"
        "\"status\":{\"type\":\"integer\",\"format\":\"int32\"},"
        "\"detail\":{\"type\":\"string\"},"
        "\"code\":{\"type\":\"string\",\"description\":\"snake_case, for programs\"},"
        "\"param\":{\"type\":\"string\",\"description\":\"path of the field at fault\"},"
        "\"request_id\":{\"type\":\"string\"}},"
        "\"required\":[\"type\",\"title\",\"status\",\"code\",\"request_id\"]}},"
        "\"responses\":{\"Problem\":{\"description\":\"Refused, and why.\",\"content\":"
        "{\"application/problem+json\":{\"schema\":{\"$ref\":\"#/components/schemas/Problem\"}}}}},"
        "\"parameters\":{\"IdempotencyKey\":{\"name\":\"Idempotency-Key\",\"in\":\"header\","
        "\"description\":\"The same key with the same request replays the first answer, for 24 "
        "hours.\","
        "\"schema\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":255}}},"
        "\"securitySchemes\":{"
        "\"api_key\":{\"type\":\"apiKey\",\"in\":\"header\",\"name\":\"X-Api-Key\"},"
        "\"api_secret\":{\"type\":\"apiKey\",\"in\":\"header\",\"name\":\"X-Api-Secret\"},"
        "\"basic\":{\"type\":\"http\",\"scheme\":\"basic\"}}}";

    return json_loads(text, 0, NULL);
}

static bool document_begin(struct document *document, const char *title)
{
    json_t *components = components_make();

    document->paths = json_object();
    document->schemas = json_object_get(components, "schemas");
    document->root =
        json_pack("{s: s, s: {s: s, s: s}, s: [{s: [], s: []}, {s: []}], s: o, s: o}", "openapi",
                  "3.1.0", "info", "title", title, "version", OBOL_VERSION, "security", "api_key",
                  "api_secret", "basic", "paths", document->paths, "components", components);
    return document->root != NULL;
}

static bool embed(struct emit *emit, const char *json)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);

    if (!out)
        return emit_fail(emit, "out of memory");
    fputs("// Generated by protoc-gen-obol. Do not edit.\n#include \"openapi.h\"\n\n"
          "const char obol_openapi_json[] =\n",
          out);
    while (*json) {
        size_t end = strcspn(json, "\n");
        char *line = strndup(json, end + (json[end] == '\n'));
        if (line) {
            fputs("    ", out);
            name_literal(out, line);
            fputs("\n", out);
        }
        json += end + (json[end] == '\n');
        free(line);
    }
    fputs("    ;\nconst size_t obol_openapi_json_length = sizeof(obol_openapi_json) - 1;\n", out);
    fclose(out);
    return emit_file(emit, strdup("openapi.c"), text) &&
           emit_file(emit, strdup("openapi.h"),
                     strdup("// Generated by protoc-gen-obol. Do not edit.\n#pragma once\n"
                            "#include <stddef.h>\n\nextern const char obol_openapi_json[];\n"
                            "extern const size_t obol_openapi_json_length;\n"));
}

bool emit_openapi(struct emit *emit, const char *title)
{
    struct document document = {.emit = emit};
    char *text = NULL;

    if (!document_begin(&document, title))
        return emit_fail(emit, "out of memory, or a title that is not UTF-8");
    for (size_t i = 0; i < emit->request->n_file_to_generate; i++)
        file_add(&document, emit_find(emit, emit->request->file_to_generate[i]));
    if (!emit->error)
        text = json_dumps(document.root, JSON_INDENT(2));
    json_decref(document.root);
    if (!text)
        return emit_fail(emit, "out of memory");
    if (embed(emit, text))
        return emit_file(emit, strdup("openapi.json"), text);
    free(text);
    return false;
}
