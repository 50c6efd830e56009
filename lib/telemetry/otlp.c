#include "telemetry/otlp.h"

#include "opentelemetry/proto/collector/trace/v1/trace_service.pb-c.h"
#include "json/message.h"

#define HEX_PAIR(digits) ((uint8_t)(digit((digits)[0]) << 4 | digit((digits)[1])))

static unsigned digit(char hex)
{
    return (unsigned)(hex <= '9' ? hex - '0' : hex - 'a' + 10);
}

static char *text(const char *value)
{
    return (char *)(uintptr_t)value;
}

static ProtobufCBinaryData id_of(struct arena *arena, const char *hex, size_t digits)
{
    uint8_t *at = arena_alloc(arena, digits / 2);
    for (size_t i = 0; at && i < digits / 2; i++)
        at[i] = HEX_PAIR(hex + 2 * i);
    return (ProtobufCBinaryData){at ? digits / 2 : 0, at};
}

// A key with its value, and where both lie.
struct pair {
    Opentelemetry__Proto__Common__V1__KeyValue key;
    Opentelemetry__Proto__Common__V1__AnyValue value;
};

static Opentelemetry__Proto__Common__V1__KeyValue *pair_fill(struct pair *pair, const char *key,
                                                             const char *string, int64_t number)
{
    opentelemetry__proto__common__v1__key_value__init(&pair->key);
    opentelemetry__proto__common__v1__any_value__init(&pair->value);
    pair->key.key = text(key);
    pair->key.value = &pair->value;
    if (string) {
        pair->value.value_case = OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_STRING_VALUE;
        pair->value.string_value = text(string);
    } else {
        pair->value.value_case = OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_INT_VALUE;
        pair->value.int_value = number;
    }
    return &pair->key;
}

struct carried {
    Opentelemetry__Proto__Trace__V1__Span span;
    Opentelemetry__Proto__Trace__V1__Status status;
    struct pair pairs[SPAN_ATTRIBUTES_MAX];
    Opentelemetry__Proto__Common__V1__KeyValue *attributes[SPAN_ATTRIBUTES_MAX];
};

static void span_fill(struct arena *arena, struct carried *to, const struct span_kept *from)
{
    Opentelemetry__Proto__Trace__V1__Span *span = &to->span;
    opentelemetry__proto__trace__v1__span__init(span);
    span->trace_id = id_of(arena, from->trace_id, TRACE_ID_LENGTH);
    span->span_id = id_of(arena, from->id, SPAN_ID_LENGTH);
    if (from->has_parent)
        span->parent_span_id = id_of(arena, from->parent_id, SPAN_ID_LENGTH);
    span->name = text(from->text);
    span->kind = (Opentelemetry__Proto__Trace__V1__Span__SpanKind)from->kind;
    span->start_time_unix_nano = (uint64_t)from->start_unix_ns;
    span->end_time_unix_nano = (uint64_t)from->end_unix_ns;
    span->attributes = to->attributes;
    span->n_attributes = from->attributes_n;
    for (size_t i = 0; i < from->attributes_n; i++) {
        const struct span_attribute *attribute = &from->attributes[i];
        const char *string = attribute->text_at ? from->text + attribute->text_at : NULL;
        to->attributes[i] = pair_fill(&to->pairs[i], attribute->name, string, attribute->number);
    }
    if (from->failed) {
        opentelemetry__proto__trace__v1__status__init(&to->status);
        to->status.code = OPENTELEMETRY__PROTO__TRACE__V1__STATUS__STATUS_CODE__STATUS_CODE_ERROR;
        span->status = &to->status;
    }
}

static struct bytes request_pack(struct arena *arena,
                                 Opentelemetry__Proto__Trace__V1__ResourceSpans *spans)
{
    Opentelemetry__Proto__Collector__Trace__V1__ExportTraceServiceRequest request;
    opentelemetry__proto__collector__trace__v1__export_trace_service_request__init(&request);
    request.resource_spans = &spans;
    request.n_resource_spans = 1;
    return message_pack(arena, &request.base);
}

struct bytes otlp_pack(struct arena *arena, const struct otlp_resource *resource,
                       const struct span_kept *spans, size_t n)
{
    struct carried *carried = ARENA_ARRAY(arena, n, struct carried);
    Opentelemetry__Proto__Trace__V1__Span **pointers =
        ARENA_ARRAY(arena, n, Opentelemetry__Proto__Trace__V1__Span *);
    if (!carried || !pointers)
        return (struct bytes){0};
    for (size_t i = 0; i < n; i++) {
        span_fill(arena, &carried[i], &spans[i]);
        pointers[i] = &carried[i].span;
    }
    struct pair pairs[3];
    Opentelemetry__Proto__Common__V1__KeyValue *attributes[] = {
        pair_fill(&pairs[0], "service.name", resource->service, 0),
        pair_fill(&pairs[1], "service.version", resource->version, 0),
        pair_fill(&pairs[2], "service.instance.id", resource->instance, 0)};
    Opentelemetry__Proto__Resource__V1__Resource of;
    opentelemetry__proto__resource__v1__resource__init(&of);
    of.attributes = attributes;
    of.n_attributes = 3;
    Opentelemetry__Proto__Common__V1__InstrumentationScope scope;
    opentelemetry__proto__common__v1__instrumentation_scope__init(&scope);
    scope.name = text("obol");
    scope.version = text(resource->version);
    Opentelemetry__Proto__Trace__V1__ScopeSpans all, *alls[] = {&all};
    opentelemetry__proto__trace__v1__scope_spans__init(&all);
    all.scope = &scope;
    all.spans = pointers;
    all.n_spans = n;
    Opentelemetry__Proto__Trace__V1__ResourceSpans whole;
    opentelemetry__proto__trace__v1__resource_spans__init(&whole);
    whole.resource = &of;
    whole.scope_spans = alls;
    whole.n_scope_spans = 1;
    return request_pack(arena, &whole);
}

int64_t otlp_refused(struct arena *arena, struct bytes response)
{
    const Opentelemetry__Proto__Collector__Trace__V1__ExportTraceServiceResponse *answer =
        (const void *)message_unpack(
            arena,
            &opentelemetry__proto__collector__trace__v1__export_trace_service_response__descriptor,
            response);
    return answer && answer->partial_success ? answer->partial_success->rejected_spans : 0;
}
