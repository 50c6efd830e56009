// A bounded queue of fixed slots: any thread puts, one takes. Neither ever waits for the other, and
// nothing is allocated after ring_new: whoever is in a hurry may put. Dmitry Vyukov's bounded
// queue: each slot has a turn of its own, which says whose it is.
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct ring;

// slots_n: a power of two. Items have `size` bytes. NULL: no memory.
struct ring *ring_new(size_t slots_n, size_t size);
void ring_free(struct ring *ring); // NULL is fine; when nobody puts any more
// Copies the item. False: full, nothing was put.
bool ring_put(struct ring *ring, const void *item);
// Copies the oldest to *ret. False: none is there, or the next is just being put.
bool ring_take(struct ring *ring, void *ret);
