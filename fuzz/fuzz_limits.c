// How much a tenant may ask for: the arithmetic of a bucket, reckoned again in 128 bits, and a
// loop's slice of it through any order of events, whose tokens are counted one by one. "b", rate,
// burst, microseconds; or rate, burst, share, and an event of two characters each, what and how
// much.
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "bucket.h"
#include "slices.h"
#include "support/fuzz.h"
#include "tenant.h"

#define MINUTE_US 60000000
#define SHARE_MAX 64
#define WAITING_MAX 1000
#define RESET_MS_MAX INT64_C(600000000000) // the largest bucket at the smallest rate

static int64_t number(struct fuzz_input *input, struct arena *arena, int64_t least, int64_t most)
{
    int64_t value = strtoll(fuzz_line(input, arena), NULL, 10);
    return value < least ? least : value > most ? most : value;
}

static void check_bucket(struct fuzz_input *input, struct arena *arena)
{
    Obol__Auth__V1__LeaseTokensResponse told = OBOL__AUTH__V1__LEASE_TOKENS_RESPONSE__INIT;
    struct bucket_lease lease = {.rate_per_min = number(input, arena, 1, RATE_PER_MIN_MAX),
                                 .burst = number(input, arena, 1, BUCKET_TOKENS_MAX)};
    __int128 rate = lease.rate_per_min, burst = lease.burst;
    lease.empty_us = number(input, arena, 0, (int64_t)((burst * MINUTE_US + rate - 1) / rate));
    bucket_answer(&lease, &told);
    __int128 minutes_us = burst * MINUTE_US - lease.empty_us * rate; // held, times the rate
    assert(told.limit == rate && told.remaining >= 0 && told.remaining <= burst);
    assert(lease.empty_us > 0 || told.remaining == burst); // full is full
    assert(told.remaining * MINUTE_US <= minutes_us + rate);
    assert((told.remaining + 1) * MINUTE_US > minutes_us);
    assert(told.reset_ms * 1000 >= lease.empty_us && (told.reset_ms - 1) * 1000 < lease.empty_us);
    assert((told.next_ms == 0) == (told.remaining > 0));
    if (told.next_ms > 0) { // then there is one, and not much earlier
        assert(minutes_us + (told.next_ms * 1000 + 1) * rate >= MINUTE_US);
        assert(minutes_us + (told.next_ms - 2) * 1000 * rate < MINUTE_US);
    }
}

struct tally {
    struct slice_terms terms;
    struct slice *slice;
    int64_t now_ns, began_ns, newest_ns; // newest: when the newest lease was asked for
    int64_t granted, returned, leased, local, back_here, back_local;
};

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t held(const struct slice *slice)
{
    return slice->older + slice->tokens + slice->spare;
}

// Every token that was leased is spent, in hand, too old, or has gone back.
static void check_tokens(const struct tally *tally)
{
    const struct slice *slice = tally->slice;
    assert(slice->older >= 0 && slice->tokens >= 0 && slice->spare >= 0);
    assert(tally->granted + tally->back_here ==
           tally->leased + tally->returned + slice->older + slice->tokens + slice->spare);
    assert(slice_remaining(slice) >= slice->older + slice->tokens);
    assert(slice_reset_s(slice, tally->now_ns) >= 0);
    // While nobody leases: the loop's share of the rate, and of the burst.
    __int128 each_ns = (__int128)60 * NS_PER_S * tally->terms.share;
    __int128 refill = (tally->now_ns - tally->began_ns) * (__int128)tally->terms.rate_per_min;
    __int128 burst = most(tally->terms.burst / tally->terms.share, 1);
    assert(tally->local - tally->back_local - burst <= refill / each_ns + 1);
}

// Told to come back later, a caller who does is not turned away again for the same reason.
static void check_dry(const struct tally *tally)
{
    struct slice later = *tally->slice;
    int64_t wait_s = slice_retry_s(&later, &tally->terms, tally->now_ns);
    assert(wait_s >= 1);
    assert(slice_take(&later, &tally->terms, tally->now_ns + wait_s * NS_PER_S) != SLICE_DRY);
}

