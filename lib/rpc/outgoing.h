// Calls going out, one struct each, from the first byte to the callback. Private to this room.
#pragma once
#include "rpc/secure.h"

// A channel with one identity. Under TLS a client changes to a new one now and then, and the old
// goes when its last call is over.
struct link {
    grpc_channel *channel;
    unsigned generation; // of the identity
    int64_t born_ns;
    int64_t due_ns; // since when another is to take its place; 0: not yet
    size_t users;   // calls, and the client itself; with its mutex
};

struct rpc_client {
    char *target;
    enum role role;
    struct rpc_tls *tls;
    struct link *link, *coming; // with the mutex; coming: connects, while link serves
    grpc_completion_queue *queue;
    pthread_t thread;
    bool runs;
    struct arena *arena;  // the thread's own, for one answer at a time
    int64_t lost_next_ns; // the thread's own: when the log hears of lost calls again
    size_t lost_n;        // since it last did
    pthread_mutex_t mutex;
    pthread_cond_t emptied;
    struct outgoing *first; // under way
    bool closing;
};

// What one rpc_bundle or rpc_start became: some messages, one callback.
struct hop {
    atomic_size_t left; // messages not yet answered
    void (*done)(void *context);
    void *context;
    struct call *calls[]; // a copy, so that the caller's array may go
};

struct outgoing {
    struct outgoing *next, *before;
    struct rpc_client *client;
    struct link *link;
    struct hop *hop;
    struct call **calls; // in the hop
    size_t n;
    bool bundled;
    grpc_call *core;
    grpc_metadata_array initial, trailing;
    grpc_byte_buffer *sent, *received;
    grpc_status_code status;
    grpc_slice text;
    _Atomic int started; // orders our accesses across the queue, for those who can't see into it
};

// link.c; with the client's mutex.
struct link *link_new(struct rpc_client *client);
struct link *link_take(struct rpc_client *client); // for one call
void link_leave(struct link *link);                // NULL is fine

void outgoing_finish(struct outgoing *out); // in the client's thread
