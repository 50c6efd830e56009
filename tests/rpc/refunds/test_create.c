// Creating refunds, the ways it ends, and what repeating it answers.
#include "service.h"

TestSuite(create, .init = service_begin, .fini = service_end, .timeout = 120);

Test(create, makes_a_pending_refund_with_its_event_audit_row_and_key)
{
    struct answer first = create("k1", 200);
    cr_assert_eq(first.status, STATUS_OK, "%s", first.problem.detail);
    cr_assert(!first.replayed);
    cr_assert_str_eq(first.refund->status, "pending");
    cr_assert_eq(first.refund->amount, 200);
    cr_assert_str_eq(first.refund->currency, "INR");
    cr_assert_str_eq(events_of(first.refund->id), "refund.created:1");
    cr_sql("SELECT count(*) FROM outbox", "1");
    cr_sql("SELECT action || actor FROM audit_log", "refund.createkey_1");
    cr_sql("SELECT answer IS NOT NULL FROM idempotency_keys WHERE key = 'k1'", "t");
    refund_answer *got = NULL;
    cr_ok(get(first.refund->id, &got));
    cr_assert_str_eq(got->status, "pending");
}

Test(create, takes_all_that_is_left_without_an_amount)
{
    struct answer answer = create(NULL, 0);
    cr_assert_eq(answer.status, STATUS_OK);
    cr_assert_eq(answer.refund->amount, 500);
    cr_sql("SELECT count(*) FROM idempotency_keys", "0");
}

Test(create, replays_the_first_answer_whatever_became_of_the_refund)
{
    struct answer first = create("k1", 200);
    cr_ok(tell(first.refund->id, "processed", 2));
    struct answer again = create("k1", 200);
    cr_assert_eq(again.status, STATUS_OK);
    cr_assert(again.replayed);
    cr_assert_eq(again.packed.length, first.packed.length);
    cr_assert_arr_eq(again.packed.at, first.packed.at, first.packed.length);
    cr_assert_eq(fake.reserves, 1, "a replay asks payments nothing");
}

