#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/bell.h"
#include "base/clock.h"

static void *ring(void *argument)
{
    bell_ring(argument);
    return NULL;
}

Test(bell, wait_times_out_when_nobody_rings)
{
    CLEANUP(bell_free) struct bell *bell = bell_new();
    int64_t before = clock_now_ns();
    cr_assert_not(bell_wait(bell, 20));
    cr_assert_geq(clock_now_ns() - before, 20 * NS_PER_MS);
    cr_assert_not(bell_wait(bell, 0));
    cr_assert_not(bell_wait(bell, -5));
}

Test(bell, ring_before_wait_is_kept_once)
{
    CLEANUP(bell_free) struct bell *bell = bell_new();
    bell_ring(bell);
    bell_ring(bell);
    cr_assert(bell_wait(bell, 60000));
    cr_assert_not(bell_wait(bell, 1));
}

Test(bell, ring_wakes_a_sleeper, .timeout = 30)
{
    CLEANUP(bell_free) struct bell *bell = bell_new();
    pthread_t thread;
    pthread_create(&thread, NULL, ring, bell);
    cr_assert(bell_wait(bell, INT64_MAX));
    pthread_join(thread, NULL);
}

struct crowd {
    struct bell *bell;
    atomic_int rings;
};

static void *ring_often(void *argument)
{
    struct crowd *crowd = argument;
    for (int i = 0; i < 5000; i++) {
        atomic_fetch_add(&crowd->rings, 1);
        bell_ring(crowd->bell);
    }
    return NULL;
}

Test(bell, work_announced_by_many_is_never_missed, .timeout = 30)
{
    CLEANUP(bell_free) struct bell *bell = bell_new();
    struct crowd crowd = {.bell = bell};
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, ring_often, &crowd);
    int seen = 0;
    while (seen < 20000) {
        cr_assert(bell_wait(bell, 20000), "a ring was lost at %d", seen);
        seen = atomic_load(&crowd.rings);
    }
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
}

Test(bell, free_takes_null)
{
    bell_free(NULL);
}
