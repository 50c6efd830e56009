// What the refunds service asks: to reserve a part of a captured payment for a refund, to give it
// back, and how it stands. Keyed by the refund's id, so asking again is harmless.
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/id.h"
#include "batch.h"
#include "change.h"
#include "refund_check.h"
#include "render.h"
#include "rpc.h"

struct reserve_item {
    struct batch_item base;
    const char *operation_id;
    // Of the newest try:
    struct problem refusal;
    int64_t amount;
    const char *currency;
    bool released;
};

static const Obol__Payments__V1__ReserveRefundRequest *request_of(const struct reserve_item *item)
{
    return CALL_REQUEST(item->base.call, Obol__Payments__V1__ReserveRefundRequest);
}

static void read_existing(struct reserve_item *item, const struct operation *operation)
{
    if (strcmp(operation->payment_id, request_of(item)->payment_id) != 0) {
        (void)problem_set(&item->refusal, STATUS_FAILED_PRECONDITION, "conflict", "refund_id",
                          "This refund belongs to another payment.");
        return;
    }
    item->released = operation->status == OPERATION_RELEASED;
    item->amount = item->released ? 0 : operation->amount;
    item->currency = operation->currency;
}

static struct operation operation_of(const struct worker *worker, const struct reserve_item *item,
                                     const struct payment *payment, int64_t amount)
{
    const struct call_context *context = &item->base.call->context;
    return (struct operation){
        .tenant_id = payment->tenant_id,
        .id = item->operation_id,
        .payment_id = payment->id,
        .kind = OPERATION_REFUND,
        .refund_id = request_of(item)->refund_id,
        .amount = amount,
        .currency = payment->currency,
        .provider = payment->provider,
        .credential_id = payment->credential_id,
        .lease_ms = state_lease_ms(worker->state, payment->provider),
        .request_id = context->request_id,
        .traceparent = context->traceparent,
    };
}

struct reserve {
    struct worker *worker;
    struct arena *arena;
    struct reserve_item **items; // those that have no operation yet
    size_t n;
    int64_t now_us;
};

static enum status split_existing(struct reserve *reserve, struct reserve_item **items, size_t n)
{
    struct key *refunds = ARENA_ARRAY(reserve->arena, n, struct key);
    struct operation **existing = ARENA_ARRAY(reserve->arena, n, struct operation *);
    reserve->items = ARENA_ARRAY(reserve->arena, n, struct reserve_item *);
    if (!refunds || !existing || !reserve->items)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < n; i++)
        refunds[i] =
            (struct key){items[i]->base.call->context.tenant_id, request_of(items[i])->refund_id};
    enum status status =
        store_operations_by_refund(reserve->worker->db, reserve->arena, refunds, n, existing);
    for (size_t i = 0; status == STATUS_OK && i < n; i++) {
        items[i]->refusal = (struct problem){0};
        items[i]->released = false;
        if (existing[i])
            read_existing(items[i], existing[i]);
        else
            reserve->items[reserve->n++] = items[i];
    }
    return status;
}

// Reserved, but not to be: it is given back in the same transaction.
static enum status unreserve(struct reserve *reserve, const struct payment_change *changes)
{
    struct payment_change *back = ARENA_ARRAY(reserve->arena, reserve->n, struct payment_change);
    struct effects effects = effects_begin(reserve->arena);
    size_t n = 0;
    if (!back)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < reserve->n; i++) {
        const struct payment_change *change = &changes[i];
        if (change->result != CHANGE_APPLIED || reserve->items[i]->refusal.status == STATUS_OK)
            continue;
        back[n] = *change;
        back[n++].act = (struct payment_act){.kind = ACT_REFUND_FAILED, .amount = change->reserved};
    }
    if (n == 0)
        return STATUS_OK;
    enum status status = payments_change(reserve->worker->db, back, n, reserve->now_us, &effects);
    return status == STATUS_OK ? effects_write(&effects, reserve->worker->db) : status;
}

