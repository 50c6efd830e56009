// A sandbox's book, fetched.
#pragma once
#include "reconcile/reconcile_ask.h"

// The credential's ledger_url; "" where it has none. A live credential has no such field; if it
// had, it would not be believed.
const char *reconcile_ledger_url(const struct credential *credential);
// UNAVAILABLE and FAILED_PRECONDITION come with a problem; CANCELLED.
MUST_USE enum status reconcile_ledger(const struct reconcile_asking *asking, struct arena *arena,
                                      struct their_row **ret, size_t *ret_n,
                                      struct problem *problem);
