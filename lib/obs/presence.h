// How long a program counts as there: live while its loops come round, and, told to end, seen off
// before it takes no more. The same variables for every program that serves.
#pragma once
#include <signal.h>

#include "base/config.h"
#include "obs/health.h"

struct presence_settings {
    int64_t live_within_s, drain_delay_ms, drain_ms;
};
extern const struct config_entry presence_entries[];
extern const size_t presence_entries_n;

// Gives notice, over drain_delay_ms: first whoever balances or looks for replicas sees this one no
// more (health_drain); halfway `tell` tells those who are connected to go. All goes on meanwhile.
// One more of the signals ends the wait. What follows may take drain_ms.
void presence_end(const struct presence_settings *settings, struct health *health,
                  const sigset_t *signals, void (*tell)(void *context), void *context);
