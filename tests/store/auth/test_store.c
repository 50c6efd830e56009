#include <string.h>

#include "auth_sql.h"
#include "base/clock.h"
#include "store.h"
#include "support/support.h"

static const struct db_migrations *migrations(void)
{
    static struct db_migrations all;
    all = (struct db_migrations){"auth", auth_migrations, auth_migrations_n};
    return &all;
}

static struct test_database database;
static struct db *db;
static struct arena *arena;

static void setup(void)
{
    database = test_database_new();
    db = test_db_open(&database, "auth", migrations());
    arena = arena_new(ARENA_CAP_REQUEST);
}

static void teardown(void)
{
    arena_free(arena);
    db_free(db);
    test_database_drop(&database);
}

TestSuite(store, .init = setup, .fini = teardown, .timeout = 60);

static void add_tenant(const char *id)
{
    bool made = false;
    cr_ok(tenant_insert(db, arena, &(struct tenant){id, "Name", 1700000000123456, RATE_DEFAULT},
                        &made));
    cr_assert(made);
}

static struct api_key key_named(const char *id, const char *tenant_id)
{
    struct api_key key = {.id = id, .tenant_id = tenant_id, .name = "k", .created_us = 1000000};
    memset(key.digest.at, id[4], SHA256_BYTES);
    return key;
}

static void add_key(const char *id, const char *tenant_id)
{
    struct api_key key = key_named(id, tenant_id);
    cr_ok(key_insert(db, arena, &key));
}

Test(store, tenant_comes_back_as_it_was_put)
{
    add_tenant("ten_a");
    struct tenant tenant;
    cr_ok(tenant_get(db, arena, "ten_a", &tenant));
    cr_assert_str_eq(tenant.name, "Name");
    cr_assert_eq(tenant.created_us, 1700000000123456);
    cr_assert_eq(tenant_get(db, arena, "ten_b", &tenant), STATUS_NOT_FOUND);
}

Test(store, tenant_is_not_made_twice)
{
    bool made = true;
    add_tenant("ten_a");
    cr_ok(tenant_insert(db, arena, &(struct tenant){"ten_a", "Other", 1, RATE_DEFAULT}, &made));
    cr_assert_not(made);
    struct tenant tenant;
    cr_ok(tenant_get(db, arena, "ten_a", &tenant));
    cr_assert_str_eq(tenant.name, "Name");
}

Test(store, tenants_are_paged_both_ways)
{
    static const char *const ids[] = {"ten_a", "ten_b", "ten_c", "ten_d", "ten_e"};
    for (size_t i = 0; i < 5; i++)
        add_tenant(ids[i]);
    struct tenant *items;
    size_t n;
    bool more;
    cr_ok(tenant_list(db, arena, &(struct page){.limit = 2, .from = "~"}, &items, &n, &more));
    cr_assert(n == 2 && more);
    cr_assert_str_eq(items[0].id, "ten_e");
    cr_assert_str_eq(items[1].id, "ten_d");
    cr_ok(tenant_list(db, arena, &(struct page){.limit = 3, .from = "ten_d"}, &items, &n, &more));
    cr_assert(n == 3 && !more);
    cr_assert_str_eq(items[0].id, "ten_c");
    cr_ok(tenant_list(db, arena, &(struct page){.limit = 2, .from = "ten_b", .newer = true}, &items,
                      &n, &more));
    cr_assert(n == 2 && more);
    cr_assert_str_eq(items[0].id, "ten_d");
    cr_assert_str_eq(items[1].id, "ten_c");
}

Test(store, key_needs_a_tenant_and_a_free_id)
{
    struct api_key key = key_named("key_a", "ten_a");
    cr_assert_eq(key_insert(db, arena, &key), STATUS_NOT_FOUND);
    add_tenant("ten_a");
    cr_ok(key_insert(db, arena, &key));
    cr_assert_eq(key_insert(db, arena, &key), STATUS_ALREADY_EXISTS);
}

Test(store, keys_are_listed_of_their_tenant_only)
{
    add_tenant("ten_a");
    add_tenant("ten_b");
    add_key("key_a", "ten_a");
    add_key("key_b", "ten_b");
    add_key("key_c", "ten_a");
    struct api_key *items;
    size_t n;
    bool more;
    cr_ok(
        key_list(db, arena, "ten_a", &(struct page){.limit = 10, .from = "~"}, &items, &n, &more));
    cr_assert(n == 2 && !more);
    cr_assert_str_eq(items[0].id, "key_c");
    cr_assert_str_eq(items[1].id, "key_a");
    cr_assert_eq(items[1].revoked_us, DB_TIME_NULL);
    cr_ok(key_list(db, arena, "ten_a", &(struct page){.limit = 1, .from = "key_a", .newer = true},
                   &items, &n, &more));
    cr_assert(n == 1 && !more);
    cr_assert_str_eq(items[0].id, "key_c");
}

Test(store, key_is_revoked_once_and_keeps_its_time)
{
    add_tenant("ten_a");
    add_key("key_a", "ten_a");
    struct api_key key;
    bool changed;
    cr_ok(key_revoke(db, arena, "key_a", 5000000, &key, &changed));
    cr_assert(changed);
    cr_assert_eq(key.revoked_us, 5000000);
    cr_ok(key_revoke(db, arena, "key_a", 9000000, &key, &changed));
    cr_assert_not(changed);
    cr_assert_eq(key.revoked_us, 5000000);
    cr_assert_eq(key_revoke(db, arena, "key_b", 1, &key, &changed), STATUS_NOT_FOUND);
}

Test(store, keys_are_found_in_the_order_of_asking)
{
    add_tenant("ten_a");
    add_key("key_a", "ten_a");
    add_key("key_b", "ten_a");
    add_key("key_r", "ten_a");
    struct api_key revoked;
    bool changed;
    cr_ok(key_revoke(db, arena, "key_r", 1, &revoked, &changed));
    struct key_check checks[] = {
        {.id = "key_b"}, {.id = "none"}, {.id = "key_r"}, {.id = "key_a"}, {.id = "key_b"}};
    cr_ok(key_find(db, arena, checks, 5));
    cr_assert_eq(checks[0].digest.length, SHA256_BYTES);
    cr_assert_eq(checks[0].digest.at[0], 'b');
    cr_assert_str_eq(checks[0].tenant_id, "ten_a");
    cr_assert_null(checks[1].digest.at);
    cr_assert_null(checks[2].digest.at, "a revoked key is found as none");
    cr_assert_eq(checks[3].digest.at[0], 'a');
    cr_assert_eq(checks[4].digest.at[0], 'b');
}

Test(store, digest_of_the_wrong_length_is_refused_by_the_database)
{
    add_tenant("ten_a");
    struct db_params *params = db_params(arena);
    db_text(params, "key_a");
    db_text(params, "ten_a");
    db_text(params, "k");
    db_bytea(params, bytes_of_string("short"));
    db_time(params, 1);
    cr_assert_eq(db_run(db, arena, &sql_key_insert, params, NULL), STATUS_INVALID_ARGUMENT);
}

Test(store, migrations_go_down_and_up_again)
{
    add_tenant("ten_a");
    cr_ok(db_migrate_down(db, migrations(), (int)auth_migrations_n));
    struct tenant tenant;
    cr_ok(db_migrate_up(db, migrations()));
    db_free(db);
    db = test_db_open(&database, "auth", NULL);
    cr_assert_eq(tenant_get(db, arena, "ten_a", &tenant), STATUS_NOT_FOUND);
}
