// Object ids: a prefix that names the kind, an underscore, and a ULID in lower case
// (github.com/ulid/spec: 48 bits of milliseconds, 80 random bits, Crockford's base 32; 26
// characters). Ids of one kind sort by their time of birth, bytewise (COLLATE "C"), so they can be
// a partition key and a keyset cursor; those that one thread makes keep their order within a
// millisecond. Thread-safe.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define ID_PREFIX_MAX 12
#define ID_SIZE (ID_PREFIX_MAX + 1 + 26 + 1) // with the NUL
#define ID_TEXT_MAX 64 // longest id accepted from outside ("order_123" and merchants' imports)

struct id {
    char text[ID_SIZE];
};

struct id id_new(const char *prefix);
// The smallest id of this kind at that time: a boundary for partitions and time filters.
struct id id_floor(const char *prefix, int64_t unix_ms);
// Prefix, underscore, then 1 to ID_TEXT_MAX-… characters of [A-Za-z0-9_-]. A shape check, not a
// look-up.
bool id_looks_like(const char *prefix, const char *text);
