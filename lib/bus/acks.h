// Inside the room: which parcels of the batch that is out the bus has acknowledged. Filled by the
// library's thread, read by the relay's.
#pragma once
#include "bus/internal.h"

// Events of one type that travel as one message.
struct parcel {
    const struct event *events;
    size_t n;
    const char *id; // Nats-Msg-Id
};

struct acks;
struct acks *acks_new(void);
// When a callback may still come, it is leaked rather than freed under it.
void acks_free(struct acks *acks);

// A new batch of at most RELAY_BATCH, borrowed until acks_collect.
void acks_begin(struct acks *acks, const struct parcel *parcels, size_t n);
void acks_sent(
    struct acks *acks); // one more is out; before the publish, whose answer may overtake us
void acks_unsent(struct acks *acks); // it is not, after all
// The bus refuses this one for ever (too large): as good as acknowledged, consumers find it by
// ListEvents.
void acks_give_up(struct acks *acks, size_t index);
// Waits until all that are out are answered, at most max_ms and no longer than there is a
// connection, then takes the unanswered ones back.
void acks_wait(struct acks *acks, const struct bus *bus, jsCtx *js, int64_t max_ms);
// done[i] for each parcel: acknowledged. True when an error said that nobody took a message.
bool acks_collect(struct acks *acks, bool *done);
// jsPubAckHandler
void acks_on_ack(jsCtx *js, natsMsg *message, jsPubAck *ack, jsPubAckErr *error, void *closure);
