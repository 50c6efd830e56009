#include "fixture.h"

TestSuite(store, .init = fixture_begin, .fini = fixture_end, .timeout = 60);

Test(store, prepares_every_statement_on_the_migrated_schema)
{
    for (size_t i = 0; refunds_statements[i]; i++)
        test_sql(db, arena,
                 arena_printf(arena, "PREPARE s%zu AS %s", i, refunds_statements[i]->text));
}

Test(store, goes_back_to_nothing_and_forth_again)
{
    const struct db_migrations migrations = fixture_migrations();
    cr_ok(db_migrate_down(db, &migrations, 1));
    cr_sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'refunds' AND tablename LIKE "
           "'refunds%'",
           "0");
    cr_ok(db_migrate_up(db, &migrations));
}

Test(store, gives_back_what_was_put_in)
{
    struct refund put = a_refund("ten_a", 250), got;
    put.reason = "shoes";
    put.idempotency_key = "k1";
    cr_ok(refund_insert(db, arena, &put));
    cr_ok(refund_insert(db, arena, &put)); // a COMMIT whose answer was lost, repeated
    cr_sql("SELECT count(*) FROM refunds", "1");
    cr_ok(refund_get(db, arena, "ten_a", put.id, false, &got));
    cr_assert_eq(got.requested, 250);
    cr_assert_eq(got.amount, 0);
    cr_assert_str_eq(got.reason, "shoes");
    cr_assert_str_eq(got.idempotency_key, "k1");
    cr_assert_str_eq(got.status, "reserving");
    cr_assert_eq(got.created_us, put.created_us);
    cr_assert_eq(got.processed_us, DB_TIME_NULL);
    cr_assert_null(got.error_code);
}

Test(store, hides_a_refund_from_other_tenants)
{
    struct refund put = put_refund("ten_a", 1), got;
    bool removed = true;
    cr_assert_eq(refund_get(db, arena, "ten_b", put.id, false, &got), STATUS_NOT_FOUND);
    struct refund foreign = put;
    foreign.tenant_id = "ten_b";
    cr_ok(refund_delete(db, arena, &foreign, &removed));
    cr_assert(!removed);
    cr_ok(refund_get(db, arena, "ten_a", put.id, false, &got));
}

Test(store, updates_each_refund_with_its_own_values)
{
    struct refund items[3];
    for (int i = 0; i < 3; i++) {
        items[i] = put_refund("ten_a", 100 + i);
        refund_reserved(&items[i], 100 + i, "INR");
    }
    items[1].status = "processed";
    items[1].processed_us = items[1].created_us;
    items[2].status = "failed";
    items[2].error_code = "card_gone";
    items[2].error_message = "Gone.";
    items[2].operation_revision = 7;
    cr_ok(refunds_update(db, arena, items, 3, clock_unix_us()));
    struct refund got;
    cr_ok(refund_get(db, arena, "ten_a", items[2].id, false, &got));
    cr_assert_str_eq(got.error_code, "card_gone");
    cr_assert_eq(got.operation_revision, 7);
    cr_assert_eq(got.amount, 102);
    cr_sql("SELECT string_agg(status || (drive_at IS NULL) || (finished_at IS NULL), ' ' ORDER BY "
           "requested) FROM refunds",
           "pendingfalsetrue processedtruefalse failedtruefalse");
}

Test(store, removes_only_what_is_still_reserving)
{
    struct refund gone = put_refund("ten_a", 1), stays = put_refund("ten_a", 2);
    bool removed = false;
    refund_reserved(&stays, 2, "INR");
    cr_ok(refunds_update(db, arena, &stays, 1, clock_unix_us()));
    cr_ok(refund_delete(db, arena, &gone, &removed));
    cr_assert(removed);
    cr_ok(refund_delete(db, arena, &gone, &removed));
    cr_assert(!removed, "twice");
    cr_ok(refund_delete(db, arena, &stays, &removed));
    cr_assert(!removed, "it has gone on");
    cr_sql("SELECT count(*) FROM refunds", "1");
}

Test(store, hands_out_what_is_due_once_and_puts_it_off_ever_longer)
{
    struct refund *due = NULL;
    size_t n = 9;
    struct refund late = put_refund("ten_a", 1);
    put_refund("ten_a", 2); // due in five seconds
    cr_ok(refunds_due(db, arena, 10, &due, &n));
    cr_assert_eq(n, 0);
    for (int round = 1; round <= 3; round++) {
        sql(arena_printf(arena, "UPDATE refunds SET drive_at = now() WHERE id = '%s'", late.id));
        cr_ok(refunds_due(db, arena, 10, &due, &n));
        cr_assert_eq(n, 1);
        cr_assert_str_eq(due[0].id, late.id);
        cr_assert_eq(due[0].drives, round);
        cr_ok(refunds_due(db, arena, 10, &due, &n));
        cr_assert_eq(n, 0, "a second loop gets it again");
    }
    cr_sql("SELECT drive_at - now() > interval '15 seconds' FROM refunds ORDER BY drives DESC "
           "LIMIT 1",
           "t");
}

