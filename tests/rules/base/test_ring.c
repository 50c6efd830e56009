#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/ring.h"

Test(ring, gives_back_in_order_and_says_when_it_is_full)
{
    struct ring *ring = ring_new(4, sizeof(int));
    int got;
    cr_assert_not(ring_take(ring, &got));
    for (int round = 0, next = 0; round < 5; round++) {
        for (int i = 0; i < 4; i++)
            cr_assert(ring_put(ring, &(int){next + i}));
        cr_assert_not(ring_put(ring, &(int){-1}), "a fifth");
        for (int i = 0; i < 4; i++, next++) {
            cr_assert(ring_take(ring, &got));
            cr_assert_eq(got, next);
        }
        cr_assert_not(ring_take(ring, &got));
    }
    ring_free(ring);
}

#define THREADS 4
#define EACH 20000

struct item {
    int thread, number, check;
};
struct crowd {
    struct ring *ring;
    int thread;
    atomic_int *refused;
};

static void *put_all(void *argument)
{
    struct crowd *crowd = argument;
    for (int i = 0; i < EACH; i++) {
        struct item item = {crowd->thread, i, crowd->thread * EACH + i};
        if (!ring_put(crowd->ring, &item))
            atomic_fetch_add(crowd->refused, 1);
    }
    return NULL;
}

Test(ring, loses_and_tears_nothing_that_it_took_from_many)
{
    struct ring *ring = ring_new(64, sizeof(struct item));
    pthread_t threads[THREADS];
    struct crowd crowds[THREADS];
    atomic_int refused = 0;
    int taken = 0, last[THREADS] = {-1, -1, -1, -1};
    for (int i = 0; i < THREADS; i++) {
        crowds[i] = (struct crowd){ring, i, &refused};
        cr_assert_eq(pthread_create(&threads[i], NULL, put_all, &crowds[i]), 0);
    }
    while (taken + atomic_load(&refused) < THREADS * EACH) {
        struct item item;
        if (!ring_take(ring, &item))
            continue;
        cr_assert_eq(item.check, item.thread * EACH + item.number, "torn");
        cr_assert_gt(item.number, last[item.thread], "out of order");
        last[item.thread] = item.number;
        taken++;
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    cr_assert_gt(taken, 0);
    ring_free(ring);
}
