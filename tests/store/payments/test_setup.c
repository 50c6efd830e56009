// What a tenant has arranged: read, opened, kept for a while, and never half of it.
#include "fixture.h"

#include <stdatomic.h>

#include "housekeeping.h"
#include "setup/setup.h"
#include "setup/store_setup.h"

#define BASE_URL "https://pay.example"
#define OLD_KEYS "1:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define NEW_KEYS "2:202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"

static struct fixture f;
static struct setups *setups;

static void begin(void)
{
    fixture_begin(&f);
    setups = setups_new(&f.ring, f.state.providers, BASE_URL);
}

static void end(void)
{
    setups_free(setups);
    fixture_end(&f);
}

TestSuite(setup, .init = begin, .fini = end);

struct made {
    const char *tenant_id, *id, *secret, *label;
    bool live, disabled;
};

static void put(struct db *db, struct arena *arena, const struct made *made)
{
    const char *json = json_object(
        arena,
        (struct json_member[]){JSON_S("api_key", made->secret), JSON_S("api_user", "u"), {0}});
    static const char *const names[] = {"api_key", "api_user"};
    struct sealed_credential row = {
        .credential = {.id = made->id,
                       .tenant_id = made->tenant_id,
                       .provider = "mtn",
                       .live = made->live,
                       .enabled = !made->disabled,
                       .label = made->label ? made->label : "",
                       .created_us = clock_unix_us(),
                       .updated_us = clock_unix_us()},
        .sealed = keyring_seal(&f.ring, arena, bytes_of_string(json),
                               credential_context(arena, made->tenant_id, made->id)),
        .names = names,
        .names_n = 2,
    };
    cr_ok(store_credential_put(db, arena, &row));
}

static void put_one(const char *tenant_id, const char *id, const char *secret)
{
    put(f.db, f.arena, &(struct made){.tenant_id = tenant_id, .id = id, .secret = secret});
}

static const struct setup *get(const char *tenant_id)
{
    const struct setup *setup = NULL;
    cr_ok(setups_get(setups, f.db, tenant_id, &setup));
    return setup;
}

Test(setup, opens_what_a_tenant_has_arranged)
{
    struct route routes[] = {
        {"route_b", 1, "mobile_money", "ZMW", "mtn", 100, 5000, "cred_1"},
        {"route_a", 2, "mobile_money", "", "", 0, 0, "cred_2"},
    };
    put_one(TENANT, "cred_2", "second");
    put_one(TENANT, "cred_1", "first");
    put_one("tnt_b", "cred_3", "third");
    cr_ok(store_routes_replace(f.db, f.arena, TENANT, routes, 2));
    cr_ok(store_limit_put(f.db, f.arena, TENANT, &(struct limit){"ZMW", 1, 2, 3, 4}));
    cr_ok(store_limit_put(f.db, f.arena, TENANT, &(struct limit){"UGX", 5, 0, 0, 0}));
    const struct setup *setup = get(TENANT);
    cr_assert_eq(setup->credentials_n, 2);
    const struct credential *credential = &setup->credentials[0];
    cr_assert_str_eq(credential->id, "cred_1");
    cr_assert_str_eq(credential->tenant_id, TENANT);
    cr_assert_str_eq(credential_get(credential, "api_key"), "first");
    cr_assert_str_eq(credential->callback_url, BASE_URL "/api/v1/webhooks/mtn/cred_1");
    cr_assert_eq(setup_credential(setup, "cred_2"), &setup->credentials[1]);
    cr_assert_null(setup_credential(setup, "cred_3"));
    cr_assert_eq(setup->routes_n, 2);
    cr_assert_str_eq(setup->routes[0].id, "route_b");
    cr_assert_eq(setup->routes[0].amount_min, 100);
    cr_assert_eq(setup->routes[0].amount_max, 5000);
    cr_assert_str_eq(setup->routes[0].network, "mtn");
    cr_assert_str_eq(setup->routes[1].credential_id, "cred_2");
    cr_assert_eq(setup->limits_n, 2);
    const struct limit *limit = setup_limit(setup, "ZMW");
    cr_assert(limit->minimum == 1 && limit->maximum == 2 && limit->daily == 3 &&
              limit->review_above == 4);
    cr_assert_null(setup_limit(setup, "EUR"));
    setup_release(setup);
}

