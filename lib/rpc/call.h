// One call, as a handler sees it: what was asked, for whom, until when; what is answered. It
// belongs to the worker thread that runs it, from before the handler until after it.
#pragma once
#include "base/arena.h"
#include "base/problem.h"
#include "obs/trace.h"
#include "rpc/method.h"
#include "json/message.h"

// Travels with a call: as gRPC metadata (names in comments) or as obol.rpc.v1.Context in a Bundle.
struct call_context {
    const char *tenant_id;       // obol-tenant-id; "" for operators' and internal calls
    const char *actor;           // obol-actor: the key's id, "operator:<name>", or a loop's name
    const char *request_id;      // x-request-id
    const char *traceparent;     // traceparent: of the span that the call is, where it is served
    const char *parent;          // the caller's, as it came; NULL: a new trace
    const char *idempotency_key; // idempotency-key; NULL when absent
    struct bytes fingerprint;    // obol-fingerprint-bin: the edge's digest of method, path and body
    int64_t deadline_ns;         // monotonic; from grpc-timeout
};

struct call {
    struct arena *arena;
    const struct method *method;
    struct call_context context;
    const ProtobufCMessage *request;
    struct bytes request_bytes;
    // The answer: response (in the arena), or packed where it is kept that way (a replay); or a
    // problem.
    const ProtobufCMessage *response;
    struct bytes packed;
    bool replayed;          // idempotency-replayed
    struct problem problem; // status OK unless refused
    // Of the span that it is where it goes out; "": none is recorded.
    char sent_traceparent[TRACEPARENT_SIZE];
    int64_t sent_ns;
};

// A call's context as fields of a log line.
#define LOG_CALL(context_)                                                                         \
    LOG_S("request_id", (context_)->request_id), LOG_TRACE((context_)->traceparent),               \
        LOG_S("tenant", (context_)->tenant_id)

// The typed request and a new response: CALL_REQUEST(call,
// Obol__Payments__V1__CreatePaymentRequest)
#define CALL_REQUEST(call, type) ((const type *)(call)->request)

// Answers with a message in the arena.
void call_answer(struct call *call, const ProtobufCMessage *response);
void call_answer_packed(struct call *call, struct bytes packed, bool replayed);
// problem_set on the call; returns the status.
__attribute__((format(printf, 5, 6))) enum status call_refuse(struct call *call, enum status status,
                                                              const char *code, const char *param,
                                                              const char *detail, ...);
// Gives a failed database status its problem: UNAVAILABLE 503, UNKNOWN 504, ABORTED/DEADLINE 503
// with retry advice, INTERNAL 500.
enum status call_refuse_status(struct call *call, enum status status);
// The context as loops and tools start with it: actor and a fresh request id and trace (which is
// not sampled: no request asked for it), deadline from now.
struct call_context call_context_new(struct arena *arena, const char *actor, int64_t timeout_ms);
