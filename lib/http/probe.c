#include "http/probe.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/process.h"
#include "http/client.h"
#include "http/ops.h"

#define PROBE_MS 2000
#define BODY_MAX 1024

DEFINE_CLEANUP(http_client_free, struct http_client *)

static int fail(const char *address, const char *why)
{
    (void)fprintf(stderr, "probe: %s%s%s\n", address, *address ? ": " : "", why);
    return 1;
}

// Where a program listens on all addresses it is reached on loopback.
static const char *reachable(const char *host)
{
    if (!*host || strcmp(host, "0.0.0.0") == 0)
        return "127.0.0.1";
    return strcmp(host, "[::]") == 0 ? "[::1]" : host;
}

static bool ask(const char *url, struct arena *arena, struct http_response *ret)
{
    CLEANUP(http_client_free) struct http_client *client = http_client_new(1, "obol-probe");
    const struct http_request request = {.method = "GET",
                                         .url = url,
                                         .connect_ms = PROBE_MS,
                                         .total_ms = PROBE_MS,
                                         .response_max = BODY_MAX};
    if (!client || http_client_start(client, &request) != STATUS_OK)
        return false;
    int64_t deadline_ns = clock_deadline_ns(2 * PROBE_MS);
    while (clock_left_ms(deadline_ns) > 0)
        if (http_client_collect(client, arena, clock_left_ms(deadline_ns), ret, 1) == 1)
            return true;
    return false;
}

static int probe_address(const char *address, const char *what)
{
    char host[128], url[192];
    uint16_t port = 0;
    struct http_response response = {0};
    if (!*address)
        return fail(address, "there is no operations port to ask");
    if (!ops_split_address(address, host, sizeof host, &port))
        return fail(address, "not address:port");
    CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_CAP_BATCH);
    (void)snprintf(url, sizeof url, "http://%s:%u/health/%s", reachable(host), port, what);
    if (!arena || !ask(url, arena, &response))
        return fail(address, "could not ask");
    if (response.failure != HTTP_OK)
        return fail(address, response.error);
    if (response.status == 200)
        return 0;
    (void)fprintf(stderr, "probe: %s: %d %.*s\n", address, response.status,
                  (int)response.body.length, (const char *)response.body.at);
    return 1;
}

int probe_run(const struct config_entry *entries, size_t n, size_t offset, const char *what)
{
    if (!what)
        what = "ready";
    if (strcmp(what, "live") != 0 && strcmp(what, "ready") != 0) {
        (void)fprintf(stderr, "usage: --probe [live|ready]\n");
        return 2;
    }
    process_guard(); // the environment is as secret as the program's own
    const char *address = "";
    for (size_t i = 0; i < n; i++) {
        struct config_entry alone = entries[i];
        if (alone.offset != offset)
            continue;
        alone.offset = 0;
        if (config_load(&alone, 1, &address) != STATUS_OK)
            return 1;
    }
    return probe_address(address, what);
}
