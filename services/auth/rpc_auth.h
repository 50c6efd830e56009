// AuthService: decode, rule, store, encode. First argument of each handler: struct worker.
#pragma once
#include "rpc/server.h"

extern const struct rpc_handler auth_handlers[];
extern const size_t auth_handlers_n;
