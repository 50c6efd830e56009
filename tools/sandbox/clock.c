// Time passing in the sandbox: what is due is decided, written down and told.
#include "base/clock.h"

#include "base/log.h"
#include "sandbox.h"
#include "view.h"
#include "json/json.h"

#define TURN_MS 500
#define CALLBACK_TRIES 3

static void call_back(struct sandbox *sandbox, const struct operation *operation)
{
    if (!operation->callback_url || operation->silent || sandbox->calling_back == CALLBACKS_OFF)
        return;
    CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    char *body = arena ? view_callback(arena, operation) : NULL;
    if (!body)
        return;
    struct callback callback = {
        .verb = "POST",
        .url = operation->callback_url,
        .body = bytes_of_string(body),
        .tries = CALLBACK_TRIES,
    };
    const char *signature = callback_signature(arena, sandbox->callback_secret, callback.body);
    callback.headers[0] = (struct http_header){"Content-Type", "application/json"};
    callback.headers[1] = (struct http_header){"X-Signature-256", signature};
    if (sandbox->calling_back == CALLBACKS_LATE)
        callback.after_ms = callback_late_ms();
    int times = !signature ? 0 : sandbox->calling_back == CALLBACKS_DOUBLE ? 2 : 1;
    for (int i = 0; i < times; i++)
        callbacks_send(sandbox->callbacks, &callback);
}

enum status sandbox_changed(struct sandbox *sandbox, const struct operation *operation)
{
    enum status status = store_operation(sandbox->store, operation);
    if (status != STATUS_OK)
        log_error("operation_not_kept", LOG_S("reference", operation->reference));
    call_back(sandbox, operation);
    return status;
}

// Milliseconds until the next operation is due.
static int64_t settle_due(struct sandbox *sandbox)
{
    pthread_mutex_lock(&sandbox->lock);
    for (;;) {
        struct operation *operation = ledger_settle(sandbox->ledger, clock_unix_us());
        if (!operation)
            break;
        (void)!sandbox_changed(sandbox, operation);
    }
    int64_t next_us = ledger_next_due_us(sandbox->ledger);
    pthread_mutex_unlock(&sandbox->lock);
    int64_t now_us = clock_unix_us();
    int64_t mimics_next_us = mimics_settle(sandbox->mimics, now_us);
    if (mimics_next_us < next_us)
        next_us = mimics_next_us;
    if (next_us <= now_us)
        return 0;
    int64_t left_ms = (next_us - now_us) / 1000 + 1;
    return left_ms < TURN_MS ? left_ms : TURN_MS;
}

void *sandbox_keep_time(void *argument)
{
    struct sandbox *sandbox = argument;
    while (!atomic_load(&sandbox->stopping)) {
        int64_t wait_ms = settle_due(sandbox);
        if (wait_ms > 0)
            bell_wait(sandbox->bell, wait_ms);
    }
    return NULL;
}
