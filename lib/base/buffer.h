// A byte buffer that declares its maximum when it is made. One thread at a time.
// A write past the maximum sets `full` and is dropped whole; check it once, at the end.
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"

struct buffer {
    char *at; // always NUL-terminated once anything was added, NULL before
    size_t length, capacity, max;
    bool full;
};

void buffer_init(struct buffer *buffer, size_t max_bytes);
void buffer_deinit(struct buffer *buffer);
void buffer_clear(struct buffer *buffer);
void buffer_add(struct buffer *buffer, const void *bytes, size_t length);
void buffer_adds(struct buffer *buffer, const char *string);
__attribute__((format(printf, 2, 3))) void buffer_addf(struct buffer *buffer, const char *format, ...);
struct bytes buffer_bytes(const struct buffer *buffer);
