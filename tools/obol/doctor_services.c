// The programs themselves: gRPC health, and their operations pages for what they know of theirs.
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "doctor.h"
#include "http/client.h"
#include "settings.h"
#include "json/json.h"

#define PAGE_MAX ((size_t)256 << 10)
#define DEPENDENCIES_MAX 16
#define SLOW_US 250000

static void check_grpc(struct doctor *doctor, enum peer peer)
{
    const struct cli *cli = doctor->cli;
    const char *what = arena_printf(cli->arena, "service %s", peer_name(peer));
    struct rpc_client *client = peer_client(cli, peer);
    int64_t begun_ns = clock_now_ns();
    enum status status =
        client ? rpc_client_check(client, DOCTOR_WAIT_MS) : STATUS_RESOURCE_EXHAUSTED;
    int64_t took_us = (clock_now_ns() - begun_ns) / 1000;
    if (client)
        rpc_client_free(client);
    if (status != STATUS_OK)
        doctor_fail(
            doctor, what,
            "start it, see its log; or put its _TARGET right, and RPC_TLS_* where it speaks "
            "TLS",
            "%s does not answer, or is not ready (%s)", peer_target(peer), status_name(status));
    else if (took_us > SLOW_US)
        doctor_warn(doctor, what, "look at its load and the network", "%s answers after %.0f ms",
                    peer_target(peer), (double)took_us / 1000);
    else
        doctor_ok(doctor, what, "%s, %.1f ms", peer_target(peer), (double)took_us / 1000);
}

// Where all addresses are listened on, this machine's is one.
static const char *page_url(struct arena *arena, const char *listen)
{
    const char *port = strrchr(listen, ':');
    if (!port)
        return NULL;
    bool any = strncmp(listen, "0.0.0.0:", 8) == 0 || strncmp(listen, "[::]:", 5) == 0;
    return any ? arena_printf(arena, "http://127.0.0.1%s/health", port)
               : arena_printf(arena, "http://%s/health", listen);
}

static bool fetch(struct doctor *doctor, const char *url, struct http_response *ret)
{
    struct http_client *client = http_client_new(1, "obol-doctor");
    const struct http_request request = {.method = "GET",
                                         .url = url,
                                         .connect_ms = DOCTOR_WAIT_MS,
                                         .total_ms = DOCTOR_WAIT_MS,
                                         .response_max = PAGE_MAX};
    size_t n = 0;
    if (client && http_client_start(client, &request) == STATUS_OK)
        n = http_client_collect(client, doctor->cli->arena, 2 * DOCTOR_WAIT_MS, ret, 1);
    http_client_free(client);
    return n == 1;
}

// "Sat, 21 Nov 2026 23:13:47 GMT": whole seconds, cut off.
static void check_date(struct doctor *doctor, const char *what,
                       const struct http_response *response)
{
    struct tm broken = {0};
    const char *date = http_response_header(response, "date");
    if (!date || !strptime(date, "%a, %d %b %Y %H:%M:%S", &broken))
        return;
    int64_t there_us = (int64_t)timegm(&broken) * US_PER_S + US_PER_S / 2;
    doctor_clock(doctor, what, there_us - clock_unix_us(), US_PER_S + response->duration_us);
}

static void check_page(struct doctor *doctor, const char *what, const struct json_value *page)
{
    static const char *const names[] = {"postgres", "nats",    "auth",
                                        "payments", "refunds", "webhooks"};
    struct arena *arena = doctor->cli->arena;
    const char *version = json_get_string(page, "version"),
               *state = json_get_string(page, "status");
    size_t before = doctor->findings_n;
    if (!version || strcmp(version, OBOL_VERSION) != 0)
        doctor_fail(doctor, what, "all programs of one version; a migration serves one back",
                    "it is version %s, obol is %s", version ? version : "?", OBOL_VERSION);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *dependency =
            json_get_string(page, arena_printf(arena, "dependencies.%s.status", names[i]));
        if (dependency && strcmp(dependency, "up") != 0)
            doctor_fail(doctor, what, "look at that one first", "it does not reach %s", names[i]);
    }
    if (state && strcmp(state, "up") != 0)
        doctor_fail(doctor, what, "see its log", "it says that it is %s", state);
    if (doctor->findings_n == before)
        doctor_ok(doctor, what, "version %s, all that it needs is up", version);
}

static void check_operations(struct doctor *doctor, size_t at)
{
    struct arena *arena = doctor->cli->arena;
    const char *what = arena_printf(arena, "health page of %s", doctor_programs[at]);
    const char *listen = obol_settings.ops[at];
    const char *url = *listen ? page_url(arena, listen) : NULL;
    struct http_response response;
    const struct json_value *page = NULL;
    if (!url) {
        doctor_ok(doctor, what, "not asked: its _OPS_LISTEN is not set here");
        return;
    }
    if (!fetch(doctor, url, &response) || response.status == 0 ||
        json_parse(arena, response.body, &page) != STATUS_OK) {
        doctor_fail(doctor, what, "start it, or see its log", "%s does not answer", url);
        return;
    }
    check_page(doctor, what, page);
    check_date(doctor, what, &response);
}

void doctor_services(struct doctor *doctor)
{
    for (int i = 0; i < PEERS; i++)
        check_grpc(doctor, (enum peer)i);
    for (size_t i = 0; i < PROGRAMS; i++)
        check_operations(doctor, i);
}
