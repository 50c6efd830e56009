// A call's context on the wire: gRPC metadata for a call on its own, a message for one in a bundle.
#include <grpc/byte_buffer_reader.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "obs/trace.h"
#include "rpc/internal.h"

int64_t deadline_from_core(gpr_timespec deadline)
{
    int64_t now_ns = clock_now_ns();
    deadline = gpr_convert_clock_type(deadline, GPR_CLOCK_MONOTONIC);
    if (gpr_time_cmp(deadline, gpr_inf_future(GPR_CLOCK_MONOTONIC)) == 0)
        return now_ns + TIMEOUT_MS_DEFAULT * NS_PER_MS;
    int64_t left_ms = gpr_time_to_millis(gpr_time_sub(deadline, gpr_now(GPR_CLOCK_MONOTONIC)));
    if (left_ms > TIMEOUT_MS_MAX)
        left_ms = TIMEOUT_MS_MAX;
    return now_ns + left_ms * NS_PER_MS;
}

gpr_timespec deadline_to_core(int64_t deadline_ns)
{
    int64_t left_ns = deadline_ns - clock_now_ns();
    if (left_ns > TIMEOUT_MS_MAX * NS_PER_MS)
        left_ns = TIMEOUT_MS_MAX * NS_PER_MS;
    return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_nanos(left_ns, GPR_TIMESPAN));
}

static struct bytes slice_bytes(const grpc_slice *slice)
{
    return (struct bytes){GRPC_SLICE_START_PTR(*slice), GRPC_SLICE_LENGTH(*slice)};
}

bool metadata_find(const grpc_metadata_array *metadata, const char *key, struct bytes *ret)
{
    struct bytes wanted = bytes_of_string(key);
    for (size_t i = 0; i < metadata->count; i++) {
        struct bytes name = slice_bytes(&metadata->metadata[i].key);
        if (name.length == wanted.length && memcmp(name.at, wanted.at, name.length) == 0) {
            *ret = slice_bytes(&metadata->metadata[i].value);
            return true;
        }
    }
    return false;
}

// Makes what came from outside into a context: bounded, and never without a request id and a trace.
static bool context_finish(struct call_context *context, struct arena *arena,
                           struct problem *problem)
{
    const struct {
        const char *name, *value;
        size_t max;
    } bounds[] = {
        {"obol-tenant-id", context->tenant_id, TENANT_ID_MAX},
        {"obol-actor", context->actor, ACTOR_MAX},
        {"idempotency-key", context->idempotency_key, IDEMPOTENCY_KEY_MAX},
    };
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++)
        if (bounds[i].value && strlen(bounds[i].value) > bounds[i].max) {
            problem_invalid(problem, bounds[i].name, "This is too long.");
            return false;
        }
    if (context->fingerprint.length > FINGERPRINT_MAX) {
        problem_invalid(problem, "obol-fingerprint-bin", "This is too long.");
        return false;
    }
    if (!context->request_id || !trace_request_id_valid(context->request_id))
        context->request_id = arena_strdup(arena, id_new("req").text);
    char *trace = arena_alloc(arena, TRACEPARENT_SIZE);
    if (!context->request_id || !trace) {
        problem_set(problem, STATUS_RESOURCE_EXHAUSTED, "out_of_memory", NULL, "Too large.");
        return false;
    }
    context->parent = trace_valid(context->traceparent) ? context->traceparent : NULL;
    trace_continue(context->traceparent, trace);
    context->traceparent = trace;
    return true;
}

static const char *metadata_text(const grpc_metadata_array *metadata, const char *key,
                                 struct arena *arena)
{
    struct bytes value;
    if (!metadata_find(metadata, key, &value))
        return NULL;
    return arena_strndup(arena, (const char *)value.at, value.length);
}

