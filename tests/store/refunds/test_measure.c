#include "fixture.h"
#include "support/measures.h"

TestSuite(measure, .init = fixture_begin, .fini = fixture_end, .timeout = 60);

static int64_t open_n(void)
{
    return db_get_int(test_measured(db, arena, &sql_measure), 0, 0);
}

static int64_t age_s(void)
{
    int64_t since_us = db_get_time(test_measured(db, arena, &sql_measure), 0, 1);
    return since_us == DB_TIME_NULL ? -1 : (clock_unix_us() - since_us) / US_PER_S;
}

Test(measure, open_refunds_are_counted_until_their_end)
{
    cr_assert_eq(open_n(), 0);
    cr_assert_eq(age_s(), -1);
    put_refund("a", 100);
    put_refund("b", 100);
    sql("WITH d AS (UPDATE refunds SET created_at = created_at - interval '1 hour' WHERE tenant_id "
        "= 'b' RETURNING 1) SELECT ''");
    cr_assert_eq(open_n(), 2);
    cr_assert(age_s() >= 3600 && age_s() < 3660);
    sql("WITH d AS (UPDATE refunds SET status = 'processed', finished_at = now() WHERE tenant_id = "
        "'b' RETURNING 1) SELECT ''");
    cr_assert_eq(open_n(), 1);
    cr_assert_lt(age_s(), 60);
}

Test(measure, is_bounded_and_reads_by_index)
{
    test_by_index(db, arena, &sql_measure);
    sql("WITH d AS (INSERT INTO refunds (tenant_id, id, payment_id, requested, status, actor, "
        "request_id, traceparent, created_at) SELECT 't', n::text, 'p', 1, 'pending', 'a', 'r', "
        "'t', now() FROM generate_series(1, 12000) n RETURNING 1) SELECT ''");
    cr_assert_eq(open_n(), 10001);
    sql("WITH d AS (UPDATE refunds SET finished_at = now(), status = 'failed' WHERE id::int8 > "
        "9000 "
        "RETURNING 1) SELECT ''");
    cr_assert_eq(open_n(), 9000);
    test_by_index(db, arena, &sql_measure);
}
