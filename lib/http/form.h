// application/x-www-form-urlencoded (WHATWG URL standard, section 5), to send and to read. Pure;
// thread-safe; everything lives in the arena. What is read has a bound: a longer body has no
// fields, and fields beyond the last of HTTP_FORM_FIELDS_MAX aren't seen.
#pragma once
#include "base/arena.h"

#define HTTP_FORM_BYTES_MAX ((size_t)1 << 20)
#define HTTP_FORM_FIELDS_MAX 512

struct http_field {
    const char *name, *value;
};

// "a=1&b=x%20y": percent-encoded (blanks too), in order; a field whose value is NULL is left out.
// NULL when the arena is full.
char *http_form_write(struct arena *arena, const struct http_field *fields, size_t n);
// The first field of this name, decoded ('+' is a blank), "" when it has no '='; NULL when absent
// or malformed (a broken escape, U+0000). Its bytes aren't checked to be UTF-8.
char *http_form_get(struct arena *arena, struct bytes body, const char *name);
// One piece of a path or query, percent-encoded (RFC 3986, all but unreserved characters).
char *http_encode(struct arena *arena, const char *text);
