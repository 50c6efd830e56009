#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Under AddressSanitizer a poisoned gap follows each piece, so that running off one is caught there
// and not in the neighbour.
#if defined(__has_feature) && !defined(__SANITIZE_ADDRESS__)
#if __has_feature(address_sanitizer) // clang's way of saying it
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#define ARENA_POISON(at, bytes) ASAN_POISON_MEMORY_REGION((at), (bytes))
#define ARENA_UNPOISON(at, bytes) ASAN_UNPOISON_MEMORY_REGION((at), (bytes))
#define ARENA_GAP ARENA_ALIGN
#else
#define ARENA_POISON(at, bytes) ((void)(at), (void)(bytes))
#define ARENA_UNPOISON(at, bytes) ((void)(at), (void)(bytes))
#define ARENA_GAP ((size_t)0)
#endif

#define ARENA_ALIGN alignof(max_align_t)
#define ARENA_BLOCK_FIRST ((size_t)8 << 10)
#define ARENA_BLOCK_MAX ((size_t)1 << 20)
// What an empty arena holds on to: of the many that calls live in, each its first block; of the few
// of batches, this share of the cap.
#define ARENA_KEPT_SHARE 128

struct block {
    struct block *next;
    size_t capacity, used;
    alignas(max_align_t) uint8_t at[];
};

struct deferred {
    struct deferred *next;
    void (*call)(void *);
    void *argument;
};

struct arena {
    size_t cap, used;
    bool exhausted;
    struct block *first, *current; // everything between first and current is full enough
    struct deferred *deferred;     // newest first
};

static struct block *block_new(size_t capacity)
{
    struct block *block = calloc(1, sizeof(struct block) + capacity);
    if (!block)
        return NULL;
    block->capacity = capacity;
    ARENA_POISON(block->at, capacity);
    return block;
}

static void block_free(struct block *block)
{
    ARENA_UNPOISON(block->at, block->capacity);
    free(block);
}

struct arena *arena_new(size_t cap_bytes)
{
    struct arena *arena = calloc(1, sizeof(*arena));
    if (!arena)
        return NULL;
    arena->cap = cap_bytes;
    arena->first = arena->current = block_new(ARENA_BLOCK_FIRST);
    if (!arena->first) {
        free(arena);
        return NULL;
    }
    return arena;
}

static void arena_run_deferred(struct arena *arena)
{
    while (arena->deferred) {
        struct deferred *deferred = arena->deferred;
        arena->deferred = deferred->next;
        deferred->call(deferred->argument);
    }
}

// The largest block that may stay, so that the next turn fits into one; the others go.
static struct block *blocks_reduce(struct arena *arena)
{
    struct block *kept = arena->first;
    size_t most = arena->cap < ARENA_CAP_BATCH ? 0 : arena->cap / ARENA_KEPT_SHARE;
    for (struct block *block = kept->next; block; block = block->next)
        if (block->capacity > kept->capacity && block->capacity <= most)
            kept = block;
    for (struct block *block = arena->first; block;) {
        struct block *next = block->next;
        if (block != kept)
            block_free(block);
        block = next;
    }
    return kept;
}

void arena_reset(struct arena *arena)
{
    arena_run_deferred(arena);
    struct block *kept = blocks_reduce(arena);
    ARENA_UNPOISON(kept->at, kept->capacity);
    memset(kept->at, 0, kept->used);
    ARENA_POISON(kept->at, kept->capacity);
    kept->used = 0;
    kept->next = NULL;
    arena->first = arena->current = kept;
    arena->used = 0;
    arena->exhausted = false;
}

void arena_free(struct arena *arena)
{
    if (!arena)
        return;
    arena_reset(arena);
    block_free(arena->first);
    free(arena);
}

// A block that holds at least `bytes`: twice the last one, so that a large request makes few
// blocks.
static struct block *arena_grow(struct arena *arena, size_t bytes)
{
    size_t capacity = arena->current->capacity * 2;
    if (capacity > ARENA_BLOCK_MAX)
        capacity = ARENA_BLOCK_MAX;
    if (capacity < bytes)
        capacity = bytes;
    struct block *block = block_new(capacity);
    if (!block)
        return NULL;
    arena->current->next = block;
    arena->current = block;
    return block;
}

static void *refused(struct arena *arena)
{
    arena->exhausted = true;
    return NULL;
}

void *arena_alloc(struct arena *arena, size_t bytes)
{
    size_t left = arena->cap - arena->used;
    if (bytes > left)
        return refused(arena);
    size_t rounded = bytes ? (bytes + ARENA_ALIGN - 1) & ~(ARENA_ALIGN - 1) : ARENA_ALIGN;
    if (rounded > left || rounded < bytes)
        return refused(arena);
    struct block *block = arena->current;
    if (rounded + ARENA_GAP > block->capacity - block->used)
        block = arena_grow(arena, rounded + ARENA_GAP);
    if (!block)
        return refused(arena);
    uint8_t *at = block->at + block->used;
    block->used += rounded + ARENA_GAP;
    arena->used += rounded;
    ARENA_UNPOISON(at, bytes);
    return at;
}

void *arena_array(struct arena *arena, size_t n, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes))
        return refused(arena);
    return arena_alloc(arena, bytes);
}

char *arena_strndup(struct arena *arena, const char *string, size_t length)
{
    if (!string)
        return NULL;
    size_t bytes = strnlen(string, length);
    char *copy = arena_alloc(arena, bytes + 1);
    if (copy)
        memcpy(copy, string, bytes);
    return copy;
}

char *arena_strdup(struct arena *arena, const char *string)
{
    return string ? arena_strndup(arena, string, strlen(string)) : NULL;
}

struct bytes arena_copy(struct arena *arena, struct bytes bytes)
{
    uint8_t *copy = bytes.length < SIZE_MAX ? arena_alloc(arena, bytes.length + 1) : refused(arena);
    if (!copy)
        return (struct bytes){NULL, 0};
    if (bytes.length)
        memcpy(copy, bytes.at, bytes.length);
    return (struct bytes){copy, bytes.length};
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *text = length < 0 ? NULL : arena_alloc(arena, (size_t)length + 1);
    if (text)
        vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}

bool arena_defer(struct arena *arena, void (*call)(void *), void *argument)
{
    struct deferred *deferred = ARENA_NEW(arena, struct deferred);
    if (!deferred) {
        call(argument);
        return false;
    }
    *deferred = (struct deferred){arena->deferred, call, argument};
    arena->deferred = deferred;
    return true;
}

bool arena_exhausted(const struct arena *arena)
{
    return arena->exhausted;
}

size_t arena_used(const struct arena *arena)
{
    return arena->used;
}
