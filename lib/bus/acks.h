// Inside the room: which events of the batch that is out the bus has acknowledged. Filled by the
// library's thread, read by the relay's.
#pragma once
#include "bus/internal.h"

struct acks;
struct acks *acks_new(void);
// When a callback may still come, it is leaked rather than freed under it.
void acks_free(struct acks *acks);

// A new batch; its events are sorted by id and borrowed until the next.
void acks_begin(struct acks *acks, const struct event *events, size_t n);
void acks_sent(
    struct acks *acks); // one more is out; before the publish, whose answer may overtake us
void acks_unsent(struct acks *acks); // it is not, after all
// The bus refuses this one for ever (too large): as good as acknowledged, consumers find it by
// ListEvents.
void acks_give_up(struct acks *acks, size_t index);
// Waits until all that are out are answered, at most max_ms and no longer than there is a
// connection, then takes the unanswered ones back.
void acks_wait(struct acks *acks, const struct bus *bus, jsCtx *js, int64_t max_ms);
// Ids of the acknowledged ones; *ret_missing_stream: an error said that nobody took a message.
size_t acks_collect(struct acks *acks, const char **ids, bool *ret_missing_stream);
// jsPubAckHandler
void acks_on_ack(jsCtx *js, natsMsg *message, jsPubAck *ack, jsPubAckErr *error, void *closure);
