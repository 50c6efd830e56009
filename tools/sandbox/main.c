// Wiring only.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/program.h"
#include "http/ops.h"
#include "http/probe.h"
#include "listen.h"
#include "sandbox.h"
#include "telemetry/telemetry.h"

#define HOST_SIZE 64
#define DRAIN_MS 2000
#define BODY_MAX ((size_t)64 << 10)

struct settings {
    const char *listen, *public_url, *key, *callback_secret, *store;
    bool test_mode, payment_success, idempotent;
    int64_t delay_ms, timeout_resolves_ms;
};

#define ENTRY(name_, kind_, field_, fallback_, help_)                                              \
    {                                                                                              \
        .name = (name_), .kind = (kind_), .offset = offsetof(struct settings, field_),             \
        .fallback = (fallback_), .help = (help_), .maximum = 3600000                               \
    }

static const struct config_entry entries[] = {
    ENTRY("SANDBOX_LISTEN", CONFIG_STRING, listen, "127.0.0.1:8080", "address and port"),
    ENTRY("SANDBOX_PUBLIC_URL", CONFIG_STRING, public_url, "",
          "where a payer's browser reaches it (default: http:// and SANDBOX_LISTEN)"),
    ENTRY("SIMULATOR_KEY", CONFIG_SECRET, key, NULL, "what callers show as Bearer"),
    ENTRY("SIMULATOR_CALLBACK_SECRET", CONFIG_SECRET, callback_secret, NULL, "signs callbacks"),
    ENTRY("TEST_MODE", CONFIG_BOOL, test_mode, "false", "decide without chance"),
    ENTRY("TEST_PROCESSING_DELAY", CONFIG_INT, delay_ms, "1000",
          "in test mode, milliseconds until a charge is decided"),
    ENTRY("TEST_PAYMENT_SUCCESS", CONFIG_BOOL, payment_success, "true",
          "in test mode, whether charges succeed"),
    ENTRY("SANDBOX_STORE", CONFIG_STRING, store, "", "file that outlives a restart"),
    ENTRY("SANDBOX_IDEMPOTENT", CONFIG_BOOL, idempotent, "true",
          "false: a repeated reference is charged again"),
    ENTRY("SANDBOX_TIMEOUT_RESOLVES_MS", CONFIG_INT, timeout_resolves_ms, "0",
          "how long timeout@upi stays hidden (0: three delays, at least 5 s)"),
};
#define ENTRIES_N (sizeof entries / sizeof *entries)

static void *loop_begin(void *context, struct http_loop *loop)
{
    struct sandbox_loop *self = malloc(sizeof *self);
    if (self)
        *self = (struct sandbox_loop){context, loop};
    return self;
}

static void sandbox_deinit(struct sandbox *sandbox)
{
    mimics_free(sandbox->mimics);
    callbacks_free(sandbox->callbacks);
    holder_free(sandbox->holder);
    store_close(sandbox->store);
    ledger_free(sandbox->ledger);
    if (sandbox->bell)
        bell_free(sandbox->bell);
    pthread_mutex_destroy(&sandbox->lock);
}

static bool sandbox_init(struct sandbox *sandbox, const struct settings *settings,
                         const struct mimic_settings *mimics)
{
    *sandbox = (struct sandbox){
        .key = settings->key,
        .callback_secret = settings->callback_secret,
        .callbacks = callbacks_new(),
        .holder = holder_new(),
        .bell = bell_new(),
        .ledger = ledger_new(),
        .switches = {.test_mode = settings->test_mode,
                     .delay_ms = settings->delay_ms,
                     .success = settings->payment_success,
                     .refund_success = true,
                     .capture_success = true,
                     .cancel_success = true,
                     .idempotent = settings->idempotent,
                     .timeout_resolves_ms = settings->timeout_resolves_ms},
        .slow_ms = 3000,
    };
    pthread_mutex_init(&sandbox->lock, NULL);
    if (!sandbox->callbacks || !sandbox->holder || !sandbox->bell || !sandbox->ledger)
        return false;
    sandbox->mimics = mimics_new(&(struct mimics_config){
        .callbacks = sandbox->callbacks,
        .holder = sandbox->holder,
        .bell = sandbox->bell,
        .settings = *mimics,
        .settle_ms = settings->delay_ms,
    });
    if (!sandbox->mimics)
        return false;
    enum status status = store_open(settings->store, sandbox->ledger, &sandbox->store);
    if (status != STATUS_OK)
        log_error("store_not_opened", LOG_S("path", settings->store),
                  LOG_S("status", status_name(status)));
    return status == STATUS_OK;
}

static int serve(struct sandbox *sandbox, const struct http_server_config *config)
{
    struct http_server *server;
    pthread_t clock;
    if (http_server_start(config, &server) != STATUS_OK) {
        log_error("port_taken", LOG_S("address", config->address), LOG_I("port", config->port));
        return 1;
    }
    int code = 1;
    if (pthread_create(&clock, NULL, sandbox_keep_time, sandbox) == 0) {
        log_info("listening", LOG_S("address", config->address),
                 LOG_I("port", http_server_port(server)));
        listen_until_told();
        atomic_store(&sandbox->stopping, true);
        bell_ring(sandbox->bell);
        pthread_join(clock, NULL);
        code = 0;
    }
    holder_release(sandbox->holder);
    http_server_stop(server, DRAIN_MS);
    return code;
}

static int run(const struct settings *settings, const struct mimic_settings *mimics)
{
    struct sandbox sandbox;
    char base[256];
    struct http_server_config config = {
        .loops = 1,
        .body_max = BODY_MAX,
        .connections_max = 10000,
        .request_s = 30,
        .idle_s = 60,
        .loop_begin = loop_begin,
        .loop_end = free,
        .handle = sandbox_handle,
        .context = &sandbox,
    };
    char host[HOST_SIZE];
    if (!ops_split_address(settings->listen, host, sizeof host, &config.port)) {
        (void)fprintf(stderr, "SANDBOX_LISTEN: not address:port\n");
        return 2;
    }
    config.address = host;
    (void)snprintf(base, sizeof base, "http://%s", settings->listen);
    int code = 1;
    if (sandbox_init(&sandbox, settings, mimics)) {
        sandbox.base = *settings->public_url ? settings->public_url : base;
        code = serve(&sandbox, &config);
    }
    sandbox_deinit(&sandbox);
    return code;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--probe") == 0)
        return probe_run(entries, ENTRIES_N, offsetof(struct settings, listen), argv[2]);
    struct settings settings;
    struct mimic_settings mimics;
    struct telemetry_settings telemetry_settings;
    struct telemetry *telemetry;
    const struct config_table tables[] = {
        {entries, ENTRIES_N, &settings},
        {mimic_settings_entries, mimic_settings_n, &mimics},
        {telemetry_entries, telemetry_entries_n, &telemetry_settings},
    };
    const struct program program = {"obol-sandbox", OBOL_VERSION,
                                    "sandbox",      "A payment provider to try things against.",
                                    tables,         3};
    int code = program_begin(&program, argc, argv);
    if (code != PROGRAM_SERVES)
        return code;
    listen_block_signals();
    if (telemetry_start(&telemetry_settings, "sandbox", &telemetry) != STATUS_OK)
        return 2;
    code = run(&settings, &mimics);
    telemetry_stop(telemetry);
    return code;
}
