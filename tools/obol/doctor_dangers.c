// What is good for development and dangerous with money.
#include <string.h>

#include "doctor.h"
#include "settings.h"

static const struct {
    const char *name, *text, *todo;
} flags[] = {
    {"TEST_MODE", "TEST_MODE is on: the simulator decides by rule, and a page is open to everybody",
     "unset it in production"},
    {"WEBHOOK_ALLOW_PRIVATE",
     "WEBHOOK_ALLOW_PRIVATE is on: merchants can make us call our own network",
     "unset it in production"},
    {"PROVIDER_ALLOW_HTTP",
     "PROVIDER_ALLOW_HTTP is on: credentials may travel to providers without TLS",
     "unset it in production"},
    {"WEBHOOK_RETRY_INTERVALS_TEST",
     "WEBHOOK_RETRY_INTERVALS_TEST is on: deliveries are given up after 50 s",
     "unset it in production"},
    {"OBOL_CORE_DUMPS", "OBOL_CORE_DUMPS is on: a core dump shows keys and card numbers",
     "unset it in production"},
};
#define FLAGS_N (sizeof flags / sizeof *flags)

static bool is_loopback(const char *address)
{
    return !*address || strncmp(address, "127.", 4) == 0 || strncmp(address, "localhost", 9) == 0 ||
           strncmp(address, "[::1]", 5) == 0 || strncmp(address, "unix:", 5) == 0;
}

// Without mutual TLS whoever reaches a gRPC port is any tenant, and any operator.
static void check_plaintext(struct doctor *doctor)
{
    static const char *const names[] = {"AUTH_LISTEN", "PAYMENTS_LISTEN", "REFUNDS_LISTEN",
                                        "WEBHOOKS_LISTEN"};
    bool tls = *doctor_value(doctor, NULL, "RPC_TLS_CERTIFICATE_FILE");
    bool open = false;
    for (size_t i = 0; i < 4 && !tls; i++) {
        const char *address = doctor_value(doctor, NULL, names[i]);
        if (is_loopback(address))
            continue;
        open = true;
        doctor_warn(doctor, "gRPC",
                    "mutual TLS (RPC_TLS_*, ./dev certificates), or let nobody else reach the port",
                    "%s is %s and has no TLS: whoever reaches it is any tenant", names[i], address);
    }
    if (!open)
        doctor_ok(doctor, "gRPC", tls ? "under mutual TLS" : "plain, on this machine only");
}

static void check_gateway(struct doctor *doctor)
{
    const char *address = doctor_value(doctor, "gateway", "GATEWAY_LISTEN");
    const char *operations = doctor_value(doctor, "gateway", "GATEWAY_OPS_LISTEN");
    if (!is_loopback(address) &&
        !*doctor_value(doctor, "gateway", "GATEWAY_TLS_CERTIFICATE_FILE") &&
        !*doctor_value(doctor, "gateway", "TRUSTED_PROXIES"))
        doctor_warn(
            doctor, "gateway",
            "GATEWAY_TLS_CERTIFICATE_FILE and _KEY_FILE, or a proxy with TLS in front and in "
            "TRUSTED_PROXIES",
            "it listens on %s without TLS and names no proxy: card numbers travel readable",
            address);
    if (!is_loopback(operations))
        doctor_warn(doctor, "gateway", "let only Prometheus and probes reach it",
                    "its operations port is %s: /metrics needs no key", operations);
}

// All servers of the URL: "nats://user:secret@host:4222,…".
static bool leaves_this_machine(struct arena *arena, const char *url)
{
    char *rest = arena_strdup(arena, url), *server;
    while (rest && (server = strsep(&rest, ","))) {
        const char *user = strrchr(server, '@'), *scheme = strstr(server, "://");
        if (!is_loopback(user ? user + 1 : scheme ? scheme + 3 : server))
            return true;
    }
    return false;
}

static void check_bus(struct doctor *doctor)
{
    if (obol_bus.url && !bus_insists_on_tls(&obol_bus) &&
        leaves_this_machine(doctor->cli->arena, obol_bus.url))
        doctor_warn(doctor, "NATS", "tls:// in NATS_URL, or NATS_CA_FILE",
                    "events hold payers' data, and travel to another machine without TLS");
}

void doctor_dangers(struct doctor *doctor)
{
    size_t before = doctor->findings_n;
    for (size_t i = 0; i < FLAGS_N; i++)
        if (doctor_true(doctor, flags[i].name))
            doctor_warn(doctor, "for production", flags[i].todo, "%s", flags[i].text);
    if (doctor->findings_n == before)
        doctor_ok(doctor, "for production", "nothing is on that is for development");
    check_plaintext(doctor);
    check_gateway(doctor);
    check_bus(doctor);
}
