// What a provider has under one reference and one kind, added up. Sums stay at the largest number
// when they would pass it. Pure.
#pragma once
#include "reconcile/reconcile.h"

struct tally {
    int64_t succeeded, open, failed; // how many
    int64_t sum;                     // of what succeeded
    int64_t amount;                  // of the first, of what succeeded if anything did
    const char *currency;            // likewise; NULL: there is nothing yet
    bool mixed;                      // what succeeded has other currencies too
};

struct tally tally_of(const struct their_row *row);
void tally_add(struct tally *tally, const struct tally *other);
enum booked tally_booked(const struct tally *tally);