static void take(struct tally *tally)
{
    int64_t before = held(tally->slice);
    enum slice_verdict verdict = slice_take(tally->slice, &tally->terms, tally->now_ns);
    bool leased = held(tally->slice) < before;
    assert(verdict == SLICE_TAKEN || tally->slice->older + tally->slice->tokens == 0);
    assert((verdict == SLICE_TAKEN && !leased) <= tally->slice->away);
    assert(!leased || (verdict == SLICE_TAKEN && held(tally->slice) == before - 1));
    if (verdict == SLICE_DRY)
        check_dry(tally);
    if (verdict != SLICE_TAKEN)
        return;
    tally->leased += leased;
    tally->local += !leased;
    assert(!leased || tally->now_ns < tally->newest_ns + NS_PER_S); // a lease lives for a second
}

// Only what was taken.
static void give_back(struct tally *tally)
{
    if (tally->leased + tally->local <= tally->back_here + tally->back_local)
        return;
    tally->back_local += tally->slice->away;
    tally->back_here += !tally->slice->away;
    slice_give_back(tally->slice, &tally->terms, tally->now_ns);
}

static void ask(struct tally *tally)
{
    bool leasing = tally->slice->leasing;
    int64_t returned = 0, spare = tally->slice->spare;
    int64_t wanted = slice_ask(tally->slice, &tally->terms, tally->now_ns, &returned);
    assert(wanted >= 0 && (wanted == 0 || (!leasing && returned == spare)));
    assert(wanted <= most(tally->slice->waiting_n, tally->terms.rate_per_min));
    assert(wanted == 0 || wanted >= tally->slice->waiting_n);
    tally->returned += returned;
}

static void answer(struct tally *tally, unsigned how_much)
{
    if (!tally->slice->leasing)
        return;
    int64_t asked = tally->slice->asked;
    struct slice_grant grant = {.granted = how_much % 2 ? asked : asked * how_much / 256,
                                .remaining = how_much,
                                .reset_ms = RESET_MS_MAX >> how_much % 40,
                                .next_ms = RESET_MS_MAX >> how_much % 40};
    tally->newest_ns = tally->slice->asked_ns;
    tally->granted += grant.granted;
    slice_granted(tally->slice, &grant, tally->now_ns);
}

static void happen(struct tally *tally, char what, unsigned how_much)
{
    switch (what % 8) {
    case 0:
    case 1:
        for (unsigned i = 0; i <= how_much % 64; i++)
            take(tally);
        break;
    case 2:
        give_back(tally);
        break;
    case 3:
        ask(tally);
        break;
    case 4:
        answer(tally, how_much);
        break;
    case 5:
        if (tally->slice->leasing)
            slice_failed(tally->slice, tally->now_ns);
        break;
    case 6:
        tally->slice->waiting_n = how_much * WAITING_MAX / 256;
        break;
    default: // from a microsecond to half a day
        tally->now_ns += (INT64_C(1) << how_much % 36) * 1000;
    }
}

static void check_slice(struct fuzz_input *input, struct arena *arena)
{
    static struct slices *slices;
    if (!slices)
        slices = slices_new();
    struct tally tally = {.now_ns = NS_PER_S, .began_ns = NS_PER_S};
    tally.terms = (struct slice_terms){number(input, arena, 1, RATE_PER_MIN_MAX),
                                       number(input, arena, 1, BUCKET_TOKENS_MAX),
                                       number(input, arena, 1, SHARE_MAX)};
    tally.slice = slices_find(slices, "tenant:a", tally.now_ns);
    assert(tally.slice && slices_find(slices, "tenant:a", tally.now_ns) == tally.slice);
    for (; input->left >= 2; input->at += 2, input->left -= 2) {
        happen(&tally, (char)input->at[0], input->at[1]);
        check_tokens(&tally);
    }
    memset(tally.slice, 0, sizeof *tally.slice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input;
    struct arena *arena = fuzz_begin(data, size, &input);
    if (size > 0 && data[0] == 'b') {
        (void)fuzz_line(&input, arena);
        check_bucket(&input, arena);
    } else {
        check_slice(&input, arena);
    }
    return 0;
}
