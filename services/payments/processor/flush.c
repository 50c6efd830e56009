#include "processor/flush.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "measure.h"
#include "processor/reroute.h"
#include "store_reviews.h"

static int key_compare(const void *a, const void *b)
{
    const struct key *x = a;
    const struct operation *y = b;
    int order = strcmp(x->id, y->id);
    return order ? order : strcmp(x->tenant_id, y->tenant_id);
}

// What is to be written, and what may go elsewhere instead.
struct flush {
    struct turn *turn;
    struct operation **after;
    enum operation_status *seen; // of each, as it was locked
    size_t after_n;
    struct reroute *reroutes;
    struct decision *staying; // of each reroute, where nobody else takes it
    struct operation **rows;  // of each
    size_t reroutes_n;
};

static void apply(struct turn *turn, struct operation *operation, const struct decision *decision)
{
    if (decision->after.status == OPERATION_READY && decision->after.stage == operation->stage)
        tally_retry(turn->db, operation);
    *operation = decision->after;
    if (decision->act.kind != ACT_NONE)
        turn_follow(turn, operation, &decision->act);
    if (decision->refund_event)
        effects_refund_event(&turn->effects, operation, decision->refund_event, turn->now_us);
}

static void perhaps_elsewhere(struct flush *flush, struct operation *operation,
                              const struct decision *decision)
{
    bool failed = decision->after.status == OPERATION_FAILED;
    flush->rows[flush->reroutes_n] = operation;
    flush->staying[flush->reroutes_n] = *decision;
    flush->reroutes[flush->reroutes_n++] = (struct reroute){
        .before = operation,
        .error_code = failed ? decision->after.error_code : "provider_unavailable",
        .error_message =
            failed ? decision->after.error_message : "The provider could not be reached.",
    };
}

static void judge(struct flush *flush, struct operation *operation, enum outcome_step step,
                  const struct outcome *outcome)
{
    struct turn *turn = flush->turn;
    const struct provider *provider = providers_find(turn->state->providers, operation->provider);
    struct outcome_limits limits = state_limits(turn->state);
    struct decision decision;
    if (!provider || !operation_open(operation))
        return; // settled meanwhile: by another replica, or by a person
    outcome_decide(&limits, provider, operation, step, outcome, turn->now_us, &decision);
    if (decision.elsewhere)
        perhaps_elsewhere(flush, operation, &decision);
    else
        apply(turn, operation, &decision);
}

static void keep(struct flush *flush, struct operation *operation, enum operation_status seen)
{
    flush->seen[flush->after_n] = seen;
    flush->after[flush->after_n++] = operation;
}

static void decide(struct flush *flush, struct operation *operation, const struct finished *item)
{
    size_t reroutes_n = flush->reroutes_n;
    enum operation_status seen = operation->status;
    if (operation->lease_us != item->lease_us) {
        // Somebody else has it now; what this answer says, the next query will say again.
        log_warn("late answer", LOG_OPERATION(operation));
        return;
    }
    operation->doubtful = item->doubtful;
    if (item->act.outcome.kind) {
        operation->queries = 0;
        judge(flush, operation, STEP_ACT, &item->act.outcome);
    }
    if (item->query.outcome.kind && flush->reroutes_n == reroutes_n) {
        operation->queries += item->act.outcome.kind != 0;
        judge(flush, operation, STEP_QUERY, &item->query.outcome);
    }
    if (item->rung && operation->due_us != DB_TIME_NULL)
        operation->due_us = flush->turn->now_us;
    if (flush->reroutes_n == reroutes_n)
        keep(flush, operation, seen);
}

// What nobody else takes is recorded as it was decided.
static enum status reroute(struct flush *flush)
{
    if (flush->reroutes_n == 0)
        return STATUS_OK;
    enum status status = reroute_try(flush->turn, flush->reroutes, flush->reroutes_n);
    for (size_t i = 0; status == STATUS_OK && i < flush->reroutes_n; i++) {
        if (flush->reroutes[i].done)
            continue;
        enum operation_status seen = flush->rows[i]->status;
        apply(flush->turn, flush->rows[i], &flush->staying[i]);
        keep(flush, flush->rows[i], seen);
    }
    return status;
}

static enum status write(struct flush *flush)
{
    struct turn *turn = flush->turn;
    struct operation *after = ARENA_ARRAY(turn->arena, flush->after_n, struct operation);
    if (!after)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < flush->after_n; i++)
        after[i] = *flush->after[i];
    return flush->after_n > 0
               ? store_operations_update(turn->db, turn->arena, after, flush->after_n, turn->now_us)
               : STATUS_OK;
}

