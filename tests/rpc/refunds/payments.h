// What refunds asks of payments, served in the test's own process by a table in memory: the rules
// of ReserveRefund and ReleaseRefund as payments.proto has them, and failures on demand.
#pragma once
#include <pthread.h>
#include <stdatomic.h>

#include "obol/journal/v1/journal.obol.h"
#include "obol/journal/v1/journal.pb-c.h"
#include "obol/payments/v1/payments.obol.h"
#include "rpc/server.h"

#define FAKE_MAX 256

enum fake_mode { FAKE_OK, FAKE_REFUSE, FAKE_AWAY, FAKE_LOST };

struct fake_operation {
    char refund_id[64];
    int64_t amount, revision;
    const char *status; // pending, released, or what the provider said
    bool sent;
};

static struct {
    pthread_mutex_t lock;
    struct rpc_server *server;
    struct health *health;
    char target[64];
    struct fake_operation operations[FAKE_MAX];
    size_t n;
    _Atomic enum fake_mode reserve, release;
    atomic_int reserves, releases;
    void (*before_release)(void); // once, in the handler
    struct bytes news;            // of the one event that ListEvents has; at NULL: none
} fake;

static inline struct fake_operation *fake_find(const char *refund_id)
{
    for (size_t i = 0; i < fake.n; i++)
        if (strcmp(fake.operations[i].refund_id, refund_id) == 0)
            return &fake.operations[i];
    return NULL;
}

static inline struct fake_operation *fake_add(const char *refund_id, int64_t amount,
                                              const char *status)
{
    struct fake_operation *operation = &fake.operations[fake.n++];
    cr_assert_leq(fake.n, FAKE_MAX);
    snprintf(operation->refund_id, sizeof operation->refund_id, "%s", refund_id);
    operation->amount = amount;
    operation->status = status;
    operation->revision = 1;
    return operation;
}

static inline enum status fake_answer_reserve(struct call *call,
                                              const struct fake_operation *operation)
{
    Obol__Payments__V1__ReserveRefundResponse *response =
        MESSAGE_NEW(call->arena, obol__payments__v1__reserve_refund_response,
                    Obol__Payments__V1__ReserveRefundResponse);
    response->released = strcmp(operation->status, "released") == 0;
    response->amount = response->released ? 0 : operation->amount;
    response->currency = (char *)"INR";
    call_answer(call, &response->base);
    return STATUS_OK;
}

static inline enum status fake_reserve_locked(struct call *call)
{
    const Obol__Payments__V1__ReserveRefundRequest *request =
        CALL_REQUEST(call, Obol__Payments__V1__ReserveRefundRequest);
    struct fake_operation *operation = fake_find(request->refund_id);
    if (operation)
        return fake_answer_reserve(call, operation);
    if (strcmp(call->context.tenant_id, "ten_a") != 0)
        return problem_not_found(&call->problem, "payment");
    if (fake.reserve == FAKE_REFUSE)
        return call_refuse(call, STATUS_OUT_OF_RANGE, "refund_exceeds_captured", "amount",
                           "More than is left.");
    int64_t amount = request->amount ? request->amount : 500;
    operation = fake_add(request->refund_id, amount, "pending");
    if (fake.reserve == FAKE_LOST)
        return problem_unknown(&call->problem);
    return fake_answer_reserve(call, operation);
}

static inline enum status fake_reserve(void *worker, struct call *call)
{
    (void)worker;
    atomic_fetch_add(&fake.reserves, 1);
    if (fake.reserve == FAKE_AWAY)
        return problem_unavailable(&call->problem);
    pthread_mutex_lock(&fake.lock);
    enum status status = fake_reserve_locked(call);
    pthread_mutex_unlock(&fake.lock);
    return status;
}

static inline enum status fake_release(void *worker, struct call *call)
{
    const char *refund_id = CALL_REQUEST(call, Obol__Payments__V1__ReleaseRefundRequest)->refund_id;
    (void)worker;
    atomic_fetch_add(&fake.releases, 1);
    if (fake.release == FAKE_AWAY)
        return problem_unavailable(&call->problem);
    void (*before)(void) = fake.before_release;
    fake.before_release = NULL;
    if (before)
        before();
    pthread_mutex_lock(&fake.lock);
    struct fake_operation *operation = fake_find(refund_id);
    if (!operation) {
        operation = fake_add(refund_id, 0, "released");
    } else if (!operation->sent && strcmp(operation->status, "pending") == 0) {
        operation->status = "released";
        operation->revision++;
    }
    Obol__Payments__V1__ReleaseRefundResponse *response =
        MESSAGE_NEW(call->arena, obol__payments__v1__release_refund_response,
                    Obol__Payments__V1__ReleaseRefundResponse);
    response->released = strcmp(operation->status, "released") == 0;
    pthread_mutex_unlock(&fake.lock);
    call_answer(call, &response->base);
    return STATUS_OK;
}