bool context_from_metadata(const grpc_metadata_array *metadata, struct arena *arena,
                           struct call_context *ret, struct problem *problem)
{
    struct call_context context = {
        .tenant_id = metadata_text(metadata, "obol-tenant-id", arena),
        .actor = metadata_text(metadata, "obol-actor", arena),
        .request_id = metadata_text(metadata, "x-request-id", arena),
        .traceparent = metadata_text(metadata, "traceparent", arena),
        .idempotency_key = metadata_text(metadata, "idempotency-key", arena),
        .deadline_ns = ret->deadline_ns,
    };
    struct bytes fingerprint;
    if (metadata_find(metadata, "obol-fingerprint-bin", &fingerprint))
        context.fingerprint = arena_copy(arena, fingerprint);
    if (!context.tenant_id)
        context.tenant_id = "";
    if (!context.actor)
        context.actor = "";
    if (context.idempotency_key && !*context.idempotency_key)
        context.idempotency_key = NULL;
    if (!context_finish(&context, arena, problem))
        return false;
    *ret = context;
    return true;
}

bool context_from_bundle(const Obol__Rpc__V1__Context *from, struct arena *arena,
                         struct call_context *ret, struct problem *problem)
{
    struct call_context context = {.tenant_id = "", .actor = "", .deadline_ns = ret->deadline_ns};
    if (from) {
        int64_t timeout_ms = from->timeout_ms < TIMEOUT_MS_MAX ? from->timeout_ms : TIMEOUT_MS_MAX;
        int64_t deadline_ns = clock_now_ns() + (timeout_ms > 0 ? timeout_ms : 0) * NS_PER_MS;
        context = (struct call_context){
            .tenant_id = from->tenant_id,
            .actor = from->actor,
            .request_id = from->request_id,
            .traceparent = from->traceparent,
            .idempotency_key = *from->idempotency_key ? from->idempotency_key : NULL,
            .fingerprint = {from->fingerprint.data, from->fingerprint.len},
            .deadline_ns = deadline_ns < ret->deadline_ns ? deadline_ns : ret->deadline_ns,
        };
    }
    if (!context_finish(&context, arena, problem))
        return false;
    *ret = context;
    return true;
}

static void metadata_add(grpc_metadata *entries, size_t *n, const char *key, struct bytes value)
{
    if (value.length == 0)
        return;
    entries[(*n)++] = (grpc_metadata){
        .key = grpc_slice_from_static_string(key),
        .value = grpc_slice_from_copied_buffer((const char *)value.at, value.length),
    };
}

size_t context_to_metadata(const struct call_context *context,
                           grpc_metadata entries[CONTEXT_METADATA_MAX])
{
    size_t n = 0;
    metadata_add(entries, &n, "obol-tenant-id", bytes_of_string(context->tenant_id));
    metadata_add(entries, &n, "obol-actor", bytes_of_string(context->actor));
    metadata_add(entries, &n, "x-request-id", bytes_of_string(context->request_id));
    metadata_add(entries, &n, "traceparent", bytes_of_string(context->traceparent));
    metadata_add(entries, &n, "idempotency-key", bytes_of_string(context->idempotency_key));
    metadata_add(entries, &n, "obol-fingerprint-bin", context->fingerprint);
    return n;
}

void metadata_release(grpc_metadata *entries, size_t n)
{
    for (size_t i = 0; i < n; i++)
        grpc_slice_unref(entries[i].value);
}

bool buffer_to_slice(grpc_byte_buffer *buffer, grpc_slice *ret)
{
    grpc_byte_buffer_reader reader;
    if (!buffer || !grpc_byte_buffer_reader_init(&reader, buffer))
        return false;
    *ret = grpc_byte_buffer_reader_readall(&reader);
    grpc_byte_buffer_reader_destroy(&reader);
    return true;
}

grpc_byte_buffer *buffer_of_message(const ProtobufCMessage *message)
{
    grpc_slice slice = grpc_slice_malloc(protobuf_c_message_get_packed_size(message));
    protobuf_c_message_pack(message, GRPC_SLICE_START_PTR(slice));
    grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    return buffer;
}

grpc_byte_buffer *buffer_of_bytes(struct bytes bytes)
{
    grpc_slice slice = grpc_slice_from_copied_buffer((const char *)bytes.at, bytes.length);
    grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    return buffer;
}
