// What an answer means for the refund behind an operation, beyond what it means for any. Pure.
#pragma once
#include "processor/outcome.h"

// Of a refund's decision: the event and the reason that refunds learns, and what is left for the
// payment to do. changed: the operation's status has.
void outcome_tell_refund(struct decision *decision, bool changed);
