#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "disabling.h"
#include "slots.h"

static int by_delivery(const void *a, const void *b)
{
    const struct outcome *one = &(*(struct slot *const *)a)->outcome;
    const struct outcome *other = &(*(struct slot *const *)b)->outcome;
    int order = strcmp(one->tenant_id, other->tenant_id);
    return order ? order : strcmp(one->delivery_id, other->delivery_id);
}

static void put_back(struct dispatcher *dispatcher, struct slot *slot)
{
    slot->next = dispatcher->done;
    dispatcher->done = slot;
    dispatcher->done_n++;
}

bool flush_begin(struct dispatcher *dispatcher, struct arena *arena, struct flush *ret)
{
    size_t n = 0;
    ret->slots = ARENA_ARRAY(arena, dispatcher->done_n, struct slot *);
    ret->outcomes = ARENA_ARRAY(arena, dispatcher->done_n, struct outcome);
    if (!ret->slots || !ret->outcomes)
        return false;
    for (struct slot *slot = dispatcher->done; slot; slot = slot->next)
        ret->slots[n++] = slot;
    dispatcher->done = NULL;
    dispatcher->done_n = 0;
    qsort(ret->slots, n, sizeof(struct slot *), by_delivery);
    for (size_t i = 0; i < n; i++) {
        struct slot *slot = ret->slots[i];
        if (ret->n > 0 && by_delivery(&ret->slots[ret->n - 1], &slot) == 0) {
            put_back(dispatcher, slot);
            continue;
        }
        ret->outcomes[ret->n] = slot->outcome;
        ret->slots[ret->n++] = slot;
    }
    return true;
}

enum status flush_write(const struct flush *flush, struct db *db, struct arena *arena)
{
    if (flush->n == 0)
        return STATUS_OK;
    if (failpoint_hit("deliver.before_flush"))
        return STATUS_UNAVAILABLE;
    return queue_finish(db, arena, flush->outcomes, flush->n);
}

static bool gone(const struct slot *slot)
{
    return slot->tried && schedule_verdict((int)slot->outcome.response_code) == VERDICT_GONE;
}

bool flush_has_gone(const struct flush *flush)
{
    for (size_t i = 0; i < flush->n; i++)
        if (gone(flush->slots[i]))
            return true;
    return false;
}

static bool worked(const struct slot *slot)
{
    return strcmp(slot->outcome.status, "delivered") == 0;
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

static int by_endpoint(const void *a, const void *b)
{
    const struct endpoint_outcome *one = a, *other = b;
    int order = strcmp(one->tenant_id, other->tenant_id);
    return order ? order : strcmp(one->endpoint_id, other->endpoint_id);
}

// One of each endpoint; it worked when any of its attempts did.
static size_t merge(struct endpoint_outcome *items, size_t n)
{
    size_t kept = 0;
    qsort(items, n, sizeof *items, by_endpoint);
    for (size_t i = 0; i < n; i++) {
        if (kept > 0 && by_endpoint(&items[kept - 1], &items[i]) == 0)
            items[kept - 1].worked |= items[i].worked;
        else
            items[kept++] = items[i];
    }
    return kept;
}

static void note(struct dispatcher *dispatcher, const struct flush *flush, struct db *db,
                 struct arena *arena)
{
    struct endpoint_outcome *items = ARENA_ARRAY(arena, flush->n, struct endpoint_outcome);
    size_t n = 0;
    for (size_t i = 0; items && i < flush->n; i++) {
        const struct slot *slot = flush->slots[i];
        if (slot->tried && (!worked(slot) || slot->attempt.failing))
            items[n++] = (struct endpoint_outcome){slot->attempt.tenant_id,
                                                   slot->attempt.endpoint_id, worked(slot)};
    }
    if (n == 0)
        return;
    int64_t cutoff_us = clock_unix_us() - dispatcher->config.disable_after_s * US_PER_S;
    struct endpoint_key *failing = NULL;
    size_t failing_n = 0;
    enum status status =
        queue_note(db, arena, items, merge(items, n), cutoff_us, &failing, &failing_n);
    for (size_t i = 0; status == STATUS_OK && i < failing_n; i++)
        give_up(dispatcher, db, arena, failing[i],
                "The endpoint has failed for too long without a success.");
}

static void draw(struct dispatcher *dispatcher, const struct flush *flush, struct db *db,
                 struct arena *arena)
{
    for (size_t i = 0; i < flush->n; i++) {
        const struct attempt *attempt = &flush->slots[i]->attempt;
        if (gone(flush->slots[i]))
            give_up(dispatcher, db, arena,
                    (struct endpoint_key){attempt->tenant_id, attempt->endpoint_id},
                    "The endpoint answered 410 Gone.");
    }
    note(dispatcher, flush, db, arena);
}

void flush_end(struct dispatcher *dispatcher, struct flush *flush, struct db *db,
               struct arena *arena)
{
    draw(dispatcher, flush, db, arena);
    for (size_t i = 0; i < flush->n; i++)
        slot_free(dispatcher, flush->slots[i]);
    flush->n = 0;
}

// Something in the data, or a fault of ours: it would be the same the next time.
static bool lasting(enum status status)
{
    return status == STATUS_INVALID_ARGUMENT || status == STATUS_INTERNAL ||
           status == STATUS_RESOURCE_EXHAUSTED;
}

static void flush_singly(struct dispatcher *dispatcher, struct flush *flush, struct db *db,
                         struct arena *arena)
{
    size_t n = 0;
    for (size_t i = 0; i < flush->n; i++) {
        struct slot *slot = flush->slots[i];
        enum status status = queue_finish(db, arena, &flush->outcomes[i], 1);
        if (status == STATUS_OK) {
            flush->slots[n] = slot;
            flush->outcomes[n++] = slot->outcome;
        } else if (lasting(status)) { // the next attempt comes when its lease has run out
            log_error("outcome not recorded", LOG_ATTEMPT(&slot->attempt),
                      LOG_S("outcome", slot->outcome.status), LOG_S("status", status_name(status)));
            slot_free(dispatcher, slot);
        } else {
            put_back(dispatcher, slot);
        }
    }
    flush->n = n;
    flush_end(dispatcher, flush, db, arena);
}

enum status flush_alone(struct dispatcher *dispatcher, struct flush *flush, struct db *db,
                        struct arena *arena)
{
    enum status status = flush_write(flush, db, arena);
    if (status == STATUS_OK) {
        flush_end(dispatcher, flush, db, arena);
        return STATUS_OK;
    }
    log_warn("outcomes not recorded yet", LOG_I("outcomes", flush->n),
             LOG_S("status", status_name(status)));
    // One bad item, or one row that somebody holds, must not keep the others from being recorded.
    if (lasting(status) || status == STATUS_ABORTED)
        flush_singly(dispatcher, flush, db, arena);
    else
        for (size_t i = 0; i < flush->n; i++)
            put_back(dispatcher, flush->slots[i]);
    return dispatcher->done_n == 0 ? STATUS_OK : status;
}
