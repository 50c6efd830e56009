// The cache of setups under the thread sanitizer: some threads take, hold and give back what others
// forget meanwhile. Exit status 0: everybody always held something whole. (The tenant "" has
// nothing in the database, so none is needed.)
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "providers/provider.h"
#include "settings.h"
#include "setup/setup.h"

#define RUN_MS 2000
#define READERS 4
#define HELD 8

static struct setups *setups;
static atomic_size_t taken, wrong;
static atomic_bool over;

static const struct setup *take(size_t i)
{
    const struct setup *setup = NULL;
    const struct credential *credential = NULL;
    enum status status =
        i % 2 ? setups_get(setups, NULL, "", &setup)
              : setups_find(setups, NULL, "simulator", "default", &setup, &credential);
    if (status != STATUS_OK || !setup->simulator || strcmp(setup->simulator->id, "default") != 0)
        atomic_fetch_add(&wrong, 1);
    atomic_fetch_add(&taken, 1);
    return status == STATUS_OK ? setup : NULL;
}

static void *read_on(void *context)
{
    const struct setup *held[HELD] = {NULL};
    (void)context;
    for (size_t i = 0; !atomic_load(&over); i++) {
        setup_release(held[i % HELD]);
        held[i % HELD] = take(i);
    }
    for (size_t i = 0; i < HELD; i++)
        setup_release(held[i]);
    return NULL;
}

int main(void)
{
    const struct payments_settings settings = {
        .simulator_url = "http://127.0.0.1:1",
        .simulator_key = "key",
        .simulator_callback_secret = "secret",
        .simulator_credential = "default",
        .callback_base_url = "",
        .provider_timeout_ms = 1000,
        .provider_times_percent = 100,
    };
    struct keyring ring = {.n = 1};
    struct providers *providers = providers_new(&settings);
    pthread_t readers[READERS];
    setups = providers ? setups_new(&ring, providers, "") : NULL;
    for (size_t i = 0; i < READERS; i++)
        if (!setups || pthread_create(&readers[i], NULL, read_on, NULL) != 0)
            return 1;
    for (int64_t until_ns = clock_deadline_ns(RUN_MS); clock_left_ms(until_ns) > 0;)
        setups_forget(setups, "");
    atomic_store(&over, true);
    for (size_t i = 0; i < READERS; i++)
        pthread_join(readers[i], NULL);
    setups_free(setups);
    providers_free(providers);
    printf("%zu taken, %zu wrong\n", (size_t)taken, (size_t)wrong);
    return taken > 0 && wrong == 0 ? 0 : 1;
}
