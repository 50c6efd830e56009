// Server and client under the thread sanitizer and under load: threads call and bundle over both
// lanes, with deadlines that pass; clients leave with calls under way; others watch the server's
// health; and the server stops and starts again meanwhile. Exit status 0: every call came home,
// with the answer it should have or a refusal, and no call that was said never to have run did.
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "obol/auth/v1/auth.obol.h"
#include "obol/payments/v1/payments.obol.h"
#include "rpc/client.h"
#include "rpc/server.h"
#include "support/support.h"

#define RUN_MS 6000
#define CALLERS 4
#define BUNDLE 24
#define SLOW 3
#define IDS_MAX (1 << 20)
#define HANDLERS_MAX 64

static atomic_size_t answered, refused, checked, left;
static atomic_int ids;
static atomic_uchar ran[IDS_MAX], never[IDS_MAX]; // by a call's number; never: so we were told
static struct rpc_handler handlers[HANDLERS_MAX];
static struct rpc_server_config config;
static char target[64];
static atomic_bool over;

static void pause_ms(int64_t ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * NS_PER_MS}, NULL);
}

static void note_ran(const char *id)
{
    atomic_fetch_add(&ran[atoi(id)], 1);
}

static enum status handle_any(void *worker, struct call *call)
{
    (void)worker;
    call_answer(call, message_new(call->arena, call->method->output));
    return STATUS_OK;
}

static enum status handle_revoke(void *worker, struct call *call)
{
    note_ran(CALL_REQUEST(call, Obol__Auth__V1__RevokeKeyRequest)->id);
    return handle_any(worker, call);
}

static enum status handle_tokenize(void *worker, struct call *call)
{
    pause_ms(3);
    return handle_any(worker, call);
}

static void handle_verify(void *worker, struct call *const *calls, size_t n)
{
    (void)worker;
    for (size_t i = 0; i < n; i++) {
        Obol__Auth__V1__VerifyKeyResponse *response =
            MESSAGE_NEW(calls[i]->arena, obol__auth__v1__verify_key_response,
                        Obol__Auth__V1__VerifyKeyResponse);
        response->tenant_id = CALL_REQUEST(calls[i], Obol__Auth__V1__VerifyKeyRequest)->id;
        call_answer(calls[i], &response->base);
    }
}

struct waiting {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int home;
};

static void come_home(void *context)
{
    struct waiting *waiting = context;
    pthread_mutex_lock(&waiting->mutex);
    waiting->home++;
    pthread_cond_signal(&waiting->changed);
    pthread_mutex_unlock(&waiting->mutex);
}

static void wait_home(struct waiting *waiting, int n)
{
    pthread_mutex_lock(&waiting->mutex);
    while (waiting->home < n)
        pthread_cond_wait(&waiting->changed, &waiting->mutex);
    pthread_mutex_unlock(&waiting->mutex);
}

static void call_prepare(struct call *call, struct arena *arena, const struct method *method, int i)
{
    int number = atomic_fetch_add(&ids, 1);
    cr_assert(number < IDS_MAX);
    Obol__Auth__V1__VerifyKeyRequest verify = OBOL__AUTH__V1__VERIFY_KEY_REQUEST__INIT;
    Obol__Auth__V1__RevokeKeyRequest revoke = OBOL__AUTH__V1__REVOKE_KEY_REQUEST__INIT;
    Obol__Payments__V1__TokenizeCardRequest card = OBOL__PAYMENTS__V1__TOKENIZE_CARD_REQUEST__INIT;
    verify.id = revoke.id = arena_printf(arena, "%d", number);
    const ProtobufCMessage *request = method == METHOD_AuthService_VerifyKey   ? &verify.base
                                      : method == METHOD_AuthService_RevokeKey ? &revoke.base
                                                                               : &card.base;
    *call = (struct call){.arena = arena, .method = method};
    call->context = call_context_new(arena, verify.id, i % 7 == 0 ? 2 : 10000);
    call->context.tenant_id = i % 2 ? "ten_a" : "ten_b";
    call->request_bytes = message_pack(arena, request);
}

static void judge_refused(const struct call *call)
{
    static const enum status expected[] = {STATUS_UNAVAILABLE, STATUS_UNKNOWN, STATUS_CANCELLED,
                                           STATUS_DEADLINE_EXCEEDED, STATUS_RESOURCE_EXHAUSTED};
    bool known = false;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        known |= call->problem.status == expected[i];
    cr_assert(known, "%s: %s", call->method->path, status_name(call->problem.status));
    if (call->problem.status == STATUS_UNAVAILABLE)
        atomic_store(&never[atoi(call->context.actor)], 1);
    refused++;
}

