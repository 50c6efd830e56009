#include "change.h"
#include "fixture.h"
#include "measure.h"
#include "support/measures.h"

static struct fixture f;

static void begin(void)
{
    fixture_begin(&f);
}

static void end(void)
{
    fixture_end(&f);
}

TestSuite(measure, .init = begin, .fini = end, .timeout = 60);

enum { UNKNOWN, UNKNOWN_SINCE, REVIEW, REFUNDS_REVIEW, DUE, DUE_SINCE };

static int64_t measured(int column)
{
    return db_get_int(test_measured(f.db, f.arena, &sql_measure), 0, column);
}

static int64_t age_s(int column)
{
    int64_t since_us = db_get_time(test_measured(f.db, f.arena, &sql_measure), 0, column);
    return since_us == DB_TIME_NULL ? -1 : (clock_unix_us() - since_us) / US_PER_S;
}

static void sql(const char *text)
{
    test_sql(f.db, f.arena, arena_printf(f.arena, "WITH d AS (%s RETURNING 1) SELECT ''", text));
}

static void change(const char *id, const struct payment_act *acts, size_t n, bool commit)
{
    struct payment_change *items = ARENA_ARRAY(f.arena, n, struct payment_change);
    struct effects effects = effects_begin(f.arena);
    for (size_t i = 0; i < n; i++)
        items[i] = (struct payment_change){
            .payment = {TENANT, id}, .act = acts[i], .cause = {"test", NULL, NULL}};
    cr_ok(db_begin(f.db));
    cr_ok(payments_change(f.db, items, n, clock_unix_us(), &effects));
    for (size_t i = 0; i < n; i++)
        cr_assert_eq(items[i].result, CHANGE_APPLIED, "act %zu", i);
    if (commit)
        cr_ok(db_commit(f.db));
    else
        db_rollback(f.db);
}

#define PAYMENTS(outcome)                                                                          \
    test_metric("obol_payments_total{provider=\"simulator\",method=\"upi\",outcome=\"" outcome     \
                "\"}")
#define AMOUNT(outcome)                                                                            \
    test_metric("obol_payment_amount_minor_units_total{currency=\"INR\",outcome=\"" outcome "\"}")

static const struct payment_act send = {.kind = ACT_SEND};
static const struct payment_act lost = {.kind = ACT_LOST, .operation = "charge"};
static const struct payment_act charged = {.kind = ACT_CHARGED};

Test(measure, payments_count_in_each_state_that_they_come_to)
{
    const char *id = pay(&f, "r", 700), *other = pay(&f, "r", 50);
    cr_assert_eq(PAYMENTS("created"), 2);
    cr_assert_eq(AMOUNT("created"), 750);
    change(id, (struct payment_act[]){send, lost}, 2, true);
    change(id, &charged, 1, true);
    change(other, &send, 1, true);
    change(other, &(struct payment_act){.kind = ACT_DECLINED, .error_code = "card_declined"}, 1,
           true);
    cr_assert_eq(PAYMENTS("unknown"), 1);
    cr_assert_eq(PAYMENTS("succeeded"), 1);
    cr_assert_eq(PAYMENTS("failed"), 1);
    cr_assert_eq(AMOUNT("succeeded"), 700);
    cr_assert_eq(AMOUNT("failed"), 50);
}

Test(measure, what_is_rolled_back_counts_nothing)
{
    measure_begin(f.state.breakers, f.state.providers);
    const char *id = pay(&f, "r", 700);
    change(id, (struct payment_act[]){send, charged}, 2, false);
    cr_assert_eq(PAYMENTS("succeeded"), 0);
    failpoint_arm("create.before_commit=fail");
    struct call *call = create_call(f.arena, "r", 50, "key");
    rpc_create_payment(&f.worker, &call, 1);
    cr_assert_neq(call->problem.status, STATUS_OK);
    cr_assert_eq(PAYMENTS("created"), 1);
    cr_assert_eq(AMOUNT("created"), 700);
    change(id, (struct payment_act[]){send, charged}, 2, true);
    cr_assert_eq(PAYMENTS("succeeded"), 1);
}

Test(measure, an_act_that_is_refused_leads_to_nothing_new)
{
    const char *id = pay(&f, "r", 700);
    const struct payment_act acts[] = {{.kind = ACT_AUTHORIZED},
                                       {.kind = ACT_CAPTURE},
                                       {.kind = ACT_CAPTURE_REFUSED, .error_code = "no"}};
    change(id, &send, 1, true);
    change(id, acts, 3, true);
    cr_assert_eq(PAYMENTS("authorized"), 1);
}

#define DECIDED test_metric("obol_payments_decided_total{provider=\"simulator\"}")
#define DECISION_S test_metric("obol_payment_decision_seconds_total{provider=\"simulator\"}")

