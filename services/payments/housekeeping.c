#include "housekeeping.h"

#include "base/clock.h"
#include "callbacks/store_callbacks.h"
#include "creation/store_payers.h"
#include "service/service.h"
#include "setup/reseal.h"
#include "setup/store_volumes.h"
#include "state.h"
#include "store.h"

static enum status (*const sweeps[])(struct db *, struct arena *, int64_t now_us, size_t limit,
                                     size_t *ret_removed) = {
    store_card_tokens_sweep,
    store_unknown_callbacks_sweep,
    store_volumes_sweep,
    store_payers_sweep,
};

enum status sweep_payments(void *context, struct db *db, struct arena *arena, bool *ret_more)
{
    const struct payments_state *state = context;
    int64_t now_us = clock_unix_us();
    for (size_t i = 0; i < sizeof sweeps / sizeof *sweeps; i++) {
        size_t removed = 0;
        enum status status = sweeps[i](db, arena, now_us, SERVICE_SWEEP_ROWS, &removed);
        if (status != STATUS_OK)
            return status;
        if (removed >= SERVICE_SWEEP_ROWS)
            *ret_more = true;
    }
    return reseal_credentials(state->ring, db, arena, ret_more);
}
