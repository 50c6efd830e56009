// The sandbox's JSON. Everything lives in the arena; NULL when it is full.
#pragma once
#include "base/arena.h"
#include "base/buffer.h"
#include "ledger.h"

// base: where this sandbox is reached, for action_url.
char *view_operation(struct arena *arena, const struct operation *operation, const char *base);
char *view_error(struct arena *arena, const char *code, const char *message);
char *view_callback(struct arena *arena, const struct operation *operation);
// The whole ledger, or what concerns one reference (NULL: all of it).
void view_ledger(struct buffer *out, const struct ledger *ledger, const char *reference);
