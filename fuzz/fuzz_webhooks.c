// Every request of the webhooks service, judged by the very handler that serves it.
#include "support/service.h"
#include "webhooks.h"

static const struct webhooks_settings settings = {.timeout_ms = 1000};
static struct webhooks webhooks = {.settings = &settings};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct worker *worker;
    const struct fuzz_service service = {webhooks_handlers, webhooks_handlers_n, "webhooks",
                                         &webhooks};
    if (!worker) {
        worker = fuzz_worker(&service);
        webhooks.service = worker->service;
    }
    return fuzz_handle(&service, worker, data, size);
}
