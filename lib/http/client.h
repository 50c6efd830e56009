// HTTP requests going out, many at once on one thread (libcurl multi). A struct http_client belongs
// to the thread that made it; only http_client_wake may come from another.
//
// No redirects are followed, no proxy is taken from the environment, no cookies, no compression.
// Host names are resolved in a small bounded pool (a name server that doesn't answer holds up
// nobody but its own request), every address is put before the guard, the connection is pinned to a
// checked one and checked again when the socket opens and before each request goes out. Connections
// are kept and used again. A request that was sent is never sent a second time by itself, except
// GET and HEAD on a kept connection that turns out dead, unless `once` is set.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"

#define HTTP_HEADERS_MAX 32

struct http_header {
    const char *name, *value;
};

struct http_request {
    const char *method; // "POST"
    const char *url;
    const struct http_header *headers; // n of them; Content-Type is one of them
    size_t headers_n;
    struct bytes body; // at NULL: none
    int64_t connect_ms, total_ms;
    size_t response_max; // bytes kept; what comes beyond is read and dropped (response.truncated)
    bool public_only;    // the SSRF guard: public addresses only
    bool tls_required;   // refuse http:
    bool once;           // a GET that changes something: never sent twice
    void *context;       // given back
    // All of the above is borrowed until the response is collected.
};

enum http_failure { // why there is no HTTP status
    HTTP_OK = 0,
    HTTP_REFUSED_URL, // malformed, a scheme that isn't allowed, an address that isn't: nothing was
                      // sent
    HTTP_NO_CONNECTION, // resolving, connecting or TLS failed: nothing was sent
    HTTP_TIMEOUT,       // may have arrived
    HTTP_BROKEN,        // may have arrived
};

struct http_response {
    void *context;
    enum http_failure failure;
    const char *error; // a sentence for the log; "" when none. Never names an internal address
    int status;        // 0 when failure
    struct bytes body; // NUL-terminated beyond its length
    bool truncated;
    const struct http_header *headers; // lower-case names
    size_t headers_n;
    int64_t duration_us;
};

struct http_client;
struct http_client *http_client_new(size_t at_once_max, const char *user_agent);
void http_client_free(struct http_client *client); // aborts what is under way
// Starts a request. RESOURCE_EXHAUSTED when at_once_max are under way; INVALID_ARGUMENT when the
// method or a header holds what would split the request. A bad URL is a response (HTTP_REFUSED_URL)
// like any other. Times of 0 mean 10 s to connect and 30 s in all; resolving counts in both.
MUST_USE enum status http_client_start(struct http_client *client,
                                       const struct http_request *request);
size_t http_client_busy(const struct http_client *client);
// Waits up to max_ms for something to finish (or a wake), then gives finished responses, up to n,
// in the arena. Returns how many.
size_t http_client_collect(struct http_client *client, struct arena *arena, int64_t max_ms,
                           struct http_response *ret, size_t n);
void http_client_wake(struct http_client *client); // any thread

const char *http_response_header(const struct http_response *response,
                                 const char *lower_name); // NULL when absent
