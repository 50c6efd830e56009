// What a tenant allows of one payment. Its day's volume is counted in store_volumes.c. Pure.
#pragma once
#include "base/problem.h"
#include "setup/setup.h"

enum limit_verdict {
    LIMIT_OK,
    LIMIT_REVIEW, // a person looks at it before anything is sent
};

// limit NULL: there is none. INVALID_ARGUMENT amount_too_small or amount_too_large, param amount,
// the bound in the sentence.
MUST_USE enum status limit_check(const struct limit *limit, int64_t amount, enum limit_verdict *ret,
                                 struct problem *problem);

// --- A day's volume, in slices with a part of the limit each, so that no row is hot.
#define VOLUME_SLICES 16

struct volume_slice {
    int64_t budget, used; // used <= budget
};

// What can be granted when all slices are in hand: true when the limit has room for the amount,
// which is then used from slice `own`, and the room that is left shared out anew. *ret_changed
// tells whether the slices are to be written: budgets follow a limit that has changed, also where
// nothing is granted.
bool volume_share(struct volume_slice slices[VOLUME_SLICES], int64_t limit, int64_t amount,
                  size_t own, bool *ret_changed);
