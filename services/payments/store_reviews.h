// Payments and refunds that wait for a person.
#pragma once
#include "db/db.h"

struct review {
    const char *tenant_id, *payment_id;
    const char *refund_id; // "": the payment itself waits
    const char *reason;    // NULL: its outcome isn't known
    int64_t amount;
    const char *currency, *provider;
    const char *reference;         // of the act that is to be decided
    const char *unknown_operation; // NULL: none
    int64_t since_us;
};
struct review_page {
    const char *tenant_id;                          // "": all
    const char *after_payment_id, *after_refund_id; // "": from the beginning
    size_t limit;
};
// By payment, oldest first, and then by refund.
MUST_USE enum status store_reviews_list(struct db *db, struct arena *arena,
                                        const struct review_page *page, struct review **ret,
                                        size_t *ret_n);
// Those that wait from now on: tenant, payment, refund and reason count.
MUST_USE enum status store_reviews_enter(struct db *db, struct arena *arena,
                                         const struct review *reviews, size_t n, int64_t now_us);
// And those that do no more, by tenant, payment and refund.
MUST_USE enum status store_reviews_leave(struct db *db, struct arena *arena,
                                         const struct review *reviews, size_t n);
