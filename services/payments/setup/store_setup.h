// The tables of credentials, routes and limits. Every function runs in the caller's transaction
// when one is open; results live in the arena.
#pragma once
#include "setup/setup.h"

#define CREDENTIAL_PLAIN_MAX ((size_t)256 << 10) // JSON of all fields together

struct sealed_credential {
    struct credential credential; // without fields and callback_url
    struct bytes sealed;
    const char *const *names; // of the fields that are set
    size_t names_n;
};
// NULL when the arena is full.
const char *credential_context(struct arena *arena, const char *tenant_id, const char *id);
// What was sealed, parsed. DATA_LOSS when it can't be opened.
MUST_USE enum status credential_open(const struct keyring *ring, struct arena *arena,
                                     const struct sealed_credential *row,
                                     const struct json_value **ret);

// --- All that a tenant has arranged, as of one moment.
struct setup_rows {
    const struct sealed_credential *credentials; // oldest first; without names
    const struct route *routes;                  // by place
    const struct limit *limits;                  // by currency
    size_t credentials_n, routes_n, limits_n;
    bool mode_settled, test_mode;
};
MUST_USE enum status store_setup_read(struct db *db, struct arena *arena, const char *tenant_id,
                                      struct setup_rows *ret);
// Whose credential it is; NOT_FOUND.
MUST_USE enum status store_credential_owner(struct db *db, struct arena *arena, const char *id,
                                            const char **ret_tenant_id);

// --- Modes
struct tenant_mode {
    const char *tenant_id;
    bool test_mode, settled;
    int64_t updated_us;     // DB_TIME_NULL where it is not settled
    int64_t live_n, test_n; // credentials that are enabled
};
// ret[i] is of tenant_ids[i]; where nothing is settled, as the credentials tell.
MUST_USE enum status store_tenant_modes_list(struct db *db, struct arena *arena,
                                             const char *const *tenant_ids, size_t n,
                                             struct tenant_mode *ret);
// With the setup's lock.
MUST_USE enum status store_tenant_mode_put(struct db *db, struct arena *arena,
                                           const struct tenant_mode *mode);

// --- Changes. Who changes a tenant's setup holds its lock until the end of the transaction.
MUST_USE enum status store_setup_lock(struct db *db, struct arena *arena, const char *tenant_id);
// Oldest first, with their names.
MUST_USE enum status store_credentials_list(struct db *db, struct arena *arena,
                                            const char *tenant_id, struct sealed_credential **ret,
                                            size_t *ret_n);
// Inserts it, or changes the row of that id: label, enabled, fields.
MUST_USE enum status store_credential_put(struct db *db, struct arena *arena,
                                          const struct sealed_credential *row);
MUST_USE enum status store_routes_list(struct db *db, struct arena *arena, const char *tenant_id,
                                       struct route **ret, size_t *ret_n);
// These instead of those that are there.
MUST_USE enum status store_routes_replace(struct db *db, struct arena *arena, const char *tenant_id,
                                          const struct route *routes, size_t n);
MUST_USE enum status store_limits_list(struct db *db, struct arena *arena, const char *tenant_id,
                                       struct limit **ret, size_t *ret_n);
// All bounds 0: the row goes.
MUST_USE enum status store_limit_put(struct db *db, struct arena *arena, const char *tenant_id,
                                     const struct limit *limit);
