// Tells the caller that an operation came to rest: POST of a signed body to its callback_url, up to
// CALLBACK_TRIES times. One thread of its own; callbacks_send may come from any.
#pragma once
#include "base/bytes.h"

#define CALLBACK_TRIES 3
#define CALLBACKS_WAITING_MAX 100000

struct callbacks;

// secret is borrowed until callbacks_free.
struct callbacks *callbacks_new(const char *secret); // NULL when out of memory
// Both are copied. Dropped, with a log line, when too many wait.
void callbacks_send(struct callbacks *callbacks, const char *url, struct bytes body);
void callbacks_free(struct callbacks *callbacks); // what waits is dropped; joins
