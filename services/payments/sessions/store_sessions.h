// What providers granted, for all replicas: one row a session, sealed, with a lease for the one
// that fetches it.
#pragma once
#include "db/db.h"

struct session_name {
    const char *credential_id, *name;
};

struct session_row {
    struct bytes sealed;            // at NULL: none was granted yet
    int64_t granted_us, expires_us; // DB_TIME_NULL likewise
};

// NOT_FOUND where there is none.
MUST_USE enum status store_session_get(struct db *db, struct arena *arena, struct session_name name,
                                       struct session_row *ret);
// The lease, unless another has it or the row is not as it was seen (granted_us, DB_TIME_NULL: no
// row, or none granted).
struct session_lease {
    struct session_name name;
    int64_t seen_us, now_us, until_us;
};
MUST_USE enum status store_session_lease(struct db *db, struct arena *arena,
                                         const struct session_lease *lease, bool *ret_leased);
// Both end the lease.
MUST_USE enum status store_session_put(struct db *db, struct arena *arena, struct session_name name,
                                       const struct session_row *row);
MUST_USE enum status store_session_release(struct db *db, struct arena *arena,
                                           const struct session_lease *lease);
