#include "options.h"

#include <string.h>

#define HTTP_TAG 72295728 // google/api/annotations.proto
#define RULE_TAG 50801    // obol/options/v1/options.proto
#define SERVICE_TAG 50802 // the same
#define OURS "obol."

// A length-delimited unknown field is kept with its length in front.
static bool unwrap(const ProtobufCMessageUnknownField *field, const uint8_t **ret,
                   size_t *ret_length)
{
    size_t i = 0;

    if (field->wire_type != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
        return false;
    while (i < field->len && field->data[i] & 0x80)
        i++;
    if (i == field->len)
        return false;
    *ret = field->data + i + 1;
    *ret_length = field->len - i - 1;
    return true;
}

static struct binding binding_of(const Google__Api__HttpRule *rule)
{
    struct binding binding = {NULL, NULL, rule->body ? rule->body : ""};

    switch (rule->pattern_case) {
    case GOOGLE__API__HTTP_RULE__PATTERN_GET:
        binding.verb = "GET", binding.path = rule->get;
        break;
    case GOOGLE__API__HTTP_RULE__PATTERN_PUT:
        binding.verb = "PUT", binding.path = rule->put;
        break;
    case GOOGLE__API__HTTP_RULE__PATTERN_POST:
        binding.verb = "POST", binding.path = rule->post;
        break;
    case GOOGLE__API__HTTP_RULE__PATTERN_DELETE:
        binding.verb = "DELETE", binding.path = rule->delete_;
        break;
    case GOOGLE__API__HTTP_RULE__PATTERN_PATCH:
        binding.verb = "PATCH", binding.path = rule->patch;
        break;
    default: // custom verbs have no place in the router
        break;
    }
    return binding;
}

static bool options_parse(const ProtobufCMessage *message, struct method_options *options)
{
    for (unsigned i = 0; i < message->n_unknown_fields; i++) {
        const ProtobufCMessageUnknownField *field = &message->unknown_fields[i];
        const uint8_t *data = NULL;
        size_t length = 0;
        if (field->tag != HTTP_TAG && field->tag != RULE_TAG)
            continue;
        if (!unwrap(field, &data, &length))
            return false;
        if (field->tag == HTTP_TAG && !options->http)
            options->http = google__api__http_rule__unpack(NULL, length, data);
        else if (field->tag == RULE_TAG && !options->rule)
            options->rule = obol__options__v1__method_rule__unpack(NULL, length, data);
        if (field->tag == HTTP_TAG ? !options->http : !options->rule)
            return false;
    }
    if (!options->rule)
        options->rule = obol__options__v1__method_rule__unpack(NULL, 0, NULL);
    return options->rule != NULL;
}

bool method_options_read(const Google__Protobuf__MethodDescriptorProto *method,
                         struct method_options *ret, const char **ret_reason)
{
    static const Google__Protobuf__MethodOptions none = GOOGLE__PROTOBUF__METHOD_OPTIONS__INIT;
    struct method_options options = {NULL, NULL};

    *ret_reason = NULL;
    if (!options_parse(method->options ? &method->options->base : &none.base, &options))
        *ret_reason = "its options do not parse";
    for (size_t i = 0; !*ret_reason && i < method_options_bindings_n(&options); i++) {
        struct binding binding = method_options_binding(&options, i);
        if (!binding.verb || binding.path[0] != '/')
            *ret_reason = "an http rule needs get, put, post, delete or patch with a path";
        else if (*binding.body && strcmp(binding.body, "*") != 0)
            *ret_reason = "an http rule's body is \"*\" or nothing";
    }
    if (*ret_reason) {
        method_options_deinit(&options);
        return false;
    }
    *ret = options;
    return true;
}

void method_options_deinit(struct method_options *options)
{
    if (options->http)
        google__api__http_rule__free_unpacked(options->http, NULL);
    if (options->rule)
        obol__options__v1__method_rule__free_unpacked(options->rule, NULL);
    *options = (struct method_options){NULL, NULL};
}

size_t method_options_bindings_n(const struct method_options *options)
{
    return options->http ? 1 + options->http->n_additional_bindings : 0;
}

struct binding method_options_binding(const struct method_options *options, size_t i)
{
    return binding_of(i == 0 ? options->http : options->http->additional_bindings[i - 1]);
}

int method_options_success(const struct method_options *options)
{
    return options->rule->success ? options->rule->success : 200;
}

static Obol__Options__V1__ServiceRule *
service_rule(const Google__Protobuf__ServiceDescriptorProto *service)
{
    const ProtobufCMessage *message = service->options ? &service->options->base : NULL;

    for (unsigned i = 0; message && i < message->n_unknown_fields; i++) {
        const uint8_t *data = NULL;
        size_t length = 0;
        if (message->unknown_fields[i].tag == SERVICE_TAG &&
            unwrap(&message->unknown_fields[i], &data, &length))
            return obol__options__v1__service_rule__unpack(NULL, length, data);
    }
    return NULL;
}

static bool roles_write(FILE *out, const Obol__Options__V1__Role *roles, size_t n)
{
    const char *between = "";

    for (size_t i = 0; i < n; i++) {
        const ProtobufCEnumValue *role = protobuf_c_enum_descriptor_get_value(
            &obol__options__v1__role__descriptor, (int)roles[i]);
        if (!role || (role->value == 0 && n > 1))
            return false;
        if (role->value != 0)
            fprintf(out, "%sROLE_BIT(ROLE_%s)", between, role->name);
        else
            fputs("0", out);
        between = " | ";
    }
    return n > 0;
}

bool method_callers_write(FILE *out, const Google__Protobuf__FileDescriptorProto *file,
                          const Google__Protobuf__ServiceDescriptorProto *service,
                          const struct method_options *options)
{
    if (!file->package || strncmp(file->package, OURS, strlen(OURS)) != 0) {
        fputs("CALLERS_ANY", out);
        return true;
    }
    if (options->rule->n_callers > 0)
        return roles_write(out, options->rule->callers, options->rule->n_callers);
    Obol__Options__V1__ServiceRule *rule = service_rule(service);
    bool said = rule && roles_write(out, rule->callers, rule->n_callers);
    if (rule)
        obol__options__v1__service_rule__free_unpacked(rule, NULL);
    return said;
}
