// The tables of the payments service. Every function runs in the caller's transaction when one is
// open; results live in the arena. Where several rows are locked, it is in the order of their keys
// (of the queue and operations: by id); and always the queue before operations before payments
// before orders before payers, so that no two workers wait for each other.
#pragma once
#include "crypto/crypto.h"
#include "db/db.h"
#include "operation.h"
#include "order.h"
#include "payment.h"
#include "service/page.h"
#include "validate.h"

struct key {
    const char *tenant_id, *id;
};

// --- Payments
// Fills ret[i] for keys[i], NULL where there is none.
MUST_USE enum status store_payments_get(struct db *db, struct arena *arena, const struct key *keys,
                                        size_t n, const struct payment **ret);
// Locks what exists; rows come sorted by key (strcmp), each once.
MUST_USE enum status store_payments_lock(struct db *db, struct arena *arena, const struct key *keys,
                                         size_t n, struct payment **ret, size_t *ret_n);

// What a row looked like when it was read, and what it shall be.
struct payment_update {
    struct payment payment;
    enum payment_status seen_status;
    int64_t seen_sequence;
};
// ABORTED when a row is no longer as seen.
MUST_USE enum status store_payments_update(struct db *db, struct arena *arena,
                                           const struct payment_update *updates, size_t n,
                                           int64_t now_us);

// Those whose charge goes elsewhere: provider, credential, earlier attempts.
MUST_USE enum status store_payments_reroute(struct db *db, struct arena *arena,
                                            const struct payment_update *updates, size_t n);

struct new_payment {
    struct payment payment;
    struct bytes provider_token; // sealed; at NULL: none
    struct bytes payer;          // keyed digest of who pays; at NULL: not known, or not counted
    struct bytes personal;       // store_payments_insert seals it
    int64_t lease_ms;            // of its charge
    bool review;                 // a person decides whether it is charged
};
// And their charge operations, due at now_us unless a person is to look first.
MUST_USE enum status store_payments_insert(struct db *db, struct arena *arena,
                                           const struct new_payment *const *items, size_t n,
                                           int64_t now_us);
// Sets exists[i].
MUST_USE enum status store_payments_existing(struct db *db, struct arena *arena,
                                             const struct key *keys, size_t n, bool *exists);

struct payment_filter {
    const char *status, *order_id, *method; // NULL: any
    const char *test_mode;                  // "true" | "false" | NULL: both
};
// One more than page->limit where there are more; newest first, but oldest first when paging back.
MUST_USE enum status store_payments_list(struct db *db, struct arena *arena, const char *tenant_id,
                                         const struct page *page,
                                         const struct payment_filter *filter, struct key **ret,
                                         size_t *ret_n);

// --- Orders
MUST_USE enum status store_orders_get(struct db *db, struct arena *arena, const struct key *keys,
                                      size_t n, const struct order **ret);
// taken[i] tells whether payments[i] has its order now. Keys come once each.
MUST_USE enum status store_orders_take(struct db *db, struct arena *arena, const struct key *keys,
                                       const char *const *payment_ids, size_t n, bool *taken);

struct order_following {
    struct key order;
    const char *payment_id;
    bool paid; // else free again
};
MUST_USE enum status store_orders_follow(struct db *db, struct arena *arena,
                                         const struct order_following *items, size_t n);
// *ret_made false: the id is taken.
MUST_USE enum status store_orders_insert(struct db *db, struct arena *arena,
                                         const struct order *order, bool *ret_made);
MUST_USE enum status store_orders_list(struct db *db, struct arena *arena, const char *tenant_id,
                                       const struct page *page, const char *status,
                                       struct order **ret, size_t *ret_n);

// --- Operations
struct claimed {
    struct operation operation;
    bool send;                   // else ask
    bool held_back;              // claimed, but nothing may leave
    struct bytes provider_token; // sealed
    struct bytes testimony;      // what the provider told by callback, where it can't be asked
    const char *card_token, *method, *vpa, *capture, *charge_reference;
    const char *charge_provider_reference;
    int64_t charge_amount;
    const char *msisdn, *network, *return_url, *description, *email, *phone, *name;
    bool unreadable; // its payer's data can't be opened
    bool pending;    // the payment is: its charge leaves for the first time
};
// What is kept of a callback is sealed: it names payers.
const char *testimony_context(struct arena *arena, const char *operation_id);
struct leased {
    struct key key;
    int64_t lease_us;
    int64_t lease_ms; // how long it may take; 0: not said
};
struct claim_bounds {
    int64_t now_us;
    int64_t lease_ms;         // of what does not say how long it needs
    const char *after_tenant; // whose turn was last
    int64_t per_tenant, limit;
};
// Leases what is due and free.
MUST_USE enum status store_operations_take(struct db *db, struct arena *arena,
                                           const struct claim_bounds *bounds, struct leased **ret,
                                           size_t *ret_n);
