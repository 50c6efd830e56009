// Where a request ends, judged again after evhttp: a front proxy that sees another end than we do
// would let one client smuggle requests into another's connection (RFC 9112, section 11.2). Pure;
// private to the room.
#pragma once
#include <stdbool.h>

#include "http/client.h"

#define FRAMING_HEADERS_MAX 128

// 0, or the HTTP status to refuse with; the connection is to be closed then.
int framing_refusal(const struct http_header *headers, size_t n, bool http_1_1);
// True when "close" is among the options of Connection; evhttp sees it only where it stands alone.
bool framing_wants_close(const struct http_header *headers, size_t n);
