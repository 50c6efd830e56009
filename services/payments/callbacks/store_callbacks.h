// What callbacks of providers do to the tables, and what is kept of them. As in store.h: results
// live in the arena, and the queue's rows are locked in the order of their ids.
#pragma once
#include "crypto/crypto.h"
#include "store.h"

enum callback_found {
    FOUND_NOTHING,  // the tenant has no such operation
    FOUND_FINISHED, // nothing that is open; or the tenant isn't known
    FOUND_OPEN,
};
// A callback that names something which may be ours.
struct callback_named {
    const char *reference, *provider;
    const char *tenant_id;     // "": not known
    const char *credential_id; // at the provider; for testimony only
    struct bytes testimony;    // what is kept of it; at NULL: nothing
    enum callback_found found; // filled in
};
// Sorted by reference. What is open is due now, or as soon as a processor that is at it has
// recorded what it heard. The commit is a relaxed one: an operation is asked about sooner or later
// without a callback too.
MUST_USE enum status store_callbacks_take(struct db *db, struct arena *arena,
                                          struct callback_named *items, size_t n, int64_t now_us);
// The same, where the callback is all that the provider will say: it is kept with what is open, of
// this credential and not waiting for a person, in the same transaction, which waits for the disk.
MUST_USE enum status store_callbacks_testify(struct db *db, struct arena *arena,
                                             struct callback_named *items, size_t n,
                                             int64_t now_us);

#define UNKNOWN_CALLBACKS_OF_A_DAY 1000 // that are kept for a tenant and provider
struct unknown_callback {
    const char *id, *tenant_id, *provider, *credential_id;
    struct bytes digest;
    struct bytes body; // sealed, context unknown_callback_context
};
const char *unknown_callback_context(struct arena *arena, const char *id);
// Sorts them. What is there already stays as it is.
MUST_USE enum status store_unknown_callbacks_keep(struct db *db, struct arena *arena,
                                                  struct unknown_callback *items, size_t n,
                                                  int64_t now_us);
MUST_USE enum status store_unknown_callbacks_sweep(struct db *db, struct arena *arena,
                                                   int64_t now_us, size_t limit,
                                                   size_t *ret_removed);

struct callback_count {
    const char *tenant_id, *provider, *outcome;
    int64_t n, last_us;
};
// Sorted by key, each once.
MUST_USE enum status store_callback_counts_add(struct db *db, struct arena *arena,
                                               const struct callback_count *counts, size_t n);
// By outcome. shared: what belongs to no tenant counts too.
MUST_USE enum status store_callback_counts_get(struct db *db, struct arena *arena,
                                               const char *tenant_id, const char *provider,
                                               bool shared, struct callback_count **ret,
                                               size_t *ret_n);

// What is under way of these payments is due now, unless it was asked about less than interval_us
// ago. Waits for nobody; the commit is a relaxed one.
MUST_USE enum status store_operations_nudge(struct db *db, struct arena *arena,
                                            const struct key *payments, size_t n, int64_t now_us,
                                            int64_t interval_us);
