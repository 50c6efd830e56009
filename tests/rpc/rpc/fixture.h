// A server in this process that serves the auth and payments contracts with handlers that do as the
// request says, and a client to it. For the tests of this directory.
#pragma once
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "obol/auth/v1/auth.obol.h"
#include "obol/payments/v1/payments.obol.h"
#include "rpc/client.h"
#include "rpc/server.h"

#define HANDLERS_MAX 64
#define WAIT_MS 20000

struct gate { // handlers told to wait stand here
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool open;
    size_t waiting;
};

struct fixture {
    struct gate gate;
    struct health *health;
    struct rpc_handler handlers[HANDLERS_MAX];
    struct rpc_server_config config;
    struct rpc_server *server;
    struct rpc_client *client;
    struct arena *arena;
    char target[64];
    atomic_size_t group_max, ran;
    int64_t drain_ms;
};

static inline void gate_wait(struct gate *gate)
{
    pthread_mutex_lock(&gate->mutex);
    gate->waiting++;
    pthread_cond_broadcast(&gate->changed);
    while (!gate->open)
        pthread_cond_wait(&gate->changed, &gate->mutex);
    gate->waiting--;
    pthread_mutex_unlock(&gate->mutex);
}

static inline void gate_open(struct gate *gate)
{
    pthread_mutex_lock(&gate->mutex);
    gate->open = true;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->mutex);
}

// Until n handlers stand at the gate.
static inline void gate_expect(struct gate *gate, size_t n)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_MS / 1000;
    int error = 0;
    pthread_mutex_lock(&gate->mutex);
    while (gate->waiting < n && error == 0)
        error = pthread_cond_timedwait(&gate->changed, &gate->mutex, &until);
    pthread_mutex_unlock(&gate->mutex);
    cr_assert_eq(error, 0, "%zu handlers at the gate", n);
}

static inline enum status handle_any(void *worker, struct call *call)
{
    struct fixture *fixture = worker;
    fixture->ran++;
    call_answer(call, message_new(call->arena, call->method->output));
    return STATUS_OK;
}

// Shows the context as the tenant's name.
static inline enum status handle_get_tenant(void *worker, struct call *call)
{
    (void)worker;
    const struct call_context *context = &call->context;
    Obol__Auth__V1__Tenant *tenant =
        MESSAGE_NEW(call->arena, obol__auth__v1__tenant, Obol__Auth__V1__Tenant);
    tenant->id = CALL_REQUEST(call, Obol__Auth__V1__GetTenantRequest)->id;
    tenant->name = arena_printf(
        call->arena, "%s|%s|%s|%s|%.*s|%.35s|%d", context->tenant_id, context->actor,
        context->request_id, context->idempotency_key ? context->idempotency_key : "none",
        (int)context->fingerprint.length, (const char *)context->fingerprint.at,
        context->traceparent, (int)(clock_left_ms(context->deadline_ns) / 1000));
    call_answer(call, &tenant->base);
    return STATUS_OK;
}

static inline enum status handle_create_tenant(void *worker, struct call *call)
{
    struct fixture *fixture = worker;
    const char *name = CALL_REQUEST(call, Obol__Auth__V1__CreateTenantRequest)->name;
    if (strcmp(name, "hold") == 0)
        gate_wait(&fixture->gate);
    if (strcmp(name, "status") == 0)
        return STATUS_UNKNOWN;
    Obol__Auth__V1__Tenant *tenant =
        MESSAGE_NEW(call->arena, obol__auth__v1__tenant, Obol__Auth__V1__Tenant);
    tenant->name = (char *)name;
    if (strcmp(name, "replay") == 0)
        call_answer_packed(call, message_pack(call->arena, &tenant->base), true);
    else
        call_answer(call, &tenant->base);
    return STATUS_OK;
}

static inline void verify_one(struct fixture *fixture, struct call *call)
{
    const Obol__Auth__V1__VerifyKeyRequest *request =
        CALL_REQUEST(call, Obol__Auth__V1__VerifyKeyRequest);
    if (strcmp(request->id, "hold") == 0)
        gate_wait(&fixture->gate);
    if (strcmp(request->id, "nothing") == 0)
        return;
    if (strcmp(request->id, "refuse") == 0) {
        call_refuse(call, STATUS_FAILED_PRECONDITION, "key_rusty", "id", "Ung\303\274ltig: %d%%.",
                    7);
        call->problem.retry_after_s = 9;
        return;
    }
    Obol__Auth__V1__VerifyKeyResponse *response = MESSAGE_NEW(
        call->arena, obol__auth__v1__verify_key_response, Obol__Auth__V1__VerifyKeyResponse);
    response->tenant_id = request->id;
    call_answer(call, &response->base);
}

static inline void handle_verify(void *worker, struct call *const *calls, size_t n)
{
    struct fixture *fixture = worker;
    size_t seen = fixture->group_max;
    while (n > seen && !atomic_compare_exchange_weak(&fixture->group_max, &seen, n))
        ;
    for (size_t i = 0; i < n; i++) {
        cr_assert_eq(calls[i]->method, METHOD_AuthService_VerifyKey);
        fixture->ran++;
        verify_one(fixture, calls[i]);
    }
}

static inline enum status handle_tokenize(void *worker, struct call *call)
{
    struct fixture *fixture = worker;
    gate_wait(&fixture->gate);
    return handle_any(worker, call);
}

static inline void *fixture_worker(void *context)
{
    return context;
}

