#include "bus/catch_up.h"

#include <string.h>

#include "base/log.h"

// Those that the filters ask for, moved to the front.
static size_t keep_wanted(const struct feed *feed, struct event *events, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (feed_wants_type(feed, events[i].type))
            events[kept++] = events[i];
    }
    return kept;
}

// True when all are in the database, so that the cursor may move on.
static bool do_events(const struct work *work, const struct event *events, size_t n)
{
    enum work_result *results = ARENA_ARRAY(work->arena, n, enum work_result);
    if (!results)
        return false;
    if (n > 0 && !work_events(work, events, n, results))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (results[i] != WORK_DONE && results[i] != WORK_REFUSED)
            return false;
    }
    return true;
}

// One page. *ret_more: there may be another.
static enum status page(const struct work *work, const struct feed *feed, size_t peer,
                        const char *key, bool *ret_more)
{
    const char *cursor, *next;
    struct event *events;
    size_t n = 0;
    *ret_more = false;
    enum status status = journal_cursor_get(work->db, work->arena, key, &cursor);
    if (status != STATUS_OK)
        return status;
    status =
        work->config->list(work->config->context, peer, work->arena, cursor, &events, &n, &next);
    if (status == STATUS_INVALID_ARGUMENT && *cursor) {
        // The peer's database is not the one we knew: read it anew, journal_take knows what is old.
        *ret_more = true;
        return journal_cursor_set(work->db, work->arena, key, "");
    }
    if (status != STATUS_OK || strcmp(next, cursor) == 0)
        return status;
    size_t wanted = keep_wanted(feed, events, n);
    if (!do_events(work, events, wanted))
        return STATUS_ABORTED;
    // Behind the events, in a transaction of its own: a page that is read twice is taken once.
    *ret_more = n > 0;
    return journal_cursor_set(work->db, work->arena, key, next);
}

static void catch_up_with(const struct work *work, const struct feed *feed, size_t peer)
{
    char key[128];
    enum status status = STATUS_OK;
    bool more = true;
    snprintf(key, sizeof key, "%s:%zu", work->config->durable, peer);
    while (more && status == STATUS_OK && !atomic_load(work->stopping)) {
        status = page(work, feed, peer, key, &more);
        arena_reset(work->arena);
    }
    if (status != STATUS_OK)
        log_info("consumer.catch_up_failed", LOG_S("consumer", work->config->durable),
                 LOG_I("peer", peer), LOG_S("status", status_name(status)));
}

void catch_up(const struct work *work, const struct feed *feed)
{
    for (size_t peer = 0; peer < work->config->peers && !atomic_load(work->stopping); peer++)
        catch_up_with(work, feed, peer);
}
