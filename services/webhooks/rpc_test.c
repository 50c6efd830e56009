// TestEndpoint: an event and its delivery are committed together with the idempotency key, still
// without an answer; then the dispatcher's outcome is waited for; then the answer is stored under
// the key. Whoever comes with the key in between, also after a crash, waits for the same delivery.
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/id.h"
#include "rpc.h"
#include "view.h"
#include "json/json.h"

#define NOUN "webhook endpoint"
#define WAIT_MS_MAX 20000
#define WAIT_LEFT_MS 500 // of the call's time, for the answer
#define POLL_MS 25
#define TRIES_MAX 3

struct testing {
    const char *endpoint_id;
    const char *delivery_id; // of the first request under this key
    struct id event, delivery;
    bool answered; // a replay
};

static struct event test_event(const struct call *call, const struct testing *testing,
                               int64_t sequence)
{
    return (struct event){
        .id = testing->event.text,
        .tenant_id = call->context.tenant_id,
        .type = "webhook.test",
        .object_id = testing->endpoint_id,
        .payment_id = "",
        .request_id = call->context.request_id ? call->context.request_id : "",
        .traceparent = call->context.traceparent ? call->context.traceparent : "",
        .sequence = sequence,
        .created_us = clock_unix_us(),
    };
}

static enum status put(struct worker *worker, struct call *call, const struct testing *testing,
                       const struct endpoint *endpoint)
{
    Obol__Webhooks__V1__Endpoint *view = view_endpoint(call->arena, endpoint, NULL);
    const char *json = view ? json_write(call->arena, &view->base) : NULL;
    struct event event = test_event(call, testing, endpoint->sequence);
    char *body = json ? journal_render(call->arena, &event, "webhook_endpoint", json) : NULL;
    if (!body)
        return out_of_memory(call);
    event.body = bytes_of_string(body);
    bool fresh = false;
    enum status status = store_events_insert(worker->db, call->arena, &event, 1, &fresh);
    struct new_delivery delivery = {
        .tenant_id = event.tenant_id,
        .id = testing->delivery.text,
        .endpoint_id = endpoint->id,
        .event_id = event.id,
        .event_type = event.type,
        .payment_id = "",
        .url = endpoint->url,
    };
    if (status == STATUS_OK) // due since 1970: before everything that waits; one attempt
        status = store_deliveries_insert(worker->db, call->arena, &delivery, 1, 0, 1);
    if (status == STATUS_OK)
        status = audit_text(worker, call, "webhook_endpoint.test", endpoint->id, NULL);
    return status;
}

static enum status begin_test(struct worker *worker, struct call *call, struct testing *testing)
{
    struct endpoint endpoint = {0};
    enum status status = refuse_missing(
        call,
        store_endpoint_raise_sequence(worker->db, call->arena, call->context.tenant_id,
                                      testing->endpoint_id, &endpoint),
        NOUN);
    if (status == STATUS_OK && !endpoint.enabled)
        return call_refuse(call, STATUS_FAILED_PRECONDITION, "endpoint_disabled", NULL,
                           "The endpoint is disabled.");
    testing->delivery_id = testing->delivery.text;
    return status == STATUS_OK ? put(worker, call, testing, &endpoint) : status;
}

static enum status settle(struct worker *worker, struct call *call, struct testing *testing,
                          const struct claim *claim)
{
    switch (claim->result) {
    case CLAIM_WON:
        return begin_test(worker, call, testing);
    case CLAIM_REPLAY:
        call_answer_packed(call, claim->held_answer, true);
        testing->answered = true;
        return STATUS_OK;
    case CLAIM_OURS:
    case CLAIM_RUNNING:
        testing->delivery_id = claim->held_object_id;
        return STATUS_OK;
    case CLAIM_REUSED:
        return call_refuse(call, STATUS_INVALID_ARGUMENT, "idempotency_key_reused", NULL,
                           "This idempotency key was used for another request.");
    }
    return STATUS_INTERNAL;
}

