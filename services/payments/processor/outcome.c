#include "processor/outcome.h"

#include <string.h>

#include "base/clock.h"
#include "db/db.h"
#include "processor/outcome_refund.h"
#include "processor/pace.h"

#define STAGES_MAX 8
#define BACKOFF_UNKNOWN_MS_MAX (15 * 60 * 1000LL)
#define WATCH_US (3600 * US_PER_S)

struct judgement {
    const struct outcome_limits *limits;
    const struct provider *provider;
    const struct operation *before;
    enum outcome_step step;
    const struct outcome *outcome;
    int64_t now_us;
    struct decision *ret;
};

static bool passed(int64_t deadline_us, int64_t now_us)
{
    return deadline_us != DB_TIME_NULL && deadline_us <= now_us;
}

static bool is_watched(const struct operation *operation)
{
    return operation->status == OPERATION_FAILED && operation->due_us != DB_TIME_NULL &&
           operation->error_code && strcmp(operation->error_code, ERROR_ACTION_EXPIRED) == 0;
}

bool operation_open(const struct operation *operation)
{
    return operation->status == OPERATION_SENT || operation->status == OPERATION_UNKNOWN ||
           operation->status == OPERATION_NEEDS_REVIEW || is_watched(operation);
}

int64_t outcome_lease_ms(const struct provider *provider)
{
    return provider->total_ms + LEASE_MARGIN_MS + (provider->sessions_n > 0 ? SESSION_WAIT_MS : 0);
}

static int64_t settled_us(const struct provider *provider, const struct operation *operation)
{
    int64_t wait_ms = outcome_lease_ms(provider) + provider->settle_ms;
    return operation->sent_us + wait_ms * US_PER_MS;
}

bool outcome_settled(const struct provider *provider, const struct operation *operation,
                     int64_t now_us)
{
    return operation->sent_us != DB_TIME_NULL && settled_us(provider, operation) <= now_us;
}

static void finish(const struct judgement *j, enum operation_status status,
                   enum payment_act_kind act, const char *code, const char *message)
{
    struct operation *after = &j->ret->after;
    operation_finish(after, &(struct operation_end){status, code, message}, j->now_us);
    j->ret->act = (struct payment_act){
        .kind = act, .amount = after->amount, .error_code = code, .error_message = message};
}

static void finish_failed(const struct judgement *j, const char *code, const char *message)
{
    static const enum payment_act_kind acts[] = {
        [OPERATION_CHARGE] = ACT_DECLINED,
        [OPERATION_CAPTURE] = ACT_CAPTURE_REFUSED,
        [OPERATION_CANCEL] = ACT_CANCEL_REFUSED,
        [OPERATION_REFUND] = ACT_REFUND_FAILED,
    };
    finish(j, OPERATION_FAILED, acts[j->before->kind], code, message);
}

static void finish_succeeded(const struct judgement *j)
{
    static const enum payment_act_kind acts[] = {
        [OPERATION_CHARGE] = ACT_CHARGED,
        [OPERATION_CAPTURE] = ACT_CAPTURED,
        [OPERATION_CANCEL] = ACT_CANCELED,
        [OPERATION_REFUND] = ACT_REFUNDED,
    };
    finish(j, OPERATION_SUCCEEDED, acts[j->before->kind], NULL, NULL);
}

// The provider can't be asked about this, and won't tell by itself.
static bool never_told(const struct judgement *j)
{
    return j->outcome->kind == OUTCOME_MUTE && !j->provider->speaks_by_callback;
}

