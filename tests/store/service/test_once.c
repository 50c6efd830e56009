#include <pthread.h>

#include "fixture.h"

TestSuite(once, .init = fixture_begin, .fini = fixture_end, .timeout = 60);

static const struct db_statement insert_done = {"test.insert_done",
                                                "INSERT INTO done VALUES ($1, $2)"};

// What the tests do once: a row, and an answer that names it.
struct deed {
    const char *id;
    int runs, aborts; // aborts: that many runs are rolled back by the database
    enum status refuses;
    void (*meanwhile)(void);
};

static enum status work(struct worker *its, struct call *call, void *context)
{
    struct deed *deed = context;
    struct db_params *params = db_params(call->arena);
    db_text(params, call->context.tenant_id);
    db_text(params, deed->id);
    deed->runs++;
    enum status status = db_run(its->db, call->arena, &insert_done, params, NULL);
    if (status != STATUS_OK)
        return status;
    if (deed->meanwhile)
        deed->meanwhile();
    if (deed->aborts-- > 0)
        return STATUS_ABORTED;
    if (deed->refuses != STATUS_OK)
        return call_refuse(call, deed->refuses, "by_test", "id", "Refused.");
    Obol__Journal__V1__IdempotencyKey *answer = MESSAGE_NEW(
        call->arena, obol__journal__v1__idempotency_key, Obol__Journal__V1__IdempotencyKey);
    answer->object_id = arena_strdup(call->arena, deed->id);
    call_answer(call, &answer->base);
    return STATUS_OK;
}

static const char *answered(struct call *call)
{
    if (call->response)
        call->packed = message_pack(arena, call->response);
    const Obol__Journal__V1__IdempotencyKey *answer =
        (const void *)message_unpack(arena, call->method->output, call->packed);
    return answer->object_id;
}

static enum status once(struct call *call, struct deed *deed)
{
    return service_once(&worker, call, deed->id, work, deed);
}

Test(once, does_it_and_replays_the_first_answer)
{
    struct deed first = {.id = "a"}, second = {.id = "b"};
    struct call call = a_call("k1", "x", 5000), again = a_call("k1", "x", 5000);
    cr_ok(once(&call, &first));
    cr_assert(!call.replayed);
    cr_assert_str_eq(answered(&call), "a");
    cr_ok(once(&again, &second));
    cr_assert(again.replayed);
    cr_assert_str_eq(answered(&again), "a");
    cr_assert_eq(second.runs, 0);
    cr_sql("SELECT string_agg(id, ' ') FROM done", "a");
}

// An act on an object that stands claims its key with that object's id each time.
Test(once, marks_a_replay_of_an_act_on_the_same_object)
{
    struct deed deed = {.id = "a"};
    struct call call = a_call("k1", "x", 5000), again = a_call("k1", "x", 5000);
    cr_ok(once(&call, &deed));
    cr_assert(!call.replayed);
    cr_ok(once(&again, &deed));
    cr_assert(again.replayed);
    cr_assert_eq(deed.runs, 1);
}

