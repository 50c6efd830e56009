#include "fixture.h"
#include "measure.h"
#include "support/measures.h"

TestSuite(measure, .init = fixture_begin, .fini = fixture_end, .timeout = 60);

static int64_t pending(void)
{
    return db_get_int(test_measured(db, arena, &sql_measure), 0, 0);
}

static int64_t age_s(void)
{
    int64_t since_us = db_get_time(test_measured(db, arena, &sql_measure), 0, 1);
    return since_us == DB_TIME_NULL ? -1 : (clock_unix_us() - since_us) / US_PER_S;
}

Test(measure, what_waits_is_counted_and_the_oldest_found_in_any_tenant)
{
    cr_assert_eq(pending(), 0);
    cr_assert_eq(age_s(), -1);
    put_endpoint("b", "we_1", "http://127.0.0.1:1/", "*");
    put_events("b", "payment.created", 3);
    put_endpoint("a", "we_2", "http://127.0.0.1:1/", "*");
    put_events("a", "payment.created", 2);
    cr_assert_eq(pending(), 5);
    sql("WITH d AS (UPDATE deliveries SET created_at = created_at - interval '1 hour' WHERE id = "
        "(SELECT min(delivery_id) FROM delivery_queue) RETURNING 1) SELECT ''");
    cr_assert(age_s() >= 3600 && age_s() < 3660);
}

Test(measure, is_bounded_and_reads_by_index)
{
    test_by_index(db, arena, &sql_measure);
    sql("WITH d AS (INSERT INTO delivery_queue (tenant_id, delivery_id, endpoint_id, event_id, "
        "max_attempts, next_at) SELECT 't' || n % 3, n::text, 'e', 'v', 5, now() FROM "
        "generate_series(1, 20000) n RETURNING 1) SELECT ''");
    cr_assert_eq(pending(), 10001);
    test_by_index(db, arena, &sql_measure);
}

#define DELIVERIES(outcome) test_metric("obol_webhook_deliveries_total{outcome=\"" outcome "\"}")

Test(measure, deliveries_that_are_given_up_count_when_that_commits)
{
    put_endpoint("a", "we_1", "http://127.0.0.1:1/", "*");
    put_events("a", "payment.created", 3);
    tallies_begin();
    cr_ok(db_begin(db));
    cr_ok(store_fail_pending(db, arena, "a", "we_1", "Because."));
    db_rollback(db);
    cr_assert_eq(DELIVERIES("failed"), 0);
    cr_ok(db_begin(db));
    cr_ok(store_fail_pending(db, arena, "a", "we_1", "Because."));
    cr_ok(db_commit(db));
    cr_assert_eq(DELIVERIES("failed"), 3);
    cr_assert_eq(DELIVERIES("delivered"), 0);
}
