// A dispatcher that is turned by hand, and a merchant that receives.
#pragma once
#include <sys/wait.h>
#include <unistd.h>

#include "dispatcher.h"
#include "store/webhooks/fixture.h"
#include "store/webhooks/receiver.h"

static const int64_t at_once[SCHEDULE_ATTEMPTS] = {0};
static const int64_t never[SCHEDULE_ATTEMPTS] = {0, 3600, 3600, 3600, 3600};
static struct dispatcher *dispatcher;
static struct bell *bell;
static struct arena *turn_arena;

static inline void begin(void)
{
    fixture_begin();
    receiver_start();
    bell = bell_new();
    turn_arena = arena_new(ARENA_CAP_BATCH);
}

static inline void end(void)
{
    dispatcher_free(dispatcher);
    bell_free(bell);
    arena_free(turn_arena);
    receiver_stop();
    fixture_end();
}

static inline void make_dispatcher(const int64_t *intervals_s, size_t slots, int64_t timeout_ms)
{
    const struct dispatcher_config config = {
        .rules = {.ring = &ring,
                  .intervals_s = intervals_s,
                  .allow_private = true,
                  .timeout_ms = timeout_ms},
        .slots = slots,
        .disable_after_s = 3600,
        .bell = bell,
        .outbox_bell = bell,
    };
    dispatcher = dispatcher_new(arena, &config);
    cr_assert_not_null(dispatcher);
}

static inline void turn(void)
{
    int64_t wait_ms = dispatcher_turn(dispatcher, db, turn_arena);
    arena_reset(turn_arena);
    if (wait_ms > 0)
        bell_wait(bell, 5);
}

// Turns until the statement says so.
static inline void turn_until(const char *text, const char *expected)
{
    int64_t deadline_ns = clock_deadline_ns(30000);
    while (strcmp(sql(text), expected) != 0) {
        cr_assert_gt(clock_left_ms(deadline_ns), 0, "%s: %s", text, sql(text));
        turn();
    }
}

static inline void put_hook(const char *id, const char *path)
{
    put_endpoint("ten_a", id, arena_printf(arena, "%s%s", receiver.url, path), "*");
}