// Backing off, but no later than when "not found" becomes final, or than the deadline.
static int64_t ask_again_us(const struct judgement *j)
{
    const struct operation *before = j->before;
    int64_t first_ms = j->provider->query_after_ms;
    int64_t queries = before->status == OPERATION_SENT ? 0 : before->queries;
    int64_t soonest_us = j->now_us + first_ms * US_PER_MS;
    int64_t due_us = j->now_us + pace_backoff_us(first_ms, queries, BACKOFF_UNKNOWN_MS_MAX);
    if (before->status == OPERATION_UNKNOWN && passed(before->deadline_us, due_us) &&
        !passed(before->deadline_us, j->now_us))
        due_us = before->deadline_us;
    if (!before->accepted && outcome_settled(j->provider, before, due_us) &&
        !outcome_settled(j->provider, before, j->now_us))
        due_us = settled_us(j->provider, before);
    return due_us > soonest_us ? due_us : soonest_us;
}

// Not known, and asked about from now on; past its deadline a person is asked too.
static void stay_unknown(const struct judgement *j)
{
    struct operation *after = &j->ret->after;
    after->due_us = ask_again_us(j);
    if (is_watched(j->before)) {
        after->due_us =
            passed(j->before->deadline_us, j->now_us) ? DB_TIME_NULL : j->now_us + WATCH_US;
    } else if (j->before->status == OPERATION_SENT) {
        after->status = OPERATION_UNKNOWN;
        after->acting = false;
        after->queries = 0;
        after->deadline_us = j->now_us + j->limits->unknown_deadline_s * US_PER_S;
        j->ret->act = (struct payment_act){.kind = ACT_LOST,
                                           .operation = operation_kind_name(j->before->kind)};
    } else if (j->before->status == OPERATION_UNKNOWN &&
               (passed(j->before->deadline_us, j->now_us) || never_told(j))) {
        after->status = OPERATION_NEEDS_REVIEW;
        after->deadline_us = DB_TIME_NULL;
        j->ret->act = (struct payment_act){
            .kind = ACT_REVIEW,
            .error_code = ERROR_OUTCOME_UNKNOWN,
            .error_message = "What became of it at the provider is not known: a person decides.",
        };
    }
}

// A provider that wants to be asked late is asked late.
static int64_t poll_first_ms(const struct judgement *j)
{
    int64_t installation_ms = j->limits->poll_first_ms, provider_ms = j->provider->query_after_ms;
    return installation_ms > provider_ms ? installation_ms : provider_ms;
}

static int64_t poll_max_ms(const struct judgement *j)
{
    int64_t first_ms = poll_first_ms(j);
    return first_ms > BACKOFF_MS_MAX ? first_ms : BACKOFF_MS_MAX;
}

// The provider is at it, or nothing new was learned about something it had accepted.
static void go_on_waiting(const struct judgement *j, bool heard)
{
    struct operation *after = &j->ret->after;
    if (j->before->status != OPERATION_SENT) {
        stay_unknown(j);
        return;
    }
    if (heard && !j->before->accepted)
        after->deadline_us = j->now_us + j->limits->processing_deadline_s * US_PER_S;
    if (heard && j->before->acting) {
        after->acting = false;
        after->deadline_us = j->now_us + j->limits->processing_deadline_s * US_PER_S;
        j->ret->act = (struct payment_act){.kind = ACT_ACTION_DONE};
    } else if (passed(after->deadline_us, j->now_us) && !j->before->acting) {
        stay_unknown(j);
        return;
    }
    after->accepted = after->accepted || heard;
    after->due_us =
        j->now_us + pace_backoff_us(poll_first_ms(j), j->before->queries, poll_max_ms(j));
}

