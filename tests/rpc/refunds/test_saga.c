// A refund that stopped somewhere, and what payments tells of it.
#include "service.h"

#include "intake.h"

TestSuite(saga, .init = service_begin, .fini = service_end, .timeout = 120);

static const char *make(void)
{
    struct answer answer = create("k1", 200);
    cr_assert_eq(answer.status, STATUS_OK, "%s", answer.problem.detail);
    return answer.refund->id;
}

Test(saga, follows_payments_to_the_end)
{
    const char *id = make();
    cr_ok(tell(id, "pending", 1));
    cr_ok(tell(id, "unknown", 2));
    cr_ok(tell(id, "processed", 3));
    cr_assert_str_eq(events_of(id), "refund.created:1 refund.unknown:2 refund.processed:3");
    refund_answer *got = NULL;
    cr_ok(get(id, &got));
    cr_assert_str_eq(got->status, "processed");
    cr_assert_not_null(got->processed_at);
    cr_assert_null(got->error);
    cr_sql("SELECT drive_at IS NULL AND finished_at IS NOT NULL FROM refunds", "t");
    cr_sql("SELECT string_agg(action || actor, ' ' ORDER BY at) FROM audit_log",
           "refund.createkey_1 refund.outcomepayments refund.outcomepayments");
    cr_sql("SELECT (before::jsonb ->> 'status') || (after::jsonb ->> 'status') FROM audit_log "
           "ORDER BY at DESC LIMIT 1",
           "unknownprocessed");
}

Test(saga, shows_why_a_refund_failed)
{
    const char *id = make();
    refund_answer *got = NULL;
    cr_ok(tell(id, "failed", 2));
    cr_ok(get(id, &got));
    cr_assert_str_eq(got->error->code, "account_closed");
    cr_ok(tell(id, "processed", 3));
    cr_ok(get(id, &got));
    cr_assert_str_eq(got->status, "failed", "what has ended stays");
}

Test(saga, ignores_what_is_older_twice_told_or_not_ours)
{
    const char *id = make();
    cr_ok(tell(id, "unknown", 5));
    cr_ok(tell(id, "failed", 4));
    cr_ok(tell(id, "unknown", 5));
    cr_ok(tell("rfnd_nobody", "failed", 9));
    cr_assert_str_eq(events_of(id), "refund.created:1 refund.unknown:2");
}

Test(saga, takes_the_newest_of_many_news_in_one_batch)
{
    Obol__Payments__V1__RefundOperation news[3];
    const Obol__Payments__V1__RefundOperation *all[3];
    const char *tenants[] = {"ten_a", "ten_a", "ten_a"};
    static const char *const statuses[] = {"unknown", "processed", "pending"};
    static const int64_t revisions[] = {2, 3, 1};
    const char *id = make();
    for (int i = 0; i < 3; i++) {
        obol__payments__v1__refund_operation__init(&news[i]);
        news[i].refund_id = (char *)id;
        news[i].status = (char *)statuses[i];
        news[i].revision = revisions[i];
        all[i] = &news[i];
    }
    cr_ok(db_begin(db));
    cr_ok(saga_tell(&refunds, db, arena, tenants, all, 3));
    cr_ok(db_commit(db));
    cr_assert_str_eq(events_of(id), "refund.created:1 refund.processed:2");
}

Test(saga, confirms_first_when_news_overtake_the_confirmation)
{
    fake.reserve = FAKE_LOST;
    cr_assert_eq(create("k1", 200).status, STATUS_UNKNOWN);
    fake.reserve = FAKE_OK;
    const char *id = arena_strdup(arena, fake.operations[0].refund_id);
    cr_ok(tell(id, "processed", 2));
    cr_assert_str_eq(events_of(id), "refund.created:1 refund.processed:2");
    struct answer again = create("k1", 200);
    cr_assert_eq(again.status, STATUS_OK);
    cr_assert(again.replayed);
    cr_assert_str_eq(again.refund->status, "pending", "the answer of the creation");
}

