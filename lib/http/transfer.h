// One request of a client from start to collection. Private to the room; the client's thread only.
#pragma once
#include <curl/curl.h>

#include "base/buffer.h"
#include "http/client.h"
#include "http/resolver.h"
#include "http/url.h"

enum transfer_state { TRANSFER_FREE, TRANSFER_RESOLVING, TRANSFER_RUNNING, TRANSFER_DONE };

struct transfer {
    enum transfer_state state;
    struct transfer *next; // in the client's list of free or of finished ones
    struct http_request request;
    struct url url;
    CURL *easy; // kept from request to request
    struct curl_slist *headers, *pin;
    struct buffer body;
    bool truncated;
    bool refused; // an address that the guard doesn't allow
    int sent;     // how many times the request was put on a connection
    int64_t started_ns, connect_by_ns, done_by_ns;
    int64_t duration_us;
    enum http_failure failure;
    const char *error;
};

// False when a header can't be sent as it is or memory is short.
bool transfer_headers(struct transfer *transfer);
// Makes the easy handle ready to be added. addresses: where to connect, NULL when the URL has a
// literal one.
bool transfer_prepare(struct transfer *transfer, const struct resolved *addresses,
                      const char *user_agent);
// Says how it ended.
void transfer_fail(struct transfer *transfer, enum http_failure failure, const char *error);
void transfer_finish(struct transfer *transfer, CURLcode code);
// The response in the arena.
void transfer_respond(struct transfer *transfer, struct arena *arena, struct http_response *ret);
void transfer_clear(struct transfer *transfer);
