#include <pthread.h>
#include <string.h>

#include "auth_sql.h"
#include "base/clock.h"
#include "store.h"
#include "store_buckets.h"
#include "support/support.h"

#define NOW 1700000000000000LL
#define SECOND US_PER_S
#define CLIENTS 8

static struct test_database database;
static struct db *db;
static struct arena *arena;

static const struct db_migrations *migrations(void)
{
    static struct db_migrations all;
    all = (struct db_migrations){"auth", auth_migrations, auth_migrations_n};
    return &all;
}

static void setup(void)
{
    database = test_database_new();
    db = test_db_open(&database, "auth", migrations());
    arena = arena_new(ARENA_CAP_BATCH);
}

static void teardown(void)
{
    arena_free(arena);
    db_free(db);
    test_database_drop(&database);
}

TestSuite(buckets, .init = setup, .fini = teardown, .timeout = 60);

// 60 a minute, ten at once.
static int64_t lease(const char *key, int64_t wanted, int64_t returned, int64_t now_us)
{
    struct bucket_lease one = {key, 60, 10, wanted, returned, -1, -1};
    cr_ok(buckets_lease(db, arena, &one, 1, now_us));
    return one.granted;
}

Test(buckets, give_what_they_hold_and_fill_with_time)
{
    cr_assert_eq(lease("cards:a", 25, 0, NOW), 10);
    cr_assert_eq(lease("cards:a", 1, 0, NOW), 0);
    cr_assert_eq(lease("cards:a", 1, 0, NOW + SECOND - 1), 0);
    cr_assert_eq(lease("cards:a", 5, 0, NOW + 2 * SECOND), 2);
    cr_assert_eq(lease("cards:a", 25, 0, NOW + 3600 * SECOND), 10);
    cr_assert_eq(lease("cards:b", 3, 0, NOW), 3); // another's
}

// A minute holds no whole number of microseconds for each of seven: a bucket of one token was never
// full again.
Test(buckets, fill_to_the_last_token_at_any_rate)
{
    static const int64_t rates[] = {7, 9, 11, 13, 5999, 7000001, 9999999};
    int64_t now_us = NOW;
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++)
        for (int64_t burst = 1; burst <= 3; burst++, now_us += 60 * SECOND)
            for (int again = 0; again < 3; again++, now_us += 60 * SECOND) {
                struct bucket_lease one = {"cards:odd", rates[i], burst, burst + 1, 0, 0, 0};
                cr_ok(buckets_lease(db, arena, &one, 1, now_us));
                cr_expect_eq(one.granted, burst, "%ld a minute", (long)rates[i]);
                cr_ok(buckets_lease(db, arena, &one, 1, now_us));
                cr_expect_eq(one.granted, 0);
            }
}

Test(buckets, take_back_up_to_what_they_hold)
{
    cr_assert_eq(lease("cards:a", 10, 0, NOW), 10);
    cr_assert_eq(lease("cards:a", 9, 4, NOW), 4);
    cr_assert_eq(lease("cards:a", 25, BUCKET_TOKENS_MAX, NOW), 10);
}

Test(buckets, are_empty_at_worst_when_the_clock_goes_back)
{
    cr_assert_eq(lease("cards:a", 10, 0, NOW), 10);
    int64_t before = NOW - 86400 * SECOND;
    cr_assert_eq(lease("cards:a", 1, 0, before), 0);
    cr_assert_eq(lease("cards:a", 5, 0, before + 3 * SECOND), 3);
    cr_assert_eq(lease("cards:a", 25, 0, NOW), 10);
}

