// Texts that are sent and stored.
#pragma once
#include "base/arena.h"

// What a foreign server answered: a copy that is well-formed UTF-8 without U+0000: what isn't
// becomes '?'. NULL when the arena is full.
char *text_clean(struct arena *arena, struct bytes bytes);
// The parts one after the other, up to a NULL. NULL when the arena is full.
char *text_join(struct arena *arena, const char *const *parts);
