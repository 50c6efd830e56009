// The cache: tenants' setups by tenant, and tenants by credential for those who know no more.
#include "setup/setup.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "providers/provider.h"
#include "setup/recent.h"
#include "setup/setup_load.h"
#include "setup/store_setup.h"

#define TENANTS_MAX 10000
#define OWNERS_MAX 20000
#define BUCKETS_N 16411 // a prime, in the order of both

struct tenant {
    struct recent_item item;
    struct held *held; // NULL: to be read
    int64_t read_ns;   // when that reading began
    int64_t lost_ns;   // when it last could not be opened; 0: it could
    size_t users;      // who are in setups_get with it: it stays
    bool loading, forgotten;
    char id[];
};

// Whose credential it is. That never changes; that it is nobody's can.
struct owner {
    struct recent_item item;
    const char *tenant_id; // NULL: nobody's
    int64_t asked_ns;
    char text[];
};

struct setups {
    struct setup_source source;
    pthread_mutex_t mutex;
    pthread_cond_t loaded;
    struct recent tenants, owners;
};

struct setups *setups_new(const struct keyring *ring, const struct providers *providers,
                          const char *callback_base_url)
{
    struct setups *setups = calloc(1, sizeof *setups);
    if (!setups)
        return NULL;
    setups->source = (struct setup_source){ring, providers_simulator(providers), callback_base_url};
    pthread_mutex_init(&setups->mutex, NULL);
    pthread_cond_init(&setups->loaded, NULL);
    if (recent_init(&setups->tenants, BUCKETS_N) && recent_init(&setups->owners, BUCKETS_N))
        return setups;
    setups_free(setups);
    return NULL;
}

static struct tenant *tenant_of_item(struct recent_item *item)
{
    return (struct tenant *)item; // the item is its first member
}

static void tenant_free(struct setups *setups, struct tenant *tenant)
{
    recent_remove(&setups->tenants, &tenant->item);
    setup_release(tenant->held ? &tenant->held->setup : NULL);
    free(tenant);
}

static void owner_free(struct setups *setups, struct recent_item *item)
{
    recent_remove(&setups->owners, item);
    free(item);
}

void setups_free(struct setups *setups)
{
    if (!setups)
        return;
    while (setups->tenants.oldest)
        tenant_free(setups, tenant_of_item(setups->tenants.oldest));
    while (setups->owners.oldest)
        owner_free(setups, setups->owners.oldest);
    recent_deinit(&setups->tenants);
    recent_deinit(&setups->owners);
    pthread_cond_destroy(&setups->loaded);
    pthread_mutex_destroy(&setups->mutex);
    free(setups);
}

static void tenants_shrink(struct setups *setups)
{
    struct recent_item *item = setups->tenants.oldest;
    while (item && setups->tenants.n >= TENANTS_MAX) {
        struct recent_item *newer = item->newer;
        if (tenant_of_item(item)->users == 0)
            tenant_free(setups, tenant_of_item(item));
        item = newer;
    }
}

// NULL when out of memory.
static struct tenant *tenant_of(struct setups *setups, const char *tenant_id)
{
    struct recent_item *item = recent_find(&setups->tenants, tenant_id);
    if (item)
        return tenant_of_item(item);
    tenants_shrink(setups);
    size_t size = strlen(tenant_id) + 1;
    struct tenant *tenant = calloc(1, sizeof *tenant + size);
    if (!tenant)
        return NULL;
    memcpy(tenant->id, tenant_id, size);
    tenant->item.key = tenant->id;
    recent_add(&setups->tenants, &tenant->item);
    return tenant;
}

static const struct setup *held_take(struct held *held)
{
    atomic_fetch_add(&held->holders, 1);
    return &held->setup;
}

static bool is_fresh(int64_t read_ns)
{
    return clock_now_ns() - read_ns < SETUP_FRESH_MS * NS_PER_MS;
}

// Called with the lock, which it gives up while it reads.
static enum status tenant_load(struct setups *setups, struct db *db, struct tenant *tenant,
                               const struct setup **ret)
{
    struct held *held = NULL;
    int64_t began_ns = clock_now_ns();
    tenant->loading = true;
    tenant->forgotten = false;
    pthread_mutex_unlock(&setups->mutex);
    enum status status = setup_load(&setups->source, db, tenant->id, &held);
    pthread_mutex_lock(&setups->mutex);
    tenant->loading = false;
    tenant->lost_ns = status == STATUS_DATA_LOSS && !tenant->forgotten ? began_ns : 0;
    if (status == STATUS_OK) {
        *ret = &held->setup;
        // What was forgotten meanwhile may have been read before the change.
        if (!tenant->forgotten) {
            setup_release(tenant->held ? &tenant->held->setup : NULL);
            (void)held_take(held);
            tenant->held = held;
            tenant->read_ns = began_ns;
        }
    }
    pthread_cond_broadcast(&setups->loaded);
    return status;
}

static enum status tenant_get(struct setups *setups, struct db *db, struct tenant *tenant,
                              const struct setup **ret)
{
    // Nothing to go on with: whoever reads it reads for all.
    while (tenant->loading && !tenant->held)
        pthread_cond_wait(&setups->loaded, &setups->mutex);
    if (tenant->lost_ns && is_fresh(tenant->lost_ns)) // reading it again would fill the log only
        return STATUS_DATA_LOSS;
    if (!tenant->held || !(tenant->loading || is_fresh(tenant->read_ns)))
        return tenant_load(setups, db, tenant, ret);
    *ret = held_take(tenant->held);
    return STATUS_OK;
}

