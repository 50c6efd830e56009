// Every request of the journal that each service serves: cursors, keys, audit filters.
#include "service/internal.h"
#include "support/service.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct worker *worker;
    const struct fuzz_service service = {journal_handlers, journal_handlers_n, "journal", NULL};
    if (!worker)
        worker = fuzz_worker(&service);
    return fuzz_handle(&service, worker, data, size);
}
