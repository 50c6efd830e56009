// A write that happens once: key, work and answer in one transaction.
#include <string.h>

#include "base/clock.h"
#include "service/internal.h"

#define TRIES_MAX 3

typedef enum status work_function(struct worker *, struct call *, void *);

struct once {
    const char *object_id;
    work_function *work;
    void *context;
    // Of the tries so far:
    bool claimed;     // in the newest one the key was no obstacle
    bool lost_commit; // in one of them
};

static void forget_outcome(struct call *call)
{
    call->response = NULL;
    call->packed = (struct bytes){0};
    call->replayed = false;
    call->problem = (struct problem){0};
}

// The work says why in the call; a database status that reached here bare gets its problem.
static enum status refused(struct call *call, enum status status)
{
    return call->problem.status == STATUS_OK ? call_refuse_status(call, status)
                                             : call->problem.status;
}

static enum status complete(struct worker *worker, struct call *call, const struct once *once)
{
    struct bytes answer = message_pack(call->arena, call->response);
    if (!answer.at)
        return STATUS_INTERNAL;
    return journal_complete(worker->journal, worker->db, call->arena, call->context.tenant_id,
                            call->context.idempotency_key, answer, once->object_id);
}

// A row under our own object id is our own only after a COMMIT whose answer was lost: an act on an
// object that stands (a revocation) claims its key with that object's id every time.
static enum status replay(struct call *call, const struct once *once, const struct claim *claim)
{
    bool ours = claim->result == CLAIM_OURS && once->lost_commit;
    call_answer_packed(call, claim->held_answer, !ours);
    return STATUS_OK;
}

static enum status settle(struct worker *worker, struct call *call, const struct once *once,
                          const struct claim *claim)
{
    switch (claim->result) {
    case CLAIM_WON: {
        enum status status = once->work(worker, call, once->context);
        return status == STATUS_OK ? complete(worker, call, once) : status;
    }
    case CLAIM_OURS:
    case CLAIM_REPLAY:
        return replay(call, once, claim);
    case CLAIM_RUNNING:
        return call_refuse(call, STATUS_ABORTED, "idempotency_key_in_use", NULL,
                           "A request with this idempotency key is still running.");
    case CLAIM_REUSED:
        return call_refuse(call, STATUS_INVALID_ARGUMENT, "idempotency_key_reused", NULL,
                           "This idempotency key was used for another request.");
    }
    return STATUS_INTERNAL;
}

static enum status once_try(struct worker *worker, struct call *call, struct once *once)
{
    once->claimed = false;
    enum status status = db_begin(worker->db);
    if (status != STATUS_OK)
        return status;
    struct claim claim = {
        .tenant_id = call->context.tenant_id,
        .key = call->context.idempotency_key,
        .hash = journal_hash(worker->journal, call->method->path, call->context.fingerprint,
                             call->request_bytes),
        .object_id = once->object_id,
        .method = call->method->path,
        .http_status = call->method->success,
        .now_us = clock_unix_us(),
    };
    status = journal_claim(worker->journal, worker->db, call->arena, &claim, 1);
    once->claimed = status == STATUS_OK;
    if (status == STATUS_OK)
        status = settle(worker, call, once, &claim);
    if (status == STATUS_OK)
        return db_commit(worker->db);
    db_rollback(worker->db);
    return status;
}

static enum status plain_try(struct worker *worker, struct call *call, const struct once *once)
{
    enum status status = db_begin(worker->db);
    if (status == STATUS_OK)
        status = once->work(worker, call, once->context);
    if (status == STATUS_OK)
        return db_commit(worker->db);
    db_rollback(worker->db);
    return status;
}

static bool waited_for_lock(const struct db *db)
{
    return strcmp(db_last_error(db)->sqlstate, "55P03") == 0;
}

// ABORTED without a problem is the database's: it goes away. UNKNOWN is a lost COMMIT: with a key
// the next try finds out (the row stands under our object id, or it doesn't); without one nobody
// can.
static bool worth_another_try(const struct worker *worker, const struct call *call,
                              enum status status, int tries)
{
    if (call->problem.status != STATUS_OK || clock_left_ms(call->context.deadline_ns) == 0)
        return false;
    if (status == STATUS_UNKNOWN)
        return call->context.idempotency_key && tries < TRIES_MAX;
    return status == STATUS_ABORTED && (tries < TRIES_MAX || waited_for_lock(worker->db));
}

static enum status run(struct worker *worker, struct call *call, struct once *once)
{
    enum status status = STATUS_OK;
    bool keyed = call->context.idempotency_key != NULL;
    for (int tries = 1;; tries++) {
        forget_outcome(call);
        status = keyed ? once_try(worker, call, once) : plain_try(worker, call, once);
        once->lost_commit =
            once->lost_commit || (status == STATUS_UNKNOWN && call->problem.status == STATUS_OK);
        if (status == STATUS_OK || !worth_another_try(worker, call, status, tries))
            break;
    }
    if (status == STATUS_OK)
        return status;
    if (call->problem.status != STATUS_OK)
        return call->problem.status;
    if (once->lost_commit)
        return problem_unknown(&call->problem);
    if (keyed && !once->claimed && status == STATUS_ABORTED && waited_for_lock(worker->db))
        return call_refuse(call, STATUS_ABORTED, "idempotency_key_in_use", NULL,
                           "A request with this idempotency key is still running.");
    return refused(call, status);
}

enum status service_once(struct worker *worker, struct call *call, const char *object_id,
                         work_function *work, void *context)
{
    struct once once = {.object_id = object_id, .work = work, .context = context};
    return run(worker, call, &once);
}

enum status service_transact(struct worker *worker, struct call *call, work_function *work,
                             void *context)
{
    const char *key = call->context.idempotency_key;
    call->context.idempotency_key = NULL;
    struct once once = {.work = work, .context = context};
    enum status status = run(worker, call, &once);
    call->context.idempotency_key = key;
    return status;
}
