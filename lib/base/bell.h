// Wakes a sleeping loop. A ring that comes before the wait is not lost; many rings are one.
// Thread-safe. Waiting has always a bound, so a missed ring costs time, never work.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"

struct bell;

struct bell *bell_new(void);       // NULL when the machine is out of memory
void bell_free(struct bell *bell); // NULL is fine
DEFINE_CLEANUP(bell_free, struct bell *)
void bell_ring(struct bell *bell);
// Returns when rung or after max_ms; true when rung. Clears the ring.
bool bell_wait(struct bell *bell, int64_t max_ms);
