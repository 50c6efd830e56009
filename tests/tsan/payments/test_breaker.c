// Breakers that open and close under several threads, under the thread sanitizer.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "processor/breaker.h"

#define THREADS 4
#define ROUNDS 20000

static void *hammer(void *context)
{
    struct breakers *breakers = context;
    struct arena *arena = arena_new(ARENA_CAP_BATCH);
    char id[32];
    for (int64_t i = 0; i < ROUNDS; i++) {
        int64_t now_ms = 1000000 + i * 10;
        size_t n;
        snprintf(id, sizeof id, "cred_%d", (int)(i % 16));
        if (breakers_room(breakers, id, now_ms) > 0) {
            breakers_leave(breakers, id, now_ms);
            breakers_note(breakers, "mtn", id, i / 2000 % 2 == 0, now_ms);
        }
        if (i % 100 == 0) {
            (void)breakers_list(breakers, arena, now_ms, &n);
            arena_reset(arena);
        }
    }
    arena_free(arena);
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    struct breakers *breakers = breakers_new();
    for (size_t i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, hammer, breakers) != 0)
            abort();
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    bool open = breakers_room(breakers, "cred_1", 1000000 + ROUNDS * 10) != SIZE_MAX;
    breakers_free(breakers);
    return open ? EXIT_SUCCESS : EXIT_FAILURE; // the last two thousand went wrong
}
