#include <pthread.h>

#include "store/webhooks/claiming.h"

TestSuite(queue, .init = fixture_begin, .fini = fixture_end, .timeout = 60);

Test(queue, prepares_every_statement_on_the_migrated_schema)
{
    size_t n = 0;
    for (; webhooks_statements[n]; n++) {
        const char *text =
            arena_printf(arena, "PREPARE s%zu AS %s", n, webhooks_statements[n]->text);
        enum status status = db_script(db, arena, text, NULL);
        cr_assert_eq(status, STATUS_OK, "%s: %s", webhooks_statements[n]->name,
                     status_name(status));
    }
    cr_assert_gt(n, 30);
}

Test(queue, goes_back_to_an_empty_schema)
{
    const struct db_migrations migrations = {"webhooks", webhooks_migrations,
                                             webhooks_migrations_n};
    cr_ok(db_migrate_down(db, &migrations, (int)webhooks_migrations_n));
    cr_sql("SELECT count(*)::text FROM pg_tables WHERE schemaname = 'webhooks' AND tablename LIKE "
           "'deliver%'",
           "0");
    cr_ok(db_migrate_up(db, &migrations));
}

Test(queue, is_carried_over_by_its_migration_and_back)
{
    const struct db_migrations migrations = {"webhooks", webhooks_migrations,
                                             webhooks_migrations_n};
    put_endpoint("ten_a", "we_1", URL, "*");
    put_events("ten_a", "payment.succeeded", 3);
    struct attempt *claimed = NULL;
    cr_assert_eq(claim(db, arena, 2, &claimed), 2);
    struct outcome outcome = outcome_of(&claimed[0], "pending");
    cr_ok(queue_finish(db, arena, &outcome, 1));
    cr_ok(db_migrate_down(db, &migrations, 1));
    cr_sql("SELECT string_agg(attempts || ' ' || (next_at > now()) || ' ' || "
           "(lease_until IS NOT NULL), ', ' ORDER BY attempts, lease_until NULLS FIRST) FROM "
           "deliveries WHERE status = 'pending'",
           "0 false false, 1 true false, 1 true true");
    cr_sql("SELECT string_agg((duration_us IS NULL)::text, ' ' ORDER BY duration_us) FROM "
           "delivery_attempts",
           "false true");
    cr_ok(db_migrate_up(db, &migrations));
    cr_sql("SELECT string_agg(attempts || ' ' || (next_at > now()) || ' ' || "
           "(lease_until IS NOT NULL), ', ' ORDER BY attempts, lease_until NULLS FIRST) FROM "
           "delivery_queue",
           "0 false false, 1 true false, 1 false true");
    cr_sql("SELECT count(*)::text FROM delivery_attempts", "1");
    outcome = outcome_of(&claimed[1], "delivered");
    cr_ok(queue_finish(db, arena, &outcome, 1));
    cr_sql("SELECT count(*)::text FROM deliveries WHERE status = 'delivered'", "1");
    cr_sql("SELECT count(*)::text FROM delivery_queue", "2");
}

Test(queue, shows_who_waits_in_order_with_a_bounded_count)
{
    put_endpoint("ten_a", "we_1", URL, "*");
    put_endpoint("ten_a", "we_2", URL, "refund.*");
    put_endpoint("ten_b", "we_3", URL, "*");
    put_events("ten_a", "payment.succeeded", 5);
    put_events("ten_b", "payment.succeeded", 2);
    sql("UPDATE delivery_queue SET next_at = now() + interval '1 hour' WHERE tenant_id = 'ten_b'");
    struct waiting *items = NULL;
    size_t n = 0;
    cr_ok(queue_waiting(db, arena, (struct endpoint_key){"", ""}, 10, 3, &items, &n));
    cr_assert_eq(n, 2);
    cr_assert_str_eq(items[0].endpoint_id, "we_1");
    cr_assert_eq(items[0].due, 3);
    cr_assert_not(items[0].lost);
    cr_assert_leq(items[0].first_us, clock_unix_us());
    cr_assert_gt(items[1].first_us, clock_unix_us());
    cr_assert_str_eq(items[1].tenant_id, "ten_b");
    cr_assert_eq(items[1].due, 0);
    cr_ok(queue_waiting(db, arena, (struct endpoint_key){"ten_a", "we_1"}, 10, 3, &items, &n));
    cr_assert_eq(n, 1);
    cr_ok(queue_waiting(db, arena, (struct endpoint_key){"", ""}, 1, 3, &items, &n));
    cr_assert_eq(n, 1);
}

