#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "db/connection.h"

// The slot that holds this name, or the empty one where it belongs.
static const struct db_statement **slot_of(const struct db_prepared *prepared, const char *name)
{
    size_t mask = prepared->capacity - 1;
    size_t i = hash_text(name) & mask;
    while (prepared->slots[i] && strcmp(prepared->slots[i]->name, name) != 0)
        i = (i + 1) & mask;
    return &prepared->slots[i];
}

bool db_prepared_has(const struct db_prepared *prepared, const struct db_statement *statement)
{
    if (prepared->n == 0)
        return false;
    const struct db_statement *held = *slot_of(prepared, statement->name);
    // Two texts under one name would run the wrong one.
    assert(!held || held == statement || strcmp(held->text, statement->text) == 0);
    return held;
}

static bool grow(struct db_prepared *prepared)
{
    struct db_prepared larger = {.n = prepared->n,
                                 .capacity = prepared->capacity ? prepared->capacity * 2 : 64};
    larger.slots = calloc(larger.capacity, sizeof *larger.slots);
    if (!larger.slots)
        return false;
    for (size_t i = 0; i < prepared->capacity; i++) {
        if (prepared->slots[i])
            *slot_of(&larger, prepared->slots[i]->name) = prepared->slots[i];
    }
    free(prepared->slots);
    *prepared = larger;
    return true;
}

bool db_prepared_reserve(struct db_prepared *prepared)
{
    return prepared->n * 2 < prepared->capacity || grow(prepared);
}

void db_prepared_add(struct db_prepared *prepared, const struct db_statement *statement)
{
    *slot_of(prepared, statement->name) = statement;
    prepared->n++;
}

void db_prepared_clear(struct db_prepared *prepared)
{
    free(prepared->slots);
    *prepared = (struct db_prepared){0};
}
