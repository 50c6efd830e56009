// A driver dies at each step of a refund, as by kill -9, and another takes over. The process that
// is to die is forked before the RPC core is begun here, because its threads don't survive a fork.
#include "service.h"

#include <sys/wait.h>
#include <unistd.h>

struct orders {
    char failpoint[64], target[64], url[512];
};

static pid_t victim;
static int orders_out;

static void live_until_killed(int orders_in)
{
    struct orders orders;
    if (read(orders_in, &orders, sizeof orders) != sizeof orders)
        _exit(0);
    cr_assert(keyring_parse(RING, &ring));
    journal = (struct journal){.service = "refunds", .ring = &ring};
    service.outbox_bell = bell_new();
    refunds = (struct refunds){.service = &service, .journal = &journal};
    refunds.payments = rpc_client_new(orders.target);
    struct db_config config = {
        .ring = test_ring(), .url = orders.url, .schema = "refunds", .application = "victim"};
    failpoint_arm(orders.failpoint);
    alarm(20);
    (void)saga_drive(&refunds, db_new(&config), arena_new(ARENA_CAP_BATCH));
    _exit(0);
}

static void begin(void)
{
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    victim = fork();
    if (victim == 0) {
        close(ends[1]);
        live_until_killed(ends[0]);
    }
    close(ends[0]);
    orders_out = ends[1];
    service_begin();
}

TestSuite(crash, .init = begin, .fini = service_end, .timeout = 120);

// A refund that is reserving under the key k1, and whose driver dies at the failpoint.
static const char *die_at(const char *failpoint)
{
    struct refund refund = a_refund("ten_a", 200);
    struct claim claim = {.tenant_id = "ten_a",
                          .key = "k1",
                          .object_id = refund.id,
                          .method = "m",
                          .http_status = 201,
                          .now_us = clock_unix_us()};
    struct orders orders = {0};
    int status = 0;
    refund.idempotency_key = "k1";
    cr_ok(db_begin(db));
    cr_ok(journal_claim(&journal, db, arena, &claim, 1));
    cr_ok(refund_insert(db, arena, &refund));
    cr_ok(db_commit(db));
    sql("UPDATE refunds SET drive_at = now()");
    snprintf(orders.failpoint, sizeof orders.failpoint, "%s=crash", failpoint);
    snprintf(orders.target, sizeof orders.target, "%s", fake.target);
    snprintf(orders.url, sizeof orders.url, "%s", database.url);
    cr_assert_eq(write(orders_out, &orders, sizeof orders), sizeof orders);
    cr_assert_eq(waitpid(victim, &status, 0), victim);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 137, "%s was not reached", failpoint);
    return refund.id;
}

Test(crash, when_reserved)
{
    const char *id = die_at("refund.reserved");
    cr_sql("SELECT status FROM refunds", "reserving");
    drive();
    cr_assert_str_eq(events_of(id), "refund.created:1");
    cr_assert_eq(fake.n, 1, "the money is set aside once");
    cr_sql("SELECT answer IS NOT NULL FROM idempotency_keys", "t");
}

Test(crash, when_confirmed)
{
    const char *id = die_at("refund.confirmed");
    cr_sql("SELECT status FROM refunds", "pending");
    fake.operations[0].status = "processed";
    fake.operations[0].revision = 2;
    drive();
    cr_assert_str_eq(events_of(id), "refund.created:1 refund.processed:2");
}

Test(crash, when_released)
{
    fake.reserve = FAKE_REFUSE;
    die_at("refund.released");
    cr_sql("SELECT status FROM refunds", "reserving");
    fake.reserve = FAKE_OK; // too late: the tombstone stands
    drive();
    cr_sql("SELECT count(*) FROM refunds", "0");
    cr_sql("SELECT count(*) FROM idempotency_keys", "0");
    cr_sql("SELECT count(*) FROM events", "0");
}