static void need_action(const struct judgement *j)
{
    struct operation *after = &j->ret->after;
    if (j->before->kind != OPERATION_CHARGE || j->before->status == OPERATION_NEEDS_REVIEW ||
        is_watched(j->before)) {
        stay_unknown(j);
        return;
    }
    if (!j->before->acting) {
        after->status = OPERATION_SENT;
        after->accepted = true;
        after->acting = true;
        after->queries = 0;
        after->deadline_us = j->now_us + j->limits->action_ttl_s * US_PER_S;
        j->ret->act =
            (struct payment_act){.kind = ACT_NEED_ACTION, .action_url = j->outcome->action_url};
    } else if (passed(j->before->deadline_us, j->now_us)) {
        finish(j, OPERATION_FAILED, ACT_EXPIRED, ERROR_ACTION_EXPIRED,
               "The payer did not act in time.");
        // The payer may still act at the provider: watched for a day, so that money is never lost
        // sight of.
        after->due_us = j->now_us + WATCH_US;
        after->deadline_us = j->now_us + 24 * WATCH_US;
        return;
    }
    int64_t due_us =
        j->now_us + pace_backoff_us(j->limits->poll_first_ms, j->before->queries, BACKOFF_MS_MAX);
    after->due_us = due_us < after->deadline_us ? due_us : after->deadline_us;
}

// Nothing was accepted: tried again while there is time and sending twice is harmless or moot. What
// a failing server says is good enough to repeat a request that it takes once, not to give it up.
static void try_again(const struct judgement *j)
{
    struct operation *after = &j->ret->after;
    bool certain = j->outcome->http_status < 500;
    int64_t give_up_us = j->before->created_us + j->limits->processing_deadline_s * US_PER_S;
    int64_t tries_max = j->outcome->http_status ? ATTEMPTS_ANSWERED_MAX : ATTEMPTS_MAX;
    bool over = j->now_us >= give_up_us || pace_tries(j->before) >= tries_max;
    bool harmless = provider_repeats(j->provider, j->before->kind, j->before->stage) ||
                    provider_prepares(j->provider, j->before->kind, j->before->stage);
    if (!certain && (over || !harmless)) {
        stay_unknown(j);
        return;
    }
    if (over) {
        finish_failed(j, "provider_unavailable", "The provider could not be reached.");
        j->ret->elsewhere = true;
        return;
    }
    after->status = OPERATION_READY;
    after->deadline_us = DB_TIME_NULL;
    after->due_us = j->now_us + pace_retry_us(j->before);
    j->ret->elsewhere = certain && pace_tries(j->before) > RETRIES_QUICK;
}

// A stage is done that moved nothing: the next one may leave at once.
static void go_on(const struct judgement *j)
{
    struct operation *after = &j->ret->after;
    if (j->before->status != OPERATION_SENT && j->before->status != OPERATION_UNKNOWN) {
        stay_unknown(j);
        return;
    }
    if (j->before->stage + 1 >= STAGES_MAX) {
        finish_failed(j, "processing_error", "The provider asked for too many steps.");
        return;
    }
    if (j->before->acting)
        j->ret->act = (struct payment_act){.kind = ACT_ACTION_DONE};
    after->status = OPERATION_READY;
    after->stage++;
    after->accepted = after->acting = false;
    after->deadline_us = DB_TIME_NULL;
    after->due_us = j->now_us;
}

static void not_found(const struct judgement *j)
{
    bool pending = j->before->status == OPERATION_SENT || j->before->status == OPERATION_UNKNOWN;
    if (j->before->accepted || !pending) {
        go_on_waiting(j, false);
        return;
    }
    if (!outcome_settled(j->provider, j->before, j->now_us)) {
        stay_unknown(j);
    } else if (provider_repeats(j->provider, j->before->kind, j->before->stage)) {
        try_again(j);
    } else {
        finish_failed(j, "not_processed", "The provider did not process the operation.");
    }
}

static void nothing_learned(const struct judgement *j)
{
    // Of a doubtful one later stages may be done that we don't know of.
    bool moot = provider_prepares(j->provider, j->before->kind, j->before->stage) &&
                !j->before->accepted && !j->before->doubtful && j->before->status == OPERATION_SENT;
    if (moot || (j->step == STEP_ACT && j->outcome->kind == OUTCOME_NOT_SENT))
        try_again(j);
    else if (j->step == STEP_QUERY && j->before->accepted)
        go_on_waiting(j, false);
    else
        stay_unknown(j);
}

