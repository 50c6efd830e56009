// gRPC calls going out. One struct rpc_client is a channel (addresses by dns:/// with round robin)
// with its completion queue and thread; any thread may use it, but rpc_call and rpc_client_check
// wait, so not from a `done`. Connections come back by themselves (0.1 to 0.5 s); a dead peer is
// said at once, never waited for. A replica that leaves says so (DRAIN_DELAY_MS), and gets no more
// calls; when a connection ends, by its age or with its replica, the name is asked for anew.
//
// Whether a failed call may have run. Our servers explain every refusal (grpc-status-details-bin),
// and the explanation is taken as it is. Without one, the status was made by the core on either
// side:
// - no connection could be had ("failed to connect to all addresses", name resolution): it never
// ran,
//   UNAVAILABLE;
// - UNIMPLEMENTED stays;
// - anything else (broken connection, reset, cancelled, deadline, an answer too large or
// unreadable): it may
//   have run. UNKNOWN (code outcome_unknown) for a method that writes; for others nothing is at
//   stake, UNAVAILABLE. A server that stops without notice loses so the calls that reach it in
//   that instant: a caller with an idempotency key may repeat them.
// A problem's code is static, or lives in the call's arena.
#pragma once
#include "rpc/call.h"
#include "rpc/tls.h"

struct rpc_client;
// target: "127.0.0.1:50051" or "dns:///payments:50051".
// NULL only without memory or threads; an unreachable target shows in the calls.
struct rpc_client *rpc_client_new(const char *target);
// The same under TLS: only a server with that role's certificate is talked to. tls NULL: plaintext;
// it outlives the client.
struct rpc_client *rpc_client_new_to(const char *target, enum role role, struct rpc_tls *tls);
void rpc_client_free(
    struct rpc_client *client); // cancels what is under way; its callbacks run first

// Waits for the answer, in the calling thread. The deadline is context->deadline_ns. On OK *ret is
// a message of method->output in the arena; otherwise *problem says why (code and param from the
// details), UNAVAILABLE when the call certainly did not run; UNKNOWN when it may have.
MUST_USE enum status rpc_call(struct rpc_client *client, struct arena *arena,
                              const struct method *method, const struct call_context *context,
                              const ProtobufCMessage *request, ProtobufCMessage **ret,
                              struct problem *problem);

// --- The hop: many calls, ready together, carried by one Bundle.Call (or alone, for slow methods).
// Fill request_bytes, method, context, arena before; packed (or problem) and replayed are set
// after. A call that the transport lost gets UNAVAILABLE if it certainly never ran, else UNKNOWN.
// `done` runs in the client's thread, once (without memory, or when n is 0, at once in the
// caller's); calls and their arenas are the client's until then, the array of pointers may go at
// once. More calls or bytes than one Bundle holds travel in several. A context that metadata can't
// carry (a control character) is INVALID_ARGUMENT.
#define BUNDLE_CALLS_MAX 128
#define BUNDLE_BYTES_MAX ((size_t)1 << 20)
void rpc_bundle(struct rpc_client *client, struct call *const *calls, size_t n,
                void (*done)(void *context), void *context);
// The same for one call on its own method (slow lane).
void rpc_start(struct rpc_client *client, struct call *call, void (*done)(void *context),
               void *context);
// Health.Check of the whole server: whether it is able, leaving or not.
MUST_USE enum status rpc_client_check(struct rpc_client *client, int64_t timeout_ms);
