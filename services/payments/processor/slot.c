#include "processor/slot.h"

#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "processor/claim.h"

#define SLOT_ARENA_CAP ((size_t)1 << 20)
#define ASKS_MAX 4

static bool open_token(struct slot *slot, const struct payments_state *state,
                       const struct claimed *claimed)
{
    struct bytes token;
    if (!claimed->provider_token.at || claimed->operation.kind != OPERATION_CHARGE)
        return true;
    const char *context =
        card_token_context(slot->arena, claimed->operation.tenant_id, claimed->card_token);
    if (!context || keyring_open(state->ring, slot->arena, claimed->provider_token, context,
                                 &token) != STATUS_OK)
        return false;
    slot->act.token = arena_strndup(slot->arena, (const char *)token.at, token.length);
    return slot->act.token;
}

// The turn's arena is emptied while the request is out: everything that is read later is copied.
static bool fill_act(struct slot *slot, const struct claimed *claimed)
{
    const struct operation *operation = &claimed->operation;
    struct arena *arena = slot->arena;
    slot->act = (struct provider_act){
        .kind = operation->kind,
        .reference = arena_strdup(arena, operation->id),
        .stage = operation->stage,
        .provider_reference = arena_strdup(arena, operation->provider_reference),
        .acting = operation->acting,
        .charge_reference = arena_strdup(arena, claimed->charge_reference),
        .charge_provider_reference = arena_strdup(arena, claimed->charge_provider_reference),
        .amount = operation->amount,
        .charge_amount = claimed->charge_amount,
        .currency = arena_strdup(arena, operation->currency),
        .method = arena_strdup(arena, claimed->method),
        .vpa = arena_strdup(arena, claimed->vpa),
        .msisdn = arena_strdup(arena, claimed->msisdn),
        .network = arena_strdup(arena, claimed->network),
        .capture = strcmp(claimed->capture, "automatic") == 0,
        .return_url = arena_strdup(arena, claimed->return_url),
        .description = arena_strdup(arena, claimed->description),
        .email = arena_strdup(arena, claimed->email),
        .phone = arena_strdup(arena, claimed->phone),
        .name = arena_strdup(arena, claimed->name),
        .created_us = operation->created_us,
    };
    if (claimed->testimony.at)
        slot->testimony = arena_copy(arena, claimed->testimony);
    return slot->act.reference && slot->act.currency && slot->act.method;
}

static const struct credential *find_credential(struct slot *slot,
                                                const struct payments_state *state, struct db *db,
                                                const struct operation *operation)
{
    if (!operation->credential_id)
        return providers_simulator(state->providers);
    if (setups_get(state->setups, db, operation->tenant_id, &slot->setup) != STATUS_OK)
        return NULL;
    return setup_credential(slot->setup, operation->credential_id);
}

static bool fill_use(struct slot *slot, const struct payments_state *state, struct db *db,
                     const struct operation *operation)
{
    slot->provider = providers_find(state->providers, operation->provider);
    const struct credential *credential =
        slot->provider ? find_credential(slot, state, db, operation) : NULL;
    slot->use = (struct provider_use){
        .provider = slot->provider,
        .credential = credential,
        .arena = slot->arena,
        .callback_url = credential ? credential->callback_url : NULL,
    };
    return credential;
}

bool slot_take(struct slot *slot, const struct payments_state *state, struct db *db,
               const struct claimed *claimed)
{
    const struct operation *operation = &claimed->operation;
    slot->finished = (struct finished){0};
    if (!slot->arena)
        slot->arena = arena_new(SLOT_ARENA_CAP);
    if (!slot->arena)
        return false;
    slot->step = claimed->send ? STEP_ACT : STEP_QUERY;
    slot->asks = 0;
    slot->renewed = false;
    slot->is_long = operation->lease_ms > CLAIM_LONG_MS;
    slot->testimony = (struct bytes){0};
    slot->finished = (struct finished){
        .operation = {arena_strdup(slot->arena, operation->tenant_id),
                      arena_strdup(slot->arena, operation->id)},
        .payment_id = arena_strdup(slot->arena, operation->payment_id),
        .request_id = arena_strdup(slot->arena, operation->request_id),
        .traceparent = arena_strdup(slot->arena, operation->traceparent),
        .attempt = operation->attempts,
        .lease_us = operation->lease_us,
        .doubtful = operation->doubtful,
    };
    bool complete = !claimed->unreadable && slot->finished.operation.tenant_id &&
                    slot->finished.operation.id && fill_use(slot, state, db, operation) &&
                    fill_act(slot, claimed) && open_token(slot, state, claimed);
    if (complete)
        return true;
    log_error("operation can't be taken in hand", LOG_OPERATION(operation),
              LOG_S("provider", operation->provider));
    return false;
}

bool slot_is_named(const struct slot *slot)
{
    return slot->finished.operation.tenant_id && slot->finished.operation.id;
}

// Whether the whole request still fits into the lease.
static bool lease_holds(const struct slot *slot)
{
    return clock_unix_us() + slot->provider->total_ms * 1000 <= slot->finished.lease_us;
}

static enum slot_sent not_sent(struct outcome *ret, enum outcome_kind kind)
{
    *ret = (struct outcome){.kind = kind};
    return SENT_NOT;
}

// What it has told by callback is read as if it had answered.
static enum slot_sent read_testimony(struct slot *slot, struct outcome *ret)
{
    if (!slot->testimony.at || !slot->provider->speaks_by_callback)
        return not_sent(ret, OUTCOME_MUTE);
    const struct http_response told = {.status = 200, .body = slot->testimony, .error = ""};
    slot->provider->read_query(&slot->use, &slot->act, &told, ret);
    return SENT_NOT;
}

