#include "saga.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "obol/payments/v1/payments.obol.h"
#include "obs/metrics.h"
#include "store.h"

#define DRIVE_BATCH 32
#define DRIVE_IDLE_MS 500
#define TRIES_MAX 3

static struct call_context context_of(struct arena *arena, const struct refund *refund)
{
    struct call_context context =
        call_context_new(arena, refund->actor, REFUND_PAYMENTS_TIMEOUT_MS);
    context.tenant_id = refund->tenant_id;
    context.request_id = refund->request_id;
    context.traceparent = refund->traceparent;
    return context;
}

static enum status ask_reserve(const struct refunds *refunds, struct arena *arena,
                               const struct refund *refund,
                               Obol__Payments__V1__ReserveRefundResponse **ret,
                               struct problem *problem)
{
    Obol__Payments__V1__ReserveRefundRequest request =
        OBOL__PAYMENTS__V1__RESERVE_REFUND_REQUEST__INIT;
    struct call_context context = context_of(arena, refund);
    request.refund_id = (char *)(uintptr_t)refund->id;
    request.payment_id = (char *)(uintptr_t)refund->payment_id;
    request.amount = refund->requested;
    return rpc_call(refunds->payments, arena, METHOD_PaymentService_ReserveRefund, &context,
                    &request.base, (ProtobufCMessage **)ret, problem);
}

static enum status ask_release(const struct refunds *refunds, struct arena *arena,
                               const struct refund *refund, bool *ret_released)
{
    Obol__Payments__V1__ReleaseRefundRequest request =
        OBOL__PAYMENTS__V1__RELEASE_REFUND_REQUEST__INIT;
    Obol__Payments__V1__ReleaseRefundResponse *response = NULL;
    struct call_context context = context_of(arena, refund);
    struct problem problem = {0};
    request.refund_id = (char *)(uintptr_t)refund->id;
    request.payment_id = (char *)(uintptr_t)refund->payment_id;
    enum status status =
        rpc_call(refunds->payments, arena, METHOD_PaymentService_ReleaseRefund, &context,
                 &request.base, (ProtobufCMessage **)&response, &problem);
    *ret_released = status == STATUS_OK && response->released;
    return status;
}

static char *audited(struct arena *arena, const struct refund *refund, const char *status)
{
    return arena_printf(arena, "{\"payment_id\":\"%s\",\"amount\":%lld,\"status\":\"%s\"}",
                        refund->payment_id, (long long)refund->amount, status);
}

// before: its status; NULL: it was nobody's to see.
static enum status audit(struct db *db, struct arena *arena, const struct refund *refund,
                         const char *action, const char *before)
{
    struct audit entry = {
        .tenant_id = refund->tenant_id,
        .actor = refund->actor,
        .action = action,
        .object_id = refund->id,
        .request_id = refund->request_id,
        .before = before ? audited(arena, refund, before) : NULL,
        .after = audited(arena, refund, refund->status),
    };
    return journal_audit(db, arena, &entry, 1);
}

static enum status complete_key(const struct refunds *refunds, struct db *db, struct arena *arena,
                                const struct refund *refund)
{
    if (!refund->idempotency_key)
        return STATUS_OK;
    Obol__Refunds__V1__Refund *message = refund_message(arena, refund);
    struct bytes answer = message ? message_pack(arena, &message->base) : (struct bytes){0};
    if (!answer.at)
        return STATUS_RESOURCE_EXHAUSTED;
    enum status status = journal_complete(refunds->journal, db, arena, refund->tenant_id,
                                          refund->idempotency_key, answer, refund->id);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status; // the key's day was over first
}

static struct metric_series *outcome_series(const char *outcome)
{
    struct metric *metric = metric_counter(
        "obol_refunds_total", "Refunds by the state that they have come to; created: accepted.",
        "outcome");
    return metric_series(metric, METRIC_LABELS(outcome));
}

static void tally(struct db *db, const char *outcome)
{
    db_tally(db, outcome_series(outcome), 1);
}

void saga_tallies_begin(void)
{
    static const char *const outcomes[] = {"created", "processed", "failed", "unknown",
                                           "needs_review"};
    for (size_t i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++)
        (void)outcome_series(outcomes[i]);
}

