// One try of many calls, and what follows when it fails: the same batch again where the reason goes
// away or a COMMIT's answer was lost, one by one where an item is at fault or stuck.
#pragma once
#include "service/service.h"

struct batch_item { // first member of what a handler keeps for a call
    struct call *call;
};

struct batch {
    struct worker *worker;
    struct arena *arena;
    // One whole transaction over items, rolled back unless OK. `again`: an earlier try may have
    // committed.
    enum status (*attempt)(struct worker *worker, struct arena *arena, struct batch_item **items,
                           size_t n, bool again);
    // OK was returned: answer the calls.
    void (*settle)(struct worker *worker, struct batch_item **items, size_t n);
};

// Every item's call has an answer or a problem afterwards.
void batch_run(const struct batch *batch, struct batch_item **items, size_t n);

// A read whose answer was lost: nothing was accepted, whatever became of it.
static inline enum status batch_read(enum status status)
{
    return status == STATUS_UNKNOWN ? STATUS_UNAVAILABLE : status;
}
