// What the files of this room share. The only header that knows the C core's types.
//
// A slot is one place for a call to arrive in: it is armed on a completion queue, becomes a call,
// is answered, and is armed again once its answer has left. Between two events it belongs to
// exactly one party: the queue (armed, sending) or the thread that took it from there (running).
#pragma once
#include <grpc/byte_buffer.h>
#include <grpc/grpc.h>
#include <grpc/slice.h>
#include <grpc/support/time.h>
#include <pthread.h>
#include <stdatomic.h>

#include "obol/rpc/v1/bundle.pb-c.h"
#include "obs/metrics.h"
#include "rpc/client.h"
#include "rpc/server.h"

#define TENANT_ID_MAX 64
#define ACTOR_MAX 128
#define IDEMPOTENCY_KEY_MAX 255
#define FINGERPRINT_MAX 64
#define TIMEOUT_MS_MAX (INT64_C(3600) * 1000)   // later deadlines are brought down to this
#define TIMEOUT_MS_DEFAULT (INT64_C(60) * 1000) // for callers that name none
#define RPC_ANSWER_BYTES_MAX ((size_t)64 << 20) // a bundle's answers together
#define TURN_ITEMS_MAX (RPC_BATCH_MAX + BUNDLE_CALLS_MAX)
#define TURN_ARENAS_MAX (RPC_BATCH_MAX + TURN_ITEMS_MAX)
#define DETAILS_BYTES_MAX 2048
#define WATCHES_MAX 512 // each client has one for each replica
#define REFLECTIONS_MAX 64

#define KEY_DETAILS "grpc-status-details-bin"
#define KEY_REPLAYED "idempotency-replayed"

// grpc_init and grpc_shutdown, counted by the core.
void core_begin(void);
void core_end(void);

// A method as this server serves it.
struct binding {
    const struct method *method;
    const struct rpc_handler *handler; // NULL for the server's own methods
    void *registered;
};

struct item {
    struct call call; // first: handlers see this part
    struct slot *slot;
    const struct binding *binding;
    bool settled; // nothing to run, or run
};

enum slot_state { SLOT_IDLE, SLOT_ARMED, SLOT_RUNNING, SLOT_SENDING };

struct slot {
    struct rpc_server *server;
    const struct binding *binding; // NULL: takes the calls of unknown methods
    grpc_completion_queue *queue;
    _Atomic int
        state; // also what orders our accesses across the queue, for those who can't see into it
    grpc_call *call;
    grpc_call_details details;
    grpc_metadata_array metadata;
    grpc_byte_buffer *payload, *answer;
    gpr_timespec deadline;
    grpc_slice request; // the payload in one piece
    int cancelled;
    int64_t began_ns;
    enum role role;                       // of the certificate that the call came with
    struct item item;                     // a plain call
    Obol__Rpc__V1__BundleRequest *bundle; // a bundle, in the turn's arena
    struct item *items;                   // one for each of its calls
    struct arena *arena;                  // the turn's, for a bundle's own memory
    struct slot *next;                    // slow lane: the queue
    char tenant_id[TENANT_ID_MAX + 1];    // slow lane: whose place this takes
};

// The slots of one method on one queue.
void slot_init(struct slot *slot, struct rpc_server *server, const struct binding *binding,
               grpc_completion_queue *queue);
void slot_deinit(struct slot *slot);
void slot_arm(struct slot *slot); // not while the server stops; after server_enter
// What the queue said of the slot: true when it holds a new call, which the caller now owns.
bool slot_event(struct slot *slot, bool success);
// Request bytes, context, deadline and message into item. False: item->call.problem says why.
bool slot_decode(struct slot *slot, struct item *item, struct arena *arena);
bool slot_context(struct slot *slot, struct call_context *ret, struct arena *arena,
                  struct problem *problem);
struct bytes slot_request(struct slot *slot); // in one piece; at NULL when the caller sent none
// The last word on a call; the slot belongs to the queue afterwards.
void slot_answer(struct slot *slot, struct call *call);
void slot_answer_message(struct slot *slot, const ProtobufCMessage *message);
void slot_refuse(struct slot *slot, const struct problem *problem);

// Runs what may run; settles the others. Calls of one binding, n <= RPC_BATCH_MAX.
void items_run(void *worker, struct item *const *items, size_t n);
// Decides from deadline and bytes whether the item may run; unpacks its request.
// strings.c: the name of the first string that isn't UTF-8, at any depth; NULL when all are.
const char *message_bad_text(const ProtobufCMessage *message);
void item_prepare(struct item *item, int64_t now_ns);
// After its handler: an answer, or a problem.
void item_settle(struct item *item);
// An answer that could not be carried although the work was done.
void call_answer_lost(struct call *call);

struct turn {
    struct rpc_server *server;
    void *worker;
    struct arena *arenas[TURN_ARENAS_MAX];
    size_t arenas_made, arenas_used;
    struct slot *slots[RPC_BATCH_MAX];
    size_t slots_n;
    struct item *items[TURN_ITEMS_MAX];
    size_t items_n;
};
struct arena *turn_arena(struct turn *turn); // valid until the turn ends; NULL without memory

