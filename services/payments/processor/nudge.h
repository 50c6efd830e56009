// Somebody looks at a payment whose provider has said nothing for a while: then it is asked now,
// and not when its turn comes.
#pragma once
#include "payment.h"
#include "service/service.h"

#define NUDGE_AFTER_MS 30000 // without a change
#define NUDGE_EVERY_MS 5000  // at most, of one payment

// At the end of a read, when its calls have been answered; payments may hold NULLs. Without effect,
// and without a word to the database, where none of them is concerned. A failure is none: their
// turn comes.
void nudge(struct worker *worker, const struct payment *const *payments, size_t n, int64_t now_us);
