// What a processor has in hand: slots, from when an operation is claimed until what was heard of it
// is recorded. Private to the processor; its thread only.
#pragma once
#include <pthread.h>
#include <stdatomic.h>

#include "obs/metrics.h"
#include "processor/news.h"
#include "processor/processor.h"
#include "processor/slot.h"

struct processor {
    struct processor_config config;
    pthread_t thread;
    struct http_client *client;
    struct db *db;
    struct arena *arena; // of a turn
    struct news *news;   // by slot
    struct slot *slots;
    size_t waiting; // slots, for access tokens
    struct http_response *responses;
    struct finished *finished; // of a turn: what it records, whose it is, and whether it did
    struct slot **recorded;
    bool *settled;
    struct claim_place place;
    size_t out, held, answered; // slots
    int64_t look_ns;            // when to claim next
    int64_t turn_ns;            // no turn before
    int64_t retry_ms;           // after a failure to record
    int64_t record_ns;          // not before
    struct metric *in_flight;
    _Atomic bool stopping, rung;
};

size_t hand_room(const struct processor *processor); // free slots
// How many of them what may take long gets: half of all at most.
size_t hand_long_room(const struct processor *processor);
// Sends what was claimed, or asks; or what it waits for first is asked for.
void hand_begin(struct processor *processor, const struct claimed *claimed);
// Waits up to max_ms for responses.
void hand_read_responses(struct processor *processor, int64_t max_ms);
// Those whose access token has come, or won't.
void hand_look_for_sessions(struct processor *processor);
// What a callback says is asked at once, and what has waited long enough for one goes on.
void hand_listen(struct processor *processor);
// What is to be recorded goes to processor->finished; how many.
size_t hand_gather(struct processor *processor);
// Of the first n that were gathered, those that are settled leave their slots.
void hand_release(struct processor *processor, size_t n);
