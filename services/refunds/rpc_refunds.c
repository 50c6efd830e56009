#include "rpc_refunds.h"

#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/id.h"
#include "obol/refunds/v1/refunds.obol.h"
#include "saga.h"
#include "store.h"

#define TRIES_MAX 3

static const char *const refund_statuses[] = {"pending", "processed", "failed", "unknown",
                                              "needs_review"};

static enum status answer_refund(struct call *call, const struct refund *refund)
{
    Obol__Refunds__V1__Refund *message = refund_message(call->arena, refund);
    if (!message)
        return problem_internal(&call->problem);
    call_answer(call, &message->base);
    return STATUS_OK;
}

static struct claim claim_of(const struct worker *worker, const struct call *call,
                             const struct refund *refund)
{
    return (struct claim){
        .tenant_id = refund->tenant_id,
        .key = refund->idempotency_key,
        .hash = journal_hash(worker->journal, call->method->path, call->context.fingerprint,
                             call->request_bytes),
        .object_id = refund->id,
        .method = call->method->path,
        .http_status = call->method->success,
        .now_us = clock_unix_us(),
    };
}

static enum status claim_and_insert(struct worker *worker, struct call *call,
                                    const struct refund *refund, struct claim *claim)
{
    enum status status = db_begin(worker->db);
    claim->result = CLAIM_WON;
    if (status == STATUS_OK && refund->idempotency_key) {
        *claim = claim_of(worker, call, refund);
        status = journal_claim(worker->journal, worker->db, call->arena, claim, 1);
    }
    if (status == STATUS_OK && claim->result == CLAIM_WON)
        status = refund_insert(worker->db, call->arena, refund);
    if (status == STATUS_OK)
        return db_commit(worker->db);
    db_rollback(worker->db);
    return status;
}

// Step 1 of the saga. The id was made before, so a repeat after a lost COMMIT inserts the same row
// or none; until a repeat has got through, the row may stand.
static enum status begin(struct worker *worker, struct call *call, const struct refund *refund,
                         struct claim *claim)
{
    enum status status = STATUS_OK;
    bool lost_commit = false;
    for (int tries = 0; tries < TRIES_MAX; tries++) {
        status = claim_and_insert(worker, call, refund, claim);
        lost_commit = lost_commit || status == STATUS_UNKNOWN;
        if (status != STATUS_UNKNOWN && status != STATUS_ABORTED)
            break;
    }
    (void)failpoint_hit("refund.claimed");
    return status != STATUS_OK && lost_commit ? STATUS_UNKNOWN : status;
}

static enum status finish(struct worker *worker, struct call *call, struct refund *refund)
{
    enum status status =
        saga_reserve(worker->state, worker->db, call->arena, refund, &call->problem);
    struct refund created = refund_as_created(refund);
    if (status == STATUS_OK)
        return answer_refund(call, &created);
    // The row is committed: the loop goes on with it, and a repeat under the same key finds it.
    return call->problem.status != STATUS_OK && status == call->problem.status
               ? status
               : problem_unknown(&call->problem);
}

// Another request under this key is on its way, or stopped on it: it is driven on from here, and
// its answer is this one's. NOT_FOUND without a problem: it was refused in this very moment, and
// the key is free again.
static enum status join(struct worker *worker, struct call *call, const struct claim *running)
{
    struct refund refund;
    enum status status = refund_get(worker->db, call->arena, running->tenant_id,
                                    running->held_object_id, false, &refund);
    if (status == STATUS_NOT_FOUND)
        return status;
    if (status != STATUS_OK)
        return call_refuse_status(call, status);
    status = finish(worker, call, &refund);
    call->replayed = status == STATUS_OK && running->result == CLAIM_RUNNING;
    return status;
}

static enum status create_try(struct worker *worker, struct call *call, struct refund *refund)
{
    struct claim claim = {0};
    enum status status = begin(worker, call, refund, &claim);
    if (status != STATUS_OK)
        return call_refuse_status(call, status);
    switch (claim.result) {
    case CLAIM_WON:
        return finish(worker, call, refund);
    case CLAIM_OURS:
    case CLAIM_RUNNING:
        return join(worker, call, &claim);
    case CLAIM_REPLAY:
        call_answer_packed(call, claim.held_answer, true);
        return STATUS_OK;
    case CLAIM_REUSED:
        break;
    }
    return call_refuse(call, STATUS_INVALID_ARGUMENT, "idempotency_key_reused", NULL,
                       "This idempotency key was used for another request.");
}

