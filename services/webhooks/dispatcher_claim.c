#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "slots.h"

#define LEASE_MARGIN_MS 15000
#define SEND_MARGIN_MS 2000
#define SCAN_ENDPOINTS 256
#define RECOVER_LIMIT 500
#define SLOT_ARENA_CAP ((size_t)8 << 20)

static int64_t lease_ms(const struct dispatcher *dispatcher)
{
    return dispatcher->config.rules.timeout_ms + LEASE_MARGIN_MS;
}

static struct share_limits limits_of(const struct dispatcher *dispatcher, size_t room)
{
    int64_t slots = (int64_t)dispatcher->config.slots;
    return (struct share_limits){
        .free_slots = (int64_t)room,
        .per_endpoint = slots < 4 ? 1 : slots / 4,
        .per_tenant = slots < 2 ? 1 : slots / 2,
    };
}

static int compare(const struct waiting *item, const char *tenant_id, const char *endpoint_id)
{
    int order = strcmp(item->tenant_id, tenant_id);
    return order ? order : strcmp(item->endpoint_id, endpoint_id);
}

// How many come before this endpoint; "" comes before all of its tenant.
static size_t place(const struct waiting *items, size_t n, const char *tenant_id,
                    const char *endpoint_id)
{
    size_t low = 0;
    while (low < n) {
        size_t middle = (low + n) / 2;
        if (compare(&items[middle], tenant_id, endpoint_id) < 0)
            low = middle + 1;
        else
            n = middle;
    }
    return low;
}

// Counts what is under way of those that wait: slots that are neither free nor done.
static void weigh(const struct dispatcher *dispatcher, struct waiting *items, size_t n)
{
    for (size_t i = 0; i < dispatcher->config.slots; i++) {
        const struct slot *slot = &dispatcher->slots[i];
        if (slot->state != SLOT_OUT)
            continue;
        const char *tenant_id = slot->attempt.tenant_id, *endpoint_id = slot->attempt.endpoint_id;
        size_t first = place(items, n, tenant_id, "");
        if (first == n || strcmp(items[first].tenant_id, tenant_id) != 0)
            continue;
        items[first].tenant_in_flight++;
        size_t at = place(items, n, tenant_id, endpoint_id);
        if (at < n && compare(&items[at], tenant_id, endpoint_id) == 0)
            items[at].in_flight++;
    }
}

static struct endpoint_key keep_key(struct arena *arena, const struct waiting *item)
{
    arena_reset(arena);
    char *tenant = item ? arena_strdup(arena, item->tenant_id) : NULL;
    char *endpoint = item ? arena_strdup(arena, item->endpoint_id) : NULL;
    return tenant && endpoint ? (struct endpoint_key){tenant, endpoint}
                              : (struct endpoint_key){"", ""};
}

// Whose turn comes when slots have run out: the one behind the last that got one. Where the next
// look begins when not all endpoints could be seen: behind those that had their turn.
static void move_on(struct dispatcher *dispatcher, const struct waiting *all, size_t n,
                    const struct waiting *last_served)
{
    dispatcher->served = keep_key(dispatcher->served_arena, last_served);
    const struct waiting *last = n < SCAN_ENDPOINTS ? NULL
                                 : last_served      ? last_served
                                                    : &all[n - 1];
    dispatcher->window = keep_key(dispatcher->window_arena, last);
}

static size_t due_only(struct waiting *to, const struct waiting *from, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (from[i].due > 0)
            to[kept++] = from[i];
    return kept;
}

static size_t allowed_only(struct waiting *items, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (items[i].allowed > 0)
            items[kept++] = items[i];
    return kept;
}

static enum status recover(struct dispatcher *dispatcher, struct db *db, struct arena *arena,
                           const struct waiting *all, size_t n)
{
    struct waiting *losers = ARENA_ARRAY(arena, n, struct waiting);
    size_t losers_n = 0, recovered = 0;
    for (size_t i = 0; losers && i < n; i++)
        if (all[i].lost)
            losers[losers_n++] = all[i];
    if (losers_n == 0)
        return losers ? STATUS_OK : STATUS_RESOURCE_EXHAUSTED;
    enum status status =
        queue_recover(db, arena, losers, losers_n, dispatcher->config.rules.intervals_s,
                      RECOVER_LIMIT, &recovered);
    if (status == STATUS_OK && recovered > 0)
        log_warn("attempts without an outcome", LOG_I("count", recovered));
    return status;
}

bool window_is_behind(const struct dispatcher *dispatcher)
{
    return dispatcher->window.endpoint_id[0] != '\0';
}

// Something due without a slot. Due deliveries are counted up to what one endpoint may have.
static bool any_left(const struct waiting *due, size_t n, struct share_limits limits)
{
    for (size_t i = 0; i < n; i++)
        if (due[i].allowed < due[i].due || due[i].due >= limits.per_endpoint)
            return true;
    return false;
}

