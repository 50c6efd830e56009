#include "fixture.h"

Test(statements, prepare_on_the_migrated_schema)
{
    struct fixture f;
    fixture_begin(&f);
    for (size_t i = 0; payments_statements[i]; i++)
        test_sql(f.db, f.arena,
                 arena_printf(f.arena, "PREPARE s%zu AS %s", i, payments_statements[i]->text));
    fixture_end(&f);
}

Test(statements, migrations_go_back_to_nothing)
{
    struct fixture f;
    fixture_begin(&f);
    cr_ok(db_migrate_down(f.db, fixture_migrations(), (int)payments_migrations_n));
    cr_assert_str_eq(
        test_sql(f.db, f.arena,
                 "SELECT count(*) FROM pg_tables WHERE schemaname = 'payments' AND "
                 "tablename IN ('payments', 'orders', 'operations', 'operations_queue')"),
        "0");
    cr_ok(db_migrate_up(f.db, fixture_migrations()));
    fixture_end(&f);
}

Test(statements, over_refund_is_refused_by_the_table_itself)
{
    struct fixture f;
    fixture_begin(&f);
    const char *id = paid(&f, 500);
    const char *sql = arena_printf(
        f.arena, "UPDATE payments SET refund_reserved = 400, amount_refunded = 101 WHERE id = '%s'",
        id);
    const char *text = NULL;
    cr_assert_eq(db_script(f.db, f.arena, sql, &text), STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(db_last_error(f.db)->constraint, "payments_over_refund");
    fixture_end(&f);
}

Test(statements, the_queue_is_carried_over_up_and_down)
{
    struct fixture f;
    fixture_begin(&f);
    pay(&f, "free", 1);
    pay(&f, "leased", 2);
    paid(&f, 3);
    test_sql(f.db, f.arena,
             "UPDATE operations_queue SET queries = 7, lease_until = due_at + interval '1 hour' "
             "FROM operations o WHERE o.id = operations_queue.id AND o.amount = 2");
    cr_ok(db_migrate_down(f.db, fixture_migrations(), (int)payments_migrations_n - 1));
    cr_assert_str_eq(
        test_sql(f.db, f.arena,
                 "SELECT string_agg(amount || ':' || queries || ':' || coalesce(due_at = "
                 "lease_until, false), ' ' ORDER BY amount) FROM operations WHERE due_at IS NOT "
                 "NULL"),
        "1:0:false 2:7:true");
    cr_ok(db_migrate_up(f.db, fixture_migrations()));
    cr_assert_str_eq(
        test_sql(f.db, f.arena,
                 "SELECT string_agg(o.amount || ':' || q.queries || ':' || (q.lease_until > now()) "
                 "|| ':' || q.rung, ' ' ORDER BY o.amount) FROM operations_queue q JOIN operations "
                 "o USING (tenant_id, id) WHERE q.lease_until IS NOT NULL OR o.amount = 1"),
        "2:7:true:false");
    cr_assert_str_eq(test_sql(f.db, f.arena, "SELECT count(*) FROM operations_queue"), "2");
    fixture_end(&f);
}
