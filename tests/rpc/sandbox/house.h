// A sandbox in this process with its mimicked providers, and a listener that keeps what they call
// back with. For tests of one mimic; settings come from the environment (setenv before house_open).
#pragma once
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "ask.h"
#include "crypto/crypto.h"
#include "sandbox.h"
#include "support/support.h"

#define CALLS_MAX 64
#define SETTLE_MS 30

struct call_taken {
    char verb[8], path[128], signature[128], type[64], body[4096];
};

static struct sandbox sandbox;
static struct asker asker; // to the sandbox
static struct http_server *listener;
static pthread_t house_clock;
static struct call_taken calls[CALLS_MAX]; // as they came
static _Atomic int calls_n;
static _Atomic int calls_answer = 200; // what the listener says

static void house_listen(void *state, struct http_exchange *exchange)
{
    (void)state;
    int n = calls_n;
    if (n < CALLS_MAX) {
        struct call_taken *call = &calls[n];
        const char *signature = http_header_in(exchange, "X-Signature-256");
        const char *type = http_header_in(exchange, "Content-Type");
        struct bytes body = http_body(exchange);
        snprintf(call->verb, sizeof call->verb, "%s", http_method(exchange));
        snprintf(call->path, sizeof call->path, "%s", http_path(exchange));
        snprintf(call->signature, sizeof call->signature, "%s", signature ? signature : "");
        snprintf(call->type, sizeof call->type, "%s", type ? type : "");
        snprintf(call->body, sizeof call->body, "%.*s", (int)body.length, (const char *)body.at);
        calls_n = n + 1;
    }
    http_reply(exchange, calls_answer, (struct bytes){0});
}

static void *house_loop(void *context, struct http_loop *loop)
{
    struct sandbox_loop *self = malloc(sizeof *self);
    *self = (struct sandbox_loop){context, loop};
    return self;
}

static struct http_server *house_serve(void (*handle)(void *, struct http_exchange *), bool looped)
{
    struct http_server *server;
    const struct http_server_config config = {
        .address = "127.0.0.1",
        .loops = 1,
        .body_max = 65536,
        .connections_max = 100,
        .request_s = 10,
        .idle_s = 10,
        .loop_begin = looped ? house_loop : NULL,
        .loop_end = looped ? free : NULL,
        .handle = handle,
        .context = &sandbox,
    };
    cr_assert_eq(http_server_start(&config, &server), STATUS_OK);
    return server;
}

static void house_open(void)
{
    struct mimics_config config = {.settle_ms = SETTLE_MS};
    cr_assert_eq(config_load(mimic_settings_entries, mimic_settings_n, &config.settings),
                 STATUS_OK);
    sandbox = (struct sandbox){
        .key = "key",
        .base = "http://sandbox",
        .callback_secret = "callback-secret",
        .callbacks = config.callbacks = callbacks_new(),
        .holder = config.holder = holder_new(),
        .bell = config.bell = bell_new(),
        .ledger = ledger_new(),
    };
    sandbox.mimics = mimics_new(&config);
    pthread_mutex_init(&sandbox.lock, NULL);
    if (!listener)     // it may stand already, where its address is a setting
        if (!listener) // a test may need its address before
            listener = house_serve(house_listen, false);
    asker = (struct asker){
        .arena = arena_new(ARENA_CAP_BATCH),
        .client = http_client_new(4, "test"),
        .server = house_serve(sandbox_handle, true),
    };
    cr_assert_eq(pthread_create(&house_clock, NULL, sandbox_keep_time, &sandbox), 0);
}

static void house_close(void)
{
    sandbox.stopping = true;
    bell_ring(sandbox.bell);
    pthread_join(house_clock, NULL);
    http_client_free(asker.client);
    holder_release(sandbox.holder);
    http_server_stop(asker.server, 2000);
    mimics_free(sandbox.mimics);
    callbacks_free(sandbox.callbacks);
    http_server_stop(listener, 2000);
    holder_free(sandbox.holder);
    ledger_free(sandbox.ledger);
    bell_free(sandbox.bell);
    arena_free(asker.arena);
}

static inline const char *house_callback_url(const char *path)
{
    return arena_printf(asker.arena, "http://127.0.0.1:%d%s", http_server_port(listener), path);
}

static inline bool house_called(void *context)
{
    return calls_n >= *(int *)context;
}

static inline void house_await_calls(int n)
{
    test_wait(house_called, &n, ASK_MS, "callbacks");
}

// members: "\"next\":\"error\"".
static inline int house_control(const char *provider, const char *members)
{
    return ask(&asker, "POST", "/control",
               arena_printf(asker.arena, "{\"provider\":\"%s\",%s}", provider, members))
        .status;
}

// A member of the first entry under this reference: "status", "code", …; "" when there is none.
static inline const char *house_ledger(const char *provider, const char *reference,
                                       const char *member)
{
    struct http_response response = ask(
        &asker, "GET",
        arena_printf(asker.arena, "/ledger?provider=%s&reference=%s", provider, reference), NULL);
    cr_assert_eq(response.status, 200);
    return said(&asker, &response, arena_printf(asker.arena, "entries.0.%s", member));
}

static inline int64_t house_moved(const char *provider, const char *reference)
{
    struct http_response response = ask(
        &asker, "GET",
        arena_printf(asker.arena, "/ledger?provider=%s&reference=%s", provider, reference), NULL);
    cr_assert_eq(response.status, 200);
    return counted(&asker, &response, "entries.0.moved");
}

struct house_expected {
    const char *provider, *reference, *status;
};

static inline bool house_stands(void *context)
{
    const struct house_expected *expected = context;
    return strcmp(house_ledger(expected->provider, expected->reference, "status"),
                  expected->status) == 0;
}

// Waits until the ledger has it so.
static inline void house_expect(const char *provider, const char *reference, const char *status)
{
    struct house_expected expected = {provider, reference, status};
    test_wait(house_stands, &expected, ASK_MS, status);
}
