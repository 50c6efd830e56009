// Creating payments, many at once. The steps before the transaction: what each call asks for
// becomes a row, its event and its answer, all of them made once, so that every try writes the
// same.
#pragma once
#include "batch.h"
#include "effects.h"
#include "state.h"
#include "store.h"

enum create_verdict { CREATE_GOES = 1, CREATE_REFUSED, CREATE_HELD };

struct create_item {
    struct batch_item base;
    struct problem problem; // of validation; status OK when it may go
    struct new_payment new;
    const struct order *order; // NULL: a reference of the merchant's
    const struct sha256 *card; // fingerprint of the card that pays; NULL: none
    int64_t daily_limit;       // of the tenant's payments in this currency; 0: none
    struct event events[2];    // created, and needs_review where a person is to look first
    size_t events_n;
    const char *audit;
    struct bytes answer; // packed, in the call's arena
    struct claim claim;  // when the call has a key
    // Of the newest try:
    enum create_verdict verdict;
    struct problem refusal;
    bool replayed;
};

// Fills items (n of them, zeroed but for base.call). When the database can't be read, the status.
MUST_USE enum status create_prepare(struct worker *worker, struct arena *arena,
                                    struct create_item *items, size_t n, int64_t now_us);
// One transaction over these items: struct batch's attempt and settle.
enum status create_attempt(struct worker *worker, struct arena *arena, struct batch_item **items,
                           size_t n, bool again);
void create_settle(struct worker *worker, struct batch_item **items, size_t n);
// Provider, credential, limits of those that have no problem yet.
MUST_USE enum status create_route(struct worker *worker, struct create_item *items, size_t n);
// Whether a card or a number belongs to the mode: 422 test_instrument, live_instrument.
enum status route_check_instrument(const struct provider *provider, bool live,
                                   const struct provider_act *act, const struct provider_card *card,
                                   struct problem *problem);
// In the transaction: the day's volume of those that go and have a limit; refuses what is too much.
struct create_refusals {
    void (*refuse)(void *context, struct create_item *item, const struct problem *why);
    void *context;
};
MUST_USE enum status create_take_volumes(struct worker *worker, struct arena *arena,
                                         struct create_item *const *items, size_t n,
                                         struct create_refusals *refusals);
// The keyed digest of who pays: a VPA whatever its case, a phone's number, a card's. At NULL: not
// known. card: its fingerprint, or NULL.
struct bytes create_payer(struct arena *arena, const struct keyring *ring,
                          const struct payment *payment, const struct sha256 *card);
// In the transaction, after orders: attempts of those that go and have a payer; refuses too many,
// and those of who is blocked.
MUST_USE enum status create_take_payers(struct worker *worker, struct arena *arena,
                                        struct create_item *const *items, size_t n,
                                        struct create_refusals *refusals);
bool create_takes_order(const struct create_item *item);
