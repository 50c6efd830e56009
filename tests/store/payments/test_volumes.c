#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "payments_sql.h"
#include "setup/store_volumes.h"
#include "support/support.h"

#define DAY_US (86400 * US_PER_S)

struct stage {
    struct test_database database;
    struct db *db;
    struct arena *arena;
    int64_t now_us;
};

static void begin(struct stage *stage)
{
    struct db_migrations migrations = {"payments", payments_migrations, payments_migrations_n};
    stage->database = test_database_new();
    stage->db = test_db_open(&stage->database, "payments", &migrations);
    stage->arena = arena_new(ARENA_CAP_BATCH);
    cr_assert(clock_parse_rfc3339("2026-11-21T23:59:59.999Z", &stage->now_us));
}

static void end(struct stage *stage)
{
    db_free(stage->db);
    arena_free(stage->arena);
    test_database_drop(&stage->database);
}

static bool take(struct stage *stage, int64_t amount, int64_t limit, size_t slice)
{
    struct volume_ask item = {"tnt_a", "ZMW", amount, limit, false};
    cr_ok(db_begin(stage->db));
    cr_ok(store_volumes_take(stage->db, stage->arena, &item, 1, slice, stage->now_us));
    cr_ok(db_commit(stage->db));
    return item.granted;
}

static int64_t number(struct stage *stage, const char *sql)
{
    return strtoll(test_sql(stage->db, stage->arena, sql), NULL, 10);
}

static int64_t used(struct stage *stage)
{
    return number(stage, "SELECT coalesce(sum(used), 0) FROM daily_volumes");
}

static int64_t budget(struct stage *stage)
{
    return number(stage, "SELECT coalesce(sum(budget), 0) FROM daily_volumes");
}

Test(volumes, are_granted_up_to_the_limit_and_not_beyond)
{
    struct stage stage;
    begin(&stage);
    cr_assert(take(&stage, 1, 1003, 5));
    cr_assert_eq(number(&stage, "SELECT count(*) FROM daily_volumes"), VOLUME_SLICES);
    cr_assert_eq(budget(&stage), 1003);
    cr_assert_eq(number(&stage, "SELECT used FROM daily_volumes WHERE slice = 5"), 1);
    for (int i = 0; i < 10; i++)
        cr_assert(take(&stage, 100, 1003, 5));
    cr_assert_not(take(&stage, 3, 1003, 5));
    cr_assert_not(take(&stage, INT64_MAX, 1003, 6));
    cr_assert(take(&stage, 2, 1003, 6));
    cr_assert_not(take(&stage, 1, 1003, 7));
    cr_assert_eq(used(&stage), 1003);
    cr_assert_eq(budget(&stage), 1003);
    end(&stage);
}

Test(volumes, grant_a_payment_that_is_larger_than_the_share_of_a_slice)
{
    struct stage stage;
    begin(&stage);
    cr_assert(take(&stage, 1000, 1000, 3));
    cr_assert_not(take(&stage, 1, 1000, 4));
    cr_assert_eq(used(&stage), 1000);
    end(&stage);
}

Test(volumes, touch_one_row_only_while_they_are_far_from_the_limit)
{
    struct stage stage;
    begin(&stage);
    cr_assert(take(&stage, 1, 1000000, 3));
    struct db *other = db_new(&(struct db_config){.ring = test_ring(),
                                                  .url = stage.database.url,
                                                  .schema = "payments",
                                                  .lock_timeout_ms = 2000});
    // Another transaction holds its slice: this one does not wait for it.
    struct volume_ask item = {"tnt_a", "ZMW", 1, 1000000, false};
    cr_ok(db_begin(other));
    cr_ok(store_volumes_take(other, stage.arena, &item, 1, 9, stage.now_us));
    cr_assert(item.granted);
    cr_assert(take(&stage, 1, 1000000, 3));
    // Its own, it would have to wait for.
    cr_ok(db_begin(stage.db));
    test_sql(stage.db, stage.arena, "SELECT set_config('lock_timeout', '50ms', true)");
    cr_assert_eq(store_volumes_take(stage.db, stage.arena, &item, 1, 9, stage.now_us),
                 STATUS_ABORTED);
    db_rollback(stage.db);
    db_rollback(other);
    cr_assert_eq(used(&stage), 2); // what was rolled back was not used
    db_free(other);
    end(&stage);
}

