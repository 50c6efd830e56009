// Refunds in PostgreSQL. Each function runs in the caller's transaction when one is open; results
// live in the arena.
#pragma once
#include "db/db.h"
#include "refund.h"
#include "service/page.h"

MUST_USE enum status refund_insert(struct db *db, struct arena *arena, const struct refund *refund);
// One refund, for update when lock is set; NOT_FOUND.
MUST_USE enum status refund_get(struct db *db, struct arena *arena, const char *tenant_id,
                                const char *id, bool lock, struct refund *ret);
// Those of the n keys that exist, in the order of tenant and id; locked until the transaction ends.
MUST_USE enum status refunds_lock(struct db *db, struct arena *arena, const struct refund *keys,
                                  size_t n, struct refund **ret, size_t *ret_n);
// The same, unlocked, in no order.
MUST_USE enum status refunds_get(struct db *db, struct arena *arena, const struct refund *keys,
                                 size_t n, struct refund **ret, size_t *ret_n);
MUST_USE enum status refunds_update(struct db *db, struct arena *arena, struct refund *refunds,
                                    size_t n, int64_t now_us);
// Removes a refund that is still reserving. *ret_removed false: it has gone on, or is gone.
MUST_USE enum status refund_delete(struct db *db, struct arena *arena, const struct refund *refund,
                                   bool *ret_removed);
MUST_USE enum status refunds_due(struct db *db, struct arena *arena, size_t limit,
                                 struct refund **ret, size_t *ret_n);

struct refund_filter {
    const char *tenant_id, *payment_id, *status; // NULL: any
};
// At most page->limit + 1 rows.
MUST_USE enum status refunds_list(struct db *db, struct arena *arena,
                                  const struct refund_filter *filter, const struct page *page,
                                  struct refund **ret, size_t *ret_n);
MUST_USE enum status refunds_count(struct db *db, struct arena *arena, const char *tenant_id,
                                   int64_t counts[4]);
