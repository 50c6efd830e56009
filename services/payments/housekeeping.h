// What grows is swept: idempotency keys, consumer marks and card tokens past their time; partitions
// are made ahead and dropped behind. Turn function of a service loop.
#pragma once
#include "db/db.h"
#include "state.h"

// context: struct payments_state. Returns how long to sleep, milliseconds.
int64_t housekeeping_turn(void *context, struct db *db, struct arena *arena);