Test(store, passes_over_what_another_loop_is_taking)
{
    struct refund *due = NULL;
    size_t n = 0;
    put_refund("ten_a", 1);
    put_refund("ten_a", 2);
    sql("UPDATE refunds SET drive_at = now()");
    struct db *other = another_db();
    cr_ok(db_begin(other));
    cr_ok(refunds_due(other, arena, 1, &due, &n));
    cr_assert_eq(n, 1);
    const char *theirs = due[0].id;
    cr_ok(refunds_due(db, arena, 10, &due, &n));
    cr_assert_eq(n, 1);
    cr_assert_str_neq(due[0].id, theirs);
    db_rollback(other);
    db_free(other);
}

static size_t list(struct refund_filter filter, struct page page, struct refund **ret)
{
    size_t n = 0;
    cr_ok(refunds_list(db, arena, &filter, &page, ret, &n));
    return n;
}

static struct page page_of(size_t limit, const char *from, bool newer)
{
    struct page page = {.limit = limit, .from = from ? from : "~", .newer = newer};
    page.until.text[0] = '~';
    return page;
}

Test(store, lists_newest_first_and_pages_both_ways)
{
    struct refund items[5], *got = NULL;
    for (int i = 0; i < 5; i++) {
        items[i] = a_refund("ten_a", 1 + i);
        items[i].id = arena_printf(arena, "rfnd_0%d", i);
        cr_ok(refund_insert(db, arena, &items[i]));
        items[i].status = i == 4 ? "reserving" : "pending";
        cr_ok(refunds_update(db, arena, &items[i], 1, clock_unix_us()));
    }
    struct refund_filter mine = {.tenant_id = "ten_a"};
    cr_assert_eq(list(mine, page_of(2, NULL, false), &got), 3, "one more than asked for");
    cr_assert_str_eq(got[0].id, items[3].id, "what is reserving is nobody's to see");
    cr_assert_eq(list(mine, page_of(2, items[2].id, false), &got), 2);
    cr_assert_str_eq(got[0].id, items[1].id);
    cr_assert_eq(list(mine, page_of(2, items[1].id, true), &got), 2);
    cr_assert_str_eq(got[0].id, items[2].id, "nearest first");
    cr_assert_eq(list((struct refund_filter){.tenant_id = "ten_b"}, page_of(9, NULL, false), &got),
                 0);
    struct refund_filter other_payment = {.tenant_id = "ten_a", .payment_id = "pay_2"};
    cr_assert_eq(list(other_payment, page_of(9, NULL, false), &got), 0);
    struct refund_filter pending = {.tenant_id = "ten_a", .payment_id = "pay_1"};
    pending.status = "pending";
    cr_assert_eq(list(pending, page_of(9, NULL, false), &got), 4);
    pending.status = "failed";
    cr_assert_eq(list(pending, page_of(9, NULL, false), &got), 0);
}

Test(store, counts_jobs_of_a_tenant_and_of_all)
{
    static const char *const statuses[] = {"reserving", "pending",   "unknown", "needs_review",
                                           "failed",    "processed", "failed"};
    int64_t counts[4];
    for (size_t i = 0; i < 7; i++) {
        struct refund refund = put_refund(i == 6 ? "ten_b" : "ten_a", 1);
        refund.status = statuses[i];
        cr_ok(refunds_update(db, arena, &refund, 1, clock_unix_us()));
    }
    cr_ok(refunds_count(db, arena, "ten_a", counts));
    const int64_t mine[] = {2, 2, 1, 1}, all[] = {2, 2, 1, 2};
    cr_assert_arr_eq(counts, mine, sizeof mine);
    cr_ok(refunds_count(db, arena, "", counts));
    cr_assert_arr_eq(counts, all, sizeof all);
}

Test(store, gets_partitions_by_month)
{
    int64_t now_us = clock_unix_us();
    cr_ok(journal_partitions(db, arena, "refunds", REFUND_PREFIX, now_us, 0));
    cr_ok(journal_partitions(db, arena, "refunds", REFUND_PREFIX, now_us, 0));
    struct refund put = put_refund("ten_a", 1), got;
    cr_sql("SELECT count(*) FROM refunds_default", "0");
    cr_ok(refund_get(db, arena, "ten_a", put.id, false, &got));
    cr_sql("SELECT count(*) FROM pg_inherits WHERE inhparent = 'refunds'::regclass", "4");
}