Test(setup, keeps_no_secret_in_a_plain_column)
{
    put_one(TENANT, "cred_1", "quite-secret");
    cr_assert_str_eq(test_sql(f.db, f.arena,
                              "SELECT count(*) FROM provider_credentials c WHERE "
                              "c::text LIKE '%quite-secret%' OR "
                              "encode(fields, 'escape') LIKE '%quite-secret%'"),
                     "0");
}

// Two takings are one reading, unless time ran out between them.
static bool is_remembered(void *tenant_id)
{
    const struct setup *first = get(tenant_id), *second = get(tenant_id);
    setup_release(first);
    setup_release(second);
    return first == second;
}

Test(setup, knows_tenants_that_have_nothing)
{
    const struct setup *setup = get("tnt_nobody");
    cr_assert_str_eq(setup->tenant_id, "tnt_nobody");
    cr_assert_eq(setup->credentials_n + setup->routes_n + setup->limits_n, 0);
    cr_assert_eq(setup->simulator, providers_simulator(f.state.providers));
    setup_release(setup);
    test_wait(is_remembered, "tnt_nobody", 10 * SETUP_FRESH_MS, "what isn't there, remembered");
}

Test(setup, is_kept_until_it_is_forgotten_and_held_beyond)
{
    put_one(TENANT, "cred_1", "before");
    const struct setup *first = get(TENANT);
    put_one(TENANT, "cred_1", "after");
    setups_forget(setups, TENANT);
    const struct setup *second = get(TENANT);
    cr_assert_str_eq(credential_get(setup_credential(second, "cred_1"), "api_key"), "after");
    setups_free(setups);
    setups = NULL;
    cr_assert_str_eq(credential_get(setup_credential(first, "cred_1"), "api_key"), "before");
    setup_release(first);
    setup_release(second);
}

static bool sees_change(void *secret)
{
    const struct setup *setup = get(TENANT);
    bool same = strcmp(credential_get(&setup->credentials[0], "api_key"), secret) == 0;
    setup_release(setup);
    return same;
}

Test(setup, sees_what_others_have_changed_before_long)
{
    put_one(TENANT, "cred_1", "before");
    setup_release(get(TENANT));
    put_one(TENANT, "cred_1", "after");
    test_wait(sees_change, "after", 3 * SETUP_FRESH_MS, "the change");
}

Test(setup, has_no_simulator_when_live)
{
    struct made made = {.tenant_id = TENANT, .id = "cred_1", .secret = "s", .live = true};
    put(f.db, f.arena, &made);
    const struct setup *setup = get(TENANT);
    cr_assert(setup->live);
    cr_assert_null(setup->simulator);
    setup_release(setup);
    made.disabled = true;
    put(f.db, f.arena, &made);
    setups_forget(setups, TENANT);
    setup = get(TENANT);
    cr_assert(setup->live, "switched off is not play money");
    cr_assert_not_null(setup_credential(setup, "cred_1"), "what was begun goes on");
    setup_release(setup);
    put_one(TENANT, "cred_2", "s");
    setups_forget(setups, TENANT);
    setup = get(TENANT);
    cr_assert_not(setup->live);
    cr_assert_not_null(setup->simulator);
    setup_release(setup);
}

Test(setup, is_not_given_without_a_credential_that_can_t_be_opened)
{
    const struct setup *setup = NULL;
    put_one(TENANT, "cred_1", "s");
    put_one(TENANT, "cred_2", "s");
    test_sql(f.db, f.arena,
             "WITH moved AS (UPDATE provider_credentials SET fields = (SELECT fields FROM "
             "provider_credentials WHERE id = 'cred_2') WHERE id = 'cred_1' RETURNING 1) "
             "SELECT count(*) FROM moved");
    cr_assert_eq(setups_get(setups, f.db, TENANT, &setup), STATUS_DATA_LOSS,
                 "another's secret in its place");
    cr_assert_eq(setups_get(setups, f.db, TENANT, &setup), STATUS_DATA_LOSS);
    cr_assert_null(setup);
    put_one(TENANT, "cred_1", "s");
    setups_forget(setups, TENANT);
    setup_release(get(TENANT));
}

