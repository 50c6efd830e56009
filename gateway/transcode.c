// An HTTP request becomes the message of its method: the body, the path's variables, the query.
#include <string.h>
#include <strings.h>

#include "crypto/crypto.h"
#include "gateway.h"
#include "obol/payments/v1/payments.pb-c.h"
#include "json/json.h"

#define IDEMPOTENCY_KEY_MAX 255
#define RAW_HEADERS_MAX 64

static enum status unknown_member(struct request *request, const char *name)
{
    return problem_invalid(&request->problem, name, "Unknown field.");
}

static bool is_json(const char *content_type)
{
    static const char want[] = "application/json";
    if (!content_type || strncasecmp(content_type, want, sizeof want - 1) != 0)
        return false;
    char next = content_type[sizeof want - 1];
    return next == '\0' || next == ';' || next == ' ';
}

static enum status read_body(struct request *request)
{
    struct bytes body = http_body(request->exchange);
    bool wanted = request->match.rule->body[0] != '\0';
    if (!wanted && body.length > 0)
        return problem_invalid(&request->problem, NULL, "This method takes no body.");
    if (body.length == 0) {
        request->message = message_new(request->arena, request->method->input);
        return request->message ? STATUS_OK : problem_unavailable(&request->problem);
    }
    if (!is_json(http_header_in(request->exchange, "Content-Type")))
        return problem_set(&request->problem, STATUS_INVALID_ARGUMENT, "unsupported_media_type",
                           NULL, "Content-Type must be application/json.");
    return json_read(request->arena, request->method->input, body, &request->message,
                     &request->problem);
}

static bool field_is_set(const ProtobufCMessage *message, const char *name)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);
    if (!field || field->type != PROTOBUF_C_TYPE_STRING)
        return false;
    const char *const *value = (const void *)((const char *)message + field->offset);
    return *value && **value;
}

static bool is_path_variable(const struct route_match *match, const char *name)
{
    for (size_t i = 0; i < match->n; i++)
        if (strcmp(match->names[i], name) == 0)
            return true;
    return false;
}

static enum status set_path_variables(struct request *request)
{
    const struct route_match *match = &request->match;
    for (size_t i = 0; i < match->n; i++) {
        if (field_is_set(request->message, match->names[i]))
            return unknown_member(request, match->names[i]);
        enum status status = json_set_text(request->arena, request->message, match->names[i],
                                           match->values[i], &request->problem);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

static enum status set_parameter(struct request *request, const char *text, size_t length)
{
    const char *equals = memchr(text, '=', length);
    size_t name_length = equals ? (size_t)(equals - text) : length;
    const char *name = http_decode(request->arena, text, name_length, true);
    const char *value =
        equals ? http_decode(request->arena, equals + 1, length - name_length - 1, true) : "";
    if (!name || !value)
        return problem_invalid(&request->problem, NULL,
                               "The query is not properly percent-encoded.");
    if (strchr(name, '.') || is_path_variable(&request->match, name) ||
        request->match.rule->body[0])
        return unknown_member(request, name);
    return json_set_text(request->arena, request->message, name, value, &request->problem);
}

static enum status set_query(struct request *request)
{
    const char *at = http_query(request->exchange);
    while (at && *at) {
        const char *end = strchrnul(at, '&');
        enum status status = end > at ? set_parameter(request, at, (size_t)(end - at)) : STATUS_OK;
        if (status != STATUS_OK)
            return status;
        at = *end ? end + 1 : end;
    }
    return STATUS_OK;
}

static struct bytes fingerprint(const struct request *request)
{
    const struct bytes parts[] = {
        bytes_of_string(http_method(request->exchange)),
        bytes_of_string(http_path(request->exchange)),
        http_body(request->exchange),
    };
    struct sha256 digest = crypto_sha256_parts(parts, 3);
    return arena_copy(request->arena, BYTES_OF_ARRAY(digest.at));
}

static enum status read_idempotency_key(struct request *request)
{
    const char *key = http_header_in(request->exchange, "Idempotency-Key");
    if (!key || strcmp(http_method(request->exchange), "POST") != 0 || !request->method->writes)
        return STATUS_OK;
    size_t length = strlen(key);
    if (length >= 2 && key[0] == '"' && key[length - 1] == '"') {
        key++;
        length -= 2;
    }
    bool printable = length >= 1 && length <= IDEMPOTENCY_KEY_MAX;
    for (size_t i = 0; printable && i < length; i++)
        printable = key[i] >= ' ' && key[i] <= '~';
    if (!printable)
        return problem_invalid(&request->problem, "Idempotency-Key",
                               "Must be 1 to 255 printable ASCII characters.");
    request->idempotency_key = arena_strndup(request->arena, key, length);
    request->fingerprint = fingerprint(request);
    return request->idempotency_key && request->fingerprint.at
               ? STATUS_OK
               : problem_unavailable(&request->problem);
}

struct header_list {
    struct request *request;
    Obol__Payments__V1__ProviderHeader **items;
    size_t n;
};

static void take_header(void *context, const char *name, const char *value)
{
    struct header_list *list = context;
    struct bytes text = bytes_of_string(value);
    Obol__Payments__V1__ProviderHeader *header =
        MESSAGE_NEW(list->request->arena, obol__payments__v1__provider_header,
                    Obol__Payments__V1__ProviderHeader);
    if (list->n == RAW_HEADERS_MAX || !header || !json_utf8_valid(text))
        return;
    header->name = arena_strdup(list->request->arena, name);
    header->value = arena_strdup(list->request->arena, value);
    list->items[list->n++] = header;
}

// A provider's callback goes on as it came: the signature is over its bytes.
static enum status read_raw(struct request *request)
{
    struct header_list list = {.request = request,
                               .items = ARENA_ARRAY(request->arena, RAW_HEADERS_MAX,
                                                    Obol__Payments__V1__ProviderHeader *)};
    request->message = message_new(request->arena, request->method->input);
    if (!request->message || !list.items)
        return problem_unavailable(&request->problem);
    Obol__Payments__V1__ProviderCallbackRequest *callback = (void *)request->message;
    struct bytes body = http_body(request->exchange);
    callback->address = arena_strdup(request->arena, request_address(request));
    if (!callback->address)
        return problem_unavailable(&request->problem);
    http_headers_in(request->exchange, take_header, &list);
    callback->headers = list.items;
    callback->n_headers = list.n;
    callback->body = (ProtobufCBinaryData){body.length, (uint8_t *)(uintptr_t)body.at};
    return STATUS_OK;
}

enum status transcode_in(struct request *request)
{
    bool raw = request->method->raw;
    enum status status = raw ? read_raw(request) : read_body(request);
    if (status == STATUS_OK)
        status = set_path_variables(request);
    if (status == STATUS_OK && !raw)
        status = set_query(request);
    return status == STATUS_OK ? read_idempotency_key(request) : status;
}
