// What a foreign server answered, made fit to be stored and shown.
#pragma once
#include "base/arena.h"

// A copy that is well-formed UTF-8 without U+0000: what isn't becomes '?'. NULL when the arena is
// full.
char *text_clean(struct arena *arena, struct bytes bytes);