Test(volumes, follow_a_raised_limit)
{
    struct stage stage;
    begin(&stage);
    cr_assert(take(&stage, 160, 160, 0));
    cr_assert_not(take(&stage, 1, 160, 0));
    cr_assert(take(&stage, 1, 320, 0));
    cr_assert_eq(budget(&stage), 320);
    cr_assert(take(&stage, 159, 320, 15));
    cr_assert_not(take(&stage, 1, 320, 0));
    cr_assert_eq(used(&stage), 320);
    end(&stage);
}

Test(volumes, follow_a_lowered_limit)
{
    struct stage stage;
    begin(&stage);
    cr_assert(take(&stage, 100, 1600, 0));
    cr_assert(take(&stage, 10, 150, 7)); // slice 7 has a budget of 100 from before
    cr_assert_eq(budget(&stage), 150);
    cr_assert_not(take(&stage, 41, 150, 7));
    cr_assert_not(take(&stage, 1, 50, 7)); // more was used than there may be now
    cr_assert_eq(budget(&stage), 110);
    cr_assert_not(take(&stage, 1, 110, 2));
    cr_assert(take(&stage, 1, 111, 2));
    cr_assert_eq(used(&stage), 111);
    end(&stage);
}

Test(volumes, begin_anew_at_midnight_utc)
{
    struct stage stage;
    begin(&stage);
    test_sql(stage.db, stage.arena, "SELECT set_config('TimeZone', 'Asia/Tokyo', false)");
    cr_assert(take(&stage, 100, 100, 0));
    cr_assert_not(take(&stage, 1, 100, 0));
    stage.now_us += 1000; // 00:00:00.000
    cr_assert(take(&stage, 100, 100, 0));
    cr_assert_not(take(&stage, 1, 100, 0));
    cr_assert_str_eq(test_sql(stage.db, stage.arena,
                              "SELECT string_agg(DISTINCT day::text, ' ') FROM daily_volumes"),
                     "2026-11-21 2026-11-22");
    end(&stage);
}

Test(volumes, are_kept_apart_by_tenant_and_currency)
{
    struct stage stage;
    begin(&stage);
    struct volume_ask items[] = {
        {"tnt_a", "UGX", 50, 100, false},
        {"tnt_a", "ZMW", 150, 100, false}, // too much
        {"tnt_b", "UGX", 3, 1600, false},
    };
    for (int i = 0; i < 3; i++) {
        cr_ok(db_begin(stage.db));
        cr_ok(store_volumes_take(stage.db, stage.arena, items, 3, 1, stage.now_us));
        cr_ok(db_commit(stage.db));
        cr_assert_eq(items[0].granted, i < 2);
        cr_assert_not(items[1].granted);
        cr_assert(items[2].granted);
    }
    cr_assert_str_eq(
        test_sql(stage.db, stage.arena,
                 "SELECT string_agg(s, ' ' ORDER BY s) FROM (SELECT tenant_id || currency || "
                 "sum(used) AS s FROM daily_volumes GROUP BY tenant_id, currency) t"),
        "tnt_aUGX100 tnt_aZMW0 tnt_bUGX9");
    end(&stage);
}

Test(volumes, of_old_days_are_swept)
{
    struct stage stage;
    begin(&stage);
    cr_assert(take(&stage, 1, 100, 0));
    size_t removed = 99;
    cr_ok(store_volumes_sweep(stage.db, stage.arena, stage.now_us + 7 * DAY_US, 1000, &removed));
    cr_assert_eq(removed, 0);
    cr_ok(store_volumes_sweep(stage.db, stage.arena, stage.now_us + 8 * DAY_US, 10, &removed));
    cr_assert_eq(removed, 10);
    cr_ok(store_volumes_sweep(stage.db, stage.arena, stage.now_us + 8 * DAY_US, 10, &removed));
    cr_assert_eq(removed, VOLUME_SLICES - 10);
    end(&stage);
}