// The endpoints that may have slots, and how many.
static enum status choose(struct dispatcher *dispatcher, struct db *db, struct arena *arena,
                          struct share_limits limits, struct claim *ret)
{
    bool behind = window_is_behind(dispatcher);
    struct waiting *all = NULL;
    size_t n = 0;
    enum status status =
        queue_waiting(db, arena, dispatcher->window, SCAN_ENDPOINTS, limits.per_endpoint, &all, &n);
    if (status == STATUS_OK)
        status = recover(dispatcher, db, arena, all, n);
    if (status != STATUS_OK)
        return status;
    struct waiting *due = ARENA_ARRAY(arena, n, struct waiting);
    if (!due)
        return STATUS_RESOURCE_EXHAUSTED;
    size_t due_n = due_only(due, all, n);
    weigh(dispatcher, due, due_n);
    size_t turn = place(due, due_n, dispatcher->served.tenant_id, dispatcher->served.endpoint_id);
    if (turn < due_n &&
        compare(&due[turn], dispatcher->served.tenant_id, dispatcher->served.endpoint_id) == 0)
        turn++;
    turn = turn < due_n ? turn : 0;
    bool ran_out = share_slots(due, due_n, limits, &turn) == limits.free_slots && due_n > 0;
    move_on(dispatcher, all, n, ran_out ? &due[(turn + due_n - 1) % due_n] : NULL);
    ret->left = behind || window_is_behind(dispatcher) || any_left(due, due_n, limits);
    ret->endpoints = due;
    ret->endpoints_n = allowed_only(due, due_n);
    return STATUS_OK;
}

enum status dispatcher_claim(struct dispatcher *dispatcher, struct db *db, struct arena *arena,
                             size_t room, struct claim *ret)
{
    if (room == 0)
        return STATUS_OK;
    // The lease begins with the transaction.
    ret->send_by_ns = clock_deadline_ns(LEASE_MARGIN_MS - SEND_MARGIN_MS);
    enum status status = choose(dispatcher, db, arena, limits_of(dispatcher, room), ret);
    if (status != STATUS_OK || ret->endpoints_n == 0)
        return status;
    return queue_claim(db, arena, ret->endpoints, ret->endpoints_n, lease_ms(dispatcher),
                       &ret->attempts, &ret->n);
}

static bool copy_bytes(struct arena *arena, struct bytes *bytes)
{
    if (!bytes->at)
        return true;
    *bytes = arena_copy(arena, *bytes);
    return bytes->at != NULL;
}

static bool copy_text(struct arena *arena, const char **text)
{
    if (!*text)
        return true;
    *text = arena_strdup(arena, *text);
    return *text != NULL;
}

static bool attempt_copy(struct arena *arena, const struct attempt *from, struct attempt *to)
{
    *to = *from;
    return copy_text(arena, &to->tenant_id) && copy_text(arena, &to->delivery_id) &&
           copy_text(arena, &to->endpoint_id) && copy_text(arena, &to->event_id) &&
           copy_text(arena, &to->url) && copy_text(arena, &to->request_id) &&
           copy_text(arena, &to->traceparent) && copy_bytes(arena, &to->secret_sealed) &&
           copy_bytes(arena, &to->older_secret_sealed) && copy_bytes(arena, &to->body);
}

// NULL: no slot, or no memory. What has no slot is left to its lease.
static struct slot *slot_take(struct dispatcher *dispatcher, const struct attempt *attempt)
{
    struct slot *slot = dispatcher->free;
    if (!slot)
        return NULL;
    dispatcher->free = slot->next;
    dispatcher->free_n--;
    slot->next = NULL;
    if (!slot->arena)
        slot->arena = arena_new(SLOT_ARENA_CAP);
    if (slot->arena && attempt_copy(slot->arena, attempt, &slot->attempt)) {
        slot->state = SLOT_OUT;
        return slot;
    }
    slot_free(dispatcher, slot);
    return NULL;
}

void dispatcher_send(struct dispatcher *dispatcher, const struct claim *claim)
{
    struct slot *first = NULL, **end = &first;
    if (claim->n == 0 || failpoint_hit("deliver.claimed"))
        return;
    for (size_t i = 0; i < claim->n; i++) {
        struct slot *slot = slot_take(dispatcher, &claim->attempts[i]);
        if (!slot) {
            log_warn("attempt left to its lease", LOG_ATTEMPT(&claim->attempts[i]));
            continue;
        }
        slot->send_by_ns = claim->send_by_ns;
        *end = slot;
        end = &slot->next;
    }
    if (first)
        sender_hand(dispatcher->sender, first);
}