Test(queue, writes_the_attempt_as_started_when_it_claims)
{
    struct attempt *attempt = claim_one();
    cr_assert_eq(attempt->number, 1);
    cr_assert_eq(attempt->max_attempts, SCHEDULE_ATTEMPTS);
    cr_assert(attempt->enabled);
    cr_assert_not(attempt->failing);
    cr_assert_str_eq(attempt->request_id, "req_1");
    cr_assert_str_eq((const char *)attempt->body.at,
                     arena_printf(arena, "{\"id\":\"%s\"}", attempt->event_id));
    cr_assert_null(attempt->older_secret_sealed.at);
    cr_sql("SELECT q.attempts || ' ' || (q.lease_until > now() + interval '25 s') || ' ' || "
           "(q.started_at <= now()) || ' ' || d.status FROM delivery_queue q, deliveries d",
           "1 true true pending");
    struct delivery shown = {0};
    struct logged_attempt *attempts = NULL;
    size_t n = 0;
    cr_ok(store_delivery_get(db, arena, "ten_a", attempt->delivery_id, &shown));
    cr_assert_eq(shown.attempts, 1);
    cr_assert_eq(shown.next_us, DB_TIME_NULL);
    cr_ok(store_attempts(db, arena, "ten_a", attempt->delivery_id, &attempts, &n));
    cr_assert_eq(n, 1);
    cr_assert_eq(attempts[0].number, 1);
    cr_assert_eq(attempts[0].started_us, attempt->started_us);
    cr_assert_eq(attempts[0].duration_us, -1);
    struct attempt *again = NULL;
    cr_assert_eq(claim(db, arena, 1, &again), 0);
}

Test(queue, gives_the_older_secret_only_during_its_overlap)
{
    put_endpoint("ten_a", "we_1", URL, "*");
    put_events("ten_a", "payment.succeeded", 2);
    struct endpoint endpoint = {.tenant_id = "ten_a", .id = "we_1"};
    struct bytes sealed = keyring_seal(&ring, arena, bytes_of_string("whsec_new"), "ten_a/we_1");
    cr_ok(store_endpoint_rotate(db, arena, &endpoint, sealed, clock_unix_us() + 60 * US_PER_S));
    struct attempt *attempt = NULL;
    claim(db, arena, 1, &attempt);
    struct bytes opened = {0};
    cr_assert_not_null(attempt->older_secret_sealed.at);
    cr_ok(keyring_open(&ring, arena, attempt->older_secret_sealed, "ten_a/we_1", &opened));
    cr_assert_eq(memcmp(opened.at, SECRET, opened.length), 0);
    sql("UPDATE endpoints SET old_secret_until = now() - interval '1 s'");
    claim(db, arena, 1, &attempt);
    cr_assert_null(attempt->older_secret_sealed.at);
}

struct claimer {
    struct attempt *claimed;
    size_t n;
    struct arena *arena;
};

static void *claim_many(void *context)
{
    struct claimer *claimer = context;
    struct db *own = another_db();
    claimer->arena = arena_new(ARENA_CAP_BATCH);
    claimer->claimed = ARENA_ARRAY(claimer->arena, 400, struct attempt);
    for (size_t idle = 0; idle < 5;) {
        struct attempt *some = NULL;
        size_t n = claim(own, claimer->arena, 7, &some);
        memcpy(claimer->claimed + claimer->n, some, n * sizeof *some);
        claimer->n += n;
        idle = n ? 0 : idle + 1;
    }
    db_free(own);
    return NULL;
}

Test(queue, gives_each_delivery_to_one_claimer_only)
{
    put_endpoint("ten_a", "we_1", URL, "*");
    put_events("ten_a", "payment.succeeded", 200);
    struct claimer claimers[2] = {0};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, claim_many, &claimers[i]);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    cr_assert_eq(claimers[0].n + claimers[1].n, 200);
    cr_sql("SELECT count(*) || ' ' || max(attempts) FROM delivery_queue WHERE lease_until > now()",
           "200 1");
    arena_free(claimers[0].arena);
    arena_free(claimers[1].arena);
}

Test(queue, does_not_wait_for_rows_that_another_holds)
{
    put_endpoint("ten_a", "we_1", URL, "*");
    put_events("ten_a", "payment.succeeded", 3);
    struct db *other = another_db();
    cr_ok(db_begin(other));
    test_sql(other, arena, "SELECT FROM delivery_queue ORDER BY delivery_id LIMIT 2 FOR UPDATE");
    struct attempt *claimed = NULL;
    cr_assert_eq(claim(db, arena, 3, &claimed), 1);
    db_rollback(other);
    db_free(other);
}

