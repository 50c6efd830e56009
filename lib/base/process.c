#include "base/process.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"

void process_guard(void)
{
    const char *dumps = getenv("OBOL_CORE_DUMPS");
    const struct rlimit none = {0, 0};
    if (dumps && strcmp(dumps, "true") == 0)
        return;
    if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        log_warn("memory is not guarded", LOG_S("reason", strerror(errno)));
}

void process_lock(void *secret, size_t length)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t from = (uintptr_t)secret / page * page;
    size_t whole = ((uintptr_t)secret + length + page - 1) / page * page - from;
    if (mlock((void *)from, whole) != 0 || madvise((void *)from, whole, MADV_DONTDUMP) != 0)
        log_warn("memory is not locked", LOG_S("reason", strerror(errno)));
}
