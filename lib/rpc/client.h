// gRPC calls going out. One struct rpc_client is a channel (addresses by dns:/// with round robin) with its
// completion queue and thread; any thread may use it. Connections come back by themselves.
#pragma once
#include "rpc/call.h"

struct rpc_client;
// target: "127.0.0.1:50051" or "dns:///payments:50051".
struct rpc_client *rpc_client_new(const char *target);
void rpc_client_free(struct rpc_client *client); // cancels what is under way; its callbacks run first

// Waits for the answer, in the calling thread. The deadline is context->deadline_ns. On OK *ret is a
// message of method->output in the arena; otherwise *problem says why (code and param from the details),
// UNAVAILABLE when the call certainly did not run; UNKNOWN when it may have.
MUST_USE enum status rpc_call(struct rpc_client *client, struct arena *arena, const struct method *method,
                              const struct call_context *context, const ProtobufCMessage *request,
                              ProtobufCMessage **ret, struct problem *problem);

// --- The hop: many calls, ready together, carried by one Bundle.Call (or alone, for slow methods).
// Fill request_bytes, method, context, arena before; packed (or problem) and replayed are set after. A call
// that the transport lost gets UNAVAILABLE if it certainly never ran, else UNKNOWN.
// `done` runs in the client's thread, once; calls stay the caller's.
#define BUNDLE_CALLS_MAX 128
#define BUNDLE_BYTES_MAX ((size_t)1 << 20)
void rpc_bundle(struct rpc_client *client, struct call *const *calls, size_t n,
                void (*done)(void *context), void *context);
// The same for one call on its own method (slow lane).
void rpc_start(struct rpc_client *client, struct call *call, void (*done)(void *context), void *context);
// Health.Check of the whole server.
MUST_USE enum status rpc_client_check(struct rpc_client *client, int64_t timeout_ms);