static inline enum status fake_get_operation(void *worker, struct call *call)
{
    const Obol__Payments__V1__GetRefundOperationRequest *request =
        CALL_REQUEST(call, Obol__Payments__V1__GetRefundOperationRequest);
    Obol__Payments__V1__RefundOperation *message = MESSAGE_NEW(
        call->arena, obol__payments__v1__refund_operation, Obol__Payments__V1__RefundOperation);
    (void)worker;
    pthread_mutex_lock(&fake.lock);
    const struct fake_operation *operation = fake_find(request->refund_id);
    message->refund_id = request->refund_id;
    message->payment_id = request->payment_id;
    message->status = (char *)(operation ? operation->status : "absent");
    message->revision = operation ? operation->revision : 0;
    pthread_mutex_unlock(&fake.lock);
    call_answer(call, &message->base);
    return STATUS_OK;
}

static inline enum status fake_list_events(void *worker, struct call *call)
{
    const char *cursor = CALL_REQUEST(call, Obol__Journal__V1__ListEventsRequest)->cursor;
    Obol__Journal__V1__ListEventsResponse *response =
        MESSAGE_NEW(call->arena, obol__journal__v1__list_events_response,
                    Obol__Journal__V1__ListEventsResponse);
    Obol__Journal__V1__Event *event =
        MESSAGE_NEW(call->arena, obol__journal__v1__event, Obol__Journal__V1__Event);
    (void)worker;
    response->cursor = (char *)"after";
    if (fake.news.at && strcmp(cursor, "after") != 0) {
        event->id = (char *)"evt_01";
        event->tenant_id = (char *)"ten_a";
        event->type = (char *)"refund_operation.processed";
        event->payload = (ProtobufCBinaryData){fake.news.length, (uint8_t *)fake.news.at};
        response->n_events = 1;
        response->events = ARENA_NEW(call->arena, Obol__Journal__V1__Event *);
        response->events[0] = event;
    }
    call_answer(call, &response->base);
    return STATUS_OK;
}

static inline enum status fake_nothing(void *worker, struct call *call)
{
    (void)worker;
    return call_refuse(call, STATUS_UNIMPLEMENTED, "unimplemented", NULL, "Not in this test.");
}

static inline void *fake_worker(void *context)
{
    return context;
}

static inline void fake_start(void)
{
    static const struct proto_file *const files[] = {&obol_payments_v1_payments_file,
                                                     &obol_journal_v1_journal_file};
    static struct rpc_handler handlers[64];
    size_t n = 0;
    for (size_t i = 0; i < 2; i++)
        for (size_t j = 0; j < files[i]->methods_n; j++) {
            const struct method *method = &files[i]->methods[j];
            handlers[n] = (struct rpc_handler){.method = method->path, .one = fake_nothing};
            if (method == METHOD_PaymentService_ReserveRefund)
                handlers[n].one = fake_reserve;
            if (method == METHOD_PaymentService_ReleaseRefund)
                handlers[n].one = fake_release;
            if (method == METHOD_PaymentService_GetRefundOperation)
                handlers[n].one = fake_get_operation;
            if (method == METHOD_JournalService_ListEvents)
                handlers[n].one = fake_list_events;
            n++;
        }
    pthread_mutex_init(&fake.lock, NULL);
    fake.health = health_new("payments", "0");
    const struct rpc_server_config config = {.address = "127.0.0.1:0",
                                             .files = files,
                                             .files_n = 2,
                                             .handlers = handlers,
                                             .handlers_n = n,
                                             .fast_threads = 4,
                                             .slow_threads = 1,
                                             .slow_queue = 4,
                                             .worker_begin = fake_worker,
                                             .context = &fake,
                                             .health = fake.health};
    cr_ok(rpc_server_start(&config, &fake.server));
    snprintf(fake.target, sizeof fake.target, "127.0.0.1:%d", rpc_server_port(fake.server));
}

static inline void fake_stop(void)
{
    rpc_server_stop(fake.server, 1000);
    health_free(fake.health);
}
