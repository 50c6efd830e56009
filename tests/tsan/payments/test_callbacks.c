// Callbacks are counted and remembered by all workers while the counts are written, in vain: there
// is no database.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "callbacks/callback_counts.h"

#define THREADS 4
#define ROUNDS 20000
#define LEAST_MS 1500 // so that at least one write falls into it

static struct callback_counts *counts;

static void *work(void *argument)
{
    static const char *const tenants[] = {"", "tnt_a", "tnt_b"};
    struct replays *replays = callback_counts_replays(counts);
    size_t fresh = 0;
    int64_t until_ns = clock_deadline_ns(LEAST_MS);
    for (size_t i = 0; i < ROUNDS || clock_left_ms(until_ns) > 0; i++) {
        struct sha256 digest = crypto_sha256(BYTES_OF_ARRAY(((size_t[]){i % ROUNDS})));
        int64_t now_ms = clock_now_ns() / NS_PER_MS;
        (void)replays_seen(replays, &digest, now_ms);
        fresh += replays_note(replays, &digest, now_ms);
        callback_counts_add(counts, tenants[i % 3], "mtn",
                            (enum callback_outcome)(1 + i % (CALLBACK_OUTCOMES - 1)));
    }
    *(size_t *)argument = fresh;
    return NULL;
}

int main(void)
{
    struct db_config db = {.url = "postgresql://nobody@127.0.0.1:1/none", .application = "test"};
    pthread_t threads[THREADS];
    size_t fresh[THREADS], sum = 0;
    counts = callback_counts_start(&db, 600);
    if (!counts)
        return EXIT_FAILURE;
    for (size_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, work, &fresh[i]);
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        sum += fresh[i];
    }
    callback_counts_stop(counts);
    printf("%zu of %d were new\n", sum, ROUNDS);
    return sum == ROUNDS ? EXIT_SUCCESS : EXIT_FAILURE;
}
