// Inside the room: a durable pull consumer's messages, through absent servers, lost stores and lost
// consumers.
#pragma once
#include "bus/internal.h"

struct feed;
// filters: below the stream, ends with NULL; several are told apart here, because nats-server 2.9
// takes one.
struct feed *feed_new(struct bus *bus, const char *durable, const char *const *filters);
void feed_free(struct feed *feed);
// Waits up to max_ms for the first message, then takes what else is ready, up to CONSUMER_BATCH in
// all. False: nothing came. The caller destroys the list.
bool feed_fetch(struct feed *feed, natsMsgList *ret, int64_t max_ms);
// Whether an event whose subject is unknown, but for its type, is one that the filters ask for.
bool feed_wants_type(const struct feed *feed, const char *type);
bool feed_wants_subject(const struct feed *feed, const char *subject);
