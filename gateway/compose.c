// What is asked of several services at once: a call to each, and an answer when all are home.
#include <string.h>

#include "gateway.h"
#include "obol/gateway/v1/gateway.obol.h"
#include "obol/gateway/v1/gateway.pb-c.h"
#include "obol/journal/v1/journal.obol.h"
#include "obol/journal/v1/journal.pb-c.h"

// The order of Queues; auth keeps no tenant's keys and no queue.
static const enum upstream asked[] = {UPSTREAM_PAYMENTS, UPSTREAM_REFUNDS, UPSTREAM_WEBHOOKS};
#define ASKED_N 3

struct composition {
    struct request *request;
    void (*compose)(struct composition *);
    size_t out;                    // calls not yet home
    struct arena *arenas[ASKED_N]; // one a call: three threads fill them
    struct hop_call *calls[ASKED_N];
};

static void release(void *argument)
{
    struct composition *composition = argument;
    for (size_t i = 0; i < ASKED_N; i++)
        arena_free(composition->arenas[i]);
}

// The answer of one service, unpacked in the request's arena; NULL when it is missing.
static void *part(struct composition *composition, size_t i)
{
    const struct call *call = &composition->calls[i]->call;
    if (call->problem.status != STATUS_OK)
        return NULL;
    return message_unpack(composition->request->arena, call->method->output, call->packed);
}

// Any failure but "not here" leaves the whole unknown: half an answer would be a wrong one.
static bool all_answered(struct composition *composition)
{
    for (size_t i = 0; i < ASKED_N; i++) {
        enum status status = composition->calls[i]->call.problem.status;
        if (status != STATUS_OK && status != STATUS_NOT_FOUND)
            return false;
    }
    return true;
}

static void refuse(struct request *request, enum status status)
{
    if (status == STATUS_NOT_FOUND)
        (void)problem_not_found(&request->problem, "idempotency key");
    else
        (void)problem_unavailable(&request->problem);
    request_refuse(request);
}

static void compose_key(struct composition *composition)
{
    struct request *request = composition->request;
    const Obol__Gateway__V1__GetKeyRequest *asked_for = (const void *)request->message;
    Obol__Journal__V1__IdempotencyKey *uses[ASKED_N];
    Obol__Gateway__V1__IdempotencyKeyUses answer = OBOL__GATEWAY__V1__IDEMPOTENCY_KEY_USES__INIT;
    answer.object = (char *)(uintptr_t) "idempotency_key_uses";
    answer.key = asked_for->key;
    answer.uses = uses;
    for (size_t i = 0; i < ASKED_N; i++) {
        uses[answer.n_uses] = part(composition, i);
        answer.n_uses += uses[answer.n_uses] != NULL;
    }
    if (answer.n_uses > 0)
        request_answer(request, &answer.base, false);
    else
        refuse(request, STATUS_NOT_FOUND);
}

static void compose_jobs(struct composition *composition)
{
    Obol__Gateway__V1__JobsStatus answer = OBOL__GATEWAY__V1__JOBS_STATUS__INIT;
    Obol__Gateway__V1__Queues queues = OBOL__GATEWAY__V1__QUEUES__INIT;
    Obol__Gateway__V1__Queue queue[ASKED_N];
    bool running = true;
    for (size_t i = 0; i < ASKED_N; i++) {
        const Obol__Journal__V1__Jobs *jobs = part(composition, i);
        obol__gateway__v1__queue__init(&queue[i]);
        running = running && jobs && jobs->worker_running;
        if (!jobs)
            continue;
        queue[i].pending = jobs->pending;
        queue[i].processing = jobs->processing;
        queue[i].completed = jobs->completed;
        queue[i].failed = jobs->failed;
        answer.pending += jobs->pending;
        answer.processing += jobs->processing;
        answer.completed += jobs->completed;
        answer.failed += jobs->failed;
    }
    queues.payments = &queue[0];
    queues.refunds = &queue[1];
    queues.webhooks = &queue[2];
    answer.queues = &queues;
    answer.worker_status = (char *)(uintptr_t)(running ? "running" : "stopped");
    request_answer(composition->request, &answer.base, false);
}

static void one_home(struct hop_call *hop_call)
{
    struct composition *composition = hop_call->owner;
    if (--composition->out > 0)
        return;
    if (composition->compose == compose_jobs || all_answered(composition))
        composition->compose(composition);
    else
        refuse(composition->request, STATUS_UNAVAILABLE);
}

static bool prepare(struct composition *composition, const struct method *method,
                    const ProtobufCMessage *message)
{
    struct request *request = composition->request;
    for (size_t i = 0; i < ASKED_N; i++) {
        composition->arenas[i] = arena_new(ARENA_CAP_REQUEST);
        if (!composition->arenas[i])
            return false;
        composition->calls[i] =
            request_new_call(request, composition->arenas[i], method, message, one_home);
        if (!composition->calls[i])
            return false;
        composition->calls[i]->owner = composition;
    }
    return true;
}

static void ask(struct request *request, const struct method *method,
                const ProtobufCMessage *message, void (*compose_function)(struct composition *))
{
    struct composition *composition = ARENA_NEW(request->arena, struct composition);
    if (!composition || !arena_defer(request->arena, release, composition)) {
        refuse(request, STATUS_UNAVAILABLE);
        return;
    }
    composition->request = request;
    composition->compose = compose_function;
    composition->out = ASKED_N;
    if (!prepare(composition, method, message)) {
        refuse(request, STATUS_UNAVAILABLE);
        return;
    }
    for (size_t i = 0; i < ASKED_N; i++)
        hop_send(request->edge->hops[asked[i]], composition->calls[i]);
}

void compose(struct request *request)
{
    if (request->method == METHOD_GatewayService_GetIdempotencyKey) {
        Obol__Journal__V1__GetIdempotencyKeyRequest message =
            OBOL__JOURNAL__V1__GET_IDEMPOTENCY_KEY_REQUEST__INIT;
        message.key = ((const Obol__Gateway__V1__GetKeyRequest *)request->message)->key;
        ask(request, METHOD_JournalService_GetIdempotencyKey, &message.base, compose_key);
    } else {
        Obol__Journal__V1__GetJobsRequest message = OBOL__JOURNAL__V1__GET_JOBS_REQUEST__INIT;
        message.tenant_id = (char *)(uintptr_t)request->tenant_id;
        ask(request, METHOD_JournalService_GetJobs, &message.base, compose_jobs);
    }
}
