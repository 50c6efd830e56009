#include "store/webhooks/turning.h"

TestSuite(dispatcher, .init = begin, .fini = end, .timeout = 120);

Test(dispatcher, delivers_the_signed_bytes)
{
    make_dispatcher(never, 8, 5000);
    put_hook("we_1", "/ok");
    struct event event = an_event("ten_a", "payment.succeeded");
    cr_ok(take(&event, 1));
    turn_until("SELECT status FROM deliveries", "delivered");
    cr_assert_str_eq(receiver.last_body, (const char *)event.body.at);
    cr_assert_str_eq(receiver.last_id, event.id);
    cr_assert_str_eq(receiver.last_agent, "Obol/" OBOL_VERSION);
    cr_assert_str_eq(receiver.last_request_id, "req_1");
    cr_assert_eq(strncmp(receiver.last_signature, "v1,", 3), 0);
    cr_sql("SELECT attempts || ' ' || response_code || ' ' || response_body || ' ' || url FROM "
           "deliveries",
           arena_printf(arena, "1 200 seen %s/ok", receiver.url));
    cr_sql("SELECT (duration_us > 0) || ' ' || (request_headers LIKE '%webhook-id: evt_%') FROM "
           "delivery_attempts",
           "true true");
}

Test(dispatcher, tries_again_until_it_works)
{
    make_dispatcher(at_once, 8, 5000);
    put_hook("we_1", "/flaky/4");
    put_events("ten_a", "payment.succeeded", 1);
    turn_until("SELECT status FROM deliveries", "delivered");
    cr_assert_eq(receiver.requests, 5);
    cr_sql("SELECT string_agg(number || ':' || response_code, ' ' ORDER BY number) FROM "
           "delivery_attempts",
           "1:500 2:500 3:500 4:500 5:200");
    cr_sql("SELECT (failing_since IS NULL)::text FROM endpoints", "true");
}

Test(dispatcher, fails_for_good_after_five_attempts)
{
    make_dispatcher(at_once, 8, 5000);
    put_hook("we_1", "/always/500");
    put_events("ten_a", "payment.succeeded", 1);
    turn_until("SELECT status || attempts FROM deliveries", "failed5");
    cr_assert_eq(receiver.requests, 5);
    cr_sql("SELECT last_error || ' ' || (failing_since IS NOT NULL) FROM deliveries, endpoints",
           "The endpoint answered 500. true");
}

Test(dispatcher, follows_no_redirect)
{
    make_dispatcher(never, 8, 5000);
    put_hook("we_1", "/always/302");
    put_events("ten_a", "payment.succeeded", 1);
    turn_until("SELECT status || (lease_until IS NULL) || coalesce(response_code, 0) FROM "
               "deliveries, delivery_queue",
               "pendingtrue302");
    cr_assert_eq(receiver.requests, 1);
}

Test(dispatcher, waits_as_long_as_it_is_asked_to)
{
    make_dispatcher(at_once, 8, 5000);
    put_hook("we_1", "/later/2");
    put_events("ten_a", "payment.succeeded", 1);
    turn_until("SELECT coalesce(response_code, 0)::text FROM deliveries", "503");
    cr_sql("SELECT (next_at > now() + interval '1 s')::text FROM delivery_queue", "true");
    turn_until("SELECT status FROM deliveries", "delivered");
    cr_sql("SELECT (max(started_at) - min(started_at) >= interval '2 s')::text FROM "
           "delivery_attempts",
           "true");
}

Test(dispatcher, disables_an_endpoint_that_is_gone_and_tells_the_others)
{
    make_dispatcher(never, 1, 5000);
    put_hook("we_1", "/always/410");
    put_events("ten_a", "payment.succeeded", 3);
    turn_until("SELECT enabled || ' ' || disabled_reason FROM endpoints",
               "false The endpoint answered 410 Gone.");
    cr_sql("SELECT count(*)::text FROM deliveries WHERE status = 'failed'", "3");
    cr_assert_eq(receiver.requests, 1);
    struct event *told = NULL;
    size_t told_n = 0;
    cr_ok(journal_outbox_take(db, arena, 10, &told, &told_n));
    cr_assert_eq(told_n, 1);
    cr_assert_str_eq(told->type, "webhook_endpoint.disabled");
    cr_assert_str_eq(told->object_id, "we_1");
    cr_assert_eq(told->sequence, 1);
    cr_assert_not_null(memmem(told->body.at, told->body.length, "\"id\":\"we_1\"", 11));
    cr_sql("SELECT actor || ' ' || action || ' ' || object_id FROM audit_log",
           "dispatcher webhook_endpoint.disable we_1");
    cr_sql("SELECT count(*)::text FROM outbox", "1");
}

Test(dispatcher, disables_an_endpoint_that_has_failed_for_long)
{
    make_dispatcher(at_once, 8, 5000);
    put_hook("we_1", "/always/500");
    put_events("ten_a", "payment.succeeded", 1);
    sql("UPDATE endpoints SET failing_since = now() - interval '2 hours'");
    turn_until("SELECT enabled || ' ' || disabled_reason FROM endpoints",
               "false The endpoint has failed for too long without a success.");
    cr_sql("SELECT status FROM deliveries", "failed");
    cr_sql("SELECT count(*)::text FROM events", "1");
}

