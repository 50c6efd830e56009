// Wiring only.
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/program.h"
#include "http/ops.h"
#include "http/probe.h"
#include "listen.h"
#include "merchant.h"

#define HOST_SIZE 64
#define DRAIN_MS 2000
#define BODY_MAX ((size_t)1 << 20)

struct settings {
    const char *listen, *secret;
    int64_t fail, delay_ms;
};

static const struct config_entry entries[] = {
    {"MERCHANT_LISTEN", CONFIG_STRING, offsetof(struct settings, listen), "127.0.0.1:4000",
     "address and port; webhooks come to /webhook", 0, 0},
    {"MERCHANT_SECRET", CONFIG_SECRET, offsetof(struct settings, secret), "whsec_test_abc123",
     "the endpoint's secret", 0, 0},
    {"MERCHANT_FAIL", CONFIG_INT, offsetof(struct settings, fail), "0",
     "status to answer webhooks with (0: as they deserve)", 0, 599},
    {"MERCHANT_DELAY_MS", CONFIG_INT, offsetof(struct settings, delay_ms), "0",
     "milliseconds before an answer", 0, HOLD_MAX_MS},
};
#define ENTRIES_N (sizeof entries / sizeof *entries)

static void *loop_begin(void *context, struct http_loop *loop)
{
    struct merchant *merchant = context;
    merchant->loop = loop;
    return merchant;
}

static int serve(struct merchant *merchant, const char *host, uint16_t port)
{
    struct http_server_config config = {
        .address = host,
        .port = port,
        .loops = 1,
        .body_max = BODY_MAX,
        .connections_max = 10000,
        .request_s = 30,
        .idle_s = 60,
        .loop_begin = loop_begin,
        .handle = merchant_handle,
        .context = merchant,
    };
    struct http_server *server;
    if (http_server_start(&config, &server) != STATUS_OK) {
        log_error("port_taken", LOG_S("address", host), LOG_I("port", port));
        return 1;
    }
    log_info("listening", LOG_S("address", host), LOG_I("port", http_server_port(server)));
    listen_until_told();
    holder_release(merchant->holder);
    http_server_stop(server, DRAIN_MS);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--probe") == 0)
        return probe_run(entries, ENTRIES_N, offsetof(struct settings, listen), argv[2]);
    struct settings settings;
    const struct config_table table = {entries, ENTRIES_N, &settings};
    const struct program program = {"obol-merchant", OBOL_VERSION,
                                    "merchant",      "A receiver to try webhooks against.",
                                    &table,          1};
    int code = program_begin(&program, argc, argv);
    if (code != PROGRAM_SERVES)
        return code;
    char host[HOST_SIZE];
    uint16_t port;
    listen_block_signals();
    if (!ops_split_address(settings.listen, host, sizeof host, &port)) {
        (void)fprintf(stderr, "MERCHANT_LISTEN: not address:port\n");
        return 2;
    }
    struct merchant merchant = {
        .secret = settings.secret,
        .receipts = receipts_new(),
        .holder = holder_new(),
        .misbehaviour = {.fail = settings.fail, .delay_ms = settings.delay_ms},
    };
    code = merchant.receipts && merchant.holder ? serve(&merchant, host, port) : 1;
    holder_free(merchant.holder);
    receipts_free(merchant.receipts);
    return code;
}
