#include "table.h"

#include <stdlib.h>
#include <string.h>

// FNV-1a (www.isthe.com/chongo/tech/comp/fnv): references come from our own gateway, nobody floods
// it.
static size_t bucket_of(const char *text)
{
    uint64_t hash = 0xcbf29ce484222325U;
    for (const char *at = text; *at; at++)
        hash = (hash ^ (unsigned char)*at) * 0x100000001b3U;
    return (size_t)(hash ^ hash >> 32) & (LEDGER_BUCKETS - 1);
}

// Room for one more item in a growing array.
static bool grow(void **array, size_t n, size_t *capacity, size_t size)
{
    if (n < *capacity)
        return true;
    size_t more = *capacity ? *capacity * 2 : 1024;
    void *larger = realloc(*array, more * size);
    if (!larger)
        return false;
    *array = larger;
    *capacity = more;
    return true;
}

struct ledger *ledger_new(void)
{
    return calloc(1, sizeof(struct ledger));
}

void ledger_free(struct ledger *ledger)
{
    if (!ledger)
        return;
    for (size_t i = 0; i < ledger->n; i++) {
        free(ledger->items[i]->callback_url);
        free(ledger->items[i]);
    }
    for (size_t i = 0; i < LEDGER_BUCKETS; i++) {
        while (ledger->tokens[i]) {
            struct token *token = ledger->tokens[i];
            ledger->tokens[i] = token->next;
            free(token);
        }
    }
    free(ledger->items);
    free(ledger->heap);
    free(ledger);
}

struct operation *ledger_find(const struct ledger *ledger, const char *reference)
{
    struct operation *at = ledger->operations[bucket_of(reference)];
    while (at && strcmp(at->reference, reference) != 0)
        at = at->next;
    return at;
}

struct operation *table_add(struct ledger *ledger, const struct operation *operation)
{
    void *items = ledger->items;
    if (ledger->n >= LEDGER_OPERATIONS_MAX ||
        !grow(&items, ledger->n, &ledger->capacity, sizeof(struct operation *)))
        return NULL;
    ledger->items = items;
    struct operation *added = malloc(sizeof *added);
    if (!added)
        return NULL;
    *added = *operation;
    if (operation->callback_url && !(added->callback_url = strdup(operation->callback_url))) {
        free(added);
        return NULL;
    }
    struct operation **bucket = &ledger->operations[bucket_of(added->reference)];
    added->number = ledger->n;
    added->same = ledger_find(ledger, added->reference);
    added->next = *bucket;
    *bucket = added;
    ledger->items[ledger->n++] = added;
    return added;
}

size_t ledger_count(const struct ledger *ledger)
{
    return ledger->n;
}

const struct operation *ledger_at(const struct ledger *ledger, size_t number)
{
    return ledger->items[number];
}

static bool earlier(struct due a, struct due b)
{
    return a.at_us < b.at_us;
}

bool table_schedule(struct ledger *ledger, struct operation *operation)
{
    void *heap = ledger->heap;
    if (!grow(&heap, ledger->heap_n, &ledger->heap_capacity, sizeof(struct due)))
        return false;
    ledger->heap = heap;
    struct due due = {operation->due_us, operation};
    size_t i = ledger->heap_n++;
    for (; i > 0 && earlier(due, ledger->heap[(i - 1) / 2]); i = (i - 1) / 2)
        ledger->heap[i] = ledger->heap[(i - 1) / 2];
    ledger->heap[i] = due;
    return true;
}

static void heap_pop(struct ledger *ledger)
{
    struct due last = ledger->heap[--ledger->heap_n];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= ledger->heap_n)
            break;
        if (child + 1 < ledger->heap_n && earlier(ledger->heap[child + 1], ledger->heap[child]))
            child++;
        if (!earlier(ledger->heap[child], last))
            break;
        ledger->heap[i] = ledger->heap[child];
        i = child;
    }
    ledger->heap[i] = last;
}

struct operation *table_due(struct ledger *ledger, int64_t now_us)
{
    while (ledger->heap_n && ledger->heap[0].at_us <= now_us) {
        struct due due = ledger->heap[0];
        heap_pop(ledger);
        if (due.operation->due_us == due.at_us)
            return due.operation;
    }
    return NULL;
}

int64_t ledger_next_due_us(const struct ledger *ledger)
{
    return ledger->heap_n ? ledger->heap[0].at_us : INT64_MAX;
}

enum status ledger_token_add(struct ledger *ledger, const struct token *token)
{
    struct token *added = ledger->tokens_n < LEDGER_TOKENS_MAX ? malloc(sizeof *added) : NULL;
    if (!added)
        return STATUS_RESOURCE_EXHAUSTED;
    struct token **bucket = &ledger->tokens[bucket_of(token->id)];
    *added = *token;
    added->next = *bucket;
    *bucket = added;
    ledger->tokens_n++;
    return STATUS_OK;
}

const struct token *ledger_token(const struct ledger *ledger, const char *id)
{
    const struct token *at = ledger->tokens[bucket_of(id)];
    while (at && strcmp(at->id, id) != 0)
        at = at->next;
    return at;
}
