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
    cr_ok(db_migrate_down(f.db, fixture_migrations(), 1));
    cr_assert_str_eq(test_sql(f.db, f.arena,
                              "SELECT count(*) FROM pg_tables WHERE schemaname = 'payments' AND "
                              "tablename IN ('payments', 'orders', 'operations')"),
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
