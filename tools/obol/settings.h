// What `obol` reads from the environment, once, before the command runs.
#pragma once
#include "base/config.h"
#include "bus/bus.h"
#include "cli.h"

struct obol_settings {
    const char *targets[PEERS], *database_urls[PEERS]; // a service's own URL: "" where it has none
    const char *ops[PEERS + 1];                        // the gateway's last
    const char *database_url, *keys, *pg_bin, *demo_webhook_url;
};

extern const struct config_entry obol_config[];
extern const size_t obol_config_n;
extern struct obol_settings obol_settings; // filled by main
extern struct bus_settings obol_bus;       // likewise; for doctor