static enum status insert_applied(struct reserve *reserve, const struct payment_change *changes)
{
    struct operation *operations = ARENA_ARRAY(reserve->arena, reserve->n, struct operation);
    size_t wanted = 0, made = 0;
    if (!operations)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < reserve->n; i++) {
        struct reserve_item *item = reserve->items[i];
        const struct payment_change *change = &changes[i];
        if (change->result == CHANGE_ABSENT) {
            (void)problem_not_found(&item->refusal, "payment");
        } else if (change->result == CHANGE_REFUSED) {
            item->refusal = change->problem;
        } else if (refund_check(reserve->worker, reserve->arena, change->after, change->reserved,
                                &item->refusal) == STATUS_OK) {
            item->amount = change->reserved;
            item->currency = change->after->currency;
            operations[wanted++] =
                operation_of(reserve->worker, item, change->after, change->reserved);
        }
    }
    enum status status = unreserve(reserve, changes);
    if (status != STATUS_OK || wanted == 0)
        return status;
    status = store_operations_insert(reserve->worker->db, reserve->arena, operations, wanted,
                                     reserve->now_us, &made);
    // Another reserve, or the tombstone of a release, was first: look again.
    return status == STATUS_OK && made != wanted ? STATUS_ABORTED : status;
}

// Two requests that reserve for one refund take turns at its payment, and the second finds no money
// left: the first's. True in *ret: an operation stands by now for one that was refused.
static enum status refused_beside_its_own(struct reserve *reserve,
                                          const struct payment_change *changes, bool *ret)
{
    struct key *refunds = ARENA_ARRAY(reserve->arena, reserve->n, struct key);
    struct operation **existing = ARENA_ARRAY(reserve->arena, reserve->n, struct operation *);
    size_t n = 0;
    *ret = false;
    if (!refunds || !existing)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < reserve->n; i++)
        if (changes[i].result == CHANGE_REFUSED)
            refunds[n++] = (struct key){reserve->items[i]->base.call->context.tenant_id,
                                        request_of(reserve->items[i])->refund_id};
    if (n == 0)
        return STATUS_OK;
    enum status status =
        store_operations_by_refund(reserve->worker->db, reserve->arena, refunds, n, existing);
    for (size_t i = 0; status == STATUS_OK && i < n; i++)
        *ret = *ret || existing[i];
    return status;
}

static enum status reserve_new(struct reserve *reserve)
{
    struct payment_change *changes = ARENA_ARRAY(reserve->arena, reserve->n, struct payment_change);
    struct effects effects = effects_begin(reserve->arena);
    if (!changes)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < reserve->n; i++) {
        const struct reserve_item *item = reserve->items[i];
        const struct call_context *context = &item->base.call->context;
        changes[i] = (struct payment_change){
            .payment = {context->tenant_id, request_of(item)->payment_id},
            .act = {.kind = ACT_RESERVE, .amount = request_of(item)->amount},
            .cause = {context->actor, context->request_id, context->traceparent},
        };
    }
    enum status status =
        payments_change(reserve->worker->db, changes, reserve->n, reserve->now_us, &effects);
    bool own = false;
    if (status == STATUS_OK)
        status = refused_beside_its_own(reserve, changes, &own);
    if (status == STATUS_OK && own)
        return STATUS_ABORTED; // look again: it is answered with what stands
    if (status == STATUS_OK)
        status = insert_applied(reserve, changes);
    return status == STATUS_OK ? effects_write(&effects, reserve->worker->db) : status;
}

static enum status reserve_attempt(struct worker *worker, struct arena *arena,
                                   struct batch_item **items, size_t n, bool again)
{
    (void)again; // what an earlier try wrote is found by the refund's id
    struct reserve reserve = {.worker = worker, .arena = arena, .now_us = clock_unix_us()};
    enum status status = db_begin(worker->db);
    if (status == STATUS_OK)
        status = split_existing(&reserve, (struct reserve_item **)items, n);
    if (status == STATUS_OK && reserve.n > 0)
        status = reserve_new(&reserve);
    if (status == STATUS_OK && failpoint_hit("reserve.before_commit"))
        status = STATUS_ABORTED;
    if (status != STATUS_OK) {
        db_rollback(worker->db);
        return status;
    }
    status = db_commit(worker->db);
    return status == STATUS_OK && failpoint_hit("reserve.committed") ? STATUS_UNKNOWN : status;
}

