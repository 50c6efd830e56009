// The bare listener of lib/http: every request gets the same 200, nothing is parsed. It counts what
// comes and when, and GET /stats tells, without counting itself.
#pragma once
#include "bench.h"

struct receiver_config {
    uint16_t port; // 0: any free one
    size_t loops;
    const char *body; // of every answer; JSON
    // Each request that counts, in its loop's thread, before the answer; may be NULL.
    void (*take)(void *context, struct bytes body, int64_t arrived_ns);
    void *context;
};

struct counts {
    int64_t requests, first_ns, last_ns; // monotonic
};

struct receiver;
struct receiver *receiver_start(const struct receiver_config *config); // NULL: the port is taken
uint16_t receiver_port(const struct receiver *receiver);
struct counts receiver_counts(const struct receiver *receiver);
void receiver_stop(struct receiver *receiver); // joins its threads, frees
