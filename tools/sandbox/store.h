// The sandbox's memory across restarts: an append-only file of JSON lines, the last word on an
// operation winning. A line is one write(2), so it outlives the process; a line cut short by its
// death is dropped. Not thread-safe.
#pragma once
#include "ledger.h"

struct store;

// Replays `path` into the ledger and goes on writing there. "": nothing is kept and *ret is NULL.
MUST_USE enum status store_open(const char *path, struct ledger *ledger, struct store **ret);
void store_close(struct store *store); // NULL is fine, here and below
// The operation and, when it has one, the charge it changed, in one write.
MUST_USE enum status store_operation(struct store *store, const struct operation *operation);
MUST_USE enum status store_token(struct store *store, const struct token *token);
