#include "housekeeping.h"

#include "base/clock.h"
#include "reseal.h"
#include "service/service.h"
#include "state.h"
#include "store.h"

enum status sweep_payments(void *context, struct db *db, struct arena *arena, bool *ret_more)
{
    const struct payments_state *state = context;
    size_t tokens = 0;
    enum status status =
        store_card_tokens_sweep(db, arena, clock_unix_us(), SERVICE_SWEEP_ROWS, &tokens);
    if (tokens >= SERVICE_SWEEP_ROWS)
        *ret_more = true;
    return status == STATUS_OK ? reseal_credentials(state->ring, db, arena, ret_more) : status;
}
