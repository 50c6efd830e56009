// What came in, the newest RECEIVED_MAX of it, findable by event id. Not thread-safe.
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"

#define RECEIVED_MAX 200000

struct received {
    size_t index; // counts all that ever came
    char *id, *event, *object_id;
    int64_t sequence;
    bool verified;
    int status; // what we answered
    int64_t at_us;
    struct bytes body;
    struct received *next; // in the table
};

struct receipts;
struct receipts *receipts_new(void); // NULL when out of memory
void receipts_free(struct receipts *receipts);
// Copies what it is given; sets its index. False when out of memory.
bool receipts_add(struct receipts *receipts, const struct received *received);
// Whether an event of this id was verified and answered with 2xx before.
bool receipts_knows(const struct receipts *receipts, const char *id);
void receipts_clear(struct receipts *receipts); // indexes go on
// The first index that is still here, and the one after the last.
size_t receipts_first(const struct receipts *receipts);
size_t receipts_end(const struct receipts *receipts);
const struct received *receipts_at(const struct receipts *receipts, size_t index);
