// Payments that wait for a person.
#pragma once
#include "db/db.h"

struct review {
    const char *tenant_id, *payment_id, *reason;
    int64_t amount;
    const char *currency, *provider;
    const char *reference;         // of the act that is to be decided
    const char *unknown_operation; // NULL: none
    int64_t since_us;
};
// After the payment `after` ("": from the beginning), oldest first; tenant_id "": of all tenants.
MUST_USE enum status store_reviews_list(struct db *db, struct arena *arena, const char *tenant_id,
                                        const char *after, size_t limit, struct review **ret,
                                        size_t *ret_n);
