// A restored database is not the one that was lost: what happened between the backup and the end of
// the old one happened, at providers and to merchants, but is on no record. What follows from that
// for each service's rows is written here, before any service sees them.
#pragma once
#include "backup.h"

struct restored {
    int64_t doubtful;          // operations that are asked about before anything is sent
    const char *const *forgot; // refunds that no merchant was told of and payments doesn't know
    size_t forgot_n;
    int64_t wrong[4]; // counts, 0 each: see wrong_names
};
extern const char *const restored_wrong_names[4];

// dbs by peer, each on its schema.
MUST_USE enum status restored_settle(struct db *const *dbs, struct arena *arena,
                                     struct restored *ret);
