#include "store/webhooks/fixture.h"

#include "service/housekeeping.h"
#include "webhooks.h"

static const struct webhooks_settings settings = {.event_retention_s = 2592000,
                                                  .delivery_retention_s = 2592000};
static const struct service_table tables[] = {
    {"stored_events", "evt", &settings.event_retention_s},
    {"deliveries", "whd", &settings.delivery_retention_s},
};
static const struct service_definition definition = {
    .tables = tables, .tables_n = 2, .sweep = sweep_webhooks};
static struct webhooks webhooks = {.settings = &settings};
static struct housekeeping housekeeping = {&definition, &settings.event_retention_s, &webhooks, 0};

TestSuite(intake, .init = fixture_begin, .fini = fixture_end, .timeout = 60);

#define URL "https://shop.example/hook"

Test(intake, makes_a_delivery_for_each_endpoint_that_wants_the_event)
{
    put_endpoint("ten_a", "we_all", URL, "*");
    put_endpoint("ten_a", "we_payments", URL, "payment.*");
    put_endpoint("ten_a", "we_refunds", URL, "refund.*");
    put_endpoint("ten_b", "we_other", URL, "*");
    put_events("ten_a", "payment.succeeded", 1);
    cr_sql(
        "SELECT string_agg(endpoint_id || ' ' || status || ' ' || attempts || ' ' || payment_id, "
        "',' ORDER BY endpoint_id) FROM deliveries",
        "we_all pending 0 pay_1,we_payments pending 0 pay_1");
}

Test(intake, keeps_the_exact_bytes)
{
    struct event event = an_event("ten_a", "payment.succeeded");
    event.body = bytes_of_string("{\"a\":\"\\u00e9 \u20ac\",\"b\":1}");
    cr_ok(take(&event, 1));
    struct bytes body = {0};
    cr_ok(store_event_body(db, arena, "ten_a", event.id, &body));
    cr_assert_eq(body.length, event.body.length);
    cr_assert_eq(memcmp(body.at, event.body.at, body.length), 0);
    cr_sql("SELECT type || object_id || payment_id || sequence || request_id FROM stored_events",
           "payment.succeededpay_1pay_11req_1");
}

Test(intake, takes_an_event_once)
{
    put_endpoint("ten_a", "we_1", URL, "*");
    struct event event = an_event("ten_a", "payment.succeeded");
    const struct event twice[] = {event, event};
    cr_ok(take(twice, 2));
    cr_ok(take(&event, 1));
    cr_sql("SELECT count(*)::text FROM deliveries", "1");
    cr_sql("SELECT count(*)::text FROM stored_events", "1");
}

Test(intake, leaves_internal_events_aside)
{
    put_endpoint("ten_a", "we_1", URL, "*");
    struct event event = an_event("ten_a", "refund.settled");
    event.body = (struct bytes){0};
    cr_ok(take(&event, 1));
    cr_sql("SELECT count(*)::text FROM stored_events", "0");
    cr_sql("SELECT count(*)::text FROM deliveries", "0");
}

Test(intake, makes_none_for_disabled_and_deleted_endpoints)
{
    put_endpoint("ten_a", "we_1", URL, "*");
    put_endpoint("ten_a", "we_2", URL, "*");
    struct endpoint disabled = {0};
    cr_ok(store_endpoint_disable(db, arena, "ten_a", "we_1", "no", &disabled));
    cr_ok(store_endpoint_delete(db, arena, "ten_a", "we_2"));
    put_events("ten_a", "payment.succeeded", 3);
    cr_sql("SELECT count(*)::text FROM deliveries", "0");
    cr_sql("SELECT count(*)::text FROM stored_events", "3");
    cr_sql("SELECT octet_length(secret_sealed)::text FROM endpoints WHERE id = 'we_2'", "0");
}

Test(intake, leaves_nothing_when_it_fails_before_the_commit)
{
    put_endpoint("ten_a", "we_1", URL, "*");
    struct event event = an_event("ten_a", "payment.succeeded");
    failpoint_arm("intake.before_commit=fail");
    cr_assert_eq(take(&event, 1), STATUS_UNAVAILABLE);
    cr_sql("SELECT count(*)::text FROM deliveries", "0");
    cr_ok(take(&event, 1));
    cr_sql("SELECT count(*)::text FROM deliveries", "1");
}

Test(intake, keeps_endpoints_from_being_disabled_under_it)
{
    put_endpoint("ten_a", "we_1", URL, "*");
    struct event event = an_event("ten_a", "payment.succeeded");
    struct intake intake = {0};
    cr_ok(db_begin(db));
    cr_ok(intake_handle(&intake, db, arena, &event, 1));
    struct db *other = another_db();
    struct endpoint disabled = {0};
    cr_assert_eq(db_script(other, arena, "SET lock_timeout = '50ms'", NULL), STATUS_OK);
    cr_assert_eq(store_endpoint_disable(other, arena, "ten_a", "we_1", "no", &disabled),
                 STATUS_ABORTED);
    cr_ok(db_commit(db));
    cr_ok(store_endpoint_disable(other, arena, "ten_a", "we_1", "no", &disabled));
    db_free(other);
}

struct own_list {
    struct intake intake;
    struct event *events;
    size_t n;
    const char *cursor;
};

// Transactions of other tests may hold the horizon back for a moment.
static bool own_event_listed(void *context)
{
    struct own_list *list = context;
    cr_ok(
        intake_list(&list->intake, INTAKE_OWN, arena, "", &list->events, &list->n, &list->cursor));
    return list->n > 0;
}

Test(intake, compares_with_its_own_journal)
{
    struct event event = an_event("ten_a", "webhook_endpoint.disabled");
    cr_ok(journal_append(db, arena, &event, 1));
    struct db_config config = {
        .ring = test_ring(), .url = database.url, .schema = "webhooks", .application = "test"};
    struct own_list list = {.intake = {.db_config = &config}};
    test_wait(own_event_listed, &list, 20000, "the event in the list");
    cr_assert_eq(list.n, 1);
    cr_assert_str_eq(list.events[0].id, event.id);
    cr_ok(intake_list(&list.intake, INTAKE_OWN, arena, list.cursor, &list.events, &list.n,
                      &list.cursor));
    cr_assert_eq(list.n, 0);
    intake_deinit(&list.intake);
}

Test(intake, puts_rows_into_the_months_partition)
{
    cr_ok(housekeeping_partitions(&housekeeping, db, arena));
    put_endpoint("ten_a", "we_1", URL, "*");
    put_events("ten_a", "payment.succeeded", 2);
    cr_sql("SELECT count(*)::text FROM ONLY stored_events_default", "0");
    cr_sql("SELECT count(*)::text FROM ONLY deliveries_default", "0");
    cr_sql("SELECT count(*)::text FROM deliveries", "2");
}

Test(intake, takes_events_older_than_any_partition)
{
    cr_ok(housekeeping_partitions(&housekeeping, db, arena));
    put_endpoint("ten_a", "we_1", URL, "*");
    struct event event = an_event("ten_a", "payment.succeeded");
    event.id = arena_strdup(arena, id_floor("evt", 1700000000000).text);
    cr_ok(take(&event, 1));
    cr_sql("SELECT count(*)::text FROM ONLY stored_events_default", "1");
    cr_sql("SELECT count(*)::text FROM deliveries", "1");
    cr_assert_gt(housekeeping_turn(&housekeeping, db, arena), 0);
    cr_sql("SELECT count(*)::text FROM ONLY stored_events_default", "0");
}