static enum slot_sent build(struct slot *slot, struct outcome *ret)
{
    const struct provider *provider = slot->provider;
    if (slot->step == STEP_ACT)
        return provider->act(&slot->use, &slot->act, &slot->request)
                   ? SENT_OUT
                   : not_sent(ret, OUTCOME_NOT_SENT);
    enum provider_ask asked =
        provider->query ? provider->query(&slot->use, &slot->act, &slot->request) : ASK_NEVER;
    if (asked == ASK_NEVER)
        return read_testimony(slot, ret);
    return asked == ASK_BUILT ? SENT_OUT : not_sent(ret, OUTCOME_LOST);
}

static enum session_state fill_sessions(struct slot *slot, const struct payments_state *state,
                                        struct outcome *ret)
{
    unsigned needs = provider_needs(&slot->use, &slot->act);
    if (needs == 0)
        return SESSION_READY;
    return sessions_fill(state->sessions, slot->setup, needs, &slot->use, ret);
}

enum slot_sent slot_send(struct slot *slot, const struct payments_state *state,
                         struct http_client *client, struct outcome *ret_outcome)
{
    if (!lease_holds(slot))
        return not_sent(ret_outcome, OUTCOME_NOT_SENT);
    enum session_state sessions = fill_sessions(slot, state, ret_outcome);
    if (sessions == SESSION_WAITS)
        return SENT_WAITS;
    if (sessions != SESSION_READY)
        return not_sent(ret_outcome,
                        OUTCOME_NOT_SENT); // also refused: a credential can be put right
    enum slot_sent built = build(slot, ret_outcome);
    if (built != SENT_OUT)
        return built;
    slot->request.context = slot;
    slot->request.tls_required = state_tls_required(state, slot->use.credential);
    if (!http_trace(&slot->request, slot->arena, slot->finished.traceparent, &slot->span))
        return not_sent(ret_outcome, OUTCOME_NOT_SENT);
    if (failpoint_hit("charge.before_send") ||
        http_client_start(client, &slot->request) != STATUS_OK)
        return not_sent(ret_outcome, OUTCOME_NOT_SENT);
    return SENT_OUT;
}

bool slot_ask(struct slot *slot, const struct payments_state *state, struct http_client *client)
{
    struct outcome outcome;
    enum outcome_step step = slot->step;
    if (slot->asks >= ASKS_MAX)
        return false;
    slot->step = STEP_QUERY;
    slot->renewed = false;
    if (slot_send(slot, state, client, &outcome) != SENT_OUT) {
        slot->step = step;
        return false;
    }
    slot->asks++;
    return true;
}

static void spoil_sessions(struct slot *slot, const struct payments_state *state)
{
    unsigned needs = provider_needs(&slot->use, &slot->act);
    if (needs)
        sessions_refused(state->sessions, slot->setup, needs, &slot->use);
}

struct outcome slot_read(struct slot *slot, const struct payments_state *state,
                         const struct http_response *response, bool *ret_again)
{
    struct outcome outcome = {0};
    if (slot->step == STEP_ACT)
        slot->provider->read_act(&slot->use, &slot->act, response, &outcome);
    else
        slot->provider->read_query(&slot->use, &slot->act, response, &outcome);
    *ret_again = outcome.session_refused && !slot->renewed;
    if (outcome.session_refused)
        spoil_sessions(slot, state);
    slot->renewed = slot->renewed || outcome.session_refused;
    if (failpoint_hit("charge.answered"))
        outcome = (struct outcome){.kind = OUTCOME_LOST};
    if (outcome.kind == OUTCOME_LOST || outcome.kind == OUTCOME_NOT_SENT)
        log_warn("no usable answer from the provider", LOG_FINISHED(&slot->finished),
                 LOG_S("provider", slot->provider->name), LOG_S("reason", response->error),
                 LOG_I("status", response->status));
    return outcome;
}

static const char *provider_span_name(enum operation_kind kind)
{
    switch (kind) {
    case OPERATION_CHARGE:
        return "provider charge";
    case OPERATION_CAPTURE:
        return "provider capture";
    case OPERATION_CANCEL:
        return "provider cancel";
    case OPERATION_REFUND:
        return "provider refund";
    }
    return "provider act";
}

void slot_trace(const struct slot *slot, const struct http_response *response,
                const struct outcome *outcome)
{
    const struct span span = {
        .name = slot->step == STEP_QUERY ? "provider query" : provider_span_name(slot->act.kind),
        .kind = SPAN_CLIENT,
        .traceparent = slot->span.traceparent,
        .parent = slot->finished.traceparent,
        .began_ns = slot->span.began_ns,
        .failed = outcome->kind == OUTCOME_LOST || outcome->kind == OUTCOME_NOT_SENT};
    span_end(&span, LOG_S("obol.provider", slot->provider->name),
             LOG_S("http.request.method", slot->request.method),
             LOG_I("http.response.status_code", response->status),
             LOG_S("obol.outcome", outcome_name(outcome->kind)),
             LOG_S("obol.operation_id", slot->finished.operation.id),
             LOG_I("obol.attempt", slot->finished.attempt),
             LOG_S("obol.tenant_id", slot->finished.operation.tenant_id));
}

void slot_note(struct slot *slot, const struct outcome *outcome, int64_t duration_us)
{
    struct heard *heard = slot->step == STEP_ACT ? &slot->finished.act : &slot->finished.query;
    *heard = (struct heard){*outcome, duration_us};
}

void slot_empty(struct slot *slot)
{
    setup_release(slot->setup);
    slot->setup = NULL;
    slot->state = SLOT_FREE;
    if (slot->arena)
        arena_reset(slot->arena);
}
