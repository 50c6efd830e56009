#include <stdlib.h>
#include <string.h>

#include "base/failpoint.h"
#include "creation/create.h"
#include "creation/gate.h"
#include "measure.h"

struct attempt {
    struct worker *worker;
    struct arena *arena;
    struct create_item **items;
    size_t n;
    const struct claim **forget; // keys whose request was refused
    size_t forget_n;
    struct order_following *freed;
    size_t freed_n;
};

static void refuse(struct attempt *a, struct create_item *item, const struct problem *why)
{
    item->verdict = CREATE_REFUSED;
    item->refusal = *why;
    if (item->claim.key && item->claim.result == CLAIM_WON)
        a->forget[a->forget_n++] = &item->claim;
}

static void read_claim(struct attempt *a, struct create_item *item)
{
    struct problem problem = {0};
    switch (item->claim.result) {
    case CLAIM_WON:
        if (item->problem.status != STATUS_OK)
            refuse(a, item, &item->problem);
        return;
    case CLAIM_OURS:
    case CLAIM_REPLAY:
        item->verdict = CREATE_HELD;
        item->replayed = item->claim.result == CLAIM_REPLAY;
        return;
    case CLAIM_RUNNING:
        (void)problem_set(&problem, STATUS_ABORTED, "idempotency_key_in_use", NULL,
                          "A request with this idempotency key is still running.");
        break;
    case CLAIM_REUSED:
        (void)problem_set(&problem, STATUS_INVALID_ARGUMENT, "idempotency_key_reused", NULL,
                          "This idempotency key was used for another request.");
        break;
    }
    refuse(a, item, &problem);
}

static int claim_order(const void *a, const void *b)
{
    const struct claim *x = a, *y = b;
    int tenants = strcmp(x->tenant_id, y->tenant_id);
    return tenants ? tenants : strcmp(x->key, y->key);
}

static enum status claim_keys(struct attempt *a)
{
    struct claim *claims = ARENA_ARRAY(a->arena, a->n, struct claim);
    size_t claims_n = 0;
    if (!claims)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < a->n; i++)
        if (a->items[i]->claim.key)
            claims[claims_n++] = a->items[i]->claim;
    if (claims_n == 0)
        return STATUS_OK;
    qsort(claims, claims_n, sizeof *claims, claim_order);
    enum status status =
        journal_claim(a->worker->journal, a->worker->db, a->arena, claims, claims_n);
    for (size_t i = 0; status == STATUS_OK && i < a->n; i++) {
        struct create_item *item = a->items[i];
        if (!item->claim.key)
            continue;
        const struct claim *claim =
            bsearch(&item->claim, claims, claims_n, sizeof *claims, claim_order);
        item->claim = *claim;
        read_claim(a, item);
    }
    return status;
}

// Without a key, only the row itself tells whether a lost COMMIT had gone through.
static enum status skip_existing(struct attempt *a)
{
    struct key *keys = ARENA_ARRAY(a->arena, a->n, struct key);
    bool *exists = ARENA_ARRAY(a->arena, a->n, bool);
    if (!keys || !exists)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < a->n; i++)
        keys[i] = (struct key){a->items[i]->new.payment.tenant_id, a->items[i]->new.payment.id};
    enum status status = store_payments_existing(a->worker->db, a->arena, keys, a->n, exists);
    for (size_t i = 0; status == STATUS_OK && i < a->n; i++)
        if (exists[i] && a->items[i]->verdict == CREATE_GOES)
            a->items[i]->verdict = CREATE_HELD;
    return status;
}

// What was accepted before is answered still: only what would be new is refused.
static enum status pass_gate(struct attempt *a)
{
    const struct payments_state *state = a->worker->state;
    struct problem problem = {0};
    bool stopped = false;
    enum status status = gate_read(state->gate, a->worker->db, &stopped);
    if (status != STATUS_OK || !stopped)
        return status;
    (void)gate_refuse(&problem);
    for (size_t i = 0; i < a->n; i++)
        if (a->items[i]->verdict == CREATE_GOES)
            refuse(a, a->items[i], &problem);
    return STATUS_OK;
}

static int by_order(const void *a, const void *b)
{
    const struct create_item *x = *(struct create_item *const *)a;
    const struct create_item *y = *(struct create_item *const *)b;
    int order = strcmp(x->new.payment.tenant_id, y->new.payment.tenant_id);
    order = order ? order : strcmp(x->new.payment.order_id, y->new.payment.order_id);
    return order ? order : (x > y) - (x < y);
}

static bool same_order(const struct create_item *x, const struct create_item *y)
{
    return strcmp(x->new.payment.order_id, y->new.payment.order_id) == 0 &&
           strcmp(x->new.payment.tenant_id, y->new.payment.tenant_id) == 0;
}

// wanting is sorted by order. One item per order is the taker, the others have come too late.
static enum status take_and_judge(struct attempt *a, struct create_item **wanting, size_t n)
{
    struct key *keys = ARENA_ARRAY(a->arena, n, struct key);
    const char **payments = ARENA_ARRAY(a->arena, n, const char *);
    bool *taken = ARENA_ARRAY(a->arena, n, bool);
    const struct order **orders = ARENA_ARRAY(a->arena, n, const struct order *);
    size_t orders_n = 0;
    if (!keys || !payments || !taken || !orders)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && same_order(wanting[i - 1], wanting[i]))
            continue;
        const struct payment *payment = &wanting[i]->new.payment;
        keys[orders_n] = (struct key){payment->tenant_id, payment->order_id};
        payments[orders_n++] = payment->id;
    }
    enum status status =
        store_orders_take(a->worker->db, a->arena, keys, payments, orders_n, taken);
    if (status == STATUS_OK)
        status = store_orders_get(a->worker->db, a->arena, keys, orders_n, orders);
    for (size_t i = 0, at = 0; status == STATUS_OK && i < n; i++) {
        struct problem problem = {0};
        bool first = i == 0 || !same_order(wanting[i - 1], wanting[i]);
        at += i > 0 && first;
        if (first && taken[at])
            continue;
        (void)order_refuse(orders[at] && strcmp(orders[at]->status, "paid") == 0, &problem);
        refuse(a, wanting[i], &problem);
    }
    return status;
}

