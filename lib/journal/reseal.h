// Sealed columns come to the newest key by themselves, a page a turn: what an older key sealed, or
// what an earlier version kept plain, is sealed anew. One replica at a time is at a column. A pass
// begins when the newest key changes and, as long as there is more than one key, whenever a
// replica starts: so that what one wrote that did not have the new key yet is found after it has
// been started anew.
#pragma once
#include "crypto/crypto.h"
#include "db/db.h"

// page ($1 the newest key's id, $2 and $3 the keys of the last row, $4 how many) gives the keys of
// a row, its context, and what is to be sealed anew or NULL; put takes arrays of keys, what stood
// there, and what shall.
struct sealed_column {
    const char *name; // "payments.personal"
    const struct db_statement *page, *put;
};
extern const struct sealed_column journal_sealed;

// Sets *ret_more when there is more to do at once, else leaves it. started_us: of this process.
MUST_USE enum status journal_reseal(struct db *db, struct arena *arena,
                                    const struct sealed_column *column, int64_t started_us,
                                    bool *ret_more);
