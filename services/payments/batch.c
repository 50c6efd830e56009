#include "batch.h"

#include <string.h>
#include <time.h>

#include "base/clock.h"

#define TRIES_MAX 3
#define LOST_WAIT_MS 2000 // how long to look for what became of a COMMIT

static int64_t deadline_ns(struct batch_item *const *items, size_t n)
{
    int64_t latest = 0;
    for (size_t i = 0; i < n; i++)
        if (items[i]->call->context.deadline_ns > latest)
            latest = items[i]->call->context.deadline_ns;
    return latest;
}

static void refuse(const struct batch *batch, struct call *call, enum status status, bool lost)
{
    bool stuck = strcmp(db_last_error(batch->worker->db)->sqlstate, "55P03") == 0;
    if (lost || status == STATUS_UNKNOWN)
        (void)problem_unknown(&call->problem);
    else if (status == STATUS_ABORTED && stuck && call->context.idempotency_key)
        (void)call_refuse(call, STATUS_ABORTED, "idempotency_key_in_use", NULL,
                          "A request with this idempotency key is still running.");
    else if (status == STATUS_INVALID_ARGUMENT)
        (void)problem_invalid(&call->problem, NULL, "A value in the request can't be stored.");
    else
        (void)call_refuse_status(call, status);
}

// The database's own backoff answers at once; only a lost COMMIT is worth the wait.
static bool wait_for_database(int64_t until_ns)
{
    if (clock_left_ms(until_ns) == 0)
        return false;
    nanosleep(&(struct timespec){.tv_nsec = 20 * 1000 * 1000}, NULL);
    return true;
}

static bool again_makes_sense(enum status status, bool lost, int tries, size_t n, int64_t until_ns,
                              int64_t lost_until_ns)
{
    if (lost &&
        (status == STATUS_UNKNOWN || status == STATUS_UNAVAILABLE || status == STATUS_ABORTED))
        return wait_for_database(lost_until_ns);
    if (status != STATUS_ABORTED)
        return false;
    // A single item may be waiting for another transaction under its key: that is worth its whole
    // time.
    return tries < TRIES_MAX || (n == 1 && clock_left_ms(until_ns) > 0);
}

static enum status try_all(const struct batch *batch, struct batch_item **items, size_t n,
                           bool *lost)
{
    int64_t until_ns = deadline_ns(items, n), lost_until_ns = 0;
    for (int tries = 1;; tries++) {
        enum status status = batch->attempt(batch->worker, batch->arena, items, n, *lost);
        if (status == STATUS_OK)
            return status;
        if (status == STATUS_UNKNOWN && !*lost) {
            *lost = true;
            lost_until_ns = clock_deadline_ns(LOST_WAIT_MS);
        }
        if (!again_makes_sense(status, *lost, tries, n, until_ns, lost_until_ns))
            return status;
    }
}

static void run(const struct batch *batch, struct batch_item **items, size_t n, bool lost)
{
    enum status status = try_all(batch, items, n, &lost);
    if (status == STATUS_OK) {
        batch->settle(batch->worker, items, n);
        return;
    }
    if (n > 1 && (status == STATUS_ABORTED || status == STATUS_INVALID_ARGUMENT)) {
        for (size_t i = 0; i < n; i++)
            run(batch, items + i, 1, lost);
        return;
    }
    for (size_t i = 0; i < n; i++)
        refuse(batch, items[i]->call, status, lost);
}

void batch_run(const struct batch *batch, struct batch_item **items, size_t n)
{
    if (n > 0)
        run(batch, items, n, false);
}
