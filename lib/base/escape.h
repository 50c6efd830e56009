// JSON's string escapes (RFC 8259 section 7), one character at a time, for the few places below
// lib/json that write JSON: the log and the health page. UTF-8 passes as it is, control characters
// become escapes, a byte that is no UTF-8 becomes U+FFFD. Thread-safe.
#pragma once
#include <stddef.h>

#include "base/buffer.h"

#define ESCAPE_MAX 8

// Writes the next character of *text to out, without a NUL, and moves past it. Returns its length,
// 0 at the end.
size_t escape_next(const char **text, char out[ESCAPE_MAX]);
// The whole string between quotes; NULL gives null.
void escape_string(struct buffer *out, const char *text);
