// Forgets idempotency keys past their time and keeps the journal's partitions ahead of the clock.
#pragma once
#include "service/service.h"

MUST_USE enum status housekeeping_start(struct service *service, void **ret_state);
void housekeeping_stop(void *state);
// One turn; returns how long to sleep.
int64_t housekeeping_turn(void *context, struct db *db, struct arena *arena);