Test(once, refuses_the_key_for_another_request)
{
    struct deed deed = {.id = "a"};
    struct call call = a_call("k1", "x", 5000), other = a_call("k1", "y", 5000);
    cr_ok(once(&call, &deed));
    cr_assert_eq(once(&other, &deed), STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(other.problem.code, "idempotency_key_reused");
    cr_assert_eq(deed.runs, 1);
}

Test(once, keeps_the_keys_of_tenants_apart)
{
    struct deed deed = {.id = "a"};
    struct call call = a_call("k1", "x", 5000), other = a_call("k1", "y", 5000);
    other.context.tenant_id = "ten_b";
    cr_ok(once(&call, &deed));
    cr_ok(once(&other, &deed));
    cr_assert(!other.replayed);
}

Test(once, seals_an_answer_that_shows_a_secret)
{
    struct deed deed = {.id = "the-secret"};
    struct call call = a_call("k1", "x", 5000), again = a_call("k1", "x", 5000);
    cr_ok(once(&call, &deed));
    cr_sql("SELECT sealed::text || (position('the-secret'::bytea IN answer) = 0) FROM "
           "idempotency_keys",
           "truetrue");
    cr_ok(once(&again, &deed));
    cr_assert(again.replayed);
    cr_assert_str_eq(answered(&again), "the-secret");
}

Test(once, gives_the_key_back_when_the_work_is_refused)
{
    struct deed deed = {.id = "a", .refuses = STATUS_FAILED_PRECONDITION};
    struct call call = a_call("k1", "x", 5000), again = a_call("k1", "x", 5000);
    cr_assert_eq(once(&call, &deed), STATUS_FAILED_PRECONDITION);
    cr_assert_str_eq(call.problem.param, "id");
    cr_sql("SELECT count(*) FROM idempotency_keys", "0");
    cr_sql("SELECT count(*) FROM done", "0");
    deed.refuses = STATUS_OK;
    cr_ok(once(&again, &deed));
    cr_assert(!again.replayed);
}

Test(once, finds_its_own_row_after_a_lost_commit)
{
    struct deed deed = {.id = "a"};
    struct call call = a_call("k1", "x", 5000);
    failpoint_arm("db.commit.lost=fail");
    cr_ok(once(&call, &deed));
    cr_assert(!call.replayed, "it is the first answer");
    cr_assert_str_eq(answered(&call), "a");
    cr_assert_eq(deed.runs, 1);
    cr_sql("SELECT count(*) FROM done", "1");
}

Test(once, does_it_again_after_a_commit_that_did_not_come_through)
{
    struct deed deed = {.id = "a"};
    struct call call = a_call("k1", "x", 5000);
    failpoint_arm("db.commit.fail=fail");
    cr_ok(once(&call, &deed));
    cr_assert_eq(deed.runs, 2);
    cr_sql("SELECT count(*) FROM done", "1");
}

Test(once, says_unknown_when_a_lost_commit_cant_be_found_out)
{
    struct deed deed = {.id = "a"};
    struct call call = a_call("k1", "x", 5000);
    failpoint_arm("db.commit.lost=fail:*");
    // The second try finds the row, but its own COMMIT is lost too, and so on.
    cr_assert_eq(once(&call, &deed), STATUS_UNKNOWN);
    cr_assert_str_eq(call.problem.code, "outcome_unknown");
    cr_assert_null(call.response);
    cr_assert_eq(deed.runs, 1);
}

struct holder {
    pthread_t thread;
    struct db *db;
    struct arena *arena;
};

static void hold_key(struct holder *holder, const char *key)
{
    struct claim claim = {.tenant_id = "ten_a",
                          .key = key,
                          .object_id = "other",
                          .method = "m",
                          .http_status = 200,
                          .answer = bytes_of_string("x"),
                          .now_us = clock_unix_us()};
    holder->db = another_db(5000);
    holder->arena = arena_new(ARENA_CAP_REQUEST);
    cr_ok(db_begin(holder->db));
    cr_ok(journal_claim(&service.journal, holder->db, holder->arena, &claim, 1));
}

static void let_go(struct holder *holder)
{
    db_rollback(holder->db);
    db_free(holder->db);
    arena_free(holder->arena);
}

Test(once, waits_for_another_holder_of_the_key_until_its_deadline)
{
    struct deed deed = {.id = "a"};
    struct call call = a_call("k1", "x", 700);
    struct holder holder;
    hold_key(&holder, "k1");
    int64_t began_ns = clock_now_ns();
    cr_assert_eq(once(&call, &deed), STATUS_ABORTED);
    cr_assert_str_eq(call.problem.code, "idempotency_key_in_use");
    cr_assert_geq(clock_now_ns() - began_ns, 600 * NS_PER_MS);
    cr_assert_eq(deed.runs, 0);
    let_go(&holder);
}

static bool is_waited_for(void *context)
{
    (void)context;
    return strcmp(sql("SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = "
                      "current_database() AND wait_event_type = 'Lock'"),
                  "t") == 0;
}

static void *let_go_when_waited_for(void *argument)
{
    test_wait(is_waited_for, NULL, 10000, "somebody waits for the key");
    let_go(argument);
    return NULL;
}

Test(once, goes_on_when_the_holder_gives_up)
{
    struct deed deed = {.id = "a"};
    struct call call = a_call("k1", "x", 15000);
    struct holder holder;
    hold_key(&holder, "k1");
    struct arena *mine = arena_new(ARENA_CAP_BATCH);
    call.arena = mine; // the other thread looks with the test's own
    cr_assert_eq(pthread_create(&holder.thread, NULL, let_go_when_waited_for, &holder), 0);
    enum status status = once(&call, &deed);
    pthread_join(holder.thread, NULL);
    cr_ok(status);
    cr_assert_eq(deed.runs, 1);
    arena_free(mine);
}

Test(once, blames_the_key_for_no_other_lock)
{
    struct deed deed = {.id = "a"};
    struct call call = a_call("k1", "x", 700);
    struct db *other = another_db(5000);
    struct db_params *params = db_params(arena);
    db_text(params, "ten_a");
    db_text(params, "a");
    cr_ok(db_begin(other));
    cr_ok(db_run(other, arena, &insert_done, params, NULL));
    cr_assert_eq(once(&call, &deed), STATUS_UNAVAILABLE);
    cr_assert_str_eq(call.problem.code, "unavailable");
    db_rollback(other);
    db_free(other);
}

Test(once, tries_an_aborted_work_three_times)
{
    struct deed twice = {.id = "a", .aborts = 2}, for_ever = {.id = "b", .aborts = 99};
    struct call call = a_call("k1", "x", 5000), other = a_call("k2", "x", 5000);
    cr_ok(once(&call, &twice));
    cr_assert_eq(twice.runs, 3);
    cr_assert_eq(once(&other, &for_ever), STATUS_UNAVAILABLE);
    cr_assert_eq(for_ever.runs, 3);
    cr_sql("SELECT string_agg(id, ' ') FROM done", "a");
}

static struct call transact(struct deed *deed, const char *key, enum status expected)
{
    struct call call = a_call(key, "x", 5000);
    cr_assert_eq(service_transact(&worker, &call, work, deed), expected, "%s", call.problem.detail);
    return call;
}

Test(transact, takes_no_key_and_tries_again)
{
    struct deed deed = {.id = "a", .aborts = 2};
    fixture_begin();
    struct call call = transact(&deed, "k1", STATUS_OK);
    cr_assert_str_eq(call.context.idempotency_key, "k1", "it is the caller's");
    cr_assert_eq(deed.runs, 3);
    cr_sql("SELECT count(*) FROM idempotency_keys", "0");
    fixture_end();
}

Test(transact, cant_find_out_about_a_lost_commit)
{
    struct deed deed = {.id = "a"};
    fixture_begin();
    failpoint_arm("db.commit.lost=fail");
    transact(&deed, NULL, STATUS_UNKNOWN);
    cr_assert_eq(deed.runs, 1);
    fixture_end();
}

Test(transact, rolls_back_what_is_refused)
{
    struct deed deed = {.id = "a", .refuses = STATUS_NOT_FOUND};
    fixture_begin();
    struct call call = transact(&deed, NULL, STATUS_NOT_FOUND);
    cr_assert_str_eq(call.problem.code, "by_test");
    cr_sql("SELECT count(*) FROM done", "0");
    fixture_end();
}

Test(transact, says_unavailable_with_the_database_away)
{
    struct deed deed = {.id = "a"};
    fixture_begin();
    db_free(worker.db);
    worker.db =
        db_new(&(struct db_config){.ring = test_ring(), .url = "postgresql://127.0.0.1:1/x"});
    transact(&deed, NULL, STATUS_UNAVAILABLE);
    cr_assert_eq(deed.runs, 0);
    fixture_end();
}
