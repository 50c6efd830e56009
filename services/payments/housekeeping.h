// What payments forgets beyond the journal and whole partitions: card tokens past their time. And
// payers' data that earlier versions kept plain is sealed.
#pragma once
#include "db/db.h"
#include "journal/reseal.h"

// Sessions and idempotent answers are not among them: they are past their time within a day.
extern const struct sealed_column payments_sealed[];
extern const size_t payments_sealed_n;

// The service_definition's sweep.
MUST_USE enum status sweep_payments(void *state, struct db *db, struct arena *arena,
                                    bool *ret_more);
