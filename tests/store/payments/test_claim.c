#include "fixture.h"
#include "processor/claim.h"
#include "processor/turn.h"

static struct fixture f;

static void begin(void)
{
    fixture_begin(&f);
}

static void end(void)
{
    fixture_end(&f);
}

TestSuite(claim, .init = begin, .fini = end);

static size_t claim(size_t room, size_t long_room)
{
    static struct claim_place place;
    struct turn turn = {.state = &f.state,
                        .db = f.db,
                        .arena = f.arena,
                        .place = &place,
                        .room = room,
                        .long_room = long_room};
    cr_ok(turn_run(&turn));
    return turn.claimed_n;
}

static const char *count(const char *where)
{
    return test_sql(f.db, f.arena,
                    arena_printf(f.arena, "SELECT count(*) FROM operations_queue WHERE %s", where));
}

Test(claim, what_takes_long_gets_a_part_of_the_slots)
{
    for (int i = 0; i < 10; i++)
        pay(&f, "r", 100 + i);
    test_sql(f.db, f.arena,
             "UPDATE operations_queue q SET lease_ms = 120000 FROM operations o WHERE o.id = q.id "
             "AND o.amount < 107");
    cr_assert_eq(claim(16, 2), 5, "two of seven, and all of three");
    cr_assert_str_eq(count("lease_until > now() + interval '1 minute'"), "2");
    cr_assert_str_eq(count("lease_until IS NULL AND due_at > now() AND lease_ms = 120000"), "5");
    cr_assert_str_eq(
        test_sql(f.db, f.arena, "SELECT count(*) FROM operations WHERE status = 'sent'"), "5",
        "what was given back is not sent");
    cr_assert_eq(claim(16, 2), 0, "not yet due again");
    test_sql(f.db, f.arena, "UPDATE operations_queue SET due_at = now() WHERE lease_until IS NULL");
    cr_assert_eq(claim(16, 0), 0);
    test_sql(f.db, f.arena, "UPDATE operations_queue SET due_at = now() WHERE lease_until IS NULL");
    cr_assert_eq(claim(16, 8), 5);
}

Test(claim, leases_as_long_as_the_provider_may_take)
{
    pay(&f, "r", 1);
    cr_assert_eq(claim(4, 2), 1);
    cr_assert_str_eq(test_sql(f.db, f.arena,
                              "SELECT lease_until - asked_at = lease_ms * interval '1 "
                              "millisecond' AND lease_ms = 3000 FROM operations_queue"),
                     "t", "the timeout of the simulator and a margin");
}

Test(claim, what_goes_to_an_open_circuit_waits_and_is_not_sent)
{
    pay(&f, "r", 1);
    const char *id = providers_simulator(f.state.providers)->id;
    for (int i = 0; i < BREAKER_REQUESTS_MIN; i++)
        breakers_note(f.state.breakers, "simulator", id, false, clock_now_ns() / NS_PER_MS);
    cr_assert_eq(claim(4, 2), 0);
    cr_assert_str_eq(test_sql(f.db, f.arena, "SELECT status || attempts FROM operations"),
                     "ready0");
    cr_assert_str_eq(count("lease_until IS NULL AND due_at > now()"), "1");
    cr_assert_str_eq(test_sql(f.db, f.arena, "SELECT status FROM payments"), "pending");
}

// --- After a restore: whatever was under way may have gone on since the backup.

static void restored(void)
{
    cr_ok(db_run(f.db, f.arena, &sql_restored_doubt, NULL, NULL));
}

static struct turn claimed(void)
{
    static struct claim_place place;
    struct turn turn = {.state = &f.state,
                        .db = f.db,
                        .arena = f.arena,
                        .place = &place,
                        .room = 4,
                        .long_room = 2};
    cr_ok(turn_run(&turn));
    return turn;
}

Test(claim, what_is_doubtful_is_asked_about_and_not_sent)
{
    pay(&f, "r", 1);
    restored();
    struct turn turn = claimed();
    cr_assert_eq(turn.claimed_n, 1);
    cr_assert(!turn.claimed[0].send);
    cr_assert(turn.claimed[0].operation.doubtful);
    cr_assert_str_eq(test_sql(f.db, f.arena, "SELECT status || attempts FROM operations"), "sent1");
    cr_assert_str_eq(test_sql(f.db, f.arena, "SELECT status FROM payments"), "processing");
}

Test(claim, what_is_doubtful_goes_nowhere_else)
{
    pay(&f, "r", 1);
    restored();
    const char *id = providers_simulator(f.state.providers)->id;
    for (int i = 0; i < BREAKER_REQUESTS_MIN; i++)
        breakers_note(f.state.breakers, "simulator", id, false, clock_now_ns() / NS_PER_MS);
    cr_assert_eq(claimed().claimed_n, 1, "asking may go where sending may not");
}

Test(claim, a_doubtful_payment_can_not_be_taken_back)
{
    const char *payment_id = arena_strdup(f.arena, pay(&f, "r", 1));
    const char *id = test_sql(f.db, f.arena, "SELECT id FROM operations");
    const struct payment payment = {
        .tenant_id = TENANT, .id = payment_id, .charge_operation_id = id};
    bool done = true;
    restored();
    cr_ok(store_operations_take_back(f.db, f.arena, &payment, clock_unix_us(), &done));
    cr_assert(!done);
    test_sql(f.db, f.arena, "UPDATE operations SET doubtful = false");
    cr_ok(store_operations_take_back(f.db, f.arena, &payment, clock_unix_us(), &done));
    cr_assert(done);
}

Test(claim, what_was_not_found_is_sent_without_doubt)
{
    pay(&f, "r", 1);
    restored();
    struct turn turn = claimed();
    const struct operation *operation = &turn.claimed[0].operation;
    // As if all delays had passed.
    test_sql(f.db, f.arena, "UPDATE operations SET sent_at = sent_at - interval '1 hour'");
    bool settled = false;
    struct finished finished = {.operation = {operation->tenant_id, operation->id},
                                .attempt = operation->attempts,
                                .lease_us = operation->lease_us,
                                .query = {.outcome = {.kind = OUTCOME_NOT_FOUND}},
                                .doubtful = true};
    struct turn next = {.state = &f.state,
                        .db = f.db,
                        .arena = f.arena,
                        .finished = &finished,
                        .finished_n = 1,
                        .settled = &settled};
    cr_ok(turn_run(&next));
    cr_assert(settled);
    cr_assert_str_eq(test_sql(f.db, f.arena, "SELECT status || ' ' || doubtful FROM operations"),
                     "ready false");
}

Test(claim, what_had_been_sent_counts_as_sent_at_the_restore)
{
    pay(&f, "r", 1);
    claimed();
    test_sql(f.db, f.arena, "UPDATE operations SET sent_at = sent_at - interval '1 hour'");
    restored();
    cr_assert_str_eq(test_sql(f.db, f.arena,
                              "SELECT doubtful AND sent_at > now() - interval '1 minute' FROM "
                              "operations"),
                     "t");
}
