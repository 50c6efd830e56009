// A tenant's volume of a day (UTC), by currency: the sum of what was granted never exceeds the
// limit, whatever runs at once, and while it is far from it, payments that use different slices
// share no row. On the caller's connection, in its transaction: what is rolled back was not used.
#pragma once
#include "db/db.h"
#include "setup/limit.h"

struct volume_ask {
    const char *tenant_id, *currency;
    int64_t amount, limit; // both above 0
    bool granted;          // the answer
};

// items: each tenant and currency once (whoever has several payments sums them, and asks one by one
// when the sum is refused). slice: below VOLUME_SLICES, best the caller's own. Row locks are taken
// in one order, so callers do not deadlock over them. ABORTED: others were always faster; try
// again.
MUST_USE enum status store_volumes_take(struct db *db, struct arena *arena,
                                        struct volume_ask *items, size_t n, size_t slice,
                                        int64_t now_us);
// Days more than a week ago, up to limit rows.
MUST_USE enum status store_volumes_sweep(struct db *db, struct arena *arena, int64_t now_us,
                                         size_t limit, size_t *ret_removed);
