// A byte buffer that declares its maximum when it is made. One thread at a time.
// A write past the maximum (or past the machine's memory) sets `full` and is dropped whole, and so
// is every one after it: what is there is always a clean beginning. Check `full` once, at the end.
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/cleanup.h"

struct buffer {
    char *at; // always NUL-terminated once anything was added, NULL before
    size_t length, capacity, max;
    bool full;
};

void buffer_init(struct buffer *buffer, size_t max_bytes);
void buffer_deinit(struct buffer *buffer);
// CLEANUP(buffer_deinit) struct buffer buffer; then buffer_init at once.
static inline void cleanup_buffer_deinit(struct buffer *buffer)
{
    buffer_deinit(buffer);
}
void buffer_clear(struct buffer *buffer); // empty and not full; keeps its memory
void buffer_add(struct buffer *buffer, const void *bytes, size_t length);
void buffer_adds(struct buffer *buffer, const char *string);
__attribute__((format(printf, 2, 3))) void buffer_addf(struct buffer *buffer, const char *format,
                                                       ...);
struct bytes buffer_bytes(const struct buffer *buffer);