Test(dispatcher, forgives_with_the_first_success)
{
    make_dispatcher(at_once, 8, 5000);
    put_hook("we_1", "/ok");
    put_events("ten_a", "payment.succeeded", 1);
    sql("UPDATE endpoints SET failing_since = now() - interval '2 hours'");
    turn_until("SELECT (failing_since IS NULL)::text FROM endpoints", "true");
}

Test(dispatcher, lets_nobody_wait_for_an_endpoint_that_hangs)
{
    make_dispatcher(never, 8, 3000);
    put_hook("we_hang", "/hang");
    put_events("ten_a", "payment.succeeded", 20);
    put_endpoint("ten_b", "we_ok", arena_printf(arena, "%s/ok", receiver.url), "*");
    for (int i = 0; i < 50 && receiver.hanging < 2; i++)
        turn();
    put_events("ten_b", "payment.succeeded", 20);
    turn_until("SELECT count(*)::text FROM deliveries WHERE status = 'delivered'", "20");
    cr_assert_eq(receiver.hanging, 2); // a quarter of the slots, and they still hang
    turn_until("SELECT (count(*) >= 2)::text FROM deliveries WHERE last_error IS NOT NULL", "true");
    cr_sql(
        "SELECT count(DISTINCT response_code)::text FROM deliveries WHERE last_error IS NOT NULL",
        "0");
}

Test(dispatcher, reaches_every_endpoint_however_few_the_slots)
{
    make_dispatcher(never, 1, 5000);
    for (int i = 0; i < 6; i++)
        put_endpoint(i % 2 ? "ten_a" : "ten_b", arena_printf(arena, "we_%d", i),
                     arena_printf(arena, "%s/ok", receiver.url), "*");
    put_events("ten_a", "payment.succeeded", 3);
    put_events("ten_b", "payment.succeeded", 3);
    turn_until(
        "SELECT count(DISTINCT endpoint_id)::text FROM deliveries WHERE status = 'delivered'", "6");
    cr_sql("SELECT (count(*) <= 8)::text FROM deliveries WHERE status = 'delivered'", "true");
    turn_until("SELECT count(*)::text FROM deliveries WHERE status = 'delivered'", "18");
}

Test(dispatcher, sends_nothing_for_what_can_not_be_sent)
{
    make_dispatcher(at_once, 8, 5000);
    put_hook("we_1", "/ok");
    put_events("ten_a", "payment.succeeded", 1);
    sql("DELETE FROM stored_events");
    turn_until("SELECT status || ' ' || last_error FROM deliveries",
               "failed The event is no longer kept.");
    put_events("ten_a", "payment.succeeded", 1);
    sql("UPDATE endpoints SET enabled = false");
    turn_until("SELECT count(*)::text FROM deliveries WHERE last_error = 'The endpoint is disabled "
               "or deleted.'",
               "1");
    sql("UPDATE endpoints SET enabled = true, secret_sealed = 'broken'");
    put_events("ten_a", "payment.succeeded", 1);
    turn_until("SELECT count(*)::text FROM deliveries WHERE last_error = 'The attempt could not be "
               "sent.' AND status = 'failed'",
               "1");
    cr_assert_eq(receiver.requests, 0);
}

Test(dispatcher, finishes_what_is_under_way_when_it_drains)
{
    make_dispatcher(never, 8, 5000);
    put_hook("we_1", "/ok");
    put_events("ten_a", "payment.succeeded", 1);
    turn();
    cr_assert_not(dispatcher_drain(dispatcher, 0));
    put_events("ten_a", "payment.failed", 1);
    for (int i = 0; i < 20 && !dispatcher_drain(dispatcher, 0); i++)
        turn();
    cr_sql("SELECT string_agg(status, ' ' ORDER BY id) FROM deliveries", "delivered pending");
}

Test(dispatcher, refuses_private_addresses_unless_allowed)
{
    const struct dispatcher_config config = {
        .rules = {.ring = &ring, .intervals_s = never, .timeout_ms = 5000},
        .slots = 4,
        .disable_after_s = 3600,
        .bell = bell,
    };
    dispatcher = dispatcher_new(arena, &config);
    put_hook("we_1", "/ok");
    put_events("ten_a", "payment.succeeded", 1);
    turn_until("SELECT (last_error IS NOT NULL)::text FROM deliveries", "true");
    cr_assert_eq(receiver.requests, 0);
    cr_sql("SELECT (last_error NOT LIKE '%127.0.0.1%')::text FROM deliveries", "true");
}

Test(dispatcher, fills_the_slots_of_many_endpoints)
{
    make_dispatcher(never, 16, 5000);
    for (int i = 0; i < 300; i++)
        put_endpoint(arena_printf(arena, "ten_%02d", i / 10), arena_printf(arena, "we_%03d", i),
                     arena_printf(arena, "%s/ok", receiver.url), "*");
    for (int i = 0; i < 30; i++)
        put_events(arena_printf(arena, "ten_%02d", i), "payment.succeeded", 1);
    turn_until("SELECT count(*)::text FROM deliveries WHERE status = 'delivered'", "300");
    cr_assert_eq(receiver.requests, 300);
    cr_sql("SELECT count(*)::text FROM delivery_queue", "0");
}
