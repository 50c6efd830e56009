// What the files of the dispatcher share.
#pragma once
#include "dispatcher.h"
#include "obs/metrics.h"

struct slot {
    enum slot_state { SLOT_FREE, SLOT_SENDING, SLOT_DONE } state;
    struct arena *arena; // everything below lives in it, until the outcome is written
    struct attempt attempt;
    struct http_request request;
    const char *header_lines;
    struct outcome outcome;
    bool tried; // a request was made: its outcome says something about the endpoint
};

struct dispatcher {
    struct dispatcher_config config;
    struct slot *slots;
    struct http_client *_Atomic client; // made by the thread that turns
    struct endpoint_key from;           // where the next look at the queue begins
    struct arena *from_arena;
    int64_t recover_ns; // when leases are looked at again
    _Atomic bool draining;
    struct bell *drained;
    struct metric *attempts, *durations, *in_flight;
};

size_t slots_count(const struct dispatcher *dispatcher, enum slot_state state);
void slot_done(struct slot *slot, struct outcome outcome, bool tried);

// dispatcher_claim.c: fills the free slots with what is due. *ret_started: how many attempts it
// took.
MUST_USE enum status dispatcher_claim(struct dispatcher *dispatcher, struct http_client *client,
                                      struct db *db, struct arena *arena, size_t *ret_started);
// dispatcher_flush.c: writes finished outcomes and frees their slots. When it can't, they stay.
MUST_USE enum status dispatcher_flush(struct dispatcher *dispatcher, struct db *db,
                                      struct arena *arena);