// 'reserving' becomes 'pending', with its event, its audit row and the answer to replay.
static enum status confirm(const struct refunds *refunds, struct db *db, struct arena *arena,
                           struct refund *refund,
                           const Obol__Payments__V1__ReserveRefundResponse *reserved)
{
    struct event event;
    int64_t now_us = clock_unix_us();
    refund_reserved(refund, reserved->amount, reserved->currency);
    if (!refund_event(arena, refund, now_us, &event))
        return STATUS_RESOURCE_EXHAUSTED;
    tally(db, "created");
    enum status status = refunds_update(db, arena, refund, 1, now_us);
    if (status == STATUS_OK)
        status = journal_append(db, arena, &event, 1);
    if (status == STATUS_OK)
        status = audit(db, arena, refund, "refund.create", NULL);
    return status == STATUS_OK ? complete_key(refunds, db, arena, refund) : status;
}

static enum status confirm_in_transaction(const struct refunds *refunds, struct db *db,
                                          struct arena *arena, struct refund *refund,
                                          const Obol__Payments__V1__ReserveRefundResponse *reserved)
{
    enum status status = db_begin(db);
    if (status == STATUS_OK)
        status = refund_get(db, arena, refund->tenant_id, refund->id, true, refund);
    if (status == STATUS_OK && strcmp(refund->status, "reserving") == 0)
        status = confirm(refunds, db, arena, refund, reserved);
    if (status == STATUS_OK)
        return db_commit(db);
    db_rollback(db);
    return status;
}

// A COMMIT whose answer was lost is found out by reading the row again, which the next try does.
static enum status confirm_surely(const struct refunds *refunds, struct db *db, struct arena *arena,
                                  struct refund *refund,
                                  const Obol__Payments__V1__ReserveRefundResponse *reserved)
{
    enum status status = STATUS_OK;
    for (int tries = 0; tries < TRIES_MAX; tries++) {
        status = confirm_in_transaction(refunds, db, arena, refund, reserved);
        if (status != STATUS_UNKNOWN && status != STATUS_ABORTED)
            break;
    }
    bell_ring(service_outbox_bell(refunds->service));
    (void)failpoint_hit("refund.confirmed");
    return status;
}

static enum status remove_try(struct db *db, struct arena *arena, const struct refund *refund)
{
    struct claim claim = {
        .tenant_id = refund->tenant_id, .key = refund->idempotency_key, .object_id = refund->id};
    const struct claim *claims[] = {&claim};
    bool removed = false;
    enum status status = db_begin(db);
    if (status == STATUS_OK)
        status = refund_delete(db, arena, refund, &removed);
    if (status == STATUS_OK && removed && refund->idempotency_key)
        status = journal_forget(db, arena, claims, 1);
    if (status == STATUS_OK)
        return db_commit(db);
    db_rollback(db);
    return status;
}

static enum status remove_row(struct db *db, struct arena *arena, const struct refund *refund)
{
    enum status status = STATUS_OK;
    for (int tries = 0; tries < TRIES_MAX; tries++) {
        status = remove_try(db, arena, refund);
        if (status != STATUS_UNKNOWN && status != STATUS_ABORTED)
            break;
    }
    return status;
}

static bool refusal(enum status status)
{
    return status == STATUS_NOT_FOUND || status == STATUS_OUT_OF_RANGE ||
           status == STATUS_FAILED_PRECONDITION || status == STATUS_INVALID_ARGUMENT;
}

static enum status given_up(struct problem *problem)
{
    return problem_set(problem, STATUS_FAILED_PRECONDITION, "payment_not_refundable", NULL,
                       "This payment can't be refunded now.");
}

// The tombstone comes first: once the row is gone nobody would ask after a reserve that came late.
static enum status give_up(const struct refunds *refunds, struct db *db, struct arena *arena,
                           const struct refund *refund, bool *ret_released)
{
    enum status status = ask_release(refunds, arena, refund, ret_released);
    (void)failpoint_hit("refund.released");
    if (status != STATUS_OK || !*ret_released)
        return status;
    return remove_row(db, arena, refund);
}

