#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "obol/auth/v1/auth.obol.h"
#include "obol/auth/v1/auth.pb-c.h"
#include "rpc/client.h"
#include "rpc/server.h"
#include "torture/support/torture.h"

#define BUNDLE 5
#define TIMEOUT_MS 3000

static enum status handle_one(void *worker, struct call *call)
{
    (void)worker;
    ProtobufCMessage *message = message_new(call->arena, call->method->output);
    if (!message)
        return call_refuse_status(call, STATUS_RESOURCE_EXHAUSTED);
    call_answer(call, message);
    return STATUS_OK;
}

static void handle_many(void *worker, struct call *const *calls, size_t n)
{
    (void)worker;
    for (size_t i = 0; i < n; i++) {
        Obol__Auth__V1__VerifyKeyResponse *response =
            MESSAGE_NEW(calls[i]->arena, obol__auth__v1__verify_key_response,
                        Obol__Auth__V1__VerifyKeyResponse);
        if (!response) {
            (void)call_refuse_status(calls[i], STATUS_RESOURCE_EXHAUSTED);
            continue;
        }
        response->tenant_id = CALL_REQUEST(calls[i], Obol__Auth__V1__VerifyKeyRequest)->id;
        call_answer(calls[i], &response->base);
    }
}

static enum status serve(struct rpc_server **ret)
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
    return rpc_server_start(&(struct rpc_server_config){.address = "127.0.0.1:0",
                                                        .files = files,
                                                        .files_n = 1,
                                                        .handlers = handlers,
                                                        .handlers_n = n,
                                                        .fast_threads = 1},
                            ret);
}

struct waiting {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool done;
};

static void over(void *context)
{
    struct waiting *waiting = context;
    pthread_mutex_lock(&waiting->mutex);
    waiting->done = true;
    pthread_cond_signal(&waiting->changed);
    pthread_mutex_unlock(&waiting->mutex);
}

// Each comes home once: with the answer to its own question, or with the reason why not; what is
// well-formed is never called malformed because memory was short.
static bool bundle(struct rpc_client *client, struct arena *arena)
{
    struct waiting waiting = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false};
    struct call calls[BUNDLE], *pointers[BUNDLE];
    char ids[BUNDLE][16];
    size_t good = 0;
    for (int i = 0; i < BUNDLE; i++) {
        Obol__Auth__V1__VerifyKeyRequest request = OBOL__AUTH__V1__VERIFY_KEY_REQUEST__INIT;
        snprintf(ids[i], sizeof ids[i], "key_%d", i);
        request.id = ids[i];
        calls[i] = (struct call){.arena = arena, .method = METHOD_AuthService_VerifyKey};
        calls[i].context = call_context_new(arena, "torture", TIMEOUT_MS);
        calls[i].request_bytes = message_pack(arena, &request.base);
        pointers[i] = &calls[i];
        if (!calls[i].request_bytes.at)
            return false;
    }
    rpc_bundle(client, pointers, BUNDLE, over, &waiting);
    pthread_mutex_lock(&waiting.mutex);
    while (!waiting.done)
        pthread_cond_wait(&waiting.changed, &waiting.mutex);
    pthread_mutex_unlock(&waiting.mutex);
    for (int i = 0; i < BUNDLE; i++) {
        torture_check(calls[i].problem.status != STATUS_INVALID_ARGUMENT);
        if (calls[i].problem.status != STATUS_OK)
            continue;
        const Obol__Auth__V1__VerifyKeyResponse *answer = (const void *)message_unpack(
            arena, &obol__auth__v1__verify_key_response__descriptor, calls[i].packed);
        torture_check(!answer || strcmp(answer->tenant_id, ids[i]) == 0);
        good += answer != NULL;
    }
    return good == BUNDLE;
}

static bool plain(struct rpc_client *client, struct arena *arena)
{
    Obol__Auth__V1__RevokeKeyRequest request = OBOL__AUTH__V1__REVOKE_KEY_REQUEST__INIT;
    struct call_context context = call_context_new(arena, "torture", TIMEOUT_MS);
    ProtobufCMessage *answer = NULL;
    struct problem problem = {0};
    enum status status = rpc_call(client, arena, METHOD_AuthService_RevokeKey, &context,
                                  &request.base, &answer, &problem);
    torture_check(status == problem.status && (status != STATUS_OK || answer));
    torture_check(status != STATUS_INVALID_ARGUMENT);
    return status == STATUS_OK;
}

static bool calls_of(int port)
{
    char target[64];
    snprintf(target, sizeof target, "127.0.0.1:%d", port);
    struct rpc_client *client = rpc_client_new(target);
    struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    bool well = client && arena && bundle(client, arena);
    well = client && arena && plain(client, arena) && well;
    if (client)
        well = rpc_client_check(client, TIMEOUT_MS) == STATUS_OK && well;
    if (client)
        rpc_client_free(client);
    arena_free(arena);
    return well;
}

static bool calls(void)
{
    struct rpc_server *server = NULL;
    torture_arm();
    if (serve(&server) != STATUS_OK)
        return false;
    bool well = calls_of(rpc_server_port(server));
    torture_disarm();
    bool after = calls_of(rpc_server_port(server));
    rpc_server_stop(server, 1000);
    torture_check(after);
    return well;
}

int main(void)
{
    const struct torture_scenario scenarios[] = {{.name = "calls", .run = calls}};
    return torture_main(scenarios, sizeof scenarios / sizeof *scenarios);
}
