#include "dispatcher.h"

#include <stdatomic.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "slots.h"

#define IDLE_MS 200 // for what falls due, and what other processes leave
#define DATABASE_AWAY_MS 100
#define GATHER_MS 2    // between two transactions, while more answers are to come
#define ENOUGH_SHARE 8 // of the slots: this many answers are enough

struct dispatcher *dispatcher_new(struct arena *arena, const struct dispatcher_config *config)
{
    struct dispatcher *dispatcher = ARENA_NEW(arena, struct dispatcher);
    struct slot *slots = ARENA_ARRAY(arena, config->slots, struct slot);
    if (!dispatcher || !slots)
        return NULL;
    dispatcher->config = *config;
    dispatcher->slots = slots;
    dispatcher->window = dispatcher->served = (struct endpoint_key){"", ""};
    dispatcher->window_arena = arena_new(ARENA_CAP_REQUEST);
    dispatcher->served_arena = arena_new(ARENA_CAP_REQUEST);
    dispatcher->drained = bell_new();
    dispatcher->in_flight =
        metric_gauge("obol_webhook_attempts_in_flight", "Webhook attempts under way.", NULL);
    for (size_t i = config->slots; i-- > 0;)
        slot_free(dispatcher, &slots[i]);
    if (dispatcher->window_arena && dispatcher->served_arena && dispatcher->drained)
        return dispatcher;
    dispatcher_free(dispatcher);
    return NULL;
}

void dispatcher_free(struct dispatcher *dispatcher)
{
    if (!dispatcher)
        return;
    sender_free(dispatcher->sender);
    for (size_t i = 0; i < dispatcher->config.slots; i++)
        arena_free(dispatcher->slots[i].arena);
    arena_free(dispatcher->window_arena);
    arena_free(dispatcher->served_arena);
    bell_free(dispatcher->drained);
}

void dispatcher_wake(struct dispatcher *dispatcher)
{
    atomic_store(&dispatcher->rung, true);
    bell_ring(dispatcher->config.bell);
}

bool dispatcher_drain(struct dispatcher *dispatcher, int64_t max_ms)
{
    atomic_store(&dispatcher->draining, true);
    dispatcher_wake(dispatcher);
    return bell_wait(dispatcher->drained, max_ms);
}

void slot_free(struct dispatcher *dispatcher, struct slot *slot)
{
    if (slot->arena)
        arena_reset(slot->arena);
    *slot = (struct slot){.arena = slot->arena, .next = dispatcher->free};
    dispatcher->free = slot;
    dispatcher->free_n++;
}

static size_t out_n(const struct dispatcher *dispatcher)
{
    return dispatcher->config.slots - dispatcher->free_n - dispatcher->done_n;
}

static void take_done(struct dispatcher *dispatcher)
{
    for (struct slot *slot = sender_take(dispatcher->sender), *next; slot; slot = next) {
        next = slot->next;
        if (!slot->outcome.status) {
            slot_free(dispatcher, slot);
            continue;
        }
        slot->state = SLOT_DONE;
        slot->next = dispatcher->done;
        dispatcher->done = slot;
        dispatcher->done_n++;
    }
}

// A transaction costs about as much for one answer as for many: few wait for others.
static void gather(struct dispatcher *dispatcher)
{
    take_done(dispatcher);
    int64_t left_ns = dispatcher->turned_ns + GATHER_MS * NS_PER_MS - clock_now_ns();
    if (left_ns <= 0 || out_n(dispatcher) == 0 ||
        dispatcher->done_n >= dispatcher->config.slots / ENOUGH_SHARE)
        return;
    nanosleep(&(struct timespec){.tv_nsec = left_ns}, NULL);
    take_done(dispatcher);
}

// Whether there may be something to claim. The look at the queue is saved when it can't be.
static bool should_look(struct dispatcher *dispatcher, const struct flush *flush)
{
    if (dispatcher->free_n + flush->n == 0)
        return false;
    return atomic_exchange(&dispatcher->rung, false) || dispatcher->more ||
           clock_now_ns() >= dispatcher->look_ns;
}

// Outcomes and claims in one transaction: one wait for the disk.
static enum status exchange(struct dispatcher *dispatcher, const struct flush *flush, struct db *db,
                            struct arena *arena, struct claim *claim)
{
    enum status status = db_begin(db);
    if (status != STATUS_OK)
        return status;
    status = flush_write(flush, db, arena);
    if (status == STATUS_OK)
        status = dispatcher_claim(dispatcher, db, arena, dispatcher->free_n + flush->n, claim);
    if (status == STATUS_OK)
        return db_commit(db);
    db_rollback(db);
    return status;
}

// After an unknown commit the outcomes are written again, which changes nothing if they are there;
// claims that nobody heard of are left to their leases.
static enum status work(struct dispatcher *dispatcher, struct db *db, struct arena *arena)
{
    struct flush flush = {0};
    struct claim claim = {0};
    if (!flush_begin(dispatcher, arena, &flush))
        return STATUS_RESOURCE_EXHAUSTED;
    bool draining = atomic_load(&dispatcher->draining);
    if (draining || flush_has_gone(&flush) || !should_look(dispatcher, &flush))
        return flush_alone(dispatcher, &flush, db, arena);
    dispatcher->look_ns = clock_deadline_ns(IDLE_MS);
    dispatcher->more = true; // until a look that is committed says otherwise
    enum status status = exchange(dispatcher, &flush, db, arena, &claim);
    if (status == STATUS_OK) {
        dispatcher->more = claim.left;
        flush_end(dispatcher, &flush, db, arena);
        dispatcher_send(dispatcher, &claim);
        return STATUS_OK;
    }
    // It may be the claim that fails: answers are worth more than new work.
    enum status flushed = flush_alone(dispatcher, &flush, db, arena);
    return flushed == STATUS_OK ? status : flushed;
}

int64_t dispatcher_turn(void *context, struct db *db, struct arena *arena)
{
    struct dispatcher *dispatcher = context;
    if (!dispatcher->sender)
        dispatcher->sender = sender_new(&dispatcher->config.rules, dispatcher->config.slots,
                                        dispatcher->config.bell);
    if (!dispatcher->sender)
        return IDLE_MS;
    gather(dispatcher);
    bool behind = window_is_behind(dispatcher); // then the start of the queue comes next
    enum status status = work(dispatcher, db, arena);
    dispatcher->turned_ns = clock_now_ns();
    metric_set(dispatcher->in_flight, (int64_t)out_n(dispatcher), NULL);
    if (atomic_load(&dispatcher->draining) && dispatcher->free_n == dispatcher->config.slots)
        bell_ring(dispatcher->drained);
    if (status != STATUS_OK)
        return DATABASE_AWAY_MS;
    return behind && dispatcher->free_n > 0 ? 0 : IDLE_MS;
}
