#include "http/traced.h"

#include <string.h>

#include "base/clock.h"

bool http_trace(struct http_request *request, struct arena *arena, const char *parent,
                struct http_span *ret)
{
    ret->began_ns = clock_now_ns();
    bool own = span_begin(parent, ret->traceparent);
    if (!own && !trace_valid(parent))
        return true;
    size_t n = request->headers_n;
    struct http_header *headers = ARENA_ARRAY(arena, n + 1, struct http_header);
    const char *value = arena_strdup(arena, own ? ret->traceparent : parent);
    if (!headers || !value)
        return false;
    if (n > 0)
        memcpy(headers, request->headers, n * sizeof *headers);
    headers[n] = (struct http_header){"traceparent", value};
    request->headers = headers;
    request->headers_n = n + 1;
    return true;
}