static void judge(const struct call *call)
{
    if (call->problem.status != STATUS_OK) {
        judge_refused(call);
        return;
    }
    const ProtobufCMessage *message =
        message_unpack(call->arena, call->method->output, call->packed);
    cr_assert_not_null(message);
    if (call->method == METHOD_AuthService_VerifyKey)
        cr_assert_str_eq(((const Obol__Auth__V1__VerifyKeyResponse *)message)->tenant_id,
                         call->context.actor);
    if (call->method == METHOD_AuthService_RevokeKey)
        cr_assert_eq(atomic_load(&ran[atoi(call->context.actor)]), 1);
    answered++;
}

// Arenas are the client's until its calls are home, so what goes out apart has one apart.
struct arenas {
    struct arena *each[1 + SLOW];
};

static void arenas_init(struct arenas *arenas)
{
    for (int i = 0; i < 1 + SLOW; i++)
        arenas->each[i] = arena_new(ARENA_CAP_BATCH);
}

static void arenas_reset(struct arenas *arenas)
{
    for (int i = 0; i < 1 + SLOW; i++)
        arena_reset(arenas->each[i]);
}

static void arenas_deinit(struct arenas *arenas)
{
    for (int i = 0; i < 1 + SLOW; i++)
        arena_free(arenas->each[i]);
}

// A bundle of both fast methods, and calls in the slow lane beside it.
static void round_once(struct rpc_client *client, struct arenas *arenas)
{
    struct waiting waiting = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};
    struct call calls[BUNDLE + SLOW], *pointers[BUNDLE];
    for (int i = 0; i < BUNDLE; i++) {
        call_prepare(&calls[i], arenas->each[0],
                     i % 2 ? METHOD_AuthService_VerifyKey : METHOD_AuthService_RevokeKey, i);
        pointers[i] = &calls[i];
    }
    rpc_bundle(client, pointers, BUNDLE, come_home, &waiting);
    for (int i = 0; i < SLOW; i++) {
        struct call *call = &calls[BUNDLE + i];
        call_prepare(call, arenas->each[1 + i], METHOD_PaymentService_TokenizeCard, i + 1);
        rpc_start(client, call, come_home, &waiting);
    }
    wait_home(&waiting, 1 + SLOW);
    for (int i = 0; i < BUNDLE + SLOW; i++)
        judge(&calls[i]);
}

static enum status call_once(struct rpc_client *client, struct arena *arena)
{
    Obol__Auth__V1__VerifyKeyRequest request = OBOL__AUTH__V1__VERIFY_KEY_REQUEST__INIT;
    struct call_context context = call_context_new(arena, "tsan", 10000);
    ProtobufCMessage *answer = NULL;
    struct problem problem = {0};
    request.id = "key";
    return rpc_call(client, arena, METHOD_AuthService_VerifyKey, &context, &request.base, &answer,
                    &problem);
}

static void *caller_main(void *argument)
{
    struct rpc_client *client = argument;
    struct arenas arenas;
    arenas_init(&arenas);
    while (!atomic_load(&over)) {
        round_once(client, &arenas);
        if (call_once(client, arenas.each[0]) == STATUS_OK &&
            rpc_client_check(client, 100) == STATUS_OK)
            checked++;
        arenas_reset(&arenas);
    }
    arenas_deinit(&arenas);
    return NULL;
}

// A client that goes with calls under way: their callbacks run first.
static void leave_early(struct arenas *arenas)
{
    struct waiting waiting = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};
    struct call calls[2], *pointer = &calls[0];
    struct rpc_client *client = rpc_client_new(target);
    call_prepare(&calls[0], arenas->each[0], METHOD_AuthService_RevokeKey, 1);
    call_prepare(&calls[1], arenas->each[1], METHOD_PaymentService_TokenizeCard, 1);
    rpc_bundle(client, &pointer, 1, come_home, &waiting);
    rpc_start(client, &calls[1], come_home, &waiting);
    pause_ms(atomic_load(&ids) % 5);
    rpc_client_free(client);
    cr_assert_eq(waiting.home, 2);
    judge(&calls[0]);
    judge(&calls[1]);
}

static void *leaver_main(void *argument)
{
    struct arenas arenas;
    (void)argument;
    arenas_init(&arenas);
    for (; !atomic_load(&over); left++) {
        leave_early(&arenas);
        arenas_reset(&arenas);
    }
    arenas_deinit(&arenas);
    return NULL;
}

