#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "slots.h"

#define LEASE_MARGIN_MS 15000
#define SEND_MARGIN_MS 2000
#define SCAN_ENDPOINTS 256

static int64_t lease_ms(const struct dispatcher *dispatcher)
{
    return dispatcher->config.rules.timeout_ms + LEASE_MARGIN_MS;
}

static struct share_limits limits_of(const struct dispatcher *dispatcher)
{
    int64_t slots = (int64_t)dispatcher->config.slots;
    return (struct share_limits){
        .free_slots = (int64_t)slots_count(dispatcher, SLOT_FREE),
        .per_endpoint = slots < 4 ? 1 : slots / 4,
        .per_tenant = slots < 2 ? 1 : slots / 2,
    };
}

// Drops what has nothing due; counts what is under way of the rest.
static size_t weigh(const struct dispatcher *dispatcher, struct waiting *items, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (items[i].due > 0)
            items[kept++] = items[i];
    for (size_t i = 0; i < kept; i++) {
        for (size_t j = 0; j < dispatcher->config.slots; j++) {
            const struct slot *slot = &dispatcher->slots[j];
            if (slot->state == SLOT_FREE ||
                strcmp(slot->attempt.tenant_id, items[i].tenant_id) != 0)
                continue;
            items[i].tenant_in_flight++;
            items[i].in_flight += strcmp(slot->attempt.endpoint_id, items[i].endpoint_id) == 0;
        }
    }
    return kept;
}

static void look_from(struct dispatcher *dispatcher, const char *tenant_id, const char *endpoint_id)
{
    arena_reset(dispatcher->from_arena);
    char *tenant = arena_strdup(dispatcher->from_arena, tenant_id);
    char *endpoint = arena_strdup(dispatcher->from_arena, endpoint_id);
    dispatcher->from = tenant && endpoint ? (struct endpoint_key){tenant, endpoint}
                                          : (struct endpoint_key){"", ""};
}

// Where the next look begins: behind the last that got a slot when they ran out, behind the last
// one seen when there are more, else at the start. So everyone's turn comes however many there are.
static void move_on(struct dispatcher *dispatcher, const struct waiting *all, size_t n,
                    const struct waiting *due, size_t due_n, bool ran_out)
{
    const struct waiting *last = n == SCAN_ENDPOINTS ? &all[n - 1] : NULL;
    for (size_t i = 0; ran_out && i < due_n; i++)
        if (due[i].allowed > 0)
            last = &due[i];
    if (last)
        look_from(dispatcher, last->tenant_id, last->endpoint_id);
    else
        look_from(dispatcher, "", "");
}

static size_t allowed_only(struct waiting *items, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (items[i].allowed > 0)
            items[kept++] = items[i];
    return kept;
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

static struct slot *free_slot(struct dispatcher *dispatcher)
{
    for (size_t i = 0; i < dispatcher->config.slots; i++)
        if (dispatcher->slots[i].state == SLOT_FREE)
            return &dispatcher->slots[i];
    return NULL;
}

static void slot_send(struct dispatcher *dispatcher, struct http_client *client, struct slot *slot)
{
    const struct attempt *attempt = &slot->attempt;
    if (!attempt->enabled) {
        slot_done(slot, sending_refusal(attempt, "The endpoint is disabled or deleted."), false);
        return;
    }
    if (!attempt->body.at) {
        slot_done(slot, sending_refusal(attempt, "The event is no longer kept."), false);
        return;
    }
    enum status status = sending_request(slot->arena, &dispatcher->config.rules, attempt,
                                         clock_unix_us(), &slot->request, &slot->header_lines);
    slot->request.context = slot;
    if (status == STATUS_OK)
        status = http_client_start(client, &slot->request);
    if (status == STATUS_OK) {
        slot->state = SLOT_SENDING;
        if (failpoint_hit("deliver.sent"))
            log_debug("failpoint deliver.sent");
        return;
    }
    log_error("attempt not sent", LOG_S("delivery", attempt->delivery_id),
              LOG_S("status", status_name(status)));
    struct outcome outcome = sending_refusal(attempt, "The attempt could not be sent.");
    if (attempt->number < attempt->max_attempts) {
        outcome.status = "pending";
        outcome.next_us =
            schedule_next_us(dispatcher->config.rules.intervals_s,
                             attempt->number - attempt->schedule_start, clock_unix_us(), -1);
    }
    slot_done(slot, outcome, false);
}

// The lease must outlast the attempt: claimed too slowly, it is left to run out instead of being
// sent.
static void send_all(struct dispatcher *dispatcher, struct http_client *client,
                     const struct attempt *claimed, size_t n, int64_t send_by_ns)
{
    for (size_t i = 0; i < n; i++) {
        struct slot *slot = free_slot(dispatcher);
        if (!slot || clock_now_ns() > send_by_ns) {
            log_warn("attempts claimed too late", LOG_I("count", n - i));
            return;
        }
        if (attempt_copy(slot->arena, &claimed[i], &slot->attempt))
            slot_send(dispatcher, client, slot);
        else
            arena_reset(slot->arena);
    }
}

enum status dispatcher_claim(struct dispatcher *dispatcher, struct http_client *client,
                             struct db *db, struct arena *arena, size_t *ret_started)
{
    struct share_limits limits = limits_of(dispatcher);
    if (limits.free_slots == 0)
        return STATUS_OK;
    struct waiting *all = NULL, *due = NULL;
    size_t n = 0;
    enum status status =
        queue_waiting(db, arena, dispatcher->from, SCAN_ENDPOINTS, limits.per_endpoint, &all, &n);
    if (status != STATUS_OK)
        return status;
    due = ARENA_ARRAY(arena, n, struct waiting);
    if (!due)
        return STATUS_RESOURCE_EXHAUSTED;
    memcpy(due, all, n * sizeof *due);
    size_t due_n = weigh(dispatcher, due, n);
    int64_t given = share_slots(due, due_n, limits);
    move_on(dispatcher, all, n, due, due_n, given == limits.free_slots);
    due_n = allowed_only(due, due_n);
    if (due_n == 0)
        return STATUS_OK;
    struct attempt *claimed = NULL;
    size_t claimed_n = 0;
    int64_t send_by_ns = clock_deadline_ns(lease_ms(dispatcher) - SEND_MARGIN_MS -
                                           dispatcher->config.rules.timeout_ms);
    status = queue_claim(db, arena, due, due_n, lease_ms(dispatcher), &claimed, &claimed_n);
    if (status != STATUS_OK)
        return status;
    *ret_started = claimed_n;
    if (!failpoint_hit("deliver.claimed"))
        send_all(dispatcher, client, claimed, claimed_n, send_by_ns);
    return STATUS_OK;
}
