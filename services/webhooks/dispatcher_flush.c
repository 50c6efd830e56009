#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "disabling.h"
#include "slots.h"

// What outcomes say about their endpoints. Strings are the slots'.
struct consequences {
    struct endpoint_outcome *endpoints; // one each
    size_t endpoints_n;
    struct endpoint_key *gone;
    size_t gone_n;
};

static bool worked(const struct slot *slot)
{
    return strcmp(slot->outcome.status, "delivered") == 0;
}

static void note_endpoint(struct consequences *consequences, const struct slot *slot)
{
    const struct attempt *attempt = &slot->attempt;
    for (size_t i = 0; i < consequences->endpoints_n; i++) {
        struct endpoint_outcome *known = &consequences->endpoints[i];
        if (strcmp(known->endpoint_id, attempt->endpoint_id) == 0 &&
            strcmp(known->tenant_id, attempt->tenant_id) == 0) {
            known->worked |= worked(slot);
            return;
        }
    }
    consequences->endpoints[consequences->endpoints_n++] =
        (struct endpoint_outcome){attempt->tenant_id, attempt->endpoint_id, worked(slot)};
}

static void note_slot(struct consequences *consequences, const struct slot *slot)
{
    if (!slot->tried)
        return;
    if (!worked(slot) || slot->attempt.failing)
        note_endpoint(consequences, slot);
    if (schedule_verdict((int)slot->outcome.response_code) == VERDICT_GONE)
        consequences->gone[consequences->gone_n++] =
            (struct endpoint_key){slot->attempt.tenant_id, slot->attempt.endpoint_id};
}

static void give_up(struct dispatcher *dispatcher, struct db *db, struct arena *arena,
                    struct endpoint_key endpoint, const char *reason)
{
    enum status status =
        endpoint_disable(db, arena, dispatcher->config.outbox_bell, endpoint, reason);
    if (status != STATUS_OK) // the next failed attempt comes here again
        log_warn("endpoint not disabled", LOG_S("endpoint", endpoint.endpoint_id),
                 LOG_S("status", status_name(status)));
}

static void draw(struct dispatcher *dispatcher, struct db *db, struct arena *arena,
                 const struct consequences *consequences)
{
    for (size_t i = 0; i < consequences->gone_n; i++)
        give_up(dispatcher, db, arena, consequences->gone[i], "The endpoint answered 410 Gone.");
    if (consequences->endpoints_n == 0)
        return;
    int64_t cutoff_us = clock_unix_us() - dispatcher->config.disable_after_s * US_PER_S;
    struct endpoint_key *failing = NULL;
    size_t n = 0;
    enum status status = queue_note(db, arena, consequences->endpoints, consequences->endpoints_n,
                                    cutoff_us, &failing, &n);
    for (size_t i = 0; status == STATUS_OK && i < n; i++)
        give_up(dispatcher, db, arena, failing[i],
                "The endpoint has failed for too long without a success.");
}

static void free_done(struct dispatcher *dispatcher)
{
    for (size_t i = 0; i < dispatcher->config.slots; i++) {
        struct slot *slot = &dispatcher->slots[i];
        if (slot->state != SLOT_DONE)
            continue;
        arena_reset(slot->arena);
        *slot = (struct slot){.arena = slot->arena};
    }
}

enum status dispatcher_flush(struct dispatcher *dispatcher, struct db *db, struct arena *arena)
{
    size_t done = slots_count(dispatcher, SLOT_DONE);
    if (done == 0)
        return STATUS_OK;
    struct outcome *outcomes = ARENA_ARRAY(arena, done, struct outcome);
    struct consequences consequences = {
        .endpoints = ARENA_ARRAY(arena, done, struct endpoint_outcome),
        .gone = ARENA_ARRAY(arena, done, struct endpoint_key),
    };
    if (!outcomes || !consequences.endpoints || !consequences.gone)
        return STATUS_RESOURCE_EXHAUSTED;
    size_t n = 0;
    for (size_t i = 0; i < dispatcher->config.slots; i++) {
        const struct slot *slot = &dispatcher->slots[i];
        if (slot->state != SLOT_DONE)
            continue;
        outcomes[n++] = slot->outcome;
        note_slot(&consequences, slot);
    }
    if (failpoint_hit("deliver.before_flush"))
        return STATUS_UNAVAILABLE;
    enum status status = queue_finish(db, arena, outcomes, n);
    if (status != STATUS_OK)
        return status;
    draw(dispatcher, db, arena, &consequences);
    free_done(dispatcher);
    return STATUS_OK;
}
