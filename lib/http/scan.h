// Where each request of a connection ends, by the strict grammar of RFC 9112, read from the bytes
// as they come and before evhttp sees them. evhttp is generous (bare LF, folded headers, blanks
// before a colon, two lengths, trailers that become headers, encodings it doesn't know); whatever a
// front proxy could read otherwise than we do is refused here, so that no second request is ever
// found in the first one's body. Pure; private to the room; one a connection.
//
// Stricter than the RFC, knowingly: no chunk extensions, no trailers, no folded headers, at most
// one blank before the value of Content-Length and Transfer-Encoding and none after it, no
// Transfer-Encoding but a single "chunked", no body with HEAD, TRACE, CONNECT or an unknown method.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCAN_HEAD_BYTES_MAX 16384 // request line and headers, with their line ends
#define SCAN_HEADERS_MAX 128

struct scan {
    uint64_t at;         // bytes read of the connection
    uint64_t request_at; // where the request that is being read begins
    uint64_t left;       // of a body or a chunk, to come
    uint32_t head_bytes;
    uint8_t state, field, headers, matched, word_n;
    uint8_t lengths, encodings, hosts;
    bool http_1_1, takes_body;
    char word[20]; // a method or a header's name, as far as it is of interest
};

// Zeroed: at the beginning of a connection. 0, or the HTTP status to refuse with: nothing more is
// to be read then, and what stands before request_at was good.
int scan_feed(struct scan *scan, const uint8_t *bytes, size_t n);
