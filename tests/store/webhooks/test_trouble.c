// The dispatcher when processes die, the database goes away and commits are not answered.
#include "store/webhooks/turning.h"

TestSuite(trouble, .init = begin, .fini = end, .timeout = 120);

Test(trouble, counts_an_attempt_whose_process_died_before_sending)
{
    make_dispatcher(at_once, 8, 5000);
    put_hook("we_1", "/ok");
    put_events("ten_a", "payment.succeeded", 1);
    failpoint_arm("deliver.claimed=fail");
    turn_until("SELECT attempts::text FROM delivery_queue", "1");
    cr_assert_eq(receiver.requests, 0);
    sql("UPDATE delivery_queue SET lease_until = now() - interval '1 s'");
    turn_until("SELECT status || attempts FROM deliveries", "delivered2");
    cr_sql("SELECT error FROM delivery_attempts WHERE number = 1", "No outcome was recorded.");
}

Test(trouble, counts_an_attempt_whose_process_was_killed_while_sending)
{
    make_dispatcher(at_once, 8, 5000);
    put_hook("we_1", "/ok");
    put_events("ten_a", "payment.succeeded", 1);
    pid_t child = fork();
    if (child == 0) {
        failpoint_arm("deliver.sent=crash");
        struct db *own = another_db();
        for (int i = 0; i < 100; i++) {
            dispatcher_turn(dispatcher, own, turn_arena);
            bell_wait(bell, 50);
        }
        _exit(0);
    }
    int status = 0;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFSIGNALED(status) || WEXITSTATUS(status) != 0);
    cr_sql("SELECT attempts || ' ' || (lease_until > now()) FROM delivery_queue", "1 true");
    sql("UPDATE delivery_queue SET lease_until = now() - interval '1 s'");
    turn_until("SELECT status || attempts FROM deliveries", "delivered2");
    cr_sql("SELECT error FROM delivery_attempts WHERE number = 1", "No outcome was recorded.");
}

Test(trouble, keeps_outcomes_until_they_can_be_written)
{
    make_dispatcher(never, 16, 5000);
    put_hook("we_1", "/ok");
    put_events("ten_a", "payment.succeeded", 3);
    failpoint_arm("deliver.before_flush=fail:*");
    while (receiver.requests < 3)
        turn();
    for (int i = 0; i < 5; i++)
        turn();
    cr_sql("SELECT count(*)::text FROM deliveries WHERE status = 'pending'", "3");
    failpoint_arm("");
    turn_until("SELECT count(*)::text FROM deliveries WHERE status = 'delivered'", "3");
    cr_assert_eq(receiver.requests, 3);
}

Test(trouble, survives_a_database_that_goes_away)
{
    make_dispatcher(at_once, 8, 5000);
    put_hook("we_1", "/ok");
    put_events("ten_a", "payment.succeeded", 5);
    test_database_disconnect(&database);
    int64_t deadline_ns = clock_deadline_ns(20000);
    while (receiver.requests < 5 && clock_left_ms(deadline_ns) > 0)
        turn();
    test_database_disconnect(&database);
    for (int i = 0; i < 5; i++)
        turn();
    while (db_ping(db) != STATUS_OK && clock_left_ms(deadline_ns) > 0)
        turn();
    turn_until("SELECT count(*)::text FROM deliveries WHERE status = 'delivered'", "5");
}

// Sends what is due, and keeps the answers from being written.
static void send_without_writing(int requests)
{
    failpoint_arm("deliver.before_flush=fail:*");
    int64_t deadline_ns = clock_deadline_ns(20000);
    while (receiver.requests < requests && clock_left_ms(deadline_ns) > 0)
        turn();
    cr_assert_eq(receiver.requests, requests);
    turn();
    failpoint_arm("");
}

Test(trouble, writes_answers_even_when_nothing_can_be_claimed)
{
    make_dispatcher(never, 8, 5000);
    put_hook("we_1", "/ok");
    put_events("ten_a", "payment.succeeded", 2);
    send_without_writing(2);
    put_events("ten_a", "payment.succeeded", 1);
    sql("ALTER TABLE endpoints RENAME TO endpoints_away");
    turn_until("SELECT count(*)::text FROM deliveries WHERE status = 'delivered'", "2");
    sql("ALTER TABLE endpoints_away RENAME TO endpoints");
    turn_until("SELECT count(*)::text FROM deliveries WHERE status = 'delivered'", "3");
    cr_assert_eq(receiver.requests, 3);
}

Test(trouble, records_the_others_when_one_answer_can_not_be)
{
    make_dispatcher(never, 16, 5000);
    put_hook("we_1", "/ok");
    put_hook("we_2", "/always/418");
    put_events("ten_a", "payment.succeeded", 2);
    sql("ALTER TABLE delivery_attempts ADD CHECK (response_code <> 418)");
    send_without_writing(4);
    turn_until("SELECT count(*)::text FROM deliveries WHERE status = 'delivered'", "2");
    cr_sql("SELECT count(*) || ' ' || bool_and(lease_until > now() AND attempts = 1) FROM "
           "delivery_queue WHERE endpoint_id = 'we_2'",
           "2 true"); // left to their leases
    cr_assert(dispatcher_drain(dispatcher, 0) || (turn(), dispatcher_drain(dispatcher, 0)));
}

Test(trouble, writes_answers_once_when_a_commit_is_not_answered)
{
    make_dispatcher(never, 16, 5000);
    put_hook("we_1", "/flaky/1");
    put_events("ten_a", "payment.succeeded", 3);
    send_without_writing(3);
    failpoint_arm("db.commit.lost=fail");
    turn_until("SELECT string_agg(d.status || d.attempts, ' ' ORDER BY d.status) FROM deliveries d",
               "delivered1 delivered1 pending1");
    for (int i = 0; i < 5; i++)
        turn();
    cr_sql("SELECT count(*) || ' ' || max(number) FROM delivery_attempts", "3 1");
    cr_sql("SELECT (lease_until IS NULL)::text FROM delivery_queue", "true");
    cr_assert_eq(receiver.requests, 3);
}

Test(trouble, sends_nothing_that_may_not_be_claimed)
{
    make_dispatcher(at_once, 8, 5000);
    put_hook("we_1", "/ok");
    put_events("ten_a", "payment.succeeded", 2);
    failpoint_arm("db.commit.lost=fail");
    turn_until("SELECT string_agg(attempts::text, ' ') FROM delivery_queue", "1 1");
    for (int i = 0; i < 5; i++)
        turn();
    cr_assert_eq(receiver.requests, 0); // nobody heard of the claim
    sql("UPDATE delivery_queue SET lease_until = now() - interval '1 s'");
    turn_until("SELECT string_agg(status || attempts, ' ') FROM deliveries",
               "delivered2 delivered2");
    cr_sql("SELECT count(*)::text FROM delivery_attempts WHERE error = 'No outcome was recorded.'",
           "2");
}
