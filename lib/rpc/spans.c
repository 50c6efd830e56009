// Spans of calls, by OpenTelemetry's conventions for RPC.
#include "obs/span.h"

#include "base/clock.h"
#include "rpc/internal.h"

// What is the server's failure, not the caller's.
static bool is_failure(enum status status)
{
    return status == STATUS_UNKNOWN || status == STATUS_DEADLINE_EXCEEDED ||
           status == STATUS_UNIMPLEMENTED || status == STATUS_INTERNAL ||
           status == STATUS_UNAVAILABLE || status == STATUS_DATA_LOSS;
}

static void record(const struct call *call, struct span *span)
{
    span->name = call->method->path + 1;
    span_end(span, LOG_S("rpc.system", "grpc"), LOG_I("rpc.grpc.status_code", call->problem.status),
             LOG_S("obol.error_code", call->problem.status ? call->problem.code : ""),
             LOG_S("obol.request_id", call->context.request_id),
             LOG_S("obol.tenant_id", call->context.tenant_id));
}

void call_served(const struct call *call, int64_t began_ns)
{
    if (!span_wanted(call->context.traceparent))
        return;
    struct span span = {.kind = SPAN_SERVER,
                        .traceparent = call->context.traceparent,
                        .parent = call->context.parent,
                        .began_ns = began_ns,
                        .failed = is_failure(call->problem.status)};
    record(call, &span);
}

void call_sent(struct call *call)
{
    if (span_begin(call->context.traceparent, call->sent_traceparent))
        call->sent_ns = clock_now_ns();
}

const char *call_traceparent(const struct call *call)
{
    return call->sent_traceparent[0] ? call->sent_traceparent : call->context.traceparent;
}

void call_came_back(const struct call *call)
{
    if (!call->sent_traceparent[0])
        return;
    struct span span = {.kind = SPAN_CLIENT,
                        .traceparent = call->sent_traceparent,
                        .parent = call->context.traceparent,
                        .began_ns = call->sent_ns,
                        .failed = call->problem.status != STATUS_OK};
    record(call, &span);
}
