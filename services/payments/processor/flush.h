// Recording what came of requests to providers, many at once, in the transaction of a turn.
#pragma once
#include "processor/turn.h"

// Operations, the queue and attempts; what payments shall follow goes to the turn.
MUST_USE enum status flush_outcomes(struct turn *turn, const struct finished *items, size_t n);
// Logs what payments did not follow.
void flush_report(const struct payment_change *changes, size_t n);
