// The handlers of ProviderService that tell of callbacks and of what waits for a person. As in
// rpc.h.
#pragma once
#include "rpc/server.h"

enum status rpc_get_callback_status(void *worker, struct call *call);
enum status rpc_list_reviews(void *worker, struct call *call);
