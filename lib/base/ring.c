#include "base/ring.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

// turn == place: free for the put that has drawn this place. turn == place + 1: to be taken.
struct ring {
    size_t slots_n, size;
    atomic_size_t *turns;
    char *items;
    atomic_size_t put; // the next place
    char apart[64];    // so that those who put don't slow the one who takes
    size_t taken;
};

struct ring *ring_new(size_t slots_n, size_t size)
{
    assert(slots_n > 1 && (slots_n & (slots_n - 1)) == 0);
    struct ring *ring = calloc(1, sizeof *ring);
    if (!ring)
        return NULL;
    ring->slots_n = slots_n;
    ring->size = size;
    ring->turns = calloc(slots_n, sizeof *ring->turns);
    ring->items = calloc(slots_n, size);
    if (!ring->turns || !ring->items) {
        ring_free(ring);
        return NULL;
    }
    for (size_t i = 0; i < slots_n; i++)
        atomic_init(&ring->turns[i], i);
    return ring;
}

void ring_free(struct ring *ring)
{
    if (!ring)
        return;
    free(ring->turns);
    free(ring->items);
    free(ring);
}

static char *slot(const struct ring *ring, size_t place)
{
    return ring->items + (place & (ring->slots_n - 1)) * ring->size;
}

bool ring_put(struct ring *ring, const void *item)
{
    size_t place = atomic_load_explicit(&ring->put, memory_order_relaxed);
    for (;;) {
        atomic_size_t *turn = &ring->turns[place & (ring->slots_n - 1)];
        size_t seen = atomic_load_explicit(turn, memory_order_acquire);
        if (seen == place) {
            if (!atomic_compare_exchange_weak_explicit(&ring->put, &place, place + 1,
                                                       memory_order_relaxed, memory_order_relaxed))
                continue;
            memcpy(slot(ring, place), item, ring->size);
            atomic_store_explicit(turn, place + 1, memory_order_release);
            return true;
        }
        if ((ptrdiff_t)(seen - place) < 0)
            return false;
        place = atomic_load_explicit(&ring->put, memory_order_relaxed);
    }
}

bool ring_take(struct ring *ring, void *ret)
{
    size_t place = ring->taken;
    atomic_size_t *turn = &ring->turns[place & (ring->slots_n - 1)];
    if (atomic_load_explicit(turn, memory_order_acquire) != place + 1)
        return false;
    memcpy(ret, slot(ring, place), ring->size);
    atomic_store_explicit(turn, place + ring->slots_n, memory_order_release);
    ring->taken = place + 1;
    return true;
}
