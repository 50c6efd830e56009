// The shared buckets in PostgreSQL. What a server that crashed had in them is lost: they are full
// then.
#pragma once
#include "bucket.h"
#include "db/db.h"

// leases: each key once, in the order of strcmp; granted and empty_us are filled in. now_us
// DB_TIME_NULL: by the database's clock, which is one for all.
MUST_USE enum status buckets_lease(struct db *db, struct arena *arena, struct bucket_lease *leases,
                                   size_t n, int64_t now_us);
// rates[i] of tenant_ids[i]; RATE_DEFAULT: the installation's, or no such tenant.
MUST_USE enum status tenants_rates(struct db *db, struct arena *arena,
                                   const char *const *tenant_ids, size_t n, int64_t *rates);
// Those that have been full since before_us, up to limit.
MUST_USE enum status buckets_sweep(struct db *db, struct arena *arena, int64_t before_us,
                                   size_t limit, size_t *ret_removed);
