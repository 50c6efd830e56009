// Callbacks that came lately, by a digest of who they are for and what they say: providers repeat
// themselves, and so may whoever got hold of a good one. The memory is this process's: a replica
// that hears the same asks the provider once more, which changes nothing. Bounded: the oldest give
// way. Thread-safe; the clock is passed in.
#pragma once
#include <stdbool.h>

#include "crypto/crypto.h"

#define REPLAYS_MAX 65536

struct replays;
struct replays *replays_new(int64_t window_s); // 0: nothing is remembered. NULL: out of memory
void replays_free(struct replays *replays);    // NULL is fine
bool replays_seen(struct replays *replays, const struct sha256 *digest, int64_t now_ms);
// What was seen once does not become new by being seen again: the window begins with the first.
// False: it is there already.
bool replays_note(struct replays *replays, const struct sha256 *digest, int64_t now_ms);