// What is taken still under these leases is marked as sent, where it is ready.
MUST_USE enum status store_operations_claim(struct db *db, struct arena *arena,
                                            const struct leased *leased, size_t n, int64_t now_us,
                                            struct claimed **ret, size_t *ret_n);
// What was taken and finds no place is due again at again_us.
MUST_USE enum status store_operations_give_back(struct db *db, struct arena *arena,
                                                const struct leased *leased, size_t n,
                                                int64_t again_us);
struct shut_circuits {
    const char *const *credential_ids; // "": the simulator's
    const int64_t *rooms;              // for so many requests there is room
    size_t n;
    int64_t again_us;
};
// Of what was taken and is ready, gives back what its provider's circuit has no room for.
MUST_USE enum status store_operations_hold_back(struct db *db, struct arena *arena,
                                                const struct leased *leased, size_t n,
                                                const struct shut_circuits *shut,
                                                struct operation **ret, size_t *ret_n);
// Sorted by id, then tenant; what is absent or looked at no more is left out.
MUST_USE enum status store_operations_lock(struct db *db, struct arena *arena,
                                           const struct key *keys, size_t n, struct operation **ret,
                                           size_t *ret_n);
// They leave the queue where due_us is null.
MUST_USE enum status store_operations_update(struct db *db, struct arena *arena,
                                             const struct operation *operations, size_t n,
                                             int64_t now_us);
// New and due now. *ret_n rows went in: fewer than n when another was first.
MUST_USE enum status store_operations_insert(struct db *db, struct arena *arena,
                                             const struct operation *operations, size_t n,
                                             int64_t now_us, size_t *ret_n);
// *ret_taken: it had not been sent and never will be.
MUST_USE enum status store_operations_take_back(struct db *db, struct arena *arena,
                                                const struct payment *payment, int64_t now_us,
                                                bool *ret_taken);
// By refund ids; ret[i] NULL where there is none.
MUST_USE enum status store_operations_by_refund(struct db *db, struct arena *arena,
                                                const struct key *refunds, size_t n,
                                                struct operation **ret);
MUST_USE enum status store_operations_lock_refund(struct db *db, struct arena *arena,
                                                  const struct key *refund, struct operation **ret);
// The provider's own name for an operation; NULL: none, or no such operation.
MUST_USE enum status store_operations_reference(struct db *db, struct arena *arena,
                                                const struct key *operation, const char **ret);
MUST_USE enum status store_operations_tombstone(struct db *db, struct arena *arena,
                                                const struct operation *operation, int64_t now_us,
                                                bool *ret_made);
// The payment's live act ends by decision; what it was: kind 0 when there was none.
struct act_decision {
    enum operation_status as;
    const char *provider_reference; // NULL: as it is known
};
struct finished_act {
    enum operation_kind kind;
    int64_t amount;
};
MUST_USE enum status store_operations_finish_live(struct db *db, struct arena *arena,
                                                  const struct key *payment,
                                                  const struct act_decision *decision,
                                                  int64_t now_us, struct finished_act *ret);
// Charges again under a new reference.
MUST_USE enum status store_operations_recharge(struct db *db, struct arena *arena,
                                               const struct payment *payment,
                                               const char *operation_id, int64_t lease_ms,
                                               int64_t now_us);
struct attempt_end {
    const char *tenant_id, *operation_id;
    int64_t attempt;
    const char *outcome;
    int64_t duration_us, http_status;
};
MUST_USE enum status store_attempts_finish(struct db *db, struct arena *arena,
                                           const struct attempt_end *ends, size_t n,
                                           int64_t now_us);
MUST_USE enum status store_jobs_count(struct db *db, struct arena *arena, const char *tenant_id,
                                      int64_t since_us, int64_t counts[4]);

// --- What is forgotten: rows that `statement` finds by a time and up to a number of them.
struct sweep {
    const struct db_statement *statement;
    int64_t before_us;
    size_t limit;
};
MUST_USE enum status store_sweep(struct db *db, struct arena *arena, const struct sweep *sweep,
                                 size_t *ret_removed);

// --- Card tokens
struct card_token {
    const char *tenant_id, *id, *provider, *brand;
    const char *credential_id; // NULL: the simulator's
    char last4[5];
    int64_t expiry_month, expiry_year;
    struct bytes provider_token; // sealed, context card_token_context
    struct sha256 fingerprint;
    int64_t created_us, expires_us;
};
MUST_USE enum status store_card_tokens_get(struct db *db, struct arena *arena,
                                           const struct key *keys, size_t n, int64_t now_us,
                                           const struct card_token **ret);
MUST_USE enum status store_card_tokens_insert(struct db *db, struct arena *arena,
                                              const struct card_token *token);
MUST_USE enum status store_card_tokens_sweep(struct db *db, struct arena *arena, int64_t now_us,
                                             size_t limit, size_t *ret_removed);
const char *card_token_context(struct arena *arena, const char *tenant_id, const char *id);
