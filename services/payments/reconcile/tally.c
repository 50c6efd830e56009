#include "reconcile/tally.h"

#include <string.h>

static int64_t sum_of(int64_t a, int64_t b)
{
    int64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

static int64_t times(int64_t amount, int64_t n)
{
    int64_t product;
    return __builtin_mul_overflow(amount, n, &product) ? INT64_MAX : product;
}

struct tally tally_of(const struct their_row *row)
{
    bool succeeded = row->booked == BOOKED_SUCCEEDED || row->moved > 0;
    int64_t n = row->moved > 1 ? row->moved : 1;
    return (struct tally){
        .succeeded = succeeded ? n : 0,
        .open = !succeeded && row->booked == BOOKED_OPEN,
        .failed = !succeeded && row->booked == BOOKED_FAILED,
        .sum = succeeded ? times(row->amount, n) : 0,
        .amount = row->amount,
        .currency = row->currency,
    };
}

void tally_add(struct tally *tally, const struct tally *other)
{
    if (!tally->currency || (other->succeeded > 0 && tally->succeeded == 0)) {
        tally->amount = other->amount;
        tally->currency = other->currency;
        tally->mixed = other->mixed;
    } else if (other->succeeded > 0) {
        tally->mixed =
            tally->mixed || other->mixed || strcmp(tally->currency, other->currency) != 0;
    }
    tally->succeeded += other->succeeded;
    tally->open += other->open;
    tally->failed += other->failed;
    tally->sum = sum_of(tally->sum, other->sum);
}

enum booked tally_booked(const struct tally *tally)
{
    if (tally->succeeded > 0)
        return BOOKED_SUCCEEDED;
    return tally->open > 0 ? BOOKED_OPEN : BOOKED_FAILED;
}
