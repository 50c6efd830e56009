#include "fixture.h"
#include "support/support.h"

static FILE *other_open(const struct fixture *fixture, const char *check)
{
    char command[1024], directory[512];
    snprintf(directory, sizeof directory, "%s", __FILE__);
    *strrchr(directory, '/') = '\0';
    snprintf(command, sizeof command, "exec /usr/bin/python3 %s/other_client.py %d %s", directory,
             rpc_server_port(fixture->server), check);
    FILE *other = popen(command, "r");
    cr_assert_not_null(other);
    return other;
}

static void other_says(FILE *other, const char *expected)
{
    char line[512] = "";
    cr_assert_not_null(fgets(line, sizeof line, other), "expected %s", expected);
    line[strcspn(line, "\n")] = '\0';
    cr_assert_str_eq(line, expected);
}

static void other_close(FILE *other)
{
    char line[512];
    while (fgets(line, sizeof line, other))
        cr_assert_fail("%s", line);
    cr_assert_eq(pclose(other), 0);
}

Test(streams, other_languages_are_understood)
{
    struct fixture *fixture = fixture_start(1);
    FILE *other = other_open(fixture, "basics");
    other_says(other, "check OK b'\\x08\\x01'");
    other_says(other, "check-auth OK b'\\x08\\x01'");
    other_says(other, "check-other NOT_FOUND");
    other_says(other, "unknown UNIMPLEMENTED");
    other_says(other, "garbage INVALID_ARGUMENT");
    other_says(other, "refused FAILED_PRECONDITION b'Ung\\xc3\\xbcltig: 7%.'");
    other_says(other, "details True True True True True");
    other_says(other, "replay OK true");
    other_close(other);
    fixture_free(fixture);
}

Test(streams, watch_follows_health_until_the_server_stops)
{
    struct fixture *fixture = fixture_start(1);
    int dependency = health_add(fixture->health, "postgres", true);
    FILE *other = other_open(fixture, "watch obol.auth.v1.AuthService");
    other_says(other, "status 2");
    health_report(fixture->health, dependency, true, -1);
    other_says(other, "status 1");
    health_report(fixture->health, dependency, false, -1);
    other_says(other, "status 2");
    rpc_server_stop(fixture->server, 10000);
    fixture->server = NULL;
    other_says(other, "ended UNAVAILABLE");
    other_close(other);
    fixture_free(fixture);
}

Test(streams, watch_says_unknown_when_there_is_no_such_service)
{
    struct fixture *fixture = fixture_start(1);
    FILE *other = other_open(fixture, "watch no.Such");
    other_says(other, "status 3");
    rpc_server_stop(fixture->server, 10000);
    fixture->server = NULL;
    other_says(other, "ended UNAVAILABLE");
    other_close(other);
    fixture_free(fixture);
}

static void reflect(const char *check)
{
    struct fixture *fixture = fixture_start(1);
    FILE *other = other_open(fixture, check);
    other_says(other, "answers 5");
    other_says(other, "services True True True True");
    other_says(other, "file True True True");
    other_says(other, "file True True True");
    other_says(other, "not-found True");
    other_says(other, "unimplemented True");
    other_close(other);
    fixture_free(fixture);
}

Test(streams, reflection_names_services_and_files)
{
    reflect("reflect v1");
}

Test(streams, reflection_speaks_v1alpha)
{
    reflect("reflect v1alpha");
}

Test(streams, are_bounded)
{
    struct fixture *fixture = fixture_start(1);
    FILE *other = other_open(fixture, "crowd");
    other_says(other, "crowded RESOURCE_EXHAUSTED"); // reflection
    other_says(other, "crowded RESOURCE_EXHAUSTED"); // Watch
    other_says(other, "room");
    other_close(other);
    fixture_free(fixture);
}

Test(streams, refuse_when_the_message_is_malformed)
{
    struct fixture *fixture = fixture_start(1);
    FILE *other = other_open(fixture, "malformed");
    other_says(other, "watch INVALID_ARGUMENT");
    other_says(other, "reflection INVALID_ARGUMENT");
    other_close(other);
    fixture_free(fixture);
}

static void serve_health_only(struct fixture *fixture)
{
    fixture->config.health_only = true;
    fixture->config.handlers_n = 0;
    fixture->config.fast_threads = fixture->config.slow_threads = 0;
    cr_assert_eq(rpc_server_start(&fixture->config, &fixture->server), STATUS_OK);
}

Test(streams, where_health_alone_is_served_nothing_else_is)
{
    struct fixture *fixture = fixture_new(1);
    int dependency = health_add(fixture->health, "postgres", true);
    serve_health_only(fixture);
    FILE *other = other_open(fixture, "only_health");
    other_says(other, "check OK b'\\x08\\x02'");
    other_says(other, "check-auth OK b'\\x08\\x02'");
    other_says(other, "check-live OK b'\\x08\\x01'");
    other_says(other, "VerifyKey UNIMPLEMENTED");
    other_says(other, "TokenizeCard UNIMPLEMENTED");
    other_says(other, "Call UNIMPLEMENTED");
    other_says(other, "Method UNIMPLEMENTED");
    other_says(other, "reflection UNIMPLEMENTED");
    other_says(other, "reflection UNIMPLEMENTED");
    other_says(other, "b'\\x08\\x02'");
    other_close(other);
    health_report(fixture->health, dependency, true, -1);
    fixture_free(fixture);
}

Test(streams, health_alone_is_served_without_handlers_and_tls)
{
    struct fixture *fixture = fixture_new(1);
    fixture->config.health_only = true;
    cr_assert_eq(rpc_server_start(&fixture->config, &fixture->server), STATUS_INVALID_ARGUMENT);
    fixture_free(fixture);
}

Test(streams, watchers_of_the_hop_hear_only_of_leaving)
{
    struct fixture *fixture = fixture_start(1);
    health_add(fixture->health, "postgres", true); // away
    FILE *other = other_open(fixture, "watch obol.rpc.v1.Bundle");
    other_says(other, "status 1");
    health_drain(fixture->health);
    health_leave(fixture->health);
    other_says(other, "status 2");
    rpc_server_stop(fixture->server, 10000);
    fixture->server = NULL;
    other_says(other, "ended UNAVAILABLE");
    other_close(other);
    fixture_free(fixture);
}

static bool is_stuck(void *health)
{
    return health_stuck(health) != NULL;
}

static bool is_live(void *health)
{
    return health_stuck(health) == NULL;
}

// A handler that never comes back: the gate stays shut.
Test(streams, a_stuck_fast_lane_is_not_live)
{
    struct fixture *fixture = fixture_start(1);
    health_stuck_after(fixture->health, 50);
    struct call *call = call_create(fixture, "hold");
    struct homecoming homecoming = HOMECOMING;
    rpc_start(fixture->client, call, homecoming_one, &homecoming);
    test_wait(is_stuck, fixture->health, 10000, "the fast lane is stuck");
    cr_assert_str_eq(health_stuck(fixture->health), "fast lane");
    gate_open(&fixture->gate);
    homecoming_expect(&homecoming, 1);
    test_wait(is_live, fixture->health, 10000, "the fast lane rests"); // after its answer left
    fixture_free(fixture);
}
