#include "obs/pulse.h"

#include <stddef.h>

#include "base/clock.h"

// The database's room knows no loops, and a loop doesn't see where its turn waits.
static _Thread_local struct pulse *mine;

void pulse_busy(struct pulse *pulse)
{
    mine = pulse;
    if (pulse)
        atomic_store_explicit(&pulse->busy_since_ns, clock_now_ns(), memory_order_relaxed);
}

bool pulse_expect(struct pulse *pulse)
{
    int64_t resting = 0;
    return pulse && atomic_compare_exchange_strong(&pulse->busy_since_ns, &resting, clock_now_ns());
}

void pulse_rest(struct pulse *pulse)
{
    if (mine == pulse)
        mine = NULL;
    if (pulse)
        atomic_store(&pulse->busy_since_ns, 0);
}

void pulse_away(void)
{
    if (mine)
        atomic_store_explicit(&mine->busy_since_ns, 0, memory_order_relaxed);
}

void pulse_back(void)
{
    pulse_busy(mine);
}
