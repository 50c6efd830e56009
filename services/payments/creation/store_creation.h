// The switch that stops new payments: one row, for the whole installation. On the caller's
// connection.
#pragma once
#include "db/db.h"

struct payment_creation {
    bool stopped;
    const char *reason, *changed_by; // "": nobody has touched it
    int64_t changed_us;              // DB_TIME_NULL likewise
};
MUST_USE enum status store_creation_get(struct db *db, struct arena *arena,
                                        struct payment_creation *ret);
MUST_USE enum status store_creation_put(struct db *db, struct arena *arena,
                                        const struct payment_creation *creation);