void bundle_expand(struct slot *slot,
                   struct turn *turn); // sets slot->items and adds them to the turn
void bundle_answer(struct slot *slot);

// roles.c: who calls, and whether it may. Everything is allowed where there is no TLS.
const char *role_name(enum role role);
enum role role_of_name(struct bytes name); // "payments.obol"; ROLE_NONE when it is nobody's
enum role role_of_peer(grpc_call *call);
bool role_may(const struct rpc_server *server, enum role role, const struct method *method);
// Context and arena are set. False: call->problem says why; it is counted and logged.
bool call_admit(struct rpc_server *server, enum role role, struct call *call);

// Metadata.
bool context_from_metadata(const grpc_metadata_array *metadata, struct arena *arena,
                           struct call_context *ret, struct problem *problem);
bool context_from_bundle(const Obol__Rpc__V1__Context *from, struct arena *arena,
                         struct call_context *ret, struct problem *problem);
#define CONTEXT_METADATA_MAX 6
// Fills entries; the slices are the caller's to release with metadata_release.
size_t context_to_metadata(const struct call_context *context,
                           grpc_metadata entries[CONTEXT_METADATA_MAX]);
void metadata_release(grpc_metadata *entries, size_t n);
bool metadata_find(const grpc_metadata_array *metadata, const char *key, struct bytes *ret);
int64_t deadline_from_core(gpr_timespec deadline);
gpr_timespec deadline_to_core(int64_t deadline_ns);
// One piece from a byte buffer; an empty slice when it can't be read.
bool buffer_to_slice(grpc_byte_buffer *buffer, grpc_slice *ret);
grpc_byte_buffer *buffer_of_message(const ProtobufCMessage *message);
grpc_byte_buffer *buffer_of_bytes(struct bytes bytes);

// google.rpc.Status of a problem; returns its length.
size_t details_pack(const struct problem *problem, uint8_t out[DETAILS_BYTES_MAX]);
// False when it is none of ours. code is copied into the arena.
bool details_unpack(struct arena *arena, struct bytes packed, struct problem *ret);

struct lane_fast;
struct lane_slow;
struct stage;

struct rpc_server {
    struct rpc_server_config config;
    grpc_server *core;
    int port;
    struct rpc_handler *handlers; // ours: the caller's may go
    struct binding *bindings;     // sorted by path
    size_t bindings_n;
    struct binding bundle;
    atomic_bool stopping, abandoning; // abandoning: what waits is refused, not begun
    atomic_size_t out;                // slots and streams armed or with a call
    pthread_mutex_t mutex;
    pthread_cond_t emptied;
    struct lane_fast *fast;
    struct lane_slow *slow;
    struct stage *stage;
    struct metric *calls_total, *seconds, *batches, *callers_total;
    struct metric_series *fast_depth, *slow_depth;
    _Atomic unsigned tls_generation; // of the identity that the core has
    _Atomic int64_t refusal_next_ns; // when the log hears of refused callers again
    atomic_size_t refused_n;         // since it last did
};
const struct binding *server_binding(const struct rpc_server *server, const char *path);
void server_observe(const struct rpc_server *server, const struct call *call, int64_t began_ns);

// spans.c: a call that is served, and one that goes out.
void call_served(const struct call *call, int64_t began_ns);
void call_sent(struct call *call); // from now on call_traceparent is that of its own span
const char *call_traceparent(const struct call *call);
void call_came_back(const struct call *call);

// Each armed slot or stream is counted until it is idle. The core's shutdown can end while a call
// of a client that has gone is still in a handler's hands, and its queue must live until that one
// is answered.
void server_enter(struct rpc_server *server);
void server_leave(struct rpc_server *server);

// The three that hold threads. new: makes queues, before the core starts. run: starts threads. arm:
// after the core has started. free: joins; the core has no calls any more.
struct lane_fast *lane_fast_new(struct rpc_server *server);
bool lane_fast_run(struct lane_fast *lane);
void lane_fast_arm(struct lane_fast *lane);
void lane_fast_free(struct lane_fast *lane);
struct lane_slow *lane_slow_new(struct rpc_server *server);
bool lane_slow_run(struct lane_slow *lane);
void lane_slow_arm(struct lane_slow *lane);
void lane_slow_free(struct lane_slow *lane);
struct stage *stage_new(struct rpc_server *server);
bool stage_run(struct stage *stage);
void stage_arm(struct stage *stage);
void stage_free(struct stage *stage);
// Begins the core's shutdown; true when it has ended within max_ms (then, or on a later call).
void stage_shutdown(struct stage *stage);
bool stage_wait(struct stage *stage, int64_t max_ms);

// What became of a call that went out, from the core's words; see client.h.
struct lost {
    grpc_status_code status;
    struct bytes text, details;
};
bool lost_explain(const struct lost *lost, struct call *call); // true: the server's own words

// What the stage's streams say.
int health_serving(const struct rpc_server *server, const char *service); // ServingStatus
ProtobufCMessage *reflection_answer(const struct rpc_server *server, struct arena *arena,
                                    struct bytes request); // NULL: malformed, or the arena is full