Test(measure, how_long_a_payment_took_is_counted_where_it_was_waited_for)
{
    measure_begin(f.state.breakers, f.state.providers);
    const char *id = pay(&f, "r", 700), *unknown = pay(&f, "r", 50);
    sql("UPDATE payments SET created_at = now() - interval '31 s'");
    change(id, &send, 1, true);
    cr_assert_eq(DECIDED, 0);
    change(id, &(struct payment_act){.kind = ACT_AUTHORIZED}, 1, true);
    cr_assert_eq(DECIDED, 1);
    cr_assert(DECISION_S >= 31 && DECISION_S < 60, "%f", (double)DECISION_S);
    change(id, (struct payment_act[]){{.kind = ACT_CAPTURE}, {.kind = ACT_CAPTURED}}, 2, true);
    change(unknown, (struct payment_act[]){send, lost}, 2, true);
    change(unknown, &charged, 1, true);
    cr_assert_eq(PAYMENTS("succeeded"), 2);
    cr_assert_eq(DECIDED, 1, "a merchant's capture and what was unknown are no waiting");
}

Test(measure, a_payment_is_unknown_for_as_long_as_it_is)
{
    const char *id = pay(&f, "r", 700), *other = pay(&f, "r", 50);
    cr_assert_eq(measured(UNKNOWN), 0);
    cr_assert_eq(age_s(UNKNOWN_SINCE), -1);
    change(id, (struct payment_act[]){send, lost}, 2, true);
    change(other, (struct payment_act[]){send, lost}, 2, true);
    cr_assert_eq(measured(UNKNOWN), 2);
    sql("UPDATE unknown_payments SET since = since - interval '1 hour' WHERE payment_id = "
        "(SELECT min(payment_id) FROM unknown_payments)");
    cr_assert(age_s(UNKNOWN_SINCE) >= 3600 && age_s(UNKNOWN_SINCE) < 3660);
    change(id, (struct payment_act[]){{.kind = ACT_ACTION_DONE}}, 0, true);
    change(id, &charged, 1, true);
    cr_assert_eq(measured(UNKNOWN), 1);
    cr_assert_str_eq(test_sql(f.db, f.arena, "SELECT count(*) FROM unknown_payments"), "1");
    cr_assert_lt(age_s(UNKNOWN_SINCE), 60);
    // As the version before would have left it.
    sql("UPDATE payments SET status = 'succeeded' WHERE status = 'unknown'");
    cr_assert_eq(measured(UNKNOWN), 0);
}

Test(measure, those_that_were_unknown_before_are_counted)
{
    const char *id = pay(&f, "r", 700);
    change(id, (struct payment_act[]){send, lost}, 2, true);
    cr_ok(db_migrate_down(f.db, fixture_migrations(), 1));
    cr_ok(db_migrate_up(f.db, fixture_migrations()));
    cr_assert_eq(measured(UNKNOWN), 1);
}

Test(measure, who_waits_for_a_person_is_counted_apart)
{
    sql("INSERT INTO reviews (tenant_id, payment_id, refund_id, reason, since) VALUES "
        "('a', 'p1', '', 'r', now()), ('a', 'p2', '', 'r', now()), ('b', 'p1', 'f1', 'r', now())");
    cr_assert_eq(measured(REVIEW), 2);
    cr_assert_eq(measured(REFUNDS_REVIEW), 1);
}

#define QUEUE "INSERT INTO operations_queue (tenant_id, id, due_at, lease_until) "

Test(measure, due_is_what_should_be_in_hand_and_is_not)
{
    sql(QUEUE "VALUES ('a', '1', now() - interval '60 s', NULL), "
              "('b', '2', now() - interval '90 s', now() - interval '1 s'), "
              "('b', '3', now() - interval '300 s', now() + interval '60 s'), "
              "('c', '4', now() + interval '60 s', NULL)");
    cr_assert_eq(measured(DUE), 2);
    cr_assert(age_s(DUE_SINCE) >= 90 && age_s(DUE_SINCE) < 120);
    sql("DELETE FROM operations_queue");
    cr_assert_eq(measured(DUE), 0);
    cr_assert_eq(age_s(DUE_SINCE), -1);
}

Test(measure, is_bounded_and_reads_by_index)
{
    test_by_index(f.db, f.arena, &sql_measure);
    sql(QUEUE "SELECT 't' || n % 3, n::text, now() - n * interval '1 s', NULL FROM "
              "generate_series(1, 30000) n");
    sql("INSERT INTO reviews (tenant_id, payment_id, reason, since) SELECT 't', n::text, 'r', "
        "now() "
        "FROM generate_series(1, 12000) n");
    sql(QUEUE "SELECT 't' || n % 3, 'later' || n, now() + interval '1 h', NULL FROM "
              "generate_series(1, 30000) n");
    cr_assert_eq(measured(DUE), 10001);
    cr_assert_eq(measured(REVIEW), 10001);
    test_by_index(f.db, f.arena, &sql_measure);
}
