// Outcomes that come late, twice or never.
#include "store/webhooks/claiming.h"

TestSuite(late, .init = fixture_begin, .fini = fixture_end, .timeout = 60);

Test(late, counts_a_late_success_but_not_a_late_failure)
{
    struct attempt *first = claim_one(), *second = NULL, *third = NULL;
    lose_lease("UPDATE delivery_queue SET next_at = now()");
    cr_assert_eq(claim(db, arena, 1, &second), 1);
    struct outcome late = outcome_of(first, "failed");
    cr_ok(queue_finish(db, arena, &late, 1));
    cr_sql("SELECT status || ' ' || (lease_until IS NOT NULL) FROM deliveries, delivery_queue",
           "pending true");
    cr_sql("SELECT error FROM delivery_attempts WHERE number = 1", "The endpoint answered 500.");
    lose_lease("UPDATE delivery_queue SET next_at = now()");
    cr_assert_eq(claim(db, arena, 1, &third), 1);
    late = outcome_of(second, "delivered");
    cr_ok(queue_finish(db, arena, &late, 1));
    cr_sql("SELECT status || ' ' || attempts FROM deliveries", "delivered 3");
    cr_sql("SELECT count(*)::text FROM delivery_queue", "0");
    cr_sql("SELECT (duration_us IS NULL AND error IS NULL)::text FROM delivery_attempts WHERE "
           "number = 3",
           "true"); // that one is out still
    struct outcome later = outcome_of(third, "failed");
    cr_ok(queue_finish(db, arena, &later, 1));
    cr_sql("SELECT status FROM deliveries", "delivered");
    cr_sql("SELECT error FROM delivery_attempts WHERE number = 3", "The endpoint answered 500.");
}

Test(late, counts_a_success_after_all_was_given_up)
{
    struct attempt *attempt = claim_one();
    sql("UPDATE delivery_queue SET max_attempts = 1");
    lose_lease("SELECT 1::text");
    cr_sql("SELECT status || ' ' || last_error FROM deliveries", "failed No outcome was recorded.");
    cr_sql("SELECT count(*)::text FROM delivery_queue", "0");
    struct outcome late = outcome_of(attempt, "delivered");
    cr_ok(queue_finish(db, arena, &late, 1));
    cr_sql("SELECT status || ' ' || attempts || ' ' || (last_error IS NULL) FROM deliveries",
           "delivered 1 true");
    cr_sql("SELECT count(*) || ' ' || max(response_code) FROM delivery_attempts", "1 200");
}

// The answer to a commit was lost, and a retry was asked for before the outcome came again.
Test(late, takes_an_outcome_only_once)
{
    struct attempt *attempt = claim_one();
    struct outcome outcome = outcome_of(attempt, "delivered");
    cr_ok(queue_finish(db, arena, &outcome, 1));
    cr_ok(store_delivery_retry(db, arena, "ten_a", attempt->delivery_id, SCHEDULE_ATTEMPTS));
    cr_ok(queue_finish(db, arena, &outcome, 1));
    cr_sql("SELECT d.status || ' ' || d.attempts || ' ' || q.max_attempts FROM deliveries d, "
           "delivery_queue q",
           "pending 1 6");
}

Test(late, starts_anew_when_a_retry_was_asked_for_during_the_last_attempt)
{
    struct attempt *attempt = claim_one();
    cr_ok(store_delivery_retry(db, arena, "ten_a", attempt->delivery_id, SCHEDULE_ATTEMPTS));
    struct attempt *again = NULL;
    cr_assert_eq(claim(db, arena, 1, &again), 0); // it is out already
    struct outcome outcome = outcome_of(attempt, "failed");
    cr_ok(queue_finish(db, arena, &outcome, 1));
    cr_sql("SELECT d.status || ' ' || d.max_attempts || ' ' || q.max_attempts || ' ' || "
           "q.schedule_start FROM deliveries d, delivery_queue q",
           "pending 6 6 1");
    cr_assert_eq(claim(db, arena, 1, &again), 1);
    cr_assert_eq(again->number, 2);
}

Test(late, counts_attempts_that_died_and_tries_again_by_the_schedule)
{
    claim_one();
    cr_assert_eq(recover(), 0);
    sql("UPDATE delivery_queue SET lease_until = now() - interval '1 s'");
    struct waiting *items = NULL;
    size_t n = 0;
    cr_ok(queue_waiting(db, arena, (struct endpoint_key){"", ""}, 10, 3, &items, &n));
    cr_assert(n == 1 && items[0].lost && items[0].due == 0);
    cr_assert_eq(recover(), 1);
    cr_sql("SELECT d.status || ' ' || d.attempts || ' ' || (q.lease_until IS NULL) || ' ' || "
           "(q.next_at BETWEEN now() + interval '55 s' AND now() + interval '61 s') FROM "
           "deliveries d, delivery_queue q",
           "pending 1 true true");
    cr_sql("SELECT number || ' ' || error FROM delivery_attempts", "1 No outcome was recorded.");
}

Test(late, fails_for_good_when_the_last_attempt_died)
{
    claim_one();
    sql("UPDATE delivery_queue SET lease_until = now() - interval '1 s', attempts = 5");
    cr_assert_eq(recover(), 1);
    cr_sql("SELECT status || ' ' || (finished_at IS NOT NULL) || ' ' || last_error FROM deliveries",
           "failed true No outcome was recorded.");
    cr_sql("SELECT count(*)::text FROM delivery_queue", "0");
    cr_sql("SELECT number::text FROM delivery_attempts", "5");
}

Test(late, tries_a_lost_attempt_again_at_once_when_a_retry_was_asked_for)
{
    struct attempt *attempt = claim_one();
    sql("UPDATE delivery_queue SET lease_until = now() - interval '1 s'");
    cr_ok(store_delivery_retry(db, arena, "ten_a", attempt->delivery_id, SCHEDULE_ATTEMPTS));
    cr_assert_eq(recover(), 1);
    cr_sql("SELECT error FROM delivery_attempts WHERE number = 1", "No outcome was recorded.");
    struct attempt *again = NULL;
    cr_assert_eq(claim(db, arena, 1, &again), 1);
    cr_assert_eq(again->number, 2);
}