Test(queue, writes_what_came_of_an_attempt)
{
    struct outcome outcome = outcome_of(claim_one(), "delivered");
    cr_ok(queue_finish(db, arena, &outcome, 1));
    cr_ok(queue_finish(db, arena, &outcome, 1)); // a repeated flush changes nothing
    cr_sql("SELECT status || ' ' || attempts || ' ' || response_code || ' ' || url || ' ' || "
           "(delivered_at IS NOT NULL) || ' ' || (last_error IS NULL) FROM deliveries",
           "delivered 1 200 " URL " true true");
    cr_sql("SELECT count(*)::text FROM delivery_queue", "0");
    cr_sql(
        "SELECT duration_us || ' ' || request_headers || response_body || ' ' || (error IS NULL) "
        "FROM delivery_attempts",
        "1500 A: b\nbody true");
    cr_assert_eq(atoll(sql("SELECT (extract(epoch FROM started_at) * 1000000)::int8::text FROM "
                           "delivery_attempts")),
                 outcome.started_us);
}

Test(queue, puts_a_failed_attempt_off)
{
    struct outcome outcome = outcome_of(claim_one(), "pending");
    cr_ok(queue_finish(db, arena, &outcome, 1));
    cr_ok(queue_finish(db, arena, &outcome, 1)); // a repeated flush changes nothing
    cr_sql("SELECT status || ' ' || (next_at > now() + interval '50 s') || ' ' || last_error FROM "
           "deliveries_shown",
           "pending true The endpoint answered 500.");
    cr_sql("SELECT attempts || ' ' || (lease_until IS NULL) || ' ' || (started_at IS NULL) FROM "
           "delivery_queue",
           "1 true true");
    struct attempt *again = NULL;
    cr_assert_eq(claim(db, arena, 1, &again), 0);
    sql("UPDATE delivery_queue SET next_at = now()");
    cr_assert_eq(claim(db, arena, 1, &again), 1);
    cr_assert_eq(again->number, 2);
    cr_ok(queue_finish(db, arena, &outcome, 1)); // nor while the next attempt is out
    cr_sql("SELECT (lease_until IS NOT NULL)::text FROM delivery_queue", "true");
}

Test(queue, fails_what_waits_for_an_endpoint_that_gets_no_more)
{
    struct attempt *sent = claim_one();
    put_events("ten_a", "payment.failed", 1);
    cr_ok(store_fail_pending(db, arena, "ten_a", "we_1", "The endpoint was deleted."));
    cr_sql("SELECT count(*) || max(last_error) FROM deliveries WHERE status = 'failed'",
           "2The endpoint was deleted.");
    cr_sql("SELECT count(*)::text FROM delivery_queue", "0");
    cr_sql("SELECT count(*) || ' ' || max(number) FROM delivery_attempts WHERE duration_us IS NULL",
           "1 1"); // the one that is out
    struct outcome outcome = outcome_of(sent, "delivered");
    cr_ok(queue_finish(db, arena, &outcome, 1));
    cr_sql("SELECT count(*)::text FROM deliveries WHERE status = 'delivered'", "1");
}

Test(queue, remembers_since_when_an_endpoint_fails)
{
    put_endpoint("ten_a", "we_1", URL, "*");
    struct endpoint_outcome outcome = {"ten_a", "we_1", false};
    struct endpoint_key *failing = NULL;
    size_t n = 9;
    int64_t long_ago_us = clock_unix_us() - 3600 * US_PER_S;
    cr_ok(queue_note(db, arena, &outcome, 1, long_ago_us, &failing, &n));
    cr_assert_eq(n, 0);
    sql("UPDATE endpoints SET failing_since = now() - interval '2 hours'");
    cr_ok(queue_note(db, arena, &outcome, 1, long_ago_us, &failing, &n));
    cr_assert_eq(n, 1);
    cr_assert_str_eq(failing[0].endpoint_id, "we_1");
    outcome.worked = true;
    cr_ok(queue_note(db, arena, &outcome, 1, long_ago_us, &failing, &n));
    cr_assert_eq(n, 0);
    cr_sql("SELECT (failing_since IS NULL)::text FROM endpoints", "true");
}

Test(queue, counts_its_jobs)
{
    put_endpoint("ten_a", "we_1", URL, "*");
    put_events("ten_a", "payment.succeeded", 4);
    struct attempt *claimed = NULL;
    cr_assert_eq(claim(db, arena, 3, &claimed), 3);
    struct outcome outcomes[] = {outcome_of(&claimed[0], "delivered"),
                                 outcome_of(&claimed[1], "failed")};
    cr_ok(queue_finish(db, arena, outcomes, 2));
    int64_t counts[4] = {0};
    int64_t since_us = clock_unix_us() - 3600 * US_PER_S;
    cr_ok(store_jobs(db, arena, "", since_us, counts));
    for (int i = 0; i < 4; i++)
        cr_assert_eq(counts[i], 1);
    cr_ok(store_jobs(db, arena, "ten_b", since_us, counts));
    for (int i = 0; i < 4; i++)
        cr_assert_eq(counts[i], 0);
}
