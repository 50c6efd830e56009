// What payments forgets beyond the journal and whole partitions: card tokens past their time. And
// what older keys have sealed is sealed anew.
#pragma once
#include "db/db.h"

// The service_definition's sweep.
MUST_USE enum status sweep_payments(void *state, struct db *db, struct arena *arena,
                                    bool *ret_more);