static enum status take_orders(struct attempt *a)
{
    struct create_item **wanting = ARENA_ARRAY(a->arena, a->n, struct create_item *);
    size_t n = 0;
    if (!wanting)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < a->n; i++)
        if (a->items[i]->verdict == CREATE_GOES && create_takes_order(a->items[i]))
            wanting[n++] = a->items[i];
    if (n == 0)
        return STATUS_OK;
    qsort(wanting, n, sizeof(struct create_item *), by_order);
    return take_and_judge(a, wanting, n);
}

static void refuse_taken(void *context, struct create_item *item, const struct problem *why)
{
    struct attempt *a = context;
    if (create_takes_order(item))
        a->freed[a->freed_n++] = (struct order_following){
            {item->new.payment.tenant_id, item->new.payment.order_id}, item->new.payment.id, false};
    refuse(a, item, why);
}

// Orders that were taken for what is refused here are free again.
static enum status take_counted(struct attempt *a)
{
    struct create_refusals refusals = {refuse_taken, a};
    a->freed_n = 0;
    a->freed = ARENA_ARRAY(a->arena, a->n, struct order_following);
    if (!a->freed)
        return STATUS_RESOURCE_EXHAUSTED;
    enum status status = create_take_payers(a->worker, a->arena, a->items, a->n, &refusals);
    if (status == STATUS_OK)
        status = create_take_volumes(a->worker, a->arena, a->items, a->n, &refusals);
    if (status == STATUS_OK && a->freed_n > 0)
        status = store_orders_follow(a->worker->db, a->arena, a->freed, a->freed_n);
    return status;
}

static enum status insert(struct attempt *a)
{
    const struct new_payment **rows = ARENA_ARRAY(a->arena, a->n, const struct new_payment *);
    struct effects effects = effects_begin(a->arena);
    size_t n = 0;
    if (!rows)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < a->n; i++) {
        const struct create_item *item = a->items[i];
        if (item->verdict != CREATE_GOES)
            continue;
        rows[n++] = &item->new;
        tally_created(a->worker->db, &item->new.payment);
        for (size_t j = 0; j < item->events_n; j++)
            effects_event(&effects, &item->events[j]);
        effects_audit(&effects, &(struct audit){
                                    .tenant_id = item->new.payment.tenant_id,
                                    .actor = item->base.call->context.actor,
                                    .action = "payment.create",
                                    .object_id = item->new.payment.id,
                                    .request_id = item->new.payment.request_id,
                                    .after = item->audit,
                                });
    }
    if (n == 0)
        return STATUS_OK;
    enum status status =
        store_payments_insert(a->worker->db, a->arena, rows, n, rows[0]->payment.created_us);
    return status == STATUS_OK ? effects_write(&effects, a->worker->db) : status;
}

static enum status steps(struct attempt *a, bool again)
{
    enum status status = claim_keys(a);
    if (status == STATUS_OK && again)
        status = skip_existing(a);
    if (status == STATUS_OK)
        status = pass_gate(a);
    if (status == STATUS_OK)
        status = take_orders(a);
    if (status == STATUS_OK)
        status = take_counted(a);
    if (status == STATUS_OK)
        status = insert(a);
    if (status == STATUS_OK && a->forget_n > 0)
        status = journal_forget(a->worker->db, a->arena, a->forget, a->forget_n);
    if (status == STATUS_OK && failpoint_hit("create.before_commit"))
        status = STATUS_UNAVAILABLE;
    return status;
}

enum status create_attempt(struct worker *worker, struct arena *arena, struct batch_item **items,
                           size_t n, bool again)
{
    struct attempt a = {
        .worker = worker,
        .arena = arena,
        .items = (struct create_item **)items,
        .n = n,
        .forget = ARENA_ARRAY(arena, n, const struct claim *),
    };
    if (!a.forget)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < n; i++) {
        a.items[i]->verdict = CREATE_GOES;
        a.items[i]->replayed = false;
    }
    enum status status = db_begin(worker->db);
    if (status == STATUS_OK)
        status = steps(&a, again);
    if (status != STATUS_OK) {
        db_rollback(worker->db);
        return status;
    }
    status = db_commit(worker->db);
    if (status == STATUS_OK && failpoint_hit("create.committed"))
        status = STATUS_UNKNOWN; // as when the answer to COMMIT is lost
    return status;
}

void create_settle(struct worker *worker, struct batch_item **items, size_t n)
{
    (void)worker;
    for (size_t i = 0; i < n; i++) {
        struct create_item *item = (struct create_item *)items[i];
        struct call *call = item->base.call;
        struct bytes answer = item->answer;
        if (item->verdict == CREATE_REFUSED) {
            call->problem = item->refusal;
            continue;
        }
        if (item->verdict == CREATE_HELD && item->claim.held_answer.at)
            answer = arena_copy(call->arena, item->claim.held_answer);
        if (answer.at)
            call_answer_packed(call, answer, item->replayed);
        else
            (void)call_refuse_status(call, STATUS_RESOURCE_EXHAUSTED);
    }
}
