#include <criterion/criterion.h>
#include <criterion/redirect.h>

#include "http/ops.h"
#include "http/probe.h"

static struct health *health;
static struct http_server *server;
static int database;

static const struct config_entry entries[] = {
    {"PROBED_KEY", CONFIG_SECRET, 0, NULL, "required, and none of the probe's business", 0, 0},
    {"PROBED_OPS_LISTEN", CONFIG_STRING, sizeof(void *), "", "the address", 0, 0},
};

static void begin_at(const char *host)
{
    char address[64];
    cr_redirect_stderr();
    health = health_new("probed", "1");
    database = health_add(health, "postgres", true);
    snprintf(address, sizeof address, "%s:0", host);
    cr_assert_eq(ops_start(address, health, &server), STATUS_OK);
    snprintf(address, sizeof address, "%s:%u", host, http_server_port(server));
    setenv("PROBED_OPS_LISTEN", address, 1);
}

static void begin(void)
{
    begin_at("127.0.0.1");
}

static void end(void)
{
    if (server)
        http_server_stop(server, 0);
    health_free(health);
}

static int probe(const char *what)
{
    return probe_run(entries, 2, entries[1].offset, what);
}

TestSuite(probe, .init = begin, .fini = end, .timeout = 30);

Test(probe, tells_ready_from_not_ready)
{
    health_report(health, database, false, 0);
    cr_expect_eq(probe("ready"), 1);
    cr_expect_eq(probe(NULL), 1, "ready is what is asked when nothing is said");
    cr_expect_eq(probe("live"), 0);
    health_report(health, database, true, 0);
    cr_expect_eq(probe("ready"), 0);
    cr_expect_eq(probe(NULL), 0);
}

Test(probe, says_why_not)
{
    char said[256] = "";
    health_report(health, database, false, 0);
    cr_expect_eq(probe("ready"), 1);
    fflush(stderr);
    FILE *err = cr_get_redirected_stderr();
    cr_assert_gt(fread(said, 1, sizeof said - 1, err), 0);
    cr_expect(strstr(said, "503 {\"status\":\"not_ready\"}"), "%s", said);
}

Test(probe, asks_loopback_where_all_addresses_are_listened_on)
{
    char address[64];
    snprintf(address, sizeof address, "0.0.0.0:%u", http_server_port(server));
    setenv("PROBED_OPS_LISTEN", address, 1);
    cr_expect_eq(probe("live"), 0);
    snprintf(address, sizeof address, ":%u", http_server_port(server));
    setenv("PROBED_OPS_LISTEN", address, 1);
    cr_expect_eq(probe("live"), 0);
}

Test(probe, fails_without_a_program_to_ask)
{
    http_server_stop(server, 0);
    server = NULL;
    cr_expect_eq(probe("live"), 1);
    setenv("PROBED_OPS_LISTEN", "nonsense", 1);
    cr_expect_eq(probe("live"), 1);
    unsetenv("PROBED_OPS_LISTEN");
    cr_expect_eq(probe("live"), 1);
}

Test(probe, knows_two_words)
{
    cr_expect_eq(probe("steady"), 2);
    cr_expect_eq(probe(""), 2);
}

Test(probe_six, asks_the_loopback_of_its_family, .init = NULL, .fini = end, .timeout = 30)
{
    begin_at("[::]");
    cr_expect_eq(probe("live"), 0);
}
