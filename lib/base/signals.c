#include "base/signals.h"

#include <stddef.h>
#include <time.h>

#include "base/clock.h"

void signals_block(sigset_t *ret_set)
{
    sigemptyset(ret_set);
    sigaddset(ret_set, SIGTERM);
    sigaddset(ret_set, SIGINT);
    pthread_sigmask(SIG_BLOCK, ret_set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

bool signals_wait(const sigset_t *set, int64_t max_ms)
{
    struct timespec wait = {.tv_sec = max_ms / 1000, .tv_nsec = max_ms % 1000 * NS_PER_MS};
    return sigtimedwait(set, NULL, &wait) > 0;
}
