// Server and client under the thread sanitizer: some threads call, bundle, watch the clock and
// leave. Exit status 0: every call came home with the answer it should have.
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "obol/auth/v1/auth.obol.h"
#include "rpc/client.h"
#include "rpc/server.h"

#define RUN_MS 3000
#define CALLERS 4
#define BUNDLE 16

static atomic_size_t answered, wrong;

static enum status handle_one(void *worker, struct call *call)
{
    (void)worker;
    call_answer(call, message_new(call->arena, call->method->output));
    return STATUS_OK;
}

static void handle_many(void *worker, struct call *const *calls, size_t n)
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
    bool done;
};

static void waiting_end(void *context)
{
    struct waiting *waiting = context;
    pthread_mutex_lock(&waiting->mutex);
    waiting->done = true;
    pthread_cond_signal(&waiting->changed);
    pthread_mutex_unlock(&waiting->mutex);
}

static void call_prepare(struct call *call, struct arena *arena, char *id)
{
    Obol__Auth__V1__VerifyKeyRequest request = OBOL__AUTH__V1__VERIFY_KEY_REQUEST__INIT;
    request.id = id;
    *call = (struct call){.arena = arena, .method = METHOD_AuthService_VerifyKey};
    call->context = call_context_new(arena, "tsan", 10000);
    call->request_bytes = message_pack(arena, &request.base);
}

static void call_judge(const struct call *call, const char *id)
{
    const Obol__Auth__V1__VerifyKeyResponse *response = NULL;
    if (call->problem.status == STATUS_OK)
        response = (const void *)message_unpack(
            call->arena, &obol__auth__v1__verify_key_response__descriptor, call->packed);
    if (response && strcmp(response->tenant_id, id) == 0)
        answered++;
    else
        wrong++;
}

static void bundle_once(struct rpc_client *client, struct arena *arena)
{
    struct waiting waiting = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false};
    struct call calls[BUNDLE], *pointers[BUNDLE];
    for (int i = 0; i < BUNDLE; i++) {
        call_prepare(&calls[i], arena, "key_bundled");
        pointers[i] = &calls[i];
    }
    rpc_bundle(client, pointers, BUNDLE, waiting_end, &waiting);
    pthread_mutex_lock(&waiting.mutex);
    while (!waiting.done)
        pthread_cond_wait(&waiting.changed, &waiting.mutex);
    pthread_mutex_unlock(&waiting.mutex);
    for (int i = 0; i < BUNDLE; i++)
        call_judge(&calls[i], "key_bundled");
}

static void call_once(struct rpc_client *client, struct arena *arena, const struct method *method)
{
    Obol__Auth__V1__RevokeKeyRequest request = OBOL__AUTH__V1__REVOKE_KEY_REQUEST__INIT;
    struct call_context context = call_context_new(arena, "tsan", 10000);
    ProtobufCMessage *answer = NULL;
    struct problem problem = {0};
    if (rpc_call(client, arena, method, &context, &request.base, &answer, &problem) == STATUS_OK)
        answered++;
    else
        wrong++;
}

static void *caller_main(void *argument)
{
    struct rpc_client *client = argument;
    struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    int64_t until_ns = clock_deadline_ns(RUN_MS);
    while (clock_left_ms(until_ns) > 0) {
        bundle_once(client, arena);
        call_once(client, arena, METHOD_AuthService_RevokeKey);
        if (rpc_client_check(client, 10000) != STATUS_OK)
            wrong++;
        arena_reset(arena);
    }
    arena_free(arena);
    return NULL;
}

static enum status server_start(struct rpc_server **ret)
{
    static const struct proto_file *const files[] = {&obol_auth_v1_auth_file};
    struct rpc_handler handlers[32];
    size_t n = 0;
    for (size_t i = 0; i < obol_auth_v1_auth_file.methods_n; i++) {
        const struct method *method = &obol_auth_v1_auth_file.methods[i];
        handlers[n] = (struct rpc_handler){.method = method->path};
        if (method == METHOD_AuthService_VerifyKey)
            handlers[n++].many = handle_many;
        else
            handlers[n++].one = handle_one;
    }
    struct rpc_server_config config = {
        .address = "127.0.0.1:0",
        .files = files,
        .files_n = 1,
        .handlers = handlers,
        .handlers_n = n,
        .fast_threads = 2,
    };
    return rpc_server_start(&config, ret);
}

int main(void)
{
    struct rpc_server *server = NULL;
    if (server_start(&server) != STATUS_OK)
        return 1;
    char target[64];
    snprintf(target, sizeof target, "127.0.0.1:%d", rpc_server_port(server));
    struct rpc_client *client = rpc_client_new(target);
    pthread_t callers[CALLERS];
    for (int i = 0; i < CALLERS; i++)
        if (!client || pthread_create(&callers[i], NULL, caller_main, client) != 0)
            return 1;
    for (int i = 0; i < CALLERS; i++)
        pthread_join(callers[i], NULL);
    rpc_client_free(client);
    rpc_server_stop(server, 1000);
    printf("%zu answered, %zu wrong\n", (size_t)answered, (size_t)wrong);
    return answered > 0 && wrong == 0 ? 0 : 1;
}
