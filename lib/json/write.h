// Pieces of JSON, as JavaScript's JSON.stringify writes them (ECMA-262, QuoteJSONString).
#pragma once
#include "base/buffer.h"

#define JSON_WRITE_MAX ((size_t)64 << 20)

void json_write_string(struct buffer *out, const char *string);
void json_write_integer(struct buffer *out, int64_t value);
