// Every request of the auth service, judged by the very handler that serves it.
#include "rpc_auth.h"
#include "rpc_tokens.h"
#include "support/service.h"

static struct auth_settings settings = {.tenant_rate_per_min = 6000};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct worker *worker;
    const struct fuzz_service service = {auth_handlers, auth_handlers_n, "auth", &settings};
    if (!worker)
        worker = fuzz_worker(&service);
    return fuzz_handle(&service, worker, data, size);
}
