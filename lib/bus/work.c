#include "bus/work.h"

#include "base/clock.h"
#include "base/log.h"
#include "bus/traced.h"

#define PAUSE_FIRST_MS 50
#define PAUSE_MAX_MS 5000
#define TRIES_ALONE_MAX 5

bool work_pause(const struct work *work, int64_t ms)
{
    int64_t deadline_ns = clock_deadline_ns(ms);
    while (!atomic_load(work->stopping) && clock_left_ms(deadline_ns) > 0)
        bell_wait(work->bell, clock_left_ms(deadline_ns));
    return !atomic_load(work->stopping);
}

static enum status handle_fresh(const struct work *work, const struct event *events, size_t n,
                                struct traced *ret_traced)
{
    bool *fresh = ARENA_ARRAY(work->arena, n, bool);
    struct event *given = ARENA_ARRAY(work->arena, n, struct event);
    if (!fresh || !given)
        return STATUS_RESOURCE_EXHAUSTED;
    enum status status =
        journal_take(work->db, work->arena, work->config->durable, events, n, fresh);
    if (status != STATUS_OK)
        return status;
    size_t given_n = 0;
    for (size_t i = 0; i < n; i++) {
        if (fresh[i])
            given[given_n++] = events[i];
    }
    if (given_n == 0)
        return STATUS_OK;
    db_tally(work->db, work->consumed, (int64_t)given_n);
    traced_begin(ret_traced, work->arena, given, given_n);
    return work->config->handle(work->config->context, work->db, work->arena, given, given_n);
}

// Ends the transaction: commits when all was well so far.
static enum status finish(const struct work *work, enum status status)
{
    if (status == STATUS_OK)
        status = db_commit(work->db);
    else
        db_rollback(work->db);
    if (status == STATUS_OK && work->config->committed)
        work->config->committed(work->config->context);
    return status;
}

static enum status apply(const struct work *work, const struct event *events, size_t n)
{
    struct traced traced = {0};
    enum status status = db_begin(work->db);
    if (status == STATUS_OK)
        status = finish(work, handle_fresh(work, events, n, &traced));
    if (status == STATUS_OK) // what was rolled back left nothing that could be a parent
        traced_end(&traced, &(struct traced_part){.n = traced.n}, SPAN_CONSUMER, "process");
    return status;
}

static enum status pass_over(const struct work *work, const struct event *event)
{
    bool fresh;
    log_error("consumer.event_refused", LOG_S("consumer", work->config->durable), LOG_EVENT(event));
    return journal_take(work->db, work->arena, work->config->durable, event, 1, &fresh);
}

// The database or a peer is away, or the answer to COMMIT was lost: what is given again is told
// apart by journal_take.
static bool is_passing(enum status status)
{
    return status == STATUS_UNAVAILABLE || status == STATUS_UNKNOWN;
}

static int64_t longer(int64_t pause_ms)
{
    return pause_ms * 2 < PAUSE_MAX_MS ? pause_ms * 2 : PAUSE_MAX_MS;
}

// Again for as long as the failure is one that passes by itself.
static enum status apply_patiently(const struct work *work, const struct event *events, size_t n)
{
    int64_t pause_ms = PAUSE_FIRST_MS;
    enum status status;
    while (is_passing(status = apply(work, events, n)) && work_pause(work, pause_ms))
        pause_ms = longer(pause_ms);
    return status;
}

static enum work_result alone(const struct work *work, const struct event *event)
{
    int64_t pause_ms = PAUSE_FIRST_MS;
    enum status status = STATUS_OK;
    for (int tries = 0; tries < TRIES_ALONE_MAX; tries++) {
        status = apply_patiently(work, event, 1);
        if (status == STATUS_OK)
            return WORK_DONE;
        if (status == STATUS_INVALID_ARGUMENT && pass_over(work, event) == STATUS_OK)
            return WORK_REFUSED;
        if (!work_pause(work, pause_ms))
            return WORK_STOPPED;
        pause_ms = longer(pause_ms);
    }
    log_error("consumer.event_failed", LOG_S("consumer", work->config->durable), LOG_EVENT(event),
              LOG_S("status", status_name(status)));
    return WORK_LATER;
}

bool work_events(const struct work *work, const struct event *events, size_t n,
                 enum work_result *ret)
{
    enum status status = apply_patiently(work, events, n);
    bool stopped = atomic_load(work->stopping);
    for (size_t i = 0; i < n; i++) {
        if (status == STATUS_OK)
            ret[i] = WORK_DONE;
        else
            ret[i] = stopped ? WORK_STOPPED : alone(work, &events[i]);
        stopped = stopped || ret[i] == WORK_STOPPED;
    }
    return !stopped;
}
