#include "flush.h"

#include <stdlib.h>
#include <string.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "change.h"

struct flush {
    const struct payments_state *state;
    struct db *db;
    struct arena *arena;
    const struct finished *items;
    size_t n;
    int64_t now_us;
    struct operation *after; // rows to write
    size_t after_n;
    struct payment_change *changes;
    size_t changes_n;
    struct effects effects;
};

static int key_compare(const void *a, const void *b)
{
    const struct key *x = a;
    const struct operation *y = b;
    int order = strcmp(x->tenant_id, y->tenant_id);
    return order ? order : strcmp(x->id, y->id);
}

static void add_change(struct flush *flush, const struct operation *operation,
                       const struct payment_act *act)
{
    flush->changes[flush->changes_n++] = (struct payment_change){
        .payment = {operation->tenant_id, operation->payment_id},
        .act = *act,
        .cause = {.actor = "processor",
                  .request_id = operation->request_id,
                  .traceparent = operation->traceparent},
    };
}

static void decide(struct flush *flush, const struct operation *operation,
                   const struct finished *item)
{
    const struct provider *provider = providers_find(flush->state->providers, operation->provider);
    struct outcome_limits limits = state_limits(flush->state);
    struct decision decision;
    if (!provider || !operation_open(operation))
        return; // settled meanwhile: by another replica, or by a person
    struct outcome outcome = item->outcome;
    if (operation->lease_us != item->lease_us) {
        // Somebody else has it now; what this answer says, the next query will say again.
        log_warn("late answer", LOG_S("operation", operation->id),
                 LOG_S("outcome", outcome_name(outcome.kind)));
        return;
    }
    outcome_decide(&limits, provider, operation, item->step, &outcome, flush->now_us, &decision);
    flush->after[flush->after_n++] = decision.after;
    if (decision.act.kind != ACT_NONE)
        add_change(flush, operation, &decision.act);
    if (decision.refund_event)
        effects_refund_event(&flush->effects, &decision.after, decision.refund_event,
                             flush->now_us);
}

static enum status end_attempts(struct flush *flush)
{
    struct attempt_end *ends = ARENA_ARRAY(flush->arena, flush->n, struct attempt_end);
    size_t n = 0;
    if (!ends)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < flush->n; i++) {
        const struct finished *item = &flush->items[i];
        if (item->step == STEP_ACT)
            ends[n++] = (struct attempt_end){
                item->operation.tenant_id,        item->operation.id, item->attempt,
                outcome_name(item->outcome.kind), item->duration_us,  item->outcome.http_status};
    }
    return n > 0 ? store_attempts_finish(flush->db, flush->arena, ends, n, flush->now_us)
                 : STATUS_OK;
}

// The rule said yes to the operation's outcome, so the payment must be able to follow; if it can't,
// somebody has decided otherwise meanwhile. The operation's truth is recorded all the same.
static void report_refused(const struct flush *flush)
{
    for (size_t i = 0; i < flush->changes_n; i++) {
        const struct payment_change *change = &flush->changes[i];
        if (change->result != CHANGE_APPLIED)
            log_error("outcome does not fit the payment", LOG_S("payment", change->payment.id),
                      LOG_S("act", payment_act_name(change->act.kind)),
                      LOG_S("status",
                            change->after ? payment_status_name(change->after->status) : "absent"));
    }
}

static enum status steps(struct flush *flush)
{
    struct key *keys = ARENA_ARRAY(flush->arena, flush->n, struct key);
    struct operation *rows = NULL;
    size_t rows_n = 0;
    if (!keys)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < flush->n; i++)
        keys[i] = flush->items[i].operation;
    enum status status =
        store_operations_lock(flush->db, flush->arena, keys, flush->n, &rows, &rows_n);
    for (size_t i = 0; status == STATUS_OK && i < flush->n; i++) {
        const struct operation *row = bsearch(&keys[i], rows, rows_n, sizeof *rows, key_compare);
        if (row)
            decide(flush, row, &flush->items[i]);
    }
    if (status == STATUS_OK && flush->after_n > 0)
        status = store_operations_update(flush->db, flush->arena, flush->after, flush->after_n);
    if (status == STATUS_OK)
        status = end_attempts(flush);
    if (status == STATUS_OK)
        status = payments_change(flush->db, flush->changes, flush->changes_n, flush->now_us,
                                 &flush->effects);
    if (status == STATUS_OK)
        status = effects_write(&flush->effects, flush->db);
    return status;
}

enum status flush_outcomes(const struct payments_state *state, struct db *db, struct arena *arena,
                           const struct finished *items, size_t n, int64_t now_us)
{
    struct flush flush = {
        .state = state,
        .db = db,
        .arena = arena,
        .items = items,
        .n = n,
        .now_us = now_us,
        .after = ARENA_ARRAY(arena, n, struct operation),
        .changes = ARENA_ARRAY(arena, n, struct payment_change),
        .effects = effects_begin(arena),
    };
    if (!flush.after || !flush.changes)
        return STATUS_RESOURCE_EXHAUSTED;
    enum status status = db_begin(db);
    if (status == STATUS_OK)
        status = steps(&flush);
    if (status == STATUS_OK && failpoint_hit("outcome.before_commit"))
        status = STATUS_ABORTED;
    if (status != STATUS_OK) {
        db_rollback(db);
        return status;
    }
    status = db_commit(db);
    if (status == STATUS_OK) {
        (void)failpoint_hit("outcome.committed");
        report_refused(&flush);
        state_ring(state, false);
    }
    return status;
}