// Refunds that wait for a person from now on, or that do no more.
static size_t pick_reviews(const struct flush *flush, bool enters, struct review *ret)
{
    size_t n = 0;
    for (size_t i = 0; i < flush->after_n; i++) {
        const struct operation *operation = flush->after[i];
        bool was = flush->seen[i] == OPERATION_NEEDS_REVIEW;
        bool is = operation->status == OPERATION_NEEDS_REVIEW;
        if (operation->kind == OPERATION_REFUND && was != is && is == enters)
            ret[n++] = (struct review){.tenant_id = operation->tenant_id,
                                       .payment_id = operation->payment_id,
                                       .refund_id = operation->refund_id,
                                       .reason = operation->error_code};
    }
    return n;
}

static enum status write_reviews(struct flush *flush)
{
    struct turn *turn = flush->turn;
    struct review *reviews = ARENA_ARRAY(turn->arena, flush->after_n, struct review);
    enum status status = reviews ? STATUS_OK : STATUS_RESOURCE_EXHAUSTED;
    size_t n = reviews ? pick_reviews(flush, true, reviews) : 0;
    if (n > 0)
        status = store_reviews_enter(turn->db, turn->arena, reviews, n, turn->now_us);
    n = reviews ? pick_reviews(flush, false, reviews) : 0;
    if (status == STATUS_OK && n > 0)
        status = store_reviews_leave(turn->db, turn->arena, reviews, n);
    return status;
}

static enum status end_attempts(struct turn *turn, const struct finished *items, size_t n)
{
    struct attempt_end *ends = ARENA_ARRAY(turn->arena, n, struct attempt_end);
    size_t ends_n = 0;
    if (!ends)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < n; i++) {
        const struct heard *act = &items[i].act;
        if (act->outcome.kind)
            ends[ends_n++] = (struct attempt_end){
                items[i].operation.tenant_id,    items[i].operation.id, items[i].attempt,
                outcome_name(act->outcome.kind), act->duration_us,      act->outcome.http_status};
    }
    return ends_n > 0 ? store_attempts_finish(turn->db, turn->arena, ends, ends_n, turn->now_us)
                      : STATUS_OK;
}

enum status flush_outcomes(struct turn *turn, const struct finished *items, size_t n)
{
    struct key *keys = ARENA_ARRAY(turn->arena, n, struct key);
    struct flush flush = {
        .turn = turn,
        .after = ARENA_ARRAY(turn->arena, n, struct operation *),
        .seen = ARENA_ARRAY(turn->arena, n, enum operation_status),
        .reroutes = ARENA_ARRAY(turn->arena, n, struct reroute),
        .staying = ARENA_ARRAY(turn->arena, n, struct decision),
        .rows = ARENA_ARRAY(turn->arena, n, struct operation *),
    };
    struct operation *rows = NULL;
    size_t rows_n = 0;
    if (!keys || !flush.after || !flush.seen || !flush.reroutes || !flush.staying || !flush.rows)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < n; i++)
        keys[i] = items[i].operation;
    enum status status = store_operations_lock(turn->db, turn->arena, keys, n, &rows, &rows_n);
    for (size_t i = 0; status == STATUS_OK && i < n; i++) {
        struct operation *row = bsearch(&keys[i], rows, rows_n, sizeof *rows, key_compare);
        if (row)
            decide(&flush, row, &items[i]);
    }
    if (status == STATUS_OK)
        status = reroute(&flush);
    if (status == STATUS_OK)
        status = write(&flush);
    if (status == STATUS_OK)
        status = write_reviews(&flush);
    return status == STATUS_OK ? end_attempts(turn, items, n) : status;
}

// The rule said yes to the operation's outcome, so the payment must be able to follow; if it can't,
// somebody has decided otherwise meanwhile. The operation's truth is recorded all the same.
void flush_report(const struct payment_change *changes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct payment_change *change = &changes[i];
        if (change->result != CHANGE_APPLIED)
            log_error("outcome does not fit the payment", LOG_S("payment", change->payment.id),
                      LOG_S("tenant", change->payment.tenant_id),
                      LOG_S("act", payment_act_name(change->act.kind)),
                      LOG_S("status",
                            change->after ? payment_status_name(change->after->status) : "absent"));
    }
}
