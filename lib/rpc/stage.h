// Streams and what holds them. Private to stage.c and stream.c.
#pragma once
#include "rpc/internal.h"

#define CHECKS_N 16
#define KINDS_N 3
#define ARMED_N 2 // of each kind, waiting for a call or refusing one
#define POOL_N (WATCHES_MAX + REFLECTIONS_MAX + KINDS_N * ARMED_N)
#define TICK_MS 100
#define SERVICE_NAME_MAX 255

struct stage_tag {
    struct stream *stream;
    enum { TAG_ARRIVE, TAG_CLOSE, TAG_IO } kind;
};

struct stream {
    struct stage *stage;
    struct binding *binding; // NULL: free
    struct stage_tag arrive, close, io;
    bool open, counted, io_busy, closed, ended; // ended: its last words are said
    grpc_call *call;
    grpc_metadata_array metadata;
    gpr_timespec deadline;
    grpc_byte_buffer *received, *sent;
    int cancelled;
    char service[SERVICE_NAME_MAX + 1];
    int serving_sent; // -1: nothing yet
};

struct stage {
    struct rpc_server *server;
    grpc_completion_queue *queue;
    struct binding check, kinds[KINDS_N];
    struct method reflections[2];
    struct slot checks[CHECKS_N];
    struct stream streams[POOL_N];
    size_t kinds_n;                  // KINDS_N, or 1: Watch alone
    size_t watches_n, reflections_n; // open
    struct arena *arena;
    pthread_t thread;
    bool runs;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool armed, is_shut_down; // under the mutex
    struct stage_tag shutdown;
};

// After server_enter: waits for a call of this kind.
void stream_arm(struct stream *stream, struct binding *binding);
void stream_reset(struct stream *stream, struct stage *stage);
void stream_event(struct stage_tag *tag, bool success);
// What an idle stream does next.
void stream_turn(struct stream *stream);
bool stream_watches(const struct stream *stream);
