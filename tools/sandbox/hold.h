// Answers that wait: a slow provider, one that never answers, a receiver that takes its time. One
// thread keeps the time; each answer is given in its exchange's own loop. Shared by the sandbox and
// the sample merchant receiver. Thread-safe.
#pragma once
#include "http/server.h"

// An answer that never comes is given up after this long: the client has left by then.
#define HOLD_MAX_MS 120000
#define HOLD_ANSWERS_MAX 20000

struct holder;

struct holder *holder_new(void); // NULL when out of memory
// Takes over the exchange and answers it after `after_ms` (at most HOLD_MAX_MS) with the headers it
// has by then. body is copied. False when too many wait or memory is short: the exchange is still
// the caller's.
bool holder_keep(struct holder *holder, struct http_loop *loop, struct http_exchange *exchange,
                 int64_t after_ms, int status, struct bytes body);
// From now on everything is answered at once; call it before the server stops.
void holder_release(struct holder *holder);
void holder_free(struct holder *holder); // after the server has stopped
