// Inside the ledger: where operations and tokens lie, and the order in which they fall due.
#pragma once
#include "ledger.h"

#define LEDGER_BUCKETS ((size_t)1 << 17)

struct due {
    int64_t at_us;
    struct operation *operation;
};

struct ledger {
    struct operation **items; // by number
    size_t n, capacity;
    struct operation *operations[LEDGER_BUCKETS]; // chains, newest first
    struct token *tokens[LEDGER_BUCKETS];
    size_t tokens_n;
    struct due *heap; // earliest first; an entry whose operation has another due time is stale
    size_t heap_n, heap_capacity;
};

// Copies *operation into the ledger under the next number. NULL when it is full.
struct operation *table_add(struct ledger *ledger, const struct operation *operation);
// Will be given by table_due at operation->due_us. False when out of memory.
bool table_schedule(struct ledger *ledger, struct operation *operation);
struct operation *table_due(struct ledger *ledger, int64_t now_us);
