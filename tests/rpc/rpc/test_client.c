#include "fixture.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

// A server process of its own, so that it can be killed. Its port comes through the pipe.
static pid_t server_fork(struct fixture *fixture)
{
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    pid_t pid = fork(); // before any gRPC in this process
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); // nothing is left behind by a test that fails
        struct fixture *child = fixture_new(1);
        if (rpc_server_start(&child->config, &child->server) != STATUS_OK)
            _exit(1);
        int port = rpc_server_port(child->server);
        if (write(ends[1], &port, sizeof port) != sizeof port)
            _exit(1);
        pause();
        _exit(0);
    }
    int port = 0;
    cr_assert_eq(read(ends[0], &port, sizeof port), (ssize_t)sizeof port);
    close(ends[0]);
    close(ends[1]);
    snprintf(fixture->target, sizeof fixture->target, "127.0.0.1:%d", port);
    return pid;
}

static void server_kill(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

Test(client, says_unavailable_at_once_when_nobody_listens)
{
    struct fixture *fixture = fixture_new(1);
    pid_t pid = server_fork(fixture);
    server_kill(pid); // the port was free, and is again
    fixture->client = rpc_client_new(fixture->target);
    struct homecoming homecoming = HOMECOMING;
    struct call *call = call_create(fixture, "x");
    int64_t began_ns = clock_now_ns();
    rpc_start(fixture->client, call, homecoming_one, &homecoming);
    homecoming_expect(&homecoming, 1);
    cr_assert_lt(clock_now_ns() - began_ns, 5 * NS_PER_S);
    cr_assert_eq(call->problem.status, STATUS_UNAVAILABLE, "%s", call->problem.detail);
    cr_assert_gt(call->problem.retry_after_s, 0);
    struct call *bundled[2] = {call_create(fixture, "x"), call_verify(fixture, "y")};
    rpc_bundle(fixture->client, bundled, 2, homecoming_one, &homecoming);
    homecoming_expect(&homecoming, 2);
    cr_assert_eq(bundled[0]->problem.status, STATUS_UNAVAILABLE);
    cr_assert_eq(bundled[1]->problem.status, STATUS_UNAVAILABLE);
    cr_assert_eq(rpc_client_check(fixture->client, 1000), STATUS_UNAVAILABLE);
    fixture_free(fixture);
}

Test(client, says_unavailable_when_the_name_is_unknown)
{
    struct fixture *fixture = fixture_new(1);
    fixture->client = rpc_client_new("dns:///no-such-host.invalid:1");
    struct homecoming homecoming = HOMECOMING;
    struct call *call = call_create(fixture, "x");
    rpc_start(fixture->client, call, homecoming_one, &homecoming);
    homecoming_expect(&homecoming, 1);
    cr_assert_eq(call->problem.status, STATUS_UNAVAILABLE, "%s", call->problem.detail);
    fixture_free(fixture);
}

// Until the call is in the handler's hands: then an unknown call behind it is answered by nobody,
// but Health.Check, which comes back over the same connection after it, is.
static void expect_arrived(struct fixture *fixture)
{
    cr_assert_eq(rpc_client_check(fixture->client, WAIT_MS), STATUS_OK);
}

Test(client, says_unknown_when_the_server_dies_under_a_write)
{
    struct fixture *fixture = fixture_new(1);
    pid_t pid = server_fork(fixture);
    fixture->client = rpc_client_new(fixture->target);
    struct homecoming homecoming = HOMECOMING;
    expect_arrived(fixture);
    struct call *write = call_create(fixture, "hold"), *read = call_verify(fixture, "x");
    struct call *bundled[2] = {call_create(fixture, "hold"), call_verify(fixture, "x")};
    rpc_start(fixture->client, write, homecoming_one, &homecoming);
    rpc_start(fixture->client, read, homecoming_one, &homecoming);
    rpc_bundle(fixture->client, bundled, 2, homecoming_one, &homecoming);
    expect_arrived(fixture);
    server_kill(pid);
    homecoming_expect(&homecoming, 3);
    cr_assert_eq(write->problem.status, STATUS_UNKNOWN, "%s", write->problem.detail);
    cr_assert_str_eq(write->problem.code, "outcome_unknown");
    cr_assert_eq(bundled[0]->problem.status, STATUS_UNKNOWN);
    cr_assert_eq(bundled[1]->problem.status, STATUS_UNAVAILABLE); // a read: nothing is at stake
    fixture_free(fixture);
}

Test(client, comes_back_when_the_server_does)
{
    struct fixture *fixture = fixture_start(1);
    struct problem problem = {0};
    cr_assert_eq(verify(fixture, "a", &problem), STATUS_OK);
    rpc_server_stop(fixture->server, 1000);
    cr_assert_eq(verify(fixture, "b", &problem), STATUS_UNAVAILABLE);
    fixture->config.address = fixture->target;
    cr_assert_eq(rpc_server_start(&fixture->config, &fixture->server), STATUS_OK);
    int64_t until_ns = clock_deadline_ns(WAIT_MS);
    while (verify(fixture, "c", &problem) != STATUS_OK)
        cr_assert_gt(clock_left_ms(until_ns), 0, "%s", problem.detail);
    fixture_free(fixture);
}

Test(client, says_unknown_when_a_write_outlives_its_deadline)
{
    struct fixture *fixture = fixture_start(1);
    struct homecoming homecoming = HOMECOMING;
    struct call *call = call_create(fixture, "hold");
    call->context.deadline_ns = clock_deadline_ns(200);
    rpc_start(fixture->client, call, homecoming_one, &homecoming);
    homecoming_expect(&homecoming, 1);
    cr_assert_eq(call->problem.status, STATUS_UNKNOWN);
    fixture_free(fixture);
}

Test(client, brings_every_call_home_when_freed)
{
    struct fixture *fixture = fixture_start(1);
    struct homecoming homecoming = HOMECOMING;
    rpc_start(fixture->client, call_verify(fixture, "hold"), homecoming_one, &homecoming);
    for (int i = 0; i < 10; i++)
        rpc_start(fixture->client, call_verify(fixture, "x"), homecoming_one, &homecoming);
    gate_expect(&fixture->gate, 1);
    rpc_client_free(fixture->client);
    fixture->client = NULL;
    homecoming_expect(&homecoming, 11);
    fixture_free(fixture);
}

Test(client, refuses_when_the_context_does_not_fit_into_metadata)
{
    struct fixture *fixture = fixture_start(1);
    struct homecoming homecoming = HOMECOMING;
    struct call *call = call_verify(fixture, "x");
    call->context.idempotency_key = "line\nfeed";
    rpc_start(fixture->client, call, homecoming_one, &homecoming);
    homecoming_expect(&homecoming, 1);
    cr_assert_eq(call->problem.status, STATUS_INVALID_ARGUMENT);
    cr_assert_eq(fixture->ran, 0);
    fixture_free(fixture);
}

Test(client, sees_replays_and_sizes)
{
    struct fixture *fixture = fixture_start(1);
    struct homecoming homecoming = HOMECOMING;
    struct call *replay = call_create(fixture, "replay"), *fresh = call_create(fixture, "x");
    char *huge = calloc(1, RPC_MESSAGE_MAX + 1);
    memset(huge, 'x', RPC_MESSAGE_MAX);
    struct call *large = call_verify(fixture, huge);
    rpc_start(fixture->client, replay, homecoming_one, &homecoming);
    rpc_start(fixture->client, fresh, homecoming_one, &homecoming);
    rpc_start(fixture->client, large, homecoming_one, &homecoming);
    homecoming_expect(&homecoming, 3);
    cr_assert(replay->replayed);
    cr_assert_not(fresh->replayed);
    cr_assert_neq(large->problem.status, STATUS_OK);
    cr_assert_eq(fixture->ran, 0);
    struct problem problem = {0};
    cr_assert_eq(verify(fixture, "after", &problem), STATUS_OK);
    free(huge);
    fixture_free(fixture);
}