enum status setups_get(struct setups *setups, struct db *db, const char *tenant_id,
                       const struct setup **ret)
{
    enum status status = STATUS_RESOURCE_EXHAUSTED;
    pthread_mutex_lock(&setups->mutex);
    struct tenant *tenant = tenant_of(setups, tenant_id);
    if (tenant) {
        tenant->users++;
        status = tenant_get(setups, db, tenant, ret);
        tenant->users--;
    }
    pthread_mutex_unlock(&setups->mutex);
    return status;
}

void setups_forget(struct setups *setups, const char *tenant_id)
{
    pthread_mutex_lock(&setups->mutex);
    struct recent_item *item = recent_find(&setups->tenants, tenant_id);
    if (item) {
        struct tenant *tenant = tenant_of_item(item);
        setup_release(tenant->held ? &tenant->held->setup : NULL);
        tenant->held = NULL;
        tenant->lost_ns = 0;
        tenant->forgotten = true;
    }
    pthread_mutex_unlock(&setups->mutex);
}

// Whether it is known whose the credential is; *ret, in the arena, is NULL when it is nobody's.
static bool owner_known(struct setups *setups, struct arena *arena, const char *credential_id,
                        const char **ret)
{
    pthread_mutex_lock(&setups->mutex);
    const struct owner *owner = (struct owner *)recent_find(&setups->owners, credential_id);
    bool known = owner && (owner->tenant_id || is_fresh(owner->asked_ns));
    if (known)
        *ret = arena_strdup(arena, owner->tenant_id);
    pthread_mutex_unlock(&setups->mutex);
    return known;
}

// Out of memory, it is asked for again.
static void owner_keep(struct setups *setups, const char *credential_id, const char *tenant_id)
{
    size_t id_size = strlen(credential_id) + 1, tenant_size = tenant_id ? strlen(tenant_id) + 1 : 0;
    struct owner *owner = calloc(1, sizeof *owner + id_size + tenant_size);
    if (!owner)
        return;
    memcpy(owner->text, credential_id, id_size);
    owner->item.key = owner->text;
    owner->asked_ns = clock_now_ns();
    if (tenant_id)
        owner->tenant_id = memcpy(owner->text + id_size, tenant_id, tenant_size);
    pthread_mutex_lock(&setups->mutex);
    struct recent_item *before = recent_find(&setups->owners, credential_id);
    if (before)
        owner_free(setups, before);
    while (setups->owners.n >= OWNERS_MAX)
        owner_free(setups, setups->owners.oldest);
    recent_add(&setups->owners, &owner->item);
    pthread_mutex_unlock(&setups->mutex);
}

static enum status owner_find(struct setups *setups, struct db *db, struct arena *arena,
                              const char *credential_id, const char **ret)
{
    const char *tenant_id = NULL;
    if (!owner_known(setups, arena, credential_id, &tenant_id)) {
        enum status status = store_credential_owner(db, arena, credential_id, &tenant_id);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND)
            return status;
        owner_keep(setups, credential_id, tenant_id);
    }
    *ret = tenant_id;
    return tenant_id ? STATUS_OK : STATUS_NOT_FOUND;
}

static enum status find_in(struct setups *setups, struct db *db, const char *tenant_id,
                           const char *credential_id, const struct setup **ret)
{
    enum status status = setups_get(setups, db, tenant_id, ret);
    if (status != STATUS_OK || setup_credential(*ret, credential_id))
        return status;
    // What is kept may be older than the credential.
    setup_release(*ret);
    setups_forget(setups, tenant_id);
    return setups_get(setups, db, tenant_id, ret);
}

static bool is_simulator(const struct credential *simulator, const char *provider,
                         const char *credential_id)
{
    return simulator && strcmp(simulator->provider, provider) == 0 &&
           strcmp(simulator->id, credential_id) == 0;
}

enum status setups_find(struct setups *setups, struct db *db, const char *provider,
                        const char *credential_id, const struct setup **ret,
                        const struct credential **ret_credential)
{
    CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    const char *tenant_id = "";
    enum status status = STATUS_OK;
    if (!arena)
        return STATUS_RESOURCE_EXHAUSTED;
    if (!is_simulator(setups->source.simulator, provider, credential_id)) {
        if (!id_looks_like("cred", credential_id))
            return STATUS_NOT_FOUND;
        status = owner_find(setups, db, arena, credential_id, &tenant_id);
    }
    const struct setup *setup = NULL;
    if (status == STATUS_OK)
        status = find_in(setups, db, tenant_id, credential_id, &setup);
    if (status != STATUS_OK)
        return status;
    const struct credential *credential = setup_credential(setup, credential_id);
    if (!credential || strcmp(credential->provider, provider) != 0) {
        setup_release(setup);
        return STATUS_NOT_FOUND;
    }
    *ret = setup;
    *ret_credential = credential;
    return STATUS_OK;
}

const struct credential *setup_credential(const struct setup *setup, const char *id)
{
    if (!id) // as the rows of operations name the simulator's
        return setup->simulator;
    for (size_t i = 0; i < setup->credentials_n; i++)
        if (strcmp(setup->credentials[i].id, id) == 0)
            return &setup->credentials[i];
    return setup->simulator && strcmp(setup->simulator->id, id) == 0 ? setup->simulator : NULL;
}

const struct limit *setup_limit(const struct setup *setup, const char *currency)
{
    for (size_t i = 0; i < setup->limits_n; i++)
        if (strcmp(setup->limits[i].currency, currency) == 0)
            return &setup->limits[i];
    return NULL;
}
