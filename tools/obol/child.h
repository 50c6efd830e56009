// Other programs, run beside obol: with an environment of their own, told to leave when obol dies.
#pragma once
#include <sys/types.h>

#include "base/arena.h"

struct child {
    const char *const *words; // the program first, found on PATH without a slash; ends with NULL
    char *const *environment; // NULL: ours
    int out_fd;               // its standard output; -1: ours
    bool quiet;               // what it says on standard error goes nowhere
};
pid_t child_start(const struct child *child); // -1: it can't be
int child_wait(pid_t pid);                    // its exit code; 128 and more: a signal ended it
// What it prints, at most `max` bytes; NULL when it fails.
char *child_read(struct arena *arena, const struct child *child, size_t max);