// Another driver may have confirmed the refund just before it was released: then it was made, and
// what payments tells of the release ends it (refund_told).
static enum status released_answer(struct db *db, struct arena *arena, struct refund *refund,
                                   struct problem *refusal)
{
    enum status status = refund_get(db, arena, refund->tenant_id, refund->id, false, refund);
    if (status == STATUS_NOT_FOUND)
        return refusal->status;
    *refusal = (struct problem){0};
    return status == STATUS_OK ? STATUS_OK : STATUS_UNKNOWN;
}

enum status saga_reserve(const struct refunds *refunds, struct db *db, struct arena *arena,
                         struct refund *refund, struct problem *problem)
{
    for (int tries = 0; tries < TRIES_MAX; tries++) {
        Obol__Payments__V1__ReserveRefundResponse *reserved = NULL;
        bool released = false;
        *problem = (struct problem){0};
        enum status status = ask_reserve(refunds, arena, refund, &reserved, problem);
        (void)failpoint_hit("refund.reserved");
        if (status == STATUS_OK && !reserved->released)
            return confirm_surely(refunds, db, arena, refund, reserved);
        if (status != STATUS_OK && !refusal(status))
            return STATUS_UNKNOWN;
        if (status == STATUS_OK)
            (void)given_up(problem);
        if (give_up(refunds, db, arena, refund, &released) != STATUS_OK)
            return STATUS_UNKNOWN;
        if (released)
            return released_answer(db, arena, refund, problem);
        // Another driver's reserve got through in between: then it stands, and is confirmed.
    }
    return STATUS_UNKNOWN;
}

static const Obol__Payments__V1__RefundOperation *
news_of(const struct refund *refund, const Obol__Payments__V1__RefundOperation *const *operations,
        size_t n)
{
    const Obol__Payments__V1__RefundOperation *newest = NULL;
    for (size_t i = 0; i < n; i++)
        if (strcmp(operations[i]->refund_id, refund->id) == 0 &&
            (!newest || operations[i]->revision > newest->revision))
            newest = operations[i];
    return newest;
}

struct changes {
    struct refund *refunds;
    const char **before; // their statuses
    struct event *events;
    size_t refunds_n, events_n;
};

// An outcome can overtake the confirmation: the refund is then confirmed here first.
static enum status tell_one(const struct refunds *refunds, struct db *db, struct arena *arena,
                            struct refund refund, const Obol__Payments__V1__RefundOperation *news,
                            struct changes *changes)
{
    int64_t now_us = clock_unix_us();
    if (strcmp(refund.status, "reserving") == 0) {
        struct problem problem = {0};
        Obol__Payments__V1__ReserveRefundResponse *reserved = NULL;
        enum status status = ask_reserve(refunds, arena, &refund, &reserved, &problem);
        if (status != STATUS_OK || reserved->released)
            return status == STATUS_OK || refusal(status) ? STATUS_OK : STATUS_UNAVAILABLE;
        status = confirm(refunds, db, arena, &refund, reserved);
        if (status != STATUS_OK)
            return status;
    }
    int64_t revision = refund.operation_revision;
    const char *before = refund.status;
    bool told = refund_told(&refund, news, now_us);
    if (told && !refund_event(arena, &refund, now_us, &changes->events[changes->events_n++]))
        return STATUS_RESOURCE_EXHAUSTED;
    if (told)
        tally(db, refund.status);
    if (refund.operation_revision != revision) {
        changes->before[changes->refunds_n] = before;
        changes->refunds[changes->refunds_n++] = refund;
    }
    return STATUS_OK;
}

static enum status write_changes(struct db *db, struct arena *arena, struct changes *changes)
{
    enum status status = STATUS_OK;
    if (changes->refunds_n > 0)
        status = refunds_update(db, arena, changes->refunds, changes->refunds_n, clock_unix_us());
    if (status == STATUS_OK && changes->events_n > 0)
        status = journal_append(db, arena, changes->events, changes->events_n);
    for (size_t i = 0; status == STATUS_OK && i < changes->refunds_n; i++) {
        changes->refunds[i].actor = "payments";
        status = audit(db, arena, &changes->refunds[i], "refund.outcome", changes->before[i]);
    }
    return status;
}

