#pragma once
#include "rpc/server.h"

struct auth_settings {
    int64_t tenant_rate_per_min; // of tenants that have none of their own; 0: no limit
};

// LeaseTokens: `.many`.
void rpc_lease_tokens(void *worker, struct call *const *calls, size_t n);