// The payer was sent somewhere, and nobody can be asked what came of it: who did not act in time
// may have paid all the same.
static void mute(const struct judgement *j)
{
    if (!j->before->acting)
        nothing_learned(j);
    else if (passed(j->before->deadline_us, j->now_us))
        stay_unknown(j);
    else
        need_action(j);
}

static void gone_at_provider(const struct judgement *j)
{
    bool canceled = j->outcome->kind == OUTCOME_CANCELED;
    if (canceled && j->before->kind == OPERATION_CANCEL)
        finish_succeeded(j);
    else if (canceled)
        finish_failed(j, "canceled", "The payer gave up.");
    else if (j->before->kind == OPERATION_CHARGE)
        finish(j, OPERATION_FAILED, ACT_EXPIRED, "expired", "The payer did not act in time.");
    else
        finish_failed(j, "expired", "The provider let the operation expire.");
}

static void settle(const struct judgement *j)
{
    bool charge = j->before->kind == OPERATION_CHARGE;
    switch (j->outcome->kind) {
    case OUTCOME_SUCCEEDED:
        finish_succeeded(j);
        break;
    case OUTCOME_AUTHORIZED:
        if (charge)
            finish(j, OPERATION_SUCCEEDED, ACT_AUTHORIZED, NULL, NULL);
        else
            go_on_waiting(j, true);
        break;
    case OUTCOME_FAILED:
        finish_failed(j, j->outcome->error_code, j->outcome->error_message);
        j->ret->elsewhere = j->outcome->elsewhere;
        j->ret->act.by_payer = charge && !j->outcome->elsewhere;
        break;
    case OUTCOME_PREPARED:
        go_on(j);
        break;
    case OUTCOME_CANCELED:
    case OUTCOME_EXPIRED:
        gone_at_provider(j);
        break;
    case OUTCOME_REQUIRES_ACTION:
        need_action(j);
        break;
    case OUTCOME_ACCEPTED:
        go_on_waiting(j, true);
        break;
    case OUTCOME_NOT_FOUND:
        not_found(j);
        break;
    case OUTCOME_MUTE:
        mute(j);
        break;
    case OUTCOME_NOT_SENT:
    case OUTCOME_LOST:
        nothing_learned(j);
        break;
    }
}

// An operation that we let expire stays so unless it turns out to be paid.
static bool still_gone(const struct judgement *j)
{
    return is_watched(j->before) && j->outcome->kind != OUTCOME_SUCCEEDED &&
           j->outcome->kind != OUTCOME_AUTHORIZED;
}

static void stop_watching(const struct judgement *j)
{
    bool final = j->outcome->kind == OUTCOME_FAILED || j->outcome->kind == OUTCOME_CANCELED ||
                 j->outcome->kind == OUTCOME_EXPIRED;
    stay_unknown(j);
    if (final)
        j->ret->after.due_us = DB_TIME_NULL;
}

void outcome_decide(const struct outcome_limits *limits, const struct provider *provider,
                    const struct operation *operation, enum outcome_step step,
                    const struct outcome *outcome, int64_t now_us, struct decision *ret)
{
    struct judgement j = {limits, provider, operation, step, outcome, now_us, ret};
    *ret = (struct decision){.after = *operation};
    ret->after.lease_us = DB_TIME_NULL;
    if (outcome->provider_reference)
        ret->after.provider_reference = outcome->provider_reference;
    if (still_gone(&j))
        stop_watching(&j);
    else
        settle(&j);
    bool changed = ret->after.status != operation->status;
    ret->after.revision += changed;
    // Only where nobody has been told anything yet.
    ret->elsewhere = ret->elsewhere && operation->kind == OPERATION_CHARGE &&
                     operation->status == OPERATION_SENT && !operation->acting;
    if (operation->kind == OPERATION_REFUND)
        outcome_tell_refund(ret, changed);
}
