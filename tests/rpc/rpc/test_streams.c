#include "fixture.h"

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
    other_says(other, "crowded RESOURCE_EXHAUSTED");
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