Test(buckets, bear_the_largest_numbers)
{
    struct bucket_lease huge = {
        "cards:a", 10000000, BUCKET_TOKENS_MAX, BUCKET_TOKENS_MAX, BUCKET_TOKENS_MAX, 0, 0};
    cr_ok(buckets_lease(db, arena, &huge, 1, NOW));
    cr_ok(buckets_lease(db, arena, &huge, 1, NOW));
    struct bucket_lease slow = {
        "cards:b", 1, BUCKET_TOKENS_MAX, BUCKET_TOKENS_MAX, BUCKET_TOKENS_MAX, 0, 0};
    cr_ok(buckets_lease(db, arena, &slow, 1, NOW));
    cr_ok(buckets_lease(db, arena, &slow, 1, NOW));
    cr_assert_eq(slow.granted, BUCKET_TOKENS_MAX);
    struct bucket_lease faster = {"cards:b", 10000000, 5, 5, 0, 0, 0}; // its rate was changed
    cr_ok(buckets_lease(db, arena, &faster, 1, NOW));
    cr_assert_eq(faster.granted, 0);
    cr_ok(buckets_lease(db, arena, &faster, 1, NOW + SECOND));
    cr_assert_eq(faster.granted, 5);
}

struct client {
    pthread_t thread;
    int64_t granted;
};

static void *lease_often(void *argument)
{
    struct client *client = argument;
    struct db *own = test_db_open(&database, "auth", migrations());
    struct arena *memory = arena_new(ARENA_CAP_BATCH);
    for (int i = 0; i < 50; i++) {
        struct bucket_lease both[] = {{"cards:a", 60, 100, 1, 0, 0, 0},
                                      {"cards:b", 60, 100, 3, 0, 0, 0}};
        cr_ok(buckets_lease(own, memory, both, 2, NOW));
        client->granted += both[0].granted * 1000 + both[1].granted;
    }
    arena_free(memory);
    db_free(own);
    return NULL;
}

Test(buckets, grant_no_more_than_they_hold_to_many_at_once)
{
    struct client clients[CLIENTS] = {0};
    int64_t granted = 0;
    for (int i = 0; i < CLIENTS; i++)
        cr_assert_eq(pthread_create(&clients[i].thread, NULL, lease_often, &clients[i]), 0);
    for (int i = 0; i < CLIENTS; i++) {
        pthread_join(clients[i].thread, NULL);
        granted += clients[i].granted;
    }
    cr_assert_eq(granted, 100 * 1000 + 100);
}

Test(buckets, are_swept_when_they_are_full)
{
    size_t removed = 0;
    cr_assert_eq(lease("cards:a", 10, 0, NOW), 10);
    cr_assert_eq(lease("cards:b", 1, 0, NOW), 1);
    cr_ok(buckets_sweep(db, arena, NOW + 5 * SECOND, 100, &removed));
    cr_assert_eq(removed, 1);
    cr_assert_eq(lease("cards:a", 1, 0, NOW), 0);
    cr_ok(buckets_sweep(db, arena, NOW + 500 * SECOND, 100, &removed));
    cr_assert_eq(removed, 1);
}

Test(buckets, know_the_rates_of_tenants)
{
    static const int64_t given[] = {RATE_DEFAULT, 0, 600};
    const char *const ids[] = {"ten_0", "ten_1", "ten_2", "ten_unknown"};
    int64_t rates[4];
    struct tenant tenant;
    for (int i = 0; i < 3; i++) {
        bool made = false;
        cr_ok(tenant_insert(db, arena, &(struct tenant){ids[i], "N", NOW, given[i]}, &made));
        cr_ok(tenant_get(db, arena, ids[i], &tenant));
        cr_assert_eq(tenant.rate_per_min, given[i]);
    }
    cr_ok(tenants_rates(db, arena, ids, 4, rates));
    cr_assert(rates[0] == RATE_DEFAULT && rates[1] == 0 && rates[2] == 600 &&
              rates[3] == RATE_DEFAULT);
    cr_ok(tenant_set_rate(db, arena, "ten_2", RATE_DEFAULT, &tenant));
    cr_assert_eq(tenant.rate_per_min, RATE_DEFAULT);
    cr_assert_eq(tenant_set_rate(db, arena, "ten_unknown", 1, &tenant), STATUS_NOT_FOUND);
}
