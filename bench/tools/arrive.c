#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "arrivals.h"
#include "base/clock.h"
#include "options.h"
#include "json/json.h"

#define PAYMENTS_MAX 1e7
#define BODY                                                                                       \
    "{\"order_id\":\"%s\",\"amount\":50000,\"currency\":\"INR\",\"method\":\"upi\","               \
    "\"vpa\":\"success@upi\"}"

static double seconds_since(const struct arrivals *arrivals, int64_t ns)
{
    return ns ? (double)(ns - arrivals->begun_ns) / (double)NS_PER_S : 0;
}

static const char *rate(struct arena *arena, size_t n, double seconds)
{
    return n && seconds > 0 ? bench_number(arena, (double)n / seconds) : "null";
}

static const char *errors_json(const struct arrivals *arrivals, struct arena *arena)
{
    return json_object(arena,
                       (struct json_member[]){JSON_I("refused", (int64_t)arrivals->refused),
                                              JSON_I("timeout", (int64_t)arrivals->timeouts),
                                              JSON_I("connect", (int64_t)arrivals->no_connection),
                                              JSON_I("broken", (int64_t)arrivals->broken),
                                              {0}});
}

static const char *webhook_json(struct arrivals *arrivals, struct arena *arena)
{
    double seconds = seconds_since(arrivals, arrivals->last_webhook_ns);
    struct samples *samples = &arrivals->webhook;
    size_t missing = arrivals->answered > samples->n ? arrivals->answered - samples->n : 0;
    return json_object(arena,
                       (struct json_member[]){JSON_I("count", (int64_t)samples->n),
                                              JSON_I("missing", (int64_t)missing),
                                              JSON_I("repeated", (int64_t)arrivals->repeated),
                                              JSON_I("strangers", (int64_t)arrivals->strangers),
                                              JSON_R("p50_ms", samples_ms(samples, arena, 0.5)),
                                              JSON_R("p90_ms", samples_ms(samples, arena, 0.9)),
                                              JSON_R("p99_ms", samples_ms(samples, arena, 0.99)),
                                              JSON_R("max_ms", samples_ms(samples, arena, 1)),
                                              JSON_R("seconds", bench_number(arena, seconds)),
                                              JSON_R("rate", rate(arena, samples->n, seconds)),
                                              {0}});
}

static int arrive_print(struct arrivals *arrivals)
{
    CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    if (!arena)
        return bench_fail("out of memory");
    double seconds = seconds_since(arrivals, arrivals->last_answer_ns);
    const char *webhook = arrivals->config.webhooks ? webhook_json(arrivals, arena) : "null";
    return bench_print(json_object(
        arena, (struct json_member[]){JSON_I("offered", (int64_t)arrivals->config.n),
                                      JSON_I("sent", (int64_t)arrivals->sent),
                                      JSON_I("answered", (int64_t)arrivals->answered),
                                      JSON_R("seconds", bench_number(arena, seconds)),
                                      JSON_R("rate", rate(arena, arrivals->answered, seconds)),
                                      JSON_R("errors", errors_json(arrivals, arena)),
                                      JSON_R("post", samples_json(&arrivals->post, arena)),
                                      JSON_R("webhook", webhook),
                                      {0}}));
}

static int arrive_run(struct arrivals *arrivals, double seconds)
{
    struct arrivals_config *config = &arrivals->config;
    double n = round(config->rate * seconds);
    if (n < 1 || n > PAYMENTS_MAX)
        return bench_fail("%.0f payments are not between 1 and %.0f", n, PAYMENTS_MAX);
    const char *place = strstr(config->body, "%s");
    if (!place || strstr(place + 2, "%s"))
        return bench_fail("the body has not exactly one %%s");
    config->n = (size_t)n;
    int code = arrivals_run(arrivals) ? arrive_print(arrivals)
                                      : bench_fail("out of memory, or the port is taken");
    arrivals_deinit(arrivals);
    return code;
}

int arrive_main(const struct subcommand *self, int argc, char **argv)
{
    struct arrivals arrivals = {.config = {.body = BODY, .settle_s = 10}};
    struct arrivals_config *config = &arrivals.config;
    int64_t connections_max = 256, port = 0;
    double seconds = 1;
    int code;
    const struct option_row rows[] = {
        {"url", OPTION_TEXT, &config->url, 0, 0, true, "the gateway's /api/v1/payments"},
        {"key", OPTION_TEXT, &config->key, 0, 0, true, "an API key's id"},
        {"secret", OPTION_TEXT, &config->secret, 0, 0, true, "and its secret"},
        {"rate", OPTION_REAL, &config->rate, 0.01, 1e9, true, "payments due a second"},
        {"seconds", OPTION_REAL, &seconds, 0.000001, 3600, true, "for how long"},
        {"connections-max", OPTION_INTEGER, &connections_max, 1, 4096, false, "at once (256)"},
        {"webhook-port", OPTION_INTEGER, &port, 1, UINT16_MAX, false,
         "receive webhooks here; POST to webhook is measured too"},
        {"settle-s", OPTION_REAL, &config->settle_s, 0, 3600, false,
         "to wait for webhooks after the last answer (10)"},
        {"body", OPTION_TEXT, &config->body, 0, 0, false, "JSON, with %s for a unique reference"},
        {0}};
    if (!options_read(self, argc, argv, rows, &code))
        return code;
    config->connections_max = (size_t)connections_max;
    config->webhooks = port > 0;
    config->port = (uint16_t)port;
    return arrive_run(&arrivals, seconds);
}
