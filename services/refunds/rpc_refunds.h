// RefundService: decode, rule, store, encode. First argument of each handler: struct worker.
#pragma once
#include "rpc/server.h"

extern const struct rpc_handler refund_handlers[];
extern const size_t refund_handlers_n;
