#include "fixture.h"
#include "store_reviews.h"

static struct fixture f;

static void begin(void)
{
    fixture_begin(&f);
}

static void end(void)
{
    fixture_end(&f);
}

TestSuite(store_reviews, .init = begin, .fini = end);

static struct review one(const char *payment, const char *refund, const char *reason)
{
    return (struct review){
        .tenant_id = TENANT, .payment_id = payment, .refund_id = refund, .reason = reason};
}

#define WAITING                                                                                    \
    "SELECT coalesce(string_agg(payment_id || refund_id || ' ' || reason, ', ' ORDER BY "          \
    "payment_id, refund_id), '-') FROM reviews"

static const char *sql(const char *text)
{
    return test_sql(f.db, f.arena, text);
}

Test(store_reviews, a_payment_and_its_refunds_come_and_go_apart)
{
    const struct review both[] = {one("pay_1", "", "amount_above_review_threshold"),
                                  one("pay_1", "rfnd_1", NULL), one("pay_1", "rfnd_2", NULL)};
    cr_ok(store_reviews_enter(f.db, f.arena, both, 3, clock_unix_us()));
    cr_ok(store_reviews_enter(f.db, f.arena, both, 3, clock_unix_us())); // again: as it was
    cr_assert_str_eq(sql(WAITING), "pay_1 amount_above_review_threshold, "
                                   "pay_1rfnd_1 outcome_unknown, pay_1rfnd_2 outcome_unknown");
    cr_ok(store_reviews_leave(f.db, f.arena, both, 2));
    cr_assert_str_eq(sql(WAITING), "pay_1rfnd_2 outcome_unknown");
    cr_ok(store_reviews_leave(f.db, f.arena, both, 3));
    cr_assert_str_eq(sql(WAITING), "-");
}

Test(store_reviews, those_that_waited_before_there_was_a_list_are_on_it)
{
    const char *id = paid(&f, 1000);
    struct call *calls[] = {reserve_call(f.arena, id, "rfnd_1", 600),
                            reserve_call(f.arena, id, "rfnd_2", 100)};
    rpc_reserve_refund(&f.worker, calls, 2);
    sql("UPDATE operations SET status = 'needs_review' WHERE refund_id = 'rfnd_1' RETURNING ''");
    cr_ok(db_migrate_down(f.db, fixture_migrations(), (int)payments_migrations_n - 2));
    cr_ok(db_migrate_up(f.db, fixture_migrations()));
    cr_assert_str_eq(sql(WAITING), arena_printf(f.arena, "%srfnd_1 outcome_unknown", id));
}
