// Tells the caller that an operation came to rest: a request to its callback_url, until it is taken
// or the tries are up. One thread of its own; callbacks_send may come from any.
#pragma once
#include "http/client.h"

#define CALLBACKS_WAITING_MAX 100000
#define CALLBACK_HEADERS_MAX 6
#define CALLBACK_LATE_MS_MAX 3000

struct callbacks;

struct callback {
    const char *verb; // "POST"
    const char *url;
    struct http_header headers[CALLBACK_HEADERS_MAX]; // ends at the first without a name
    struct bytes body;
    int tries;
    int64_t after_ms; // not sooner
};

struct callbacks *callbacks_new(void); // NULL when out of memory
// Everything is copied. Dropped, with a log line, when too many wait.
void callbacks_send(struct callbacks *callbacks, const struct callback *callback);
// By chance, so that callbacks overtake each other.
int64_t callback_late_ms(void);
void callbacks_free(struct callbacks *callbacks); // what waits is dropped; joins
// "sha256=" and the hex HMAC-SHA256 of the body, for X-Signature-256. NULL when the arena is full.
char *callback_signature(struct arena *arena, const char *secret, struct bytes body);
