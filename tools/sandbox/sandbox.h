// A payment provider to try things against: it takes charges, decides them after a while, calls
// back, and can be told to misbehave in the ways that real ones do. Card numbers go no further than
// decide_card.
#pragma once
#include <pthread.h>
#include <stdatomic.h>

#include "base/bell.h"
#include "callbacks.h"
#include "hold.h"
#include "ledger.h"
#include "mimics/mimics.h"
#include "store.h"

enum answering {
    ANSWER_NORMAL,
    ANSWER_ERROR,
    ANSWER_MALFORMED,
    ANSWER_HANG,
    ANSWER_SLOW,
    ANSWER_ERROR_AFTER, // what was asked for is done, and an error is the answer
};
enum calling_back { CALLBACKS_ON, CALLBACKS_OFF, CALLBACKS_DOUBLE, CALLBACKS_LATE };

struct sandbox {
    const char *key;  // what Authorization must carry
    const char *base; // where we are reached, without a slash at the end
    const char *callback_secret;
    struct callbacks *callbacks;
    struct holder *holder;
    struct mimics *mimics; // the real providers, mimicked
    struct bell *bell;     // rung when something may be due earlier
    pthread_mutex_t lock;  // guards what follows
    struct ledger *ledger;
    struct store *store;
    struct switches switches;
    enum answering answering;
    enum calling_back calling_back;
    int64_t slow_ms;
    _Atomic bool stopping;
};

struct sandbox_loop {
    struct sandbox *sandbox;
    struct http_loop *loop;
};

// http_server_config.handle; the loop state is a struct sandbox_loop.
void sandbox_handle(void *loop_state, struct http_exchange *exchange);
// Writes an operation down and tells its caller where it stands. With the lock held.
MUST_USE enum status sandbox_changed(struct sandbox *sandbox, const struct operation *operation);
// A thread: decides operations as they fall due, until `stopping` and a ring.
void *sandbox_keep_time(void *sandbox);

// --- Between the files that answer.
struct answer {
    int status;
    const char *body;
    const char *type; // Content-Type
    bool never;       // the answer is kept from the client
};
struct answer answer_json(int status, const char *body);
struct answer answer_refused(struct arena *arena, const struct problem *problem);
// POST /control, GET /ledger, GET and POST /3ds/{reference}; `name` is the path's variable part or
// "".
struct answer control_post(struct sandbox *sandbox, struct http_exchange *exchange,
                           const char *name);
struct answer ledger_get(struct sandbox *sandbox, struct http_exchange *exchange, const char *name);
struct answer action_get(struct sandbox *sandbox, struct http_exchange *exchange, const char *name);
struct answer action_post(struct sandbox *sandbox, struct http_exchange *exchange,
                          const char *name);
// The provider's own API.
struct answer tokens_post(struct sandbox *sandbox, struct http_exchange *exchange,
                          const char *name);
struct answer charges_post(struct sandbox *sandbox, struct http_exchange *exchange,
                           const char *name);
struct answer captures_post(struct sandbox *sandbox, struct http_exchange *exchange,
                            const char *name);
struct answer cancels_post(struct sandbox *sandbox, struct http_exchange *exchange,
                           const char *name);
struct answer refunds_post(struct sandbox *sandbox, struct http_exchange *exchange,
                           const char *name);
struct answer operations_get(struct sandbox *sandbox, struct http_exchange *exchange,
                             const char *name);