static struct rpc_server *server_start(void)
{
    struct rpc_server *server = NULL;
    int64_t deadline_ns = clock_deadline_ns(10000);
    while (rpc_server_start(&config, &server) != STATUS_OK) {
        cr_assert_gt(clock_left_ms(deadline_ns), 0, "the port stays taken");
        pause_ms(20);
    }
    snprintf(target, sizeof target, "127.0.0.1:%d", rpc_server_port(server));
    return server;
}

static size_t handlers_fill(const struct proto_file *const *files)
{
    size_t n = 0;
    for (size_t i = 0; i < 2; i++)
        for (size_t j = 0; j < files[i]->methods_n; j++) {
            const struct method *method = &files[i]->methods[j];
            struct rpc_handler *handler = &handlers[n++];
            *handler = (struct rpc_handler){.method = method->path, .one = handle_any};
            if (method == METHOD_AuthService_RevokeKey)
                handler->one = handle_revoke;
            if (method == METHOD_PaymentService_TokenizeCard)
                handler->one = handle_tokenize;
            if (method == METHOD_AuthService_VerifyKey)
                *handler = (struct rpc_handler){.method = method->path, .many = handle_verify};
        }
    return n;
}

// A client in another language that opens and leaves Watch streams until it is told to end.
static FILE *watchers_start(void)
{
    char command[1024];
    snprintf(command, sizeof command,
             "exec /usr/bin/python3 %s/rpc/rpc/other_client.py %s watchers", OBOL_TESTS,
             strrchr(target, ':') + 1);
    FILE *watchers = popen(command, "w");
    cr_assert_not_null(watchers);
    return watchers;
}

// The server's dependency comes and goes, and every so often the server too.
static struct rpc_server *trouble(struct rpc_server *server, struct health *health, int dependency)
{
    int64_t until_ns = clock_deadline_ns(RUN_MS);
    for (int i = 1; clock_left_ms(until_ns) > 0; i++) {
        health_report(health, dependency, i % 2, -1);
        pause_ms(30);
        if (i % 20 != 0)
            continue;
        rpc_server_stop(server, i % 40 ? 200 : 0);
        pause_ms(100);
        server = server_start();
    }
    return server;
}

static void expect_recovery(struct rpc_client *client)
{
    struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    int64_t deadline_ns = clock_deadline_ns(10000);
    while (call_once(client, arena) != STATUS_OK) {
        cr_assert_gt(clock_left_ms(deadline_ns), 0, "no answer though the server is back");
        pause_ms(20);
    }
    arena_free(arena);
}

int main(void)
{
    static const struct proto_file *const files[] = {&obol_auth_v1_auth_file,
                                                     &obol_payments_v1_payments_file};
    struct health *health = health_new("test", "0");
    int dependency = health_add(health, "postgres", true);
    char address[64];
    snprintf(address, sizeof address, "127.0.0.1:%d", test_free_port());
    config = (struct rpc_server_config){.address = address,
                                        .files = files,
                                        .files_n = 2,
                                        .handlers = handlers,
                                        .handlers_n = handlers_fill(files),
                                        .fast_threads = 3,
                                        .slow_threads = 3,
                                        .slow_queue = 4,
                                        .slow_per_tenant = 5,
                                        .health = health};
    struct rpc_server *server = server_start();
    struct rpc_client *client = rpc_client_new(target);
    FILE *watchers = watchers_start();
    pthread_t threads[CALLERS + 1];
    cr_assert_not_null(client);
    for (int i = 0; i < CALLERS + 1; i++)
        cr_assert_eq(
            pthread_create(&threads[i], NULL, i < CALLERS ? caller_main : leaver_main, client), 0);
    server = trouble(server, health, dependency);
    expect_recovery(client);
    atomic_store(&over, true);
    for (int i = 0; i < CALLERS + 1; i++)
        pthread_join(threads[i], NULL);
    cr_assert_eq(pclose(watchers), 0, "the watchers");
    rpc_client_free(client);
    rpc_server_stop(server, 1000);
    health_free(health);
    for (int i = 0; i < atomic_load(&ids); i++)
        cr_assert(!never[i] || !ran[i], "call %d ran, though it was said not to have", i);
    printf("%zu answered, %zu refused, %zu clients left early\n", (size_t)answered, (size_t)refused,
           (size_t)left);
    cr_assert(answered > 100 && refused > 0 && checked > 0 && left > 0);
    return 0;
}