static enum status find(const char *provider, const char *id, const char **ret_tenant)
{
    const struct setup *setup = NULL;
    const struct credential *credential = NULL;
    enum status status = setups_find(setups, f.db, provider, id, &setup, &credential);
    if (status == STATUS_OK) {
        cr_assert_str_eq(credential->id, id);
        *ret_tenant = arena_strdup(f.arena, setup->tenant_id);
        setup_release(setup);
    }
    return status;
}

Test(setup, is_found_by_a_credential_of_it)
{
    const char *tenant = NULL;
    setup_release(get("tnt_b"));
    put_one(TENANT, "cred_1", "s");
    put_one("tnt_b", "cred_2", "s"); // after tnt_b was read
    cr_ok(find("mtn", "cred_1", &tenant));
    cr_assert_str_eq(tenant, TENANT);
    cr_ok(find("mtn", "cred_2", &tenant));
    cr_assert_str_eq(tenant, "tnt_b");
    cr_assert_eq(find("airtel", "cred_1", &tenant), STATUS_NOT_FOUND);
    cr_assert_eq(find("mtn", "cred_3", &tenant), STATUS_NOT_FOUND);
    cr_assert_eq(find("mtn", "cred_3", &tenant), STATUS_NOT_FOUND);
    cr_assert_eq(find("mtn", "' OR 1=1", &tenant), STATUS_NOT_FOUND);
    cr_assert_eq(find("mtn", "default", &tenant), STATUS_NOT_FOUND);
    cr_ok(find("simulator", "default", &tenant));
    cr_assert_str_eq(tenant, "");
}

static bool found_by_now(void *id)
{
    const char *tenant = NULL;
    return find("mtn", id, &tenant) == STATUS_OK;
}

Test(setup, is_found_when_its_credential_was_made_after_it_was_asked_for)
{
    const char *tenant = NULL;
    cr_assert_eq(find("mtn", "cred_9", &tenant), STATUS_NOT_FOUND);
    put_one(TENANT, "cred_9", "s");
    test_wait(found_by_now, "cred_9", 3 * SETUP_FRESH_MS, "the credential");
}

// With the fixture's ring as it is by now.
static bool reseal_more(void)
{
    bool more = false;
    struct db *db =
        db_new(&(struct db_config){.ring = &f.ring, .url = f.database.url, .schema = "payments"});
    for (size_t i = 0; i < payments_sealed_n; i++)
        cr_ok(journal_reseal(db, f.arena, &payments_sealed[i], 0, &more));
    db_free(db);
    return more;
}

Test(setup, is_sealed_anew_after_a_rotation_of_keys)
{
    enum { CREDENTIALS = 630 };
    struct keyring newest;
    cr_assert_not(reseal_more());
    for (int i = 0; i < CREDENTIALS; i++)
        put_one(TENANT, arena_printf(f.arena, "cred_%03d", i), "s");
    cr_assert(keyring_parse(NEW_KEYS "," OLD_KEYS, &f.ring));
    cr_assert(reseal_more());
    cr_assert_not(reseal_more());
    cr_assert_str_eq(test_sql(f.db, f.arena,
                              "SELECT count(*) FROM provider_credentials "
                              "WHERE get_byte(fields, 1) = 2"),
                     "630");
    cr_assert(keyring_parse(NEW_KEYS, &newest));
    struct setups *others = setups_new(&newest, f.state.providers, "");
    const struct setup *setup = NULL;
    cr_ok(setups_get(others, f.db, TENANT, &setup));
    cr_assert_eq(setup->credentials_n, CREDENTIALS);
    cr_assert_str_eq(credential_get(&setup->credentials[7], "api_key"), "s");
    cr_assert_null(setup->credentials[7].callback_url);
    setup_release(setup);
    setups_free(others);
}

