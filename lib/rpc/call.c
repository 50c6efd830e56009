#include "rpc/call.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "obs/trace.h"
#include "rpc/internal.h"

void call_answer(struct call *call, const ProtobufCMessage *response)
{
    call->response = response;
}

void call_answer_packed(struct call *call, struct bytes packed, bool replayed)
{
    // An empty message packs to nothing: keep the pointer, it says that there is an answer.
    static const uint8_t nothing[1];
    call->packed = packed.at ? packed : (struct bytes){nothing, 0};
    call->replayed = replayed;
}

enum status call_refuse(struct call *call, enum status status, const char *code, const char *param,
                        const char *detail, ...)
{
    char text[PROBLEM_DETAIL_MAX];
    va_list arguments;
    va_start(arguments, detail);
    vsnprintf(text, sizeof text, detail, arguments);
    va_end(arguments);
    return problem_set(&call->problem, status, code, param, "%s", text);
}

enum status call_refuse_status(struct call *call, enum status status)
{
    switch (status) {
    case STATUS_OK:
        return STATUS_OK;
    case STATUS_UNAVAILABLE:
        return problem_unavailable(&call->problem);
    case STATUS_UNKNOWN:
        return problem_unknown(&call->problem);
    case STATUS_ABORTED:
    case STATUS_DEADLINE_EXCEEDED:
        // The database rolled it back: certainly not done, and worth another try.
        return problem_unavailable(&call->problem);
    case STATUS_RESOURCE_EXHAUSTED:
        return call_refuse(call, status, "too_large", NULL, "The request needs too much memory.");
    default:
        return problem_internal(&call->problem);
    }
}

struct call_context call_context_new(struct arena *arena, const char *actor, int64_t timeout_ms)
{
    struct call_context context = {
        .tenant_id = "",
        .actor = actor,
        .request_id = arena_strdup(arena, id_new("req").text),
        .deadline_ns = clock_deadline_ns(timeout_ms),
    };
    char *trace = arena_alloc(arena, TRACEPARENT_SIZE);
    if (trace)
        trace_quiet(trace);
    context.traceparent = trace ? trace : "";
    if (!context.request_id)
        context.request_id = "";
    return context;
}

void call_answer_lost(struct call *call)
{
    call->response = NULL;
    call->packed = (struct bytes){NULL, 0};
    if (call->method->writes)
        problem_unknown(&call->problem);
    else
        call_refuse(call, STATUS_RESOURCE_EXHAUSTED, "response_too_large", NULL,
                    "The answer is too large. Ask for less at once.");
}