Test(create, refuses_the_key_for_another_request)
{
    cr_assert_eq(create("k1", 200).status, STATUS_OK);
    struct answer other = create("k1", 201);
    cr_assert_eq(other.status, STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(other.problem.code, "idempotency_key_reused");
    cr_sql("SELECT count(*) FROM refunds", "1");
}

Test(create, leaves_nothing_of_a_refused_one_and_frees_its_key)
{
    fake.reserve = FAKE_REFUSE;
    struct answer refused = create("k1", 900);
    cr_assert_eq(refused.status, STATUS_OUT_OF_RANGE);
    cr_assert_str_eq(refused.problem.code, "refund_exceeds_captured");
    cr_assert_str_eq(refused.problem.param, "amount");
    cr_sql("SELECT count(*) FROM refunds", "0");
    cr_sql("SELECT count(*) FROM idempotency_keys", "0");
    cr_sql("SELECT count(*) FROM events", "0");
    cr_assert_eq(fake.releases, 1);
    fake.reserve = FAKE_OK;
    struct answer anew = create("k1", 100);
    cr_assert_eq(anew.status, STATUS_OK);
    cr_assert(!anew.replayed);
}

Test(create, refuses_before_asking_what_is_wrong_in_itself)
{
    cr_assert_eq(create_in(arena, "k1", "order_1", 5).status, STATUS_NOT_FOUND);
    cr_assert_eq(create("k1", -5).status, STATUS_INVALID_ARGUMENT);
    cr_assert_eq(fake.reserves, 0);
    cr_sql("SELECT count(*) FROM idempotency_keys", "0");
}

Test(create, finds_no_payment_of_another_tenant)
{
    tenant = "ten_b";
    struct answer answer = create("k1", 5);
    cr_assert_eq(answer.status, STATUS_NOT_FOUND);
    cr_sql("SELECT count(*) FROM refunds", "0");
}

Test(create, says_unknown_with_payments_away_and_the_loop_goes_on)
{
    fake.reserve = FAKE_AWAY;
    struct answer answer = create("k1", 200);
    cr_assert_eq(answer.status, STATUS_UNKNOWN, "%s", status_name(answer.status));
    cr_sql("SELECT status FROM refunds", "reserving");
    drive();
    cr_sql("SELECT status FROM refunds", "reserving");
    fake.reserve = FAKE_OK;
    drive();
    cr_sql("SELECT status || amount FROM refunds", "pending200");
    struct answer again = create("k1", 200);
    cr_assert_eq(again.status, STATUS_OK);
    cr_assert(again.replayed);
    cr_assert_str_eq(events_of(again.refund->id), "refund.created:1");
}

Test(create, is_finished_by_a_repeat_when_the_answer_of_payments_was_lost)
{
    fake.reserve = FAKE_LOST;
    cr_assert_eq(create("k1", 200).status, STATUS_UNKNOWN);
    fake.reserve = FAKE_OK;
    struct answer again = create("k1", 200);
    cr_assert_eq(again.status, STATUS_OK);
    cr_assert(again.replayed);
    cr_sql("SELECT count(*) || min(status) FROM refunds", "1pending");
    cr_assert_eq(fake.n, 1, "the money is set aside once");
}

Test(create, stays_when_a_refusal_could_not_be_made_sure_of)
{
    fake.reserve = FAKE_REFUSE;
    fake.release = FAKE_AWAY;
    cr_assert_eq(create("k1", 900).status, STATUS_UNKNOWN);
    cr_sql("SELECT status FROM refunds", "reserving");
    fake.release = FAKE_OK;
    drive();
    cr_sql("SELECT count(*) FROM refunds", "0");
    cr_sql("SELECT count(*) FROM idempotency_keys", "0");
}

Test(create, survives_a_lost_commit)
{
    failpoint_arm("db.commit.lost=fail:1");
    struct answer answer = create("k1", 200);
    failpoint_arm("");
    cr_assert_eq(answer.status, STATUS_OK, "%s", answer.problem.detail);
    cr_assert(!answer.replayed, "it is our own row");
    cr_sql("SELECT count(*) || min(status) FROM refunds", "1pending");
}

Test(create, survives_a_lost_commit_of_the_confirmation)
{
    failpoint_arm("db.commit.lost=fail:2");
    struct answer answer = create("k1", 200);
    failpoint_arm("");
    cr_assert_eq(answer.status, STATUS_OK, "%s", answer.problem.detail);
    cr_assert_str_eq(answer.refund->status, "pending");
    cr_assert_str_eq(events_of(answer.refund->id), "refund.created:1");
}

Test(create, survives_a_lost_commit_of_the_removal)
{
    fake.reserve = FAKE_REFUSE;
    failpoint_arm("db.commit.lost=fail:2");
    struct answer answer = create("k1", 900);
    failpoint_arm("");
    cr_assert_eq(answer.status, STATUS_OUT_OF_RANGE, "%s", status_name(answer.status));
    cr_sql("SELECT count(*) FROM refunds", "0");
    cr_sql("SELECT count(*) FROM idempotency_keys", "0");
}

// The first COMMIT is done but its answer lost; the tries to find out fail. The row stands, so 503
// would be a lie.
Test(create, says_unknown_when_a_lost_commit_cant_be_found_out)
{
    sql("CREATE FUNCTION stumble() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF EXISTS (SELECT FROM refunds) THEN RAISE EXCEPTION 'no' USING ERRCODE = '40001'; END "
        "IF; RETURN NEW; END $$;"
        "CREATE TRIGGER stumble BEFORE INSERT ON idempotency_keys FOR EACH ROW EXECUTE FUNCTION "
        "stumble()");
    failpoint_arm("db.commit.lost=fail:1");
    struct answer answer = create("k1", 200);
    failpoint_arm("");
    cr_assert_eq(answer.status, STATUS_UNKNOWN, "%s", status_name(answer.status));
    drive();
    cr_sql("SELECT status FROM refunds", "pending");
}

struct contender {
    pthread_t thread;
    struct arena *arena;
    struct answer answer;
};

static void *contend(void *argument)
{
    struct contender *contender = argument;
    contender->answer = create_in(contender->arena, "k1", "pay_1", 200);
    return NULL;
}

static void contend_all(struct contender contenders[16])
{
    for (int i = 0; i < 16; i++) {
        contenders[i].arena = arena_new(ARENA_CAP_REQUEST);
        cr_assert_eq(pthread_create(&contenders[i].thread, NULL, contend, &contenders[i]), 0);
    }
    for (int i = 0; i < 16; i++)
        pthread_join(contenders[i].thread, NULL);
}

Test(create, makes_one_refund_of_many_requests_under_one_key)
{
    struct contender contenders[16] = {0};
    int first = 0;
    contend_all(contenders);
    for (int i = 0; i < 16; i++) {
        const struct answer *answer = &contenders[i].answer;
        cr_assert_eq(answer->status, STATUS_OK, "%s", answer->problem.detail);
        first += !answer->replayed;
        cr_assert_eq(answer->packed.length, contenders[0].answer.packed.length);
        cr_assert_arr_eq(answer->packed.at, contenders[0].answer.packed.at, answer->packed.length);
    }
    cr_assert_eq(first, 1);
    cr_sql("SELECT count(*) FROM refunds", "1");
    cr_sql("SELECT count(*) FROM events", "1");
    cr_assert_eq(fake.n, 1);
    for (int i = 0; i < 16; i++)
        arena_free(contenders[i].arena);
}

Test(create, refuses_all_of_many_requests_under_one_key)
{
    struct contender contenders[16] = {0};
    fake.reserve = FAKE_REFUSE;
    contend_all(contenders);
    for (int i = 0; i < 16; i++) {
        enum status status = contenders[i].answer.status;
        cr_assert(status == STATUS_OUT_OF_RANGE || status == STATUS_FAILED_PRECONDITION ||
                      status == STATUS_ABORTED,
                  "%s", status_name(status));
        arena_free(contenders[i].arena);
    }
    cr_sql("SELECT count(*) FROM refunds", "0");
    cr_sql("SELECT count(*) FROM idempotency_keys", "0");
}
