// What payers tried of late, and who is blocked: by tenant and payer, a keyed digest. On the
// caller's connection, in its transaction. Exact, whatever runs at once: a payer is a row, rows are
// locked in the order of their keys, after orders.
#pragma once
#include "db/db.h"
#include "store.h"

struct payer_ask {
    const char *tenant_id;
    struct bytes payer;
    int64_t wanted;  // above 0
    int64_t granted; // the answer
    bool blocked;
    int64_t wait_s; // until there is another to have
};

// asks: each payer once, by tenant, then by its bytes. per_minute 0: any number, but for who is
// blocked.
MUST_USE enum status store_payers_attempt(struct db *db, struct arena *arena,
                                          struct payer_ask *asks, size_t n, int64_t per_minute);

struct payer_block {
    int64_t failures, block_s; // so many within an hour, for so long
};
// Payments that the payer's side declined, each once.
MUST_USE enum status store_payers_fail(struct db *db, struct arena *arena,
                                       const struct key *payments, size_t n,
                                       const struct payer_block *block);
// Forgets what is known of the payer of a payment. NOT_FOUND: no such payment.
MUST_USE enum status store_payers_unblock(struct db *db, struct arena *arena,
                                          const struct key *payment, bool *ret_known,
                                          bool *ret_was_blocked);
MUST_USE enum status store_payers_sweep(struct db *db, struct arena *arena, int64_t now_us,
                                        size_t limit, size_t *ret_removed);
