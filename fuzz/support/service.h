// The handlers of a service, called one message at a time, with an empty database (database.c).
#pragma once
#include "rpc/server.h"
#include "service/service.h"
#include "support/fuzz.h"

struct fuzz_service {
    const struct rpc_handler *handlers;
    size_t handlers_n;
    const char *name;
    void *state;
};

const struct keyring *fuzz_ring(void);
// Made anew for each program; its service is blank.
struct worker *fuzz_worker(const struct fuzz_service *service);
// The first line names the method, the rest is its message. Whatever the handler makes of it, the
// caller gets a refusal that can be shown, or an answer that can be read; never a 500.
int fuzz_handle(const struct fuzz_service *service, struct worker *worker, const uint8_t *data,
                size_t size);