static void reserve_settle(struct worker *worker, struct batch_item **items, size_t n)
{
    (void)worker;
    for (size_t i = 0; i < n; i++) {
        const struct reserve_item *item = (const struct reserve_item *)items[i];
        struct call *call = item->base.call;
        if (item->refusal.status != STATUS_OK) {
            call->problem = item->refusal;
            continue;
        }
        Obol__Payments__V1__ReserveRefundResponse *response =
            MESSAGE_NEW(call->arena, obol__payments__v1__reserve_refund_response,
                        Obol__Payments__V1__ReserveRefundResponse);
        if (response)
            response->currency = arena_strdup(call->arena, item->currency ? item->currency : "");
        if (!response || !response->currency) {
            (void)call_refuse_status(call, STATUS_RESOURCE_EXHAUSTED);
            continue;
        }
        response->amount = item->amount;
        response->released = item->released;
        call_answer(call, &response->base);
    }
}

static enum status check_ids(const char *refund_id, const char *payment_id, struct problem *problem)
{
    if (refund_id[0] == '\0' || strlen(refund_id) > ID_TEXT_MAX)
        return problem_invalid(problem, "refund_id", "The refund's id is missing.");
    if (payment_id[0] == '\0' || strlen(payment_id) > ID_TEXT_MAX)
        return problem_invalid(problem, "payment_id", "The payment's id is missing.");
    return STATUS_OK;
}

static bool reserve_ready(struct reserve_item *item)
{
    struct call *call = item->base.call;
    const Obol__Payments__V1__ReserveRefundRequest *request = request_of(item);
    item->operation_id = arena_strdup(call->arena, id_new("op").text);
    if (!item->operation_id)
        (void)call_refuse_status(call, STATUS_RESOURCE_EXHAUSTED);
    else if (request->amount < 0)
        (void)problem_invalid(&call->problem, "amount", "The amount is at least 1.");
    else
        (void)check_ids(request->refund_id, request->payment_id, &call->problem);
    return call->problem.status == STATUS_OK;
}

void rpc_reserve_refund(void *context, struct call *const *calls, size_t n)
{
    struct worker *worker = context;
    struct arena *arena = worker->arena;
    struct reserve_item *items = ARENA_ARRAY(arena, n, struct reserve_item);
    struct batch_item **batch = ARENA_ARRAY(arena, n, struct batch_item *);
    size_t batch_n = 0;
    for (size_t i = 0; i < n; i++) {
        if (!items || !batch) {
            (void)call_refuse_status(calls[i], STATUS_RESOURCE_EXHAUSTED);
            continue;
        }
        items[i].base.call = calls[i];
        if (reserve_ready(&items[i]))
            batch[batch_n++] = &items[i].base;
    }
    batch_run(&(struct batch){worker, arena, reserve_attempt, reserve_settle}, batch, batch_n);
    if (batch_n > 0)
        state_ring(worker->state, true);
    arena_reset(arena);
}

static enum status give_back(struct worker *worker, struct call *call, struct operation *operation,
                             int64_t now_us)
{
    struct effects effects = effects_begin(call->arena);
    struct payment_change item = {
        .payment = {operation->tenant_id, operation->payment_id},
        .act = {.kind = ACT_REFUND_FAILED, .amount = operation->amount},
        .cause = {call->context.actor, call->context.request_id, call->context.traceparent},
    };
    operation->status = OPERATION_RELEASED;
    operation->due_us = DB_TIME_NULL;
    operation->finished_us = now_us;
    operation->revision++;
    enum status status = store_operations_update(worker->db, call->arena, operation, 1, now_us);
    if (status == STATUS_OK)
        status = payments_change(worker->db, &item, 1, now_us, &effects);
    if (status == STATUS_OK && item.result != CHANGE_APPLIED)
        status = STATUS_INTERNAL;
    return status == STATUS_OK ? effects_write(&effects, worker->db) : status;
}

