// After a rotation of keys, what older ones have sealed is sealed anew, so that they can leave the
// ring: credentials. (Card tokens and access tokens end by themselves.)
#pragma once
#include "crypto/crypto.h"
#include "db/db.h"

#define RESEAL_ROWS 100

// One batch, in a transaction of its own. Sets *ret_more when there is more, else leaves it.
MUST_USE enum status reseal_credentials(const struct keyring *ring, struct db *db,
                                        struct arena *arena, bool *ret_more);
