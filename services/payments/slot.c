#include "slot.h"

#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"

#define SLOT_ARENA_CAP ((size_t)1 << 20)
#define ASKS_MAX 4

bool slot_take(struct slot *slot, const struct payments_state *state, const struct claimed *claimed)
{
    const struct operation *operation = &claimed->operation;
    if (!slot->arena)
        slot->arena = arena_new(SLOT_ARENA_CAP);
    if (!slot->arena)
        return false;
    slot->provider = providers_find(state->providers, operation->provider);
    slot->step = claimed->send ? STEP_ACT : STEP_QUERY;
    slot->asks = 0;
    slot->finished = (struct finished){
        .operation = {arena_strdup(slot->arena, operation->tenant_id),
                      arena_strdup(slot->arena, operation->id)},
        .attempt = operation->attempts,
        .lease_us = operation->lease_us,
    };
    if (slot->provider && slot->finished.operation.tenant_id && slot->finished.operation.id)
        return true;
    log_error("operation without provider", LOG_S("operation", operation->id));
    slot_empty(slot);
    return false;
}

static bool open_token(struct slot *slot, const struct payments_state *state,
                       const struct claimed *claimed, const char **ret)
{
    struct bytes token;
    const char *context =
        card_token_context(slot->arena, claimed->operation.tenant_id, claimed->card_token);
    if (!context || keyring_open(state->ring, slot->arena, claimed->provider_token, context,
                                 &token) != STATUS_OK)
        return false;
    *ret = arena_strndup(slot->arena, (const char *)token.at, token.length);
    return *ret;
}

static bool build_act(struct slot *slot, const struct payments_state *state,
                      const struct claimed *claimed)
{
    const char *token = NULL;
    const struct operation *operation = &claimed->operation;
    if (claimed->provider_token.at && operation->kind == OPERATION_CHARGE &&
        !open_token(slot, state, claimed, &token))
        return false;
    struct provider_act act = {
        .kind = operation->kind,
        .reference = operation->id,
        .charge_reference = claimed->charge_reference,
        .amount = operation->amount,
        .currency = operation->currency,
        .method = claimed->method,
        .vpa = claimed->vpa,
        .token = token,
        .capture = strcmp(claimed->capture, "automatic") == 0,
    };
    return slot->provider->act(slot->provider, slot->arena, &act, &slot->request);
}

static bool build_query(struct slot *slot)
{
    return slot->provider->query(slot->provider, slot->arena, slot->finished.operation.id,
                                 &slot->request);
}

// Whether the whole request still fits into the lease.
static bool lease_holds(const struct slot *slot)
{
    return clock_unix_us() + slot->provider->total_ms * 1000 <= slot->finished.lease_us;
}

static bool start(struct slot *slot, struct http_client *client)
{
    slot->request.context = slot;
    return lease_holds(slot) && http_client_start(client, &slot->request) == STATUS_OK;
}

bool slot_send(struct slot *slot, const struct payments_state *state, struct http_client *client,
               const struct claimed *claimed)
{
    bool built = claimed->send ? build_act(slot, state, claimed) : build_query(slot);
    if (!built) {
        log_error("request not built", LOG_S("operation", claimed->operation.id));
        return false;
    }
    return !failpoint_hit("charge.before_send") && start(slot, client);
}

bool slot_ask(struct slot *slot, struct http_client *client)
{
    if (slot->asks >= ASKS_MAX || !build_query(slot) || !start(slot, client))
        return false;
    slot->step = STEP_QUERY;
    slot->asks++;
    return true;
}

struct outcome slot_read(struct slot *slot, const struct http_response *response)
{
    struct outcome outcome = {0};
    if (slot->step == STEP_ACT)
        slot->provider->read_act(slot->provider, slot->arena, response, &outcome);
    else
        slot->provider->read_query(slot->provider, slot->arena, response, &outcome);
    if (failpoint_hit("charge.answered"))
        outcome = (struct outcome){.kind = OUTCOME_LOST};
    if (outcome.kind == OUTCOME_LOST || outcome.kind == OUTCOME_NOT_SENT)
        log_warn("no usable answer from the provider",
                 LOG_S("operation", slot->finished.operation.id), LOG_S("reason", response->error),
                 LOG_I("status", response->status));
    return outcome;
}

void slot_note(struct slot *slot, const struct outcome *outcome, int64_t duration_us)
{
    struct heard *heard = slot->step == STEP_ACT ? &slot->finished.act : &slot->finished.query;
    *heard = (struct heard){*outcome, duration_us};
}

void slot_empty(struct slot *slot)
{
    slot->state = SLOT_FREE;
    arena_reset(slot->arena);
}