// --- Threads, each with its own connection
#define THREADS 8

struct hammer {
    pthread_t thread;
    const struct stage *stage;
    size_t slice, pairs;
    int64_t limit, amount;
    int64_t granted;     // by all its pairs together
    enum status failure; // OK: none
};

static const char *const tenants[] = {"tnt_a", "tnt_b", "tnt_c"};

static bool hammer_once(struct hammer *hammer, struct db *db, struct arena *arena)
{
    struct volume_ask items[3];
    bool any = false;
    for (size_t i = 0; i < hammer->pairs; i++)
        items[i] = (struct volume_ask){tenants[i], "ZMW", hammer->amount, hammer->limit, false};
    enum status status = db_begin(db);
    if (status == STATUS_OK)
        status = store_volumes_take(db, arena, items, hammer->pairs, hammer->slice,
                                    hammer->stage->now_us);
    if (status == STATUS_OK)
        status = db_commit(db);
    hammer->failure = status;
    for (size_t i = 0; status == STATUS_OK && i < hammer->pairs; i++) {
        hammer->granted += items[i].granted ? hammer->amount : 0;
        any = any || items[i].granted;
    }
    return any;
}

static void *hammer_run(void *context)
{
    struct hammer *hammer = context;
    struct db *db = db_new(&(struct db_config){
        .ring = test_ring(), .url = hammer->stage->database.url, .schema = "payments"});
    struct arena *arena = arena_new(ARENA_CAP_BATCH);
    while (hammer_once(hammer, db, arena))
        arena_reset(arena);
    arena_free(arena);
    db_free(db);
    return NULL;
}

// Runs all until nothing is granted any more; returns what was, in all.
static int64_t hammer_all(const struct stage *stage, struct hammer model, size_t slices)
{
    struct hammer hammers[THREADS];
    int64_t granted = 0;
    for (size_t i = 0; i < THREADS; i++) {
        hammers[i] = model;
        hammers[i].stage = stage;
        hammers[i].slice = i % slices;
        cr_assert_eq(pthread_create(&hammers[i].thread, NULL, hammer_run, &hammers[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(hammers[i].thread, NULL);
        cr_ok(hammers[i].failure);
        granted += hammers[i].granted;
    }
    return granted;
}

Test(volumes, are_exact_when_eight_threads_take_one_tenant_to_the_limit)
{
    struct stage stage;
    begin(&stage);
    struct hammer model = {.pairs = 1, .limit = 4001, .amount = 1};
    cr_assert_eq(hammer_all(&stage, model, THREADS), 4001);
    cr_assert_eq(used(&stage), 4001);
    cr_assert_eq(budget(&stage), 4001);
    model = (struct hammer){.pairs = 1, .limit = 9001, .amount = 7}; // raised; 7 does not divide it
    int64_t granted = hammer_all(&stage, model, 3);                  // some share a slice
    cr_assert_eq(granted, (9001 - 4001) / 7 * 7);
    cr_assert_eq(used(&stage), 4001 + granted);
    end(&stage);
}

Test(volumes, of_several_tenants_at_once_do_not_deadlock)
{
    struct stage stage;
    begin(&stage);
    struct hammer model = {.pairs = 3, .limit = 1500, .amount = 3};
    cr_assert_eq(hammer_all(&stage, model, THREADS), 4500);
    cr_assert_eq(used(&stage), 4500);
    cr_assert_eq(number(&stage, "SELECT max(s) FROM (SELECT sum(used) AS s FROM daily_volumes "
                                "GROUP BY tenant_id) t"),
                 1500);
    end(&stage);
}
