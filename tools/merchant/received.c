#include "received.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS ((size_t)1 << 16)

struct receipts {
    struct received *ring[RECEIVED_MAX];
    size_t first, end;
    struct received *table[BUCKETS];
};

static size_t bucket_of(const char *text)
{
    uint64_t hash = 0xcbf29ce484222325U; // FNV-1a
    for (const char *at = text; *at; at++)
        hash = (hash ^ (unsigned char)*at) * 0x100000001b3U;
    return (size_t)(hash ^ hash >> 32) & (BUCKETS - 1);
}

struct receipts *receipts_new(void)
{
    return calloc(1, sizeof(struct receipts));
}

static void received_free(struct received *received)
{
    if (!received)
        return;
    free(received->id);
    free(received->event);
    free(received->object_id);
    free((void *)received->body.at);
    free(received);
}

static void drop_first(struct receipts *receipts)
{
    struct received *oldest = receipts->ring[receipts->first++ % RECEIVED_MAX];
    struct received **at = &receipts->table[bucket_of(oldest->id)];
    while (*at != oldest)
        at = &(*at)->next;
    *at = oldest->next;
    received_free(oldest);
}

void receipts_clear(struct receipts *receipts)
{
    while (receipts->first < receipts->end)
        drop_first(receipts);
}

void receipts_free(struct receipts *receipts)
{
    if (!receipts)
        return;
    receipts_clear(receipts);
    free(receipts);
}

static struct received *received_copy(const struct received *from)
{
    struct received *copy = malloc(sizeof *copy);
    uint8_t *body = malloc(from->body.length + 1);
    if (!copy || !body) {
        free(copy);
        free(body);
        return NULL;
    }
    *copy = *from;
    if (from->body.length)
        memcpy(body, from->body.at, from->body.length);
    body[from->body.length] = '\0';
    copy->body.at = body;
    copy->id = strdup(from->id);
    copy->event = strdup(from->event);
    copy->object_id = strdup(from->object_id);
    if (copy->id && copy->event && copy->object_id)
        return copy;
    received_free(copy);
    return NULL;
}

bool receipts_add(struct receipts *receipts, const struct received *received)
{
    struct received *copy = received_copy(received);
    if (!copy)
        return false;
    if (receipts->end - receipts->first == RECEIVED_MAX)
        drop_first(receipts);
    struct received **bucket = &receipts->table[bucket_of(copy->id)];
    copy->index = receipts->end;
    copy->next = *bucket;
    *bucket = copy;
    receipts->ring[receipts->end++ % RECEIVED_MAX] = copy;
    return true;
}

bool receipts_knows(const struct receipts *receipts, const char *id)
{
    for (const struct received *at = receipts->table[bucket_of(id)]; at; at = at->next)
        if (at->verified && at->status / 100 == 2 && strcmp(at->id, id) == 0)
            return true;
    return false;
}

size_t receipts_first(const struct receipts *receipts)
{
    return receipts->first;
}

size_t receipts_end(const struct receipts *receipts)
{
    return receipts->end;
}

const struct received *receipts_at(const struct receipts *receipts, size_t index)
{
    return receipts->ring[index % RECEIVED_MAX];
}