static enum status create_refund(void *context, struct call *call)
{
    struct refund refund;
    enum status status = refund_read(CALL_REQUEST(call, Obol__Refunds__V1__CreateRefundRequest),
                                     &call->context, &refund, &call->problem);
    if (status != STATUS_OK)
        return status;
    struct id id = id_new(REFUND_PREFIX);
    refund.id = id.text;
    for (int tries = 0; tries < TRIES_MAX; tries++) {
        status = create_try(context, call, &refund);
        if (status != STATUS_NOT_FOUND || call->problem.status != STATUS_OK)
            return status;
    }
    return call_refuse(call, STATUS_ABORTED, "idempotency_key_in_use", NULL,
                       "Requests with this idempotency key are running; repeat it.");
}

// The hot read: one statement for all.
static void get_refunds(void *context, struct call *const *calls, size_t n)
{
    struct worker *worker = context;
    struct arena *arena = calls[0]->arena;
    struct refund *keys = ARENA_ARRAY(arena, n, struct refund), *found = NULL;
    size_t found_n = 0;
    for (size_t i = 0; keys && i < n; i++) {
        keys[i].tenant_id = calls[i]->context.tenant_id;
        keys[i].id = CALL_REQUEST(calls[i], Obol__Refunds__V1__GetRefundRequest)->id;
    }
    enum status status = keys ? refunds_get(worker->db, arena, keys, n, &found, &found_n)
                              : STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < n; i++) {
        const struct refund *mine = NULL;
        for (size_t j = 0; j < found_n && !mine; j++)
            if (strcmp(found[j].id, keys[i].id) == 0 &&
                strcmp(found[j].tenant_id, keys[i].tenant_id) == 0)
                mine = &found[j];
        if (status != STATUS_OK)
            (void)call_refuse_status(calls[i], status);
        else if (!mine || strcmp(mine->status, "reserving") == 0)
            (void)problem_not_found(&calls[i]->problem, "refund");
        else
            (void)answer_refund(calls[i], mine);
    }
}

static bool known_status(const char *status)
{
    for (size_t i = 0; i < sizeof refund_statuses / sizeof *refund_statuses; i++)
        if (strcmp(refund_statuses[i], status) == 0)
            return true;
    return false;
}

static enum status answer_list(struct call *call, const struct page *page,
                               const struct refund *refunds, size_t n)
{
    Obol__Refunds__V1__RefundList *list =
        MESSAGE_NEW(call->arena, obol__refunds__v1__refund_list, Obol__Refunds__V1__RefundList);
    size_t shown = page_shown(page, n);
    Obol__Refunds__V1__Refund **data =
        ARENA_ARRAY(call->arena, shown + 1, Obol__Refunds__V1__Refund *);
    if (!list || !data)
        return problem_internal(&call->problem);
    for (size_t i = 0; i < shown; i++) {
        data[i] = refund_message(call->arena, &refunds[page_row(page, n, i)]);
        if (!data[i])
            return problem_internal(&call->problem);
    }
    list->object = arena_strdup(call->arena, "list");
    list->url = arena_strdup(call->arena, "/api/v1/refunds");
    list->has_more = page_has_more(page, n);
    list->data = data;
    list->n_data = shown;
    call_answer(call, &list->base);
    return STATUS_OK;
}

static enum status list_refunds(void *context, struct call *call)
{
    struct worker *worker = context;
    const Obol__Refunds__V1__ListRefundsRequest *request =
        CALL_REQUEST(call, Obol__Refunds__V1__ListRefundsRequest);
    struct page_request asked = {
        .limit = request->limit,
        .starting_after = request->starting_after,
        .ending_before = request->ending_before,
        .created_gte_us = page_time_us(request->created_gte),
        .created_lt_us = page_time_us(request->created_lt),
    };
    struct page page;
    struct refund *refunds = NULL;
    size_t n = 0;
    enum status status = page_read(&asked, REFUND_PREFIX, &page, &call->problem);
    if (status != STATUS_OK)
        return status;
    if (*request->status && !known_status(request->status))
        return problem_invalid(&call->problem, "status", "No such status.");
    struct refund_filter filter = {
        .tenant_id = call->context.tenant_id,
        .payment_id = *request->payment_id ? request->payment_id : NULL,
        .status = *request->status ? request->status : NULL,
    };
    status = refunds_list(worker->db, call->arena, &filter, &page, &refunds, &n);
    return status == STATUS_OK ? answer_list(call, &page, refunds, n)
                               : call_refuse_status(call, status);
}

const struct rpc_handler refund_handlers[] = {
    {"/obol.refunds.v1.RefundService/CreateRefund", .one = create_refund},
    {"/obol.refunds.v1.RefundService/GetRefund", .many = get_refunds},
    {"/obol.refunds.v1.RefundService/ListRefunds", .one = list_refunds},
};
const size_t refund_handlers_n = sizeof refund_handlers / sizeof *refund_handlers;
