// What is kept in memory stays there: no core dump, nobody of the same user may attach or read
// /proc/<pid>/mem and environ, and what is most secret is not swapped out. One thread, at start.
#pragma once
#include <stddef.h>

// First thing in every main(). OBOL_CORE_DUMPS=true leaves the process as it is, for development.
void process_guard(void);
// Pages that hold this are not swapped out and not in any dump. A limit of the system that is too
// low for it is only warned of.
void process_lock(void *secret, size_t length);
