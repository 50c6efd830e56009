// What the files of the dispatcher share. A slot belongs to the thread that turns, but while it is
// out: then to the sender.
#pragma once
#include "dispatcher.h"
#include "obs/metrics.h"
#include "sender.h"

struct dispatcher {
    struct dispatcher_config config;
    struct slot *slots;
    struct slot *free; // a list
    size_t free_n;
    struct slot *done; // with outcomes that are not written yet
    size_t done_n;
    struct sender *sender;      // made by the first turn
    struct endpoint_key window; // where the look at the queue begins
    struct endpoint_key served; // the last that got a slot when they ran out
    struct arena *window_arena, *served_arena;
    int64_t turned_ns; // when the last transaction was over
    int64_t look_ns;   // when the queue is looked at again, though nothing says so
    bool more;         // the last look left something, or saw a part only
    _Atomic bool draining, rung;
    struct bell *drained;
    struct metric *in_flight;
};

// The next look is not at the whole queue.
bool window_is_behind(const struct dispatcher *dispatcher);
// The slot is empty and free again.
void slot_free(struct dispatcher *dispatcher, struct slot *slot);

// --- dispatcher_claim.c
struct claim {
    struct waiting *endpoints; // that may have slots; in the turn's arena, like the attempts
    size_t endpoints_n;
    struct attempt *attempts;
    size_t n;
    bool left;          // there may be more for the next look
    int64_t send_by_ns; // later the lease would not outlast the attempt
};
// Claims what is due for this many slots, in the caller's transaction. Lost attempts are recovered.
MUST_USE enum status dispatcher_claim(struct dispatcher *dispatcher, struct db *db,
                                      struct arena *arena, size_t room, struct claim *ret);
// Once the claim is committed: the attempts get their slots and go out.
void dispatcher_send(struct dispatcher *dispatcher, const struct claim *claim);

// --- dispatcher_flush.c
struct flush {
    struct slot **slots; // sorted by delivery, so that nobody locks crosswise
    struct outcome *outcomes;
    size_t n;
};
// Takes the slots that are done, one of each delivery. False when the arena is full.
bool flush_begin(struct dispatcher *dispatcher, struct arena *arena, struct flush *ret);
// An endpoint among them wants no more: nothing may be claimed before that is known to all.
bool flush_has_gone(const struct flush *flush);
// Posts the outcomes when in a transaction.
MUST_USE enum status flush_write(const struct flush *flush, struct db *db, struct arena *arena);
// Once they are committed: draws the consequences and frees the slots. This or flush_alone ends
// every flush.
void flush_end(struct dispatcher *dispatcher, struct flush *flush, struct db *db,
               struct arena *arena);
// Writes the outcomes by themselves, one by one when they can't be written together. What can't be
// written now stays in its slot.
MUST_USE enum status flush_alone(struct dispatcher *dispatcher, struct flush *flush, struct db *db,
                                 struct arena *arena);
