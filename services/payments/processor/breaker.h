// Circuit breakers, one a credential: where a provider is down, requests to it are not sent but
// wait or go elsewhere, and a trickle finds out when it is well again. Of one process: each replica
// learns for itself. Thread-safe; the clock is passed in.
//
// closed: everything goes. It opens when, of the last BREAKER_WINDOW_MS, at least
// BREAKER_REQUESTS_MIN requests were answered or lost and half of them were lost or the provider
// unwell (a decline is an answer). open: nothing goes, for a time that doubles from
// BREAKER_OPEN_MS to BREAKER_OPEN_MS_MAX. half-open: one request at a time goes; BREAKER_PROBES
// that went well in a row close it, one that did not opens it again.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

#define BREAKER_WINDOW_MS 10000
#define BREAKER_REQUESTS_MIN 10
#define BREAKER_OPEN_MS 1000
#define BREAKER_OPEN_MS_MAX 30000
#define BREAKER_PROBES 3
#define BREAKERS_MAX 4096 // credentials; beyond, one that is closed is forgotten

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN };
const char *breaker_state_name(enum breaker_state state);

// Shown as obol_provider_circuits by state, and as obol_provider_available: 0 where none of a
// provider's circuits is closed.
struct breakers;
struct breakers *breakers_new(void);           // NULL: out of memory
void breakers_free(struct breakers *breakers); // NULL is fine
// A request to this credential has ended.
void breakers_note(struct breakers *breakers, const char *provider, const char *credential_id,
                   bool well, int64_t now_ms);
// What is known of a provider, as metrics; it is available until something else is known.
void breakers_show(struct breakers *breakers, const char *provider);
// What the time alone has changed, so that a circuit that nobody asks about closes too.
void breakers_settle(struct breakers *breakers, int64_t now_ms);
// How many requests may leave now: SIZE_MAX when closed, 0 or 1 otherwise.
size_t breakers_room(struct breakers *breakers, const char *credential_id, int64_t now_ms);
// A request leaves: in half-open it takes the one place, until breakers_note or for a minute.
void breakers_leave(struct breakers *breakers, const char *credential_id, int64_t now_ms);

struct breaker_view {
    const char *provider, *credential_id; // of the arena
    enum breaker_state state;
    int64_t retry_ms; // open: until half-open
};
// Those that are not closed. *ret_n 0 when all is well, which costs nothing to ask.
struct breaker_view *breakers_list(struct breakers *breakers, struct arena *arena, int64_t now_ms,
                                   size_t *ret_n);
