#include "fixture.h"

TestSuite(loop, .init = fixture_begin, .fini = fixture_end, .timeout = 60);

struct turns {
    atomic_int n;
    int64_t sleep_ms;
};

static int64_t turn(void *context, struct db *own, struct arena *its)
{
    struct turns *turns = context;
    cr_assert_eq(arena_used(its), 0, "the arena is empty at each turn");
    cr_assert_not_null(arena_alloc(its, 1000));
    cr_ok(db_ping(own));
    cr_ok(db_begin(own)); // and left open: the loop rolls back
    atomic_fetch_add(&turns->n, 1);
    return turns->sleep_ms;
}

static bool has_turned(void *context)
{
    return atomic_load(&((struct turns *)context)->n) >= 3;
}

Test(loop, turns_until_it_is_stopped)
{
    struct turns turns = {.sleep_ms = 0};
    struct bell *bell = bell_new();
    struct service_loop *loop = service_loop_start(&service, "test", bell, turn, &turns);
    test_wait(has_turned, &turns, 10000, "three turns");
    service_loop_stop(loop);
    int after = turns.n;
    bell_ring(bell);
    cr_assert_eq(turns.n, after);
    bell_free(bell);
}

static bool has_turned_once(void *context)
{
    return atomic_load(&((struct turns *)context)->n) >= 1;
}

Test(loop, is_woken_by_its_bell)
{
    struct turns turns = {.sleep_ms = 3600000};
    struct bell *bell = bell_new();
    struct service_loop *loop = service_loop_start(&service, "test", bell, turn, &turns);
    test_wait(has_turned_once, &turns, 10000, "the first turn");
    for (int i = 0; i < 2; i++) {
        int seen = turns.n;
        bell_ring(bell);
        while (turns.n == seen) // bounded by the suite's timeout
            bell_ring(bell);
    }
    service_loop_stop(loop);
    bell_free(bell);
}

// The ring that is to end one loop may wake another one that waits at the same bell.
Test(loop, stops_beside_another_that_shares_its_bell)
{
    struct turns turns[4] = {0};
    struct service_loop *loops[4];
    struct bell *bell = bell_new();
    for (int i = 0; i < 4; i++) {
        turns[i].sleep_ms = 3600000;
        loops[i] = service_loop_start(&service, "test", bell, turn, &turns[i]);
        test_wait(has_turned_once, &turns[i], 10000, "the first turn");
    }
    for (int i = 0; i < 4; i++)
        service_loop_stop(loops[i]);
    bell_free(bell);
}

Test(loop, stops_when_there_is_none)
{
    service_loop_stop(NULL);
}
