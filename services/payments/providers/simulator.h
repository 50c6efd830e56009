// The simulator: a provider that moves no money, for test mode and development (tools/sandbox is
// its server). HTTP with a bearer key; callbacks carry X-Signature-256. Its credential (fields key,
// webhook_secret, base_url) comes from the installation's settings (registry.c), not from tenants.
#pragma once
#include "providers/provider.h"

// idempotent: it takes one reference twice without harm.
void simulator_init(struct provider *provider, bool idempotent, int64_t timeout_ms);
