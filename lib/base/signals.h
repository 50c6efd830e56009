// How a program is told to end: SIGTERM and SIGINT, taken by one thread that asks for them.
#pragma once
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

// Before any other thread is made, which inherits it: the two are blocked (*ret_set has them), and
// a peer that hangs up is an error of write(2) instead of SIGPIPE.
void signals_block(sigset_t *ret_set);
// True when one of them came within max_ms.
bool signals_wait(const sigset_t *set, int64_t max_ms);
