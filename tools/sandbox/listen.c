#include "listen.h"

#include <signal.h>
#include <stddef.h>

static sigset_t endings(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    return set;
}

void listen_block_signals(void)
{
    sigset_t set = endings();
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

void listen_until_told(void)
{
    sigset_t set = endings();
    int got;
    while (sigwait(&set, &got) != 0)
        ;
}
