#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "grpc/health/v1/health.obol.h"
#include "obol/rpc/v1/bundle.obol.h"
#include "rpc/outgoing.h"

static void *client_main(void *argument)
{
    struct rpc_client *client = argument;
    for (;;) {
        grpc_event event =
            grpc_completion_queue_next(client->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
        if (event.type == GRPC_QUEUE_SHUTDOWN)
            return NULL;
        if (event.type == GRPC_OP_COMPLETE)
            outgoing_finish(event.tag);
    }
}

static void client_release(struct rpc_client *client)
{
    link_leave(client->coming);
    link_leave(client->link);
    free(client->target);
    grpc_completion_queue_shutdown(client->queue);
    if (client->runs)
        pthread_join(client->thread, NULL);
    else
        grpc_completion_queue_next(client->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    grpc_completion_queue_destroy(client->queue);
    pthread_cond_destroy(&client->emptied);
    pthread_mutex_destroy(&client->mutex);
    arena_free(client->arena);
    free(client);
    core_end();
}

struct rpc_client *rpc_client_new(const char *target)
{
    return rpc_client_new_to(target, ROLE_NONE, NULL);
}

struct rpc_client *rpc_client_new_to(const char *target, enum role role, struct rpc_tls *tls)
{
    struct rpc_client *client = calloc(1, sizeof *client);
    struct arena *arena = arena_new(2 * RPC_ANSWER_BYTES_MAX);
    char *copy = strdup(target);
    if (!client || !arena || !copy) {
        arena_free(arena);
        free(copy);
        free(client);
        return NULL;
    }
    client->target = copy;
    client->role = role;
    client->tls = tls;
    core_begin();
    client->arena = arena;
    pthread_mutex_init(&client->mutex, NULL);
    pthread_cond_init(&client->emptied, NULL);
    client->link = link_new(client);
    client->queue = grpc_completion_queue_create_for_next(NULL);
    client->runs = client->link && pthread_create(&client->thread, NULL, client_main, client) == 0;
    if (client->runs)
        return client;
    client_release(client);
    return NULL;
}

void rpc_client_free(struct rpc_client *client)
{
    if (!client)
        return;
    pthread_mutex_lock(&client->mutex);
    client->closing = true;
    for (struct outgoing *out = client->first; out; out = out->next)
        grpc_call_cancel(out->core, NULL);
    while (client->first)
        pthread_cond_wait(&client->emptied, &client->mutex);
    pthread_mutex_unlock(&client->mutex);
    client_release(client);
}

struct waiting {
    pthread_mutex_t mutex;
    pthread_cond_t answered;
    bool done;
};

static void waiting_end(void *context)
{
    struct waiting *waiting = context;
    pthread_mutex_lock(&waiting->mutex);
    waiting->done = true;
    pthread_cond_signal(&waiting->answered);
    pthread_mutex_unlock(&waiting->mutex);
}

static void call_and_wait(struct rpc_client *client, struct call *call)
{
    struct waiting waiting = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false};
    rpc_start(client, call, waiting_end, &waiting);
    pthread_mutex_lock(&waiting.mutex);
    while (!waiting.done)
        pthread_cond_wait(&waiting.answered, &waiting.mutex);
    pthread_mutex_unlock(&waiting.mutex);
    pthread_cond_destroy(&waiting.answered);
    pthread_mutex_destroy(&waiting.mutex);
}

enum status rpc_call(struct rpc_client *client, struct arena *arena, const struct method *method,
                     const struct call_context *context, const ProtobufCMessage *request,
                     ProtobufCMessage **ret, struct problem *problem)
{
    struct call call = {.arena = arena, .method = method, .context = *context};
    call.request_bytes = message_pack(arena, request);
    if (call.request_bytes.at)
        call_and_wait(client, &call);
    else
        call_refuse_status(&call, STATUS_RESOURCE_EXHAUSTED);
    ProtobufCMessage *answer = NULL;
    if (call.problem.status == STATUS_OK) {
        answer = message_unpack(arena, method->output, call.packed);
        if (!answer)
            call_answer_lost(&call);
    }
    if (call.problem.status != STATUS_OK) {
        *problem = call.problem;
        return call.problem.status;
    }
    *ret = answer;
    return STATUS_OK;
}

static enum status check(struct rpc_client *client, const char *service, int64_t timeout_ms)
{
    struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    if (!arena)
        return STATUS_RESOURCE_EXHAUSTED;
    Grpc__Health__V1__HealthCheckRequest request = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
    request.service = (char *)(uintptr_t)service;
    struct call_context context = call_context_new(arena, "health", timeout_ms);
    ProtobufCMessage *answer = NULL;
    struct problem problem = {0};
    enum status status =
        rpc_call(client, arena, METHOD_Health_Check, &context, &request.base, &answer, &problem);
    if (status == STATUS_OK && ((const Grpc__Health__V1__HealthCheckResponse *)answer)->status !=
                                   GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING)
        status = STATUS_UNAVAILABLE;
    arena_free(arena);
    return status;
}

// A server of the version before knows no such name.
enum status rpc_client_check(struct rpc_client *client, int64_t timeout_ms)
{
    enum status status = check(client, RPC_HEALTH_ABLE, timeout_ms);
    return status == STATUS_NOT_FOUND ? check(client, "", timeout_ms) : status;
}
