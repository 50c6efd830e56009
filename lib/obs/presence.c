#include "obs/presence.h"

#include "base/log.h"
#include "base/signals.h"

#define ENTRY(name_, field, fallback_, help_, min, max)                                            \
    {                                                                                              \
        name_, CONFIG_INT, offsetof(struct presence_settings, field), fallback_, help_, min, max   \
    }

const struct config_entry presence_entries[] = {
    ENTRY("LIVE_WITHIN_S", live_within_s, "30",
          "not live when a loop of its own has not come round for so long", 10, 3600),
    ENTRY("DRAIN_DELAY_MS", drain_delay_ms, "0",
          "after SIGTERM: not ready, but serving on for so long, so that others see it and go "
          "elsewhere; a second SIGTERM ends it",
          0, 600000),
    ENTRY("DRAIN_MS", drain_ms, "5000", "longest wait for what is in hand at the end", 0, 600000),
};
const size_t presence_entries_n = sizeof presence_entries / sizeof *presence_entries;

void presence_end(const struct presence_settings *settings, struct health *health,
                  const sigset_t *signals, void (*tell)(void *context), void *context)
{
    int64_t half_ms = settings->drain_delay_ms / 2;
    log_info("draining");
    health_drain(health);
    bool hurry = half_ms > 0 && signals_wait(signals, half_ms);
    tell(context);
    if (half_ms > 0 && !hurry)
        (void)signals_wait(signals, half_ms);
}
