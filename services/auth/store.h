// Tenants and keys in PostgreSQL. Each function runs in the caller's transaction when one is open;
// results live in the arena.
#pragma once
#include "db/db.h"
#include "key.h"
#include "service/page.h"

// *ret_made false: the id stands already.
MUST_USE enum status tenant_insert(struct db *db, struct arena *arena, const struct tenant *tenant,
                                   bool *ret_made);
MUST_USE enum status tenant_get(struct db *db, struct arena *arena, const char *id,
                                struct tenant *ret); // NOT_FOUND
MUST_USE enum status tenant_set_rate(struct db *db, struct arena *arena, const char *id,
                                     int64_t rate_per_min, struct tenant *ret); // NOT_FOUND
// Up to limit rows, newest first.
MUST_USE enum status tenant_list(struct db *db, struct arena *arena, const struct page *page,
                                 struct tenant **ret, size_t *ret_n, bool *ret_more);

// ALREADY_EXISTS when the key's id stands, NOT_FOUND when its tenant doesn't.
MUST_USE enum status key_insert(struct db *db, struct arena *arena, const struct api_key *key);
MUST_USE enum status key_list(struct db *db, struct arena *arena, const char *tenant_id,
                              const struct page *page, struct api_key **ret, size_t *ret_n,
                              bool *ret_more);
// *ret_changed false: it was revoked before. NOT_FOUND.
MUST_USE enum status key_revoke(struct db *db, struct arena *arena, const char *id, int64_t now_us,
                                struct api_key *ret, bool *ret_changed);

struct key_check {
    const char *id;      // in: of a valid shape
    struct bytes digest; // out: at NULL when there is no such key that stands
    const char *tenant_id;
    int64_t rate_per_min; // RATE_DEFAULT: the installation's
};
// All in one statement.
MUST_USE enum status key_find(struct db *db, struct arena *arena, struct key_check *checks,
                              size_t n);
