// The simulator: a provider that moves no money, for test mode and development (tools/sandbox is
// its server). HTTP with a bearer key; callbacks carry X-Signature-256.
#pragma once
#include "providers/provider.h"

struct payments_settings;
struct simulator_settings {
    const char *url, *key, *callback_secret, *credential_id;
    const char *callback_url; // "": polls only
};

// settings live as long as *provider.
void simulator_init(struct provider *provider, const struct simulator_settings *settings,
                    bool idempotent, int64_t timeout_ms);
