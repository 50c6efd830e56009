// What providers have to say about a day, as rows to reconcile: a settlement file, or the book of a
// sandbox. Pure; rows live in the arena.
#pragma once
#include "base/problem.h"
#include "reconcile/reconcile.h"

// A file (csv.h) whose header has the columns reference, amount (decimal, in the currency's own
// form: base/currency.h), currency, status and perhaps kind (charge | refund); others are passed
// over. Refusals name param "csv" and the line.
MUST_USE enum status settlement_read(struct arena *arena, struct bytes file, struct their_row **ret,
                                     size_t *ret_n, struct problem *problem);
// {"entries":[{"reference","id","kind","status","amount","currency","moved"}]}, amounts in minor
// units. What moves no money (invoices) is left out. Anything else is FAILED_PRECONDITION
// "ledger_unreadable".
MUST_USE enum status settlement_read_ledger(struct arena *arena, struct bytes json,
                                            struct their_row **ret, size_t *ret_n,
                                            struct problem *problem);
