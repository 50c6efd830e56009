#include "housekeeping.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"

#define SWEEP_ROWS 1000
#define SWEEP_MARKS_KEEP_US (90LL * 24 * 3600 * US_PER_S)
#define TURN_MS 60000

struct housekeeping {
    struct bell *bell;
    struct service_loop *loop;
};

int64_t housekeeping_turn(void *context, struct db *db, struct arena *arena)
{
    (void)context;
    int64_t now_us = clock_unix_us();
    size_t removed = 0;
    enum status status = journal_partitions(db, arena, "events", "evt", now_us, 0);
    if (status == STATUS_OK)
        status = journal_partitions(db, arena, "audit_log", "audit", now_us, 0);
    if (status == STATUS_OK)
        status = journal_sweep(db, arena, now_us, SWEEP_MARKS_KEEP_US, SWEEP_ROWS, &removed);
    if (status != STATUS_OK)
        log_warn("housekeeping_failed", LOG_S("status", status_name(status)));
    return removed == SWEEP_ROWS ? 0 : TURN_MS;
}

enum status housekeeping_start(struct service *service, void **ret_state)
{
    struct housekeeping *self = calloc(1, sizeof *self);
    if (!self)
        return STATUS_RESOURCE_EXHAUSTED;
    self->bell = bell_new();
    self->loop = service_loop_start(service, "housekeeping", self->bell, housekeeping_turn, self);
    *ret_state = self;
    if (self->bell && self->loop)
        return STATUS_OK;
    housekeeping_stop(self);
    *ret_state = NULL;
    return STATUS_RESOURCE_EXHAUSTED;
}

void housekeeping_stop(void *state)
{
    struct housekeeping *self = state;
    if (!self)
        return;
    service_loop_stop(self->loop);
    if (self->bell)
        bell_free(self->bell);
    free(self);
}