Test(setup, is_sealed_anew_around_one_that_can_t_be_opened)
{
    put_one(TENANT, "cred_1", "s");
    put_one(TENANT, "cred_2", "s");
    test_sql(f.db, f.arena,
             "WITH bent AS (UPDATE provider_credentials SET fields = "
             "set_byte(fields, 20, get_byte(fields, 20) # 1) WHERE id = 'cred_1' RETURNING 1) "
             "SELECT count(*) FROM bent");
    cr_assert(keyring_parse(NEW_KEYS "," OLD_KEYS, &f.ring));
    cr_assert_not(reseal_more());
    cr_assert_str_eq(test_sql(f.db, f.arena,
                              "SELECT string_agg(get_byte(fields, 1)::text, ' ' ORDER BY id) "
                              "FROM provider_credentials"),
                     "1 2");
}

// A replica that began anew looks through all once more, but only while there are two keys.
Test(setup, is_looked_through_again_by_a_replica_that_starts)
{
    bool more = false;
    put_one(TENANT, "cred_1", "s");
    cr_assert(keyring_parse(NEW_KEYS "," OLD_KEYS, &f.ring));
    cr_assert_not(reseal_more());
    cr_assert(keyring_parse(OLD_KEYS, &f.ring)); // one that has the older keys only
    put_one(TENANT, "cred_2", "s");
    struct keyring both, newest;
    cr_assert(keyring_parse(NEW_KEYS "," OLD_KEYS, &both));
    cr_assert(keyring_parse(NEW_KEYS, &newest));
    const char *by_key = "SELECT string_agg(get_byte(fields, 1)::text, ' ' ORDER BY id) "
                         "FROM provider_credentials";
    const struct {
        const struct keyring *ring;
        int64_t started_us;
        const char *after;
    } replicas[] = {
        {&both, 0, "2 1"}, {&newest, INT64_MAX / 2, "2 1"}, {&both, INT64_MAX / 2, "2 2"}};
    for (size_t i = 0; i < sizeof replicas / sizeof *replicas; i++) {
        struct db *db = db_new(&(struct db_config){
            .ring = replicas[i].ring, .url = f.database.url, .schema = "payments"});
        for (size_t j = 0; j < payments_sealed_n; j++)
            cr_ok(journal_reseal(db, f.arena, &payments_sealed[j], replicas[i].started_us, &more));
        db_free(db);
        cr_assert_str_eq(test_sql(f.db, f.arena, by_key), replicas[i].after, "%zu", i);
    }
}

// --- Many threads, while it changes.
#define READERS 4
#define CHANGES 60

static atomic_bool changing;
static atomic_int newest_told; // readers that begin after this may see nothing older

static void *read_on(void *context)
{
    (void)context;
    struct db *db = test_db_open(&f.database, "payments", NULL);
    int64_t reads = 0;
    while (atomic_load(&changing) || reads < 100) {
        const struct setup *setup = NULL;
        int least = atomic_load(&newest_told);
        cr_ok(setups_get(setups, db, TENANT, &setup));
        const struct credential *credential = &setup->credentials[0];
        int seen = atoi(credential->label);
        cr_assert_str_eq(credential_get(credential, "api_key"), credential->label,
                         "a label and a secret of two moments");
        cr_assert_geq(seen, least, "older than what was forgotten");
        setup_release(setup);
        reads++;
    }
    db_free(db);
    return NULL;
}

Test(setup, is_whole_and_new_for_many_threads_while_it_changes)
{
    pthread_t readers[READERS];
    struct made made = {TENANT, "cred_1", "0", "0", false, false};
    put(f.db, f.arena, &made);
    atomic_store(&changing, true);
    for (size_t i = 0; i < READERS; i++)
        pthread_create(&readers[i], NULL, read_on, NULL);
    for (int change = 1; change <= CHANGES; change++) {
        made.secret = made.label = arena_printf(f.arena, "%d", change);
        put(f.db, f.arena, &made);
        setups_forget(setups, TENANT);
        atomic_store(&newest_told, change);
        cr_assert(sees_change((char *)(uintptr_t)made.secret));
    }
    atomic_store(&changing, false);
    for (size_t i = 0; i < READERS; i++)
        pthread_join(readers[i], NULL);
}
