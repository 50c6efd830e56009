// Rows as the messages that callers see, in the arena. NULL when it is full.
#pragma once
#include "obol/webhooks/v1/webhooks.pb-c.h"
#include "rpc/call.h"
#include "store.h"

// secret: shown once, by the answer that makes it; else NULL.
Obol__Webhooks__V1__Endpoint *view_endpoint(struct arena *arena, const struct endpoint *endpoint,
                                            const char *secret);
Obol__Webhooks__V1__Delivery *view_delivery(struct arena *arena, const struct delivery *delivery);
// Adds the attempts, each with the event's body (at NULL: no longer kept). False when the arena is
// full.
bool view_attempts(struct arena *arena, Obol__Webhooks__V1__Delivery *delivery,
                   const struct logged_attempt *attempts, size_t n, struct bytes body);
Obol__Webhooks__V1__StoredEvent *view_event(struct arena *arena, const struct stored_event *event);
