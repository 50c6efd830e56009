// A request's memory: allocated piece by piece, freed at once. One thread at a time.
//
// Every arena has a hard cap, declared when it is made; a request that would pass it gets NULL and
// is refused (RESOURCE_EXHAUSTED), it never takes the process down. Memory is zeroed. Freed space
// is poisoned under AddressSanitizer. Foreign handles that must die with the request are given to
// arena_defer; deferred calls run in reverse order, before the memory goes.
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/status.h"

struct arena;

#define ARENA_CAP_REQUEST ((size_t)8 << 20) // one call
#define ARENA_CAP_BATCH ((size_t)64 << 20)  // one turn of a background loop

// NULL only when the machine is out of memory.
struct arena *arena_new(size_t cap_bytes);
void arena_free(struct arena *arena); // NULL is fine
DEFINE_CLEANUP(arena_free, struct arena *)
// Runs the deferred calls and empties the arena. It keeps one block for the next turn: the
// first; of a batch's arena the largest, up to 1/128 of its cap.
void arena_reset(struct arena *arena);

// Aligned for any type, zeroed; NULL past the cap. Zero bytes give a valid pointer.
void *arena_alloc(struct arena *arena, size_t bytes);
// arena_alloc for n items; NULL when n * size overflows.
void *arena_array(struct arena *arena, size_t n, size_t size);
#define ARENA_NEW(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
#define ARENA_ARRAY(arena, n, type) ((type *)arena_array((arena), (n), sizeof(type)))

char *arena_strdup(struct arena *arena, const char *string); // NULL stays NULL
char *arena_strndup(struct arena *arena, const char *string, size_t length);
struct bytes arena_copy(struct arena *arena, struct bytes bytes); // a NUL follows the copy
__attribute__((format(printf, 2, 3))) char *arena_printf(struct arena *arena, const char *format,
                                                         ...);

// Runs call(argument) when the arena is reset or freed. False past the cap (the call has then run).
bool arena_defer(struct arena *arena, void (*call)(void *), void *argument);
// True when it has refused since the last reset: what then came out as NULL, or as malformed, of a
// library that tells no reasons, may be so for want of memory.
bool arena_exhausted(const struct arena *arena);
// Bytes handed out since the last reset, each piece rounded up to the alignment of max_align_t;
// this is what the cap counts.
size_t arena_used(const struct arena *arena);
