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