static enum status leave_tombstone(struct worker *worker, struct call *call, int64_t now_us)
{
    const Obol__Payments__V1__ReleaseRefundRequest *request =
        CALL_REQUEST(call, Obol__Payments__V1__ReleaseRefundRequest);
    struct operation tombstone = {
        .tenant_id = call->context.tenant_id,
        .id = arena_strdup(call->arena, id_new("op").text),
        .payment_id = request->payment_id,
        .refund_id = request->refund_id,
    };
    bool made = false;
    if (!tombstone.id)
        return STATUS_RESOURCE_EXHAUSTED;
    enum status status =
        store_operations_tombstone(worker->db, call->arena, &tombstone, now_us, &made);
    return status == STATUS_OK && !made ? STATUS_ABORTED : status;
}

static enum status work_release(struct worker *worker, struct call *call, void *context)
{
    const Obol__Payments__V1__ReleaseRefundRequest *request =
        CALL_REQUEST(call, Obol__Payments__V1__ReleaseRefundRequest);
    Obol__Payments__V1__ReleaseRefundResponse *response = context;
    struct key refund = {call->context.tenant_id, request->refund_id};
    struct operation *operation = NULL;
    int64_t now_us = clock_unix_us();
    enum status status = store_operations_lock_refund(worker->db, call->arena, &refund, &operation);
    if (status != STATUS_OK)
        return status;
    response->released = true;
    if (!operation)
        status = leave_tombstone(worker, call, now_us);
    else if (operation->status == OPERATION_READY && operation->attempts == 0)
        status = give_back(worker, call, operation, now_us);
    else
        response->released = operation->status == OPERATION_RELEASED;
    call_answer(call, &response->base);
    return status;
}

enum status rpc_release_refund(void *worker, struct call *call)
{
    const Obol__Payments__V1__ReleaseRefundRequest *request =
        CALL_REQUEST(call, Obol__Payments__V1__ReleaseRefundRequest);
    enum status status = check_ids(request->refund_id, request->payment_id, &call->problem);
    if (status != STATUS_OK)
        return status;
    Obol__Payments__V1__ReleaseRefundResponse *response =
        MESSAGE_NEW(call->arena, obol__payments__v1__release_refund_response,
                    Obol__Payments__V1__ReleaseRefundResponse);
    if (!response)
        return call_refuse_status(call, STATUS_RESOURCE_EXHAUSTED);
    return service_transact(worker, call, work_release, response);
}

static void answer_operation(struct call *call, const struct operation *operation)
{
    const Obol__Payments__V1__GetRefundOperationRequest *request =
        CALL_REQUEST(call, Obol__Payments__V1__GetRefundOperationRequest);
    struct operation none = {.refund_id = request->refund_id,
                             .payment_id = request->payment_id,
                             .status = OPERATION_READY};
    Obol__Payments__V1__RefundOperation *message =
        render_refund_operation(call->arena, operation ? operation : &none, clock_unix_us());
    if (message && !operation)
        message->status = (char *)(uintptr_t) "absent";
    struct bytes packed = message ? message_pack(call->arena, &message->base) : (struct bytes){0};
    if (packed.at)
        call_answer_packed(call, packed, false);
    else
        (void)call_refuse_status(call, STATUS_RESOURCE_EXHAUSTED);
}

void rpc_get_refund_operation(void *context, struct call *const *calls, size_t n)
{
    struct worker *worker = context;
    struct arena *arena = worker->arena;
    struct key *keys = ARENA_ARRAY(arena, n, struct key);
    struct operation **found = ARENA_ARRAY(arena, n, struct operation *);
    enum status status = keys && found ? STATUS_OK : STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; status == STATUS_OK && i < n; i++)
        keys[i] = (struct key){
            calls[i]->context.tenant_id,
            CALL_REQUEST(calls[i], Obol__Payments__V1__GetRefundOperationRequest)->refund_id};
    if (status == STATUS_OK)
        status = batch_read(store_operations_by_refund(worker->db, arena, keys, n, found));
    for (size_t i = 0; i < n; i++) {
        if (status == STATUS_OK)
            answer_operation(calls[i], found[i]);
        else
            (void)call_refuse_status(calls[i], status);
    }
    arena_reset(arena);
}
