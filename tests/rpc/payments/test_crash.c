// A processor dies at each step of a charge, as by kill -9, and another takes over: the money is
// taken once, and the payment ends as it should.
#include "../../store/payments/fixture.h"

#include <sys/wait.h>
#include <unistd.h>

#include "fake.h"
#include "processor/processor.h"

static struct fixture f;
static char url[64];

static struct processor *start_processor(void)
{
    static struct db_config config;
    config = (struct db_config){
        .ring = test_ring(), .url = f.database.url, .schema = "payments", .application = "test"};
    struct processor *processor =
        processor_start(&(struct processor_config){.state = &f.state, .db = &config, .slots = 4});
    cr_assert_not_null(processor);
    return processor;
}

static bool ended(void *context)
{
    const char *sql =
        arena_printf(f.arena, "SELECT status FROM payments WHERE id = '%s'", (const char *)context);
    return strcmp(test_sql(f.db, f.arena, sql), "succeeded") == 0;
}

// In a process of its own. Should the place never be reached, the child ends by itself, well.
static void die_at(const char *failpoint)
{
    pid_t child = fork();
    if (child == 0) {
        failpoint_arm(arena_printf(f.arena, "%s=crash", failpoint));
        start_processor();
        alarm(20);
        for (;;)
            pause();
    }
    int status = 0;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_not(WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM, "%s was not reached",
                  failpoint);
}

static void survive(const char *failpoint)
{
    const char *id = pay(&f, "r", 700);
    die_at(failpoint);
    // Time passes: the lease, the timeout, the provider's own delay.
    test_sql(
        f.db, f.arena,
        "UPDATE operations SET sent_at = sent_at - interval '1 hour' WHERE finished_at IS NULL");
    test_sql(f.db, f.arena,
             "UPDATE operations_queue SET due_at = now(), "
             "lease_until = lease_until - interval '1 hour'");
    struct processor *processor = start_processor();
    test_wait(ended, (void *)(uintptr_t)id, 15000, failpoint);
    processor_stop(processor);
    const char *operation = test_sql(
        f.db, f.arena,
        arena_printf(f.arena, "SELECT charge_operation_id FROM payments WHERE id = '%s'", id));
    cr_assert_eq(fake_find(operation)->posts, 1, "%s: sent %d times", failpoint,
                 fake_find(operation)->posts);
    const char *gapless = arena_printf(
        f.arena,
        "SELECT count(*) = max(sequence) AND count(DISTINCT sequence) = count(*) FROM events WHERE "
        "object_id = '%s'",
        id);
    cr_assert_str_eq(test_sql(f.db, f.arena, gapless), "t", "%s", failpoint);
}

static void begin(void)
{
    fixture_begin(&f);
    fake_start();
    snprintf(url, sizeof url, "http://127.0.0.1:%d", http_server_port(fake.server));
    f.settings.simulator_url = url;
    fixture_providers(&f);
}

static void end(void)
{
    http_server_stop(fake.server, 1000);
    fixture_end(&f);
}

TestSuite(crash, .init = begin, .fini = end);

Test(crash, before_the_claim)
{
    survive("charge.before_claim");
}

Test(crash, when_claimed)
{
    survive("charge.claimed");
}

Test(crash, just_before_sending)
{
    survive("charge.before_send");
}

Test(crash, when_sent)
{
    survive("charge.sent");
}

Test(crash, when_answered)
{
    survive("charge.answered");
}

Test(crash, before_the_outcome_is_committed)
{
    survive("outcome.before_commit");
}

Test(crash, after_the_outcome_is_committed)
{
    survive("outcome.committed");
}
