#include "listen.h"

#include "base/signals.h"

static sigset_t endings;

void listen_block_signals(void)
{
    signals_block(&endings);
}

void listen_until_told(void)
{
    int got;
    while (sigwait(&endings, &got) != 0)
        ;
}
