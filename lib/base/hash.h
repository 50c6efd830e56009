// A hash for tables in memory: FNV-1a, 64 bits (draft-eastlake-fnv). For short keys that are no
// secret; whoever chooses keys that collide makes a table slow, not wrong.
#pragma once
#include <stddef.h>

size_t hash_text(const char *text);