Test(saga, puts_news_off_while_payments_cant_be_asked)
{
    fake.reserve = FAKE_LOST;
    cr_assert_eq(create("k1", 200).status, STATUS_UNKNOWN);
    fake.reserve = FAKE_AWAY;
    const char *id = arena_strdup(arena, fake.operations[0].refund_id);
    cr_assert_eq(tell(id, "processed", 2), STATUS_UNAVAILABLE);
    cr_assert_str_eq(events_of(id), "");
}

Test(saga, looks_after_what_the_bus_lost)
{
    const char *id = make();
    fake.operations[0].status = "unknown";
    fake.operations[0].revision = 2;
    drive();
    fake.operations[0].status = "processed";
    fake.operations[0].revision = 3;
    drive();
    drive();
    cr_assert_str_eq(events_of(id), "refund.created:1 refund.unknown:2 refund.processed:3");
}

static const char *racing_id;

// Another driver, while the first one is about to release what payments refused it.
static void confirm_elsewhere(void)
{
    struct db *own = another_db();
    struct arena *turn = arena_new(ARENA_CAP_BATCH);
    struct refund refund;
    struct problem problem = {0};
    racing_id = strdup(test_sql(own, turn, "SELECT id FROM refunds"));
    cr_ok(refund_get(own, turn, "ten_a", racing_id, false, &refund));
    fake.reserve = FAKE_OK;
    cr_ok(saga_reserve(&refunds, own, turn, &refund, &problem));
    arena_free(turn);
    db_free(own);
}

Test(saga, ends_a_refund_that_one_driver_confirmed_and_another_released)
{
    fake.reserve = FAKE_REFUSE;
    fake.before_release = confirm_elsewhere;
    struct answer answer = create("k1", 200);
    cr_assert_eq(answer.status, STATUS_OK, "it was made: %s", status_name(answer.status));
    cr_sql("SELECT status FROM refunds", "pending");
    drive();
    refund_answer *got = NULL;
    cr_ok(get(racing_id, &got));
    cr_assert_str_eq(got->status, "failed");
    cr_assert_str_eq(got->error->code, "payment_not_refundable");
    cr_assert_str_eq(events_of(racing_id), "refund.created:1 refund.failed:2");
    cr_sql("SELECT drive_at IS NULL FROM refunds", "t");
}

static void send_elsewhere(void)
{
    confirm_elsewhere();
    fake.operations[0].sent = true;
}

Test(saga, keeps_a_refund_that_can_no_longer_be_released)
{
    fake.reserve = FAKE_REFUSE;
    fake.before_release = send_elsewhere;
    struct answer answer = create("k1", 200);
    cr_assert_eq(answer.status, STATUS_OK, "%s", status_name(answer.status));
    cr_assert_str_eq(answer.refund->status, "pending");
    cr_assert_str_eq(events_of(racing_id), "refund.created:1");
}

Test(saga, removes_a_refund_that_was_given_up_elsewhere)
{
    struct refund refund = put_refund("ten_a", 200);
    fake_add(refund.id, 0, "released");
    drive();
    cr_sql("SELECT count(*) FROM refunds", "0");
}

static bool is_processed(void *context)
{
    (void)context;
    return strcmp(sql("SELECT status FROM refunds"), "processed") == 0;
}

Test(saga, catches_up_by_the_list_of_payments_while_the_bus_is_away)
{
    Obol__Payments__V1__RefundOperation news = OBOL__PAYMENTS__V1__REFUND_OPERATION__INIT;
    const struct bus_config config = {.settings.url = "nats://127.0.0.1:1",
                                      .settings.stream = "obol",
                                      .client = "test",
                                      .settings.replicas = 1};
    news.refund_id = (char *)make();
    news.status = (char *)"processed";
    news.revision = 2;
    fake.news = message_pack(arena, &news.base);
    service.bus = bus_new(&config);
    struct consumer *consumer = intake_start(&refunds, 1);
    cr_assert_not_null(consumer);
    test_wait(is_processed, NULL, 30000, "the refund is processed");
    consumer_stop(consumer);
    bus_free(service.bus);
    cr_sql("SELECT count(*) FROM consumed", "1");
}