static inline size_t fixture_handlers(struct fixture *fixture)
{
    const struct proto_file *files[] = {&obol_auth_v1_auth_file, &obol_payments_v1_payments_file};
    size_t n = 0;
    for (size_t i = 0; i < 2; i++)
        for (size_t j = 0; j < files[i]->methods_n; j++) {
            const struct method *method = &files[i]->methods[j];
            struct rpc_handler *handler = &fixture->handlers[n++];
            *handler = (struct rpc_handler){.method = method->path, .one = handle_any};
            if (method == METHOD_AuthService_GetTenant)
                handler->one = handle_get_tenant;
            if (method == METHOD_AuthService_CreateTenant)
                handler->one = handle_create_tenant;
            if (method == METHOD_PaymentService_TokenizeCard)
                handler->one = handle_tokenize;
            if (method == METHOD_AuthService_VerifyKey) {
                handler->one = NULL;
                handler->many = handle_verify;
            }
        }
    return n;
}

// Not yet started, so that a test can spoil it.
static inline struct fixture *fixture_new(size_t fast_threads)
{
    static const struct proto_file *const files[] = {&obol_auth_v1_auth_file,
                                                     &obol_payments_v1_payments_file};
    struct fixture *fixture = calloc(1, sizeof *fixture);
    pthread_mutex_init(&fixture->gate.mutex, NULL);
    pthread_cond_init(&fixture->gate.changed, NULL);
    fixture->arena = arena_new(ARENA_CAP_BATCH);
    fixture->health = health_new("test", "0");
    fixture->config = (struct rpc_server_config){
        .address = "127.0.0.1:0",
        .files = files,
        .files_n = 2,
        .handlers = fixture->handlers,
        .handlers_n = fixture_handlers(fixture),
        .fast_threads = fast_threads,
        .slow_threads = 2,
        .slow_queue = 2,
        .slow_per_tenant = 3,
        .worker_begin = fixture_worker,
        .context = fixture,
        .health = fixture->health,
    };
    return fixture;
}

static inline struct fixture *fixture_start(size_t fast_threads)
{
    struct fixture *fixture = fixture_new(fast_threads);
    cr_assert_eq(rpc_server_start(&fixture->config, &fixture->server), STATUS_OK);
    snprintf(fixture->target, sizeof fixture->target, "127.0.0.1:%d",
             rpc_server_port(fixture->server));
    fixture->client = rpc_client_new(fixture->target);
    cr_assert_not_null(fixture->client);
    return fixture;
}

static inline void fixture_free(struct fixture *fixture)
{
    gate_open(&fixture->gate);
    rpc_client_free(fixture->client);
    rpc_server_stop(fixture->server, 5000);
    health_free(fixture->health);
    arena_free(fixture->arena);
    free(fixture);
}

static inline struct call_context context_for(struct fixture *fixture, int64_t timeout_ms)
{
    return call_context_new(fixture->arena, "test", timeout_ms);
}

// Verifies that key; the returned status is the problem's.
static inline enum status verify(struct fixture *fixture, const char *id, struct problem *problem)
{
    Obol__Auth__V1__VerifyKeyRequest request = OBOL__AUTH__V1__VERIFY_KEY_REQUEST__INIT;
    request.id = (char *)id;
    struct call_context context = context_for(fixture, WAIT_MS);
    ProtobufCMessage *answer = NULL;
    enum status status = rpc_call(fixture->client, fixture->arena, METHOD_AuthService_VerifyKey,
                                  &context, &request.base, &answer, problem);
    if (status == STATUS_OK)
        cr_assert_str_eq(((Obol__Auth__V1__VerifyKeyResponse *)answer)->tenant_id, id);
    return status;
}

// Calls under way, counted home.
struct homecoming {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    size_t home;
};
#define HOMECOMING ((struct homecoming){PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0})

static inline void homecoming_one(void *context)
{
    struct homecoming *homecoming = context;
    pthread_mutex_lock(&homecoming->mutex);
    homecoming->home++;
    pthread_cond_broadcast(&homecoming->changed);
    pthread_mutex_unlock(&homecoming->mutex);
}

static inline void homecoming_expect(struct homecoming *homecoming, size_t n)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_MS / 1000;
    int error = 0;
    pthread_mutex_lock(&homecoming->mutex);
    while (homecoming->home < n && error == 0)
        error = pthread_cond_timedwait(&homecoming->changed, &homecoming->mutex, &until);
    size_t home = homecoming->home;
    pthread_mutex_unlock(&homecoming->mutex);
    cr_assert_eq(error, 0, "%zu of %zu calls came back", home, n);
}

static inline void free_arena(void *arena)
{
    arena_free(arena);
}

static inline struct call *call_new(struct fixture *fixture, const struct method *method,
                                    const ProtobufCMessage *request)
{
    struct call *call = ARENA_NEW(fixture->arena, struct call);
    call->arena = arena_new(ARENA_CAP_REQUEST);
    cr_assert(arena_defer(fixture->arena, free_arena, call->arena));
    call->method = method;
    call->context = context_for(fixture, WAIT_MS);
    call->request_bytes = message_pack(call->arena, request);
    return call;
}

static inline struct call *call_verify(struct fixture *fixture, const char *id)
{
    Obol__Auth__V1__VerifyKeyRequest request = OBOL__AUTH__V1__VERIFY_KEY_REQUEST__INIT;
    request.id = (char *)id;
    return call_new(fixture, METHOD_AuthService_VerifyKey, &request.base);
}

static inline struct call *call_create(struct fixture *fixture, const char *name)
{
    Obol__Auth__V1__CreateTenantRequest request = OBOL__AUTH__V1__CREATE_TENANT_REQUEST__INIT;
    request.name = (char *)name;
    return call_new(fixture, METHOD_AuthService_CreateTenant, &request.base);
}
