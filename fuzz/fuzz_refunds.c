// Every request of the refunds service, judged by the very handler that serves it.
#include "rpc_refunds.h"
#include "saga.h"
#include "support/service.h"

static struct refunds refunds;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct worker *worker;
    const struct fuzz_service service = {refund_handlers, refund_handlers_n, "refunds", &refunds};
    if (!worker) {
        worker = fuzz_worker(&service);
        refunds = (struct refunds){.service = worker->service, .journal = worker->journal};
    }
    return fuzz_handle(&service, worker, data, size);
}
