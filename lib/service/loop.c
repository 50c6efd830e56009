#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "base/priority.h"
#include "service/internal.h"

#define RING_AGAIN_S 1

struct service_loop {
    struct service *service;
    const char *name;
    struct bell *bell;
    int64_t (*turn)(void *, struct db *, struct arena *);
    void *context;
    struct db *db; // the thread's own, once it runs
    struct arena *arena;
    pthread_t thread;
    _Atomic bool stopping;
};

static void loop_free(struct service_loop *loop)
{
    arena_free(loop->arena);
    db_free(loop->db);
    free(loop);
}

static void *loop_run(void *argument)
{
    struct service_loop *loop = argument;
    priority_background();
    while (!atomic_load(&loop->stopping)) {
        int64_t sleep_ms = loop->turn(loop->context, loop->db, loop->arena);
        db_rollback(loop->db);
        arena_reset(loop->arena);
        if (sleep_ms > 0)
            bell_wait(loop->bell, sleep_ms);
    }
    return NULL;
}

struct service_loop *service_loop_start(struct service *service, const char *name,
                                        struct bell *bell,
                                        int64_t (*turn)(void *, struct db *, struct arena *),
                                        void *context)
{
    struct service_loop *loop = calloc(1, sizeof *loop);
    if (!loop)
        return NULL;
    *loop = (struct service_loop){.service = service,
                                  .name = name,
                                  .bell = bell,
                                  .turn = turn,
                                  .context = context,
                                  .db = db_new(&service->db),
                                  .arena = arena_new(ARENA_CAP_BATCH)};
    // Here, not in the thread: a loop that can't do its work must not be taken for one that does.
    if (loop->db && loop->arena && pthread_create(&loop->thread, NULL, loop_run, loop) == 0)
        return loop;
    log_error("loop not started", LOG_S("loop", name));
    loop_free(loop);
    return NULL;
}

void service_loop_stop(struct service_loop *loop)
{
    if (!loop)
        return;
    atomic_store(&loop->stopping, true);
    struct timespec until;
    do { // another loop that waits at the same bell may take the ring
        bell_ring(loop->bell);
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += RING_AGAIN_S;
    } while (pthread_timedjoin_np(loop->thread, NULL, &until) == ETIMEDOUT);
    loop_free(loop);
}
