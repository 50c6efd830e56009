// Payments whose outcome isn't known, to be counted.
#pragma once
#include "store.h"

// Those that are unknown from now on.
MUST_USE enum status store_unknown_enter(struct db *db, struct arena *arena, const struct key *keys,
                                         size_t n, int64_t now_us);
// And those that are no more.
MUST_USE enum status store_unknown_leave(struct db *db, struct arena *arena, const struct key *keys,
                                         size_t n);
