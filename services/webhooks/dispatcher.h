// Sends deliveries: keeps a fixed number of slots full, each an attempt under way. A turn is one
// transaction: it writes the outcomes that have come, all together, and claims what is due for the
// slots that they leave; what was claimed goes out once that is committed. With the database away,
// outcomes wait in their slots. One thread turns it (dispatcher_turn), another talks to the
// endpoints (sender.h); dispatcher_wake and dispatcher_drain may come from any other.
#pragma once
#include "base/bell.h"
#include "sending.h"

#define DISPATCHER_SLOTS_MAX 1024

struct dispatcher_config {
    struct sending_rules rules;
    size_t slots;
    int64_t disable_after_s;  // how long an endpoint may fail without a success
    struct bell *bell;        // wakes the loop that turns it
    struct bell *outbox_bell; // rung when an event was committed; may be NULL
};

struct dispatcher;
// Lives in the arena; NULL when that is full.
struct dispatcher *dispatcher_new(struct arena *arena, const struct dispatcher_config *config);
void dispatcher_free(struct dispatcher *dispatcher); // after its last turn; NULL is fine
// One turn, as service_loop wants it. The bell is rung when there are answers.
int64_t dispatcher_turn(void *dispatcher, struct db *db, struct arena *arena);
// There is something new to send.
void dispatcher_wake(struct dispatcher *dispatcher);
// Claims no more; true when what was under way is written, false after max_ms.
bool dispatcher_drain(struct dispatcher *dispatcher, int64_t max_ms);