static enum status claim_and_settle(struct worker *worker, struct call *call,
                                    struct testing *testing)
{
    if (!call->context.idempotency_key)
        return begin_test(worker, call, testing);
    struct claim claim = {
        .tenant_id = call->context.tenant_id,
        .key = call->context.idempotency_key,
        .hash = journal_hash(worker->journal, call->method->path, call->context.fingerprint,
                             call->request_bytes),
        .object_id = testing->delivery.text,
        .method = call->method->path,
        .http_status = call->method->success,
        .now_us = clock_unix_us(),
    };
    enum status status = journal_claim(worker->journal, worker->db, call->arena, &claim, 1);
    return status == STATUS_OK ? settle(worker, call, testing, &claim) : status;
}

// The same ids at each try, so a lost COMMIT is found again under the key.
static enum status open_test(struct worker *worker, struct call *call, struct testing *testing)
{
    enum status status = STATUS_OK;
    for (int tries = 0; tries < TRIES_MAX; tries++) {
        status = db_begin(worker->db);
        if (status == STATUS_OK)
            status = claim_and_settle(worker, call, testing);
        if (status == STATUS_OK)
            status = db_commit(worker->db);
        else
            db_rollback(worker->db);
        bool again =
            status == STATUS_ABORTED || (status == STATUS_UNKNOWN && call->context.idempotency_key);
        if (call->problem.status || !again)
            break;
    }
    return status;
}

static bool settled(struct worker *worker, struct call *call, const char *id)
{
    CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    struct delivery delivery = {0};
    return arena &&
           store_delivery_get(worker->db, arena, call->context.tenant_id, id, &delivery) ==
               STATUS_OK &&
           strcmp(delivery.status, "pending") != 0;
}

// Another process may be sending it, so the row is asked.
static void wait_for(struct worker *worker, struct call *call, const char *id)
{
    int64_t left_ms = clock_left_ms(call->context.deadline_ns) - WAIT_LEFT_MS;
    int64_t until_ns = clock_deadline_ns(left_ms < WAIT_MS_MAX ? left_ms : WAIT_MS_MAX);
    const struct timespec pause = {.tv_nsec = POLL_MS * NS_PER_MS};
    while (!settled(worker, call, id) && clock_left_ms(until_ns) > 0)
        nanosleep(&pause, NULL);
}

static enum status close_test(struct worker *worker, struct call *call, const char *id)
{
    Obol__Webhooks__V1__Delivery *view = NULL;
    enum status status = delivery_view(worker, call, id, &view);
    if (status != STATUS_OK)
        return status;
    call_answer(call, &view->base);
    if (!call->context.idempotency_key)
        return STATUS_OK;
    struct bytes answer = message_pack(call->arena, &view->base);
    if (!answer.at)
        return out_of_memory(call);
    return journal_complete(worker->journal, worker->db, call->arena, call->context.tenant_id,
                            call->context.idempotency_key, answer, id);
}

enum status rpc_test_endpoint(void *context, struct call *call)
{
    struct worker *worker = context;
    struct testing testing = {
        .endpoint_id = CALL_REQUEST(call, Obol__Webhooks__V1__TestEndpointRequest)->id,
        .event = id_new("evt"),
        .delivery = id_new("whd"),
    };
    enum status status = id_given(call, "we", testing.endpoint_id, NOUN);
    if (status == STATUS_OK)
        status = open_test(worker, call, &testing);
    if (status == STATUS_OK && testing.answered)
        return STATUS_OK;
    if (status == STATUS_OK) {
        if (state_of(worker)->dispatcher)
            dispatcher_wake(state_of(worker)->dispatcher);
        wait_for(worker, call, testing.delivery_id);
        status = close_test(worker, call, testing.delivery_id);
        if (status != STATUS_OK && !call->problem.status)
            status = problem_unknown(&call->problem); // it was sent, or will be
    }
    return call->problem.status ? call->problem.status : call_refuse_status(call, status);
}