enum status saga_tell(const struct refunds *refunds, struct db *db, struct arena *arena,
                      const char *const *tenant_ids,
                      const Obol__Payments__V1__RefundOperation *const *operations, size_t n)
{
    struct refund *keys = ARENA_ARRAY(arena, n, struct refund), *found = NULL;
    struct changes changes = {.refunds = ARENA_ARRAY(arena, n, struct refund),
                              .before = ARENA_ARRAY(arena, n, const char *),
                              .events = ARENA_ARRAY(arena, n, struct event)};
    size_t found_n = 0;
    if (!keys || !changes.refunds || !changes.before || !changes.events)
        return STATUS_RESOURCE_EXHAUSTED;
    size_t keys_n = 0;
    for (size_t i = 0; i < n; i++) {
        struct refund key = {.tenant_id = tenant_ids[i], .id = operations[i]->refund_id};
        bool repeated = false;
        for (size_t j = 0; j < keys_n && !repeated; j++)
            repeated = strcmp(keys[j].id, key.id) == 0;
        if (!repeated)
            keys[keys_n++] = key;
    }
    enum status status = refunds_lock(db, arena, keys, keys_n, &found, &found_n);
    for (size_t i = 0; status == STATUS_OK && i < found_n; i++)
        status =
            tell_one(refunds, db, arena, found[i], news_of(&found[i], operations, n), &changes);
    return status == STATUS_OK ? write_changes(db, arena, &changes) : status;
}

static enum status ask_operation(const struct refunds *refunds, struct arena *arena,
                                 const struct refund *refund,
                                 Obol__Payments__V1__RefundOperation **ret)
{
    Obol__Payments__V1__GetRefundOperationRequest request =
        OBOL__PAYMENTS__V1__GET_REFUND_OPERATION_REQUEST__INIT;
    struct call_context context = context_of(arena, refund);
    struct problem problem = {0};
    request.refund_id = (char *)(uintptr_t)refund->id;
    request.payment_id = (char *)(uintptr_t)refund->payment_id;
    return rpc_call(refunds->payments, arena, METHOD_PaymentService_GetRefundOperation, &context,
                    &request.base, (ProtobufCMessage **)ret, &problem);
}

// The bus may have lost the news: ask.
static enum status look_after(const struct refunds *refunds, struct db *db, struct arena *arena,
                              const struct refund *refund)
{
    Obol__Payments__V1__RefundOperation *operation = NULL;
    enum status status = ask_operation(refunds, arena, refund, &operation);
    if (status == STATUS_OK)
        status = db_begin(db);
    if (status == STATUS_OK)
        status = saga_tell(refunds, db, arena, &refund->tenant_id,
                           (const Obol__Payments__V1__RefundOperation *const *)&operation, 1);
    if (status == STATUS_OK)
        status = db_commit(db);
    db_rollback(db);
    bell_ring(service_outbox_bell(refunds->service));
    return status;
}

int64_t saga_drive(void *context, struct db *db, struct arena *arena)
{
    const struct refunds *refunds = context;
    struct refund *due = NULL;
    size_t n = 0;
    if (refunds_due(db, arena, DRIVE_BATCH, &due, &n) != STATUS_OK)
        return DRIVE_IDLE_MS;
    for (size_t i = 0; i < n && !service_stopping(refunds->service); i++) {
        struct problem problem = {0};
        bool reserving = strcmp(due[i].status, "reserving") == 0;
        enum status status = reserving ? saga_reserve(refunds, db, arena, &due[i], &problem)
                                       : look_after(refunds, db, arena, &due[i]);
        log_info("refund driven on", LOG_S("refund", due[i].id),
                 LOG_S("payment", due[i].payment_id), LOG_S("request_id", due[i].request_id),
                 LOG_TRACE(due[i].traceparent), LOG_S("tenant", due[i].tenant_id),
                 LOG_S("from", reserving ? "reserving" : "pending"),
                 LOG_S("result", status_name(status)));
    }
    return n == DRIVE_BATCH ? 0 : DRIVE_IDLE_MS;
}
