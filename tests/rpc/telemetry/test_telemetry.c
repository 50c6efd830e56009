// The thread that sends, against a stand-in on loopback that takes, refuses, puts off or is silent.
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/bell.h"
#include "base/clock.h"
#include "base/log.h"
#include "http/server.h"
#include "obs/metrics.h"
#include "obs/span.h"
#include "opentelemetry/proto/collector/trace/v1/trace_service.pb-c.h"
#include "telemetry/telemetry.h"

#define SAMPLED "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
#define BODY_MAX ((size_t)1 << 20)
#define REQUESTS_MAX 64
#define PATIENCE_MS 15000

static struct {
    struct http_server *server;
    pthread_mutex_t lock;
    pthread_cond_t came;
    size_t n;
    struct {
        char path[64], authorization[128];
        struct bytes body;
        int64_t at_ns;
    } requests[REQUESTS_MAX];
    int statuses[REQUESTS_MAX]; // 0: 200; -1: no answer
    const char *header, *value;
    struct bytes answer;
} standin = {.lock = PTHREAD_MUTEX_INITIALIZER, .came = PTHREAD_COND_INITIALIZER};

static void handle(void *state, struct http_exchange *exchange)
{
    (void)state;
    struct bytes body = http_body(exchange);
    const char *authorization = http_header_in(exchange, "X-Sentry-Auth");
    pthread_mutex_lock(&standin.lock);
    size_t place = standin.n++;
    cr_assert_lt(place, REQUESTS_MAX);
    snprintf(standin.requests[place].path, 64, "%s", http_path(exchange));
    snprintf(standin.requests[place].authorization, 128, "%s", authorization ? authorization : "");
    uint8_t *kept = malloc(body.length + 1);
    memcpy(kept, body.at, body.length);
    kept[body.length] = '\0';
    standin.requests[place].body = (struct bytes){kept, body.length};
    standin.requests[place].at_ns = clock_now_ns();
    int status = standin.statuses[place];
    pthread_cond_broadcast(&standin.came);
    pthread_mutex_unlock(&standin.lock);
    if (status < 0)
        return;
    if (standin.header)
        http_header_out(exchange, standin.header, standin.value);
    http_header_out(exchange, "Content-Type", "application/x-protobuf");
    http_reply(exchange, status ? status : 200, standin.answer);
}

static void *begin(void *context, struct http_loop *loop)
{
    (void)context;
    return loop;
}

static struct telemetry *start(bool errors)
{
    static char url[64], dsn[96];
    const struct http_server_config config = {.address = "127.0.0.1",
                                              .loops = 1,
                                              .body_max = BODY_MAX,
                                              .connections_max = 100,
                                              .request_s = 30,
                                              .idle_s = 30,
                                              .loop_begin = begin,
                                              .handle = handle};
    cr_assert_eq(http_server_start(&config, &standin.server), STATUS_OK);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", http_server_port(standin.server));
    snprintf(dsn, sizeof dsn, "http://key@127.0.0.1:%u/7", http_server_port(standin.server));
    const struct telemetry_settings settings = {errors ? "" : url, "1", errors ? dsn : "", "test"};
    struct telemetry *telemetry = NULL;
    cr_assert_eq(telemetry_start(&settings, "payments", &telemetry), STATUS_OK);
    cr_assert_not_null(telemetry);
    return telemetry;
}

static void stop(struct telemetry *telemetry)
{
    telemetry_stop(telemetry);
    http_server_stop(standin.server, 0);
}

static void wait_for(size_t n)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_MS / 1000;
    pthread_mutex_lock(&standin.lock);
    while (standin.n < n)
        cr_assert_eq(pthread_cond_timedwait(&standin.came, &standin.lock, &until), 0,
                     "%zu of %zu requests came", standin.n, n);
    pthread_mutex_unlock(&standin.lock);
}

static int64_t counted(const char *series)
{
    struct buffer out;
    buffer_init(&out, 1 << 20);
    metrics_print(&out);
    char line[128];
    snprintf(line, sizeof line, "\n%s ", series);
    const char *at = strstr(out.at, line);
    int64_t value = at ? strtoll(at + strlen(line), NULL, 10) : 0;
    buffer_deinit(&out);
    return value;
}

static void wait_counted(const char *series, int64_t value)
{
    struct bell *bell = bell_new();
    int64_t deadline_ns = clock_deadline_ns(PATIENCE_MS);
    while (counted(series) < value && clock_left_ms(deadline_ns) > 0)
        bell_wait(bell, 5);
    cr_assert_eq(counted(series), value, "%s is %ld", series, (long)counted(series));
    bell_free(bell);
}

static void record(size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct span span = {.name = "work",
                            .kind = SPAN_SERVER,
                            .traceparent = SAMPLED,
                            .began_ns = clock_now_ns(),
                            .failed = true};
        span_end(&span, LOG_S("text", "value"), LOG_I("number", (int64_t)i));
    }
}

static Opentelemetry__Proto__Collector__Trace__V1__ExportTraceServiceRequest *request(size_t i)
{
    cr_assert_str_eq(standin.requests[i].path, "/v1/traces");
    return opentelemetry__proto__collector__trace__v1__export_trace_service_request__unpack(
        NULL, standin.requests[i].body.length, standin.requests[i].body.at);
}

Test(telemetry, exports_what_was_recorded)
{
    struct telemetry *telemetry = start(false);
    record(3);
    wait_counted("obol_spans_exported_total", 3);
    Opentelemetry__Proto__Collector__Trace__V1__ExportTraceServiceRequest *message = request(0);
    Opentelemetry__Proto__Trace__V1__ResourceSpans *of = message->resource_spans[0];
    cr_assert_str_eq(of->resource->attributes[0]->key, "service.name");
    cr_assert_str_eq(of->resource->attributes[0]->value->string_value, "obol-payments");
    cr_assert_eq(of->scope_spans[0]->n_spans, 3);
    Opentelemetry__Proto__Trace__V1__Span *span = of->scope_spans[0]->spans[1];
    cr_assert_eq(span->trace_id.len, 16);
    cr_assert_eq(memcmp(span->trace_id.data, "\x4b\xf9\x2f\x35\x77\xb3\x4d\xa6", 8), 0);
    cr_assert_eq(memcmp(span->span_id.data, "\x00\xf0\x67\xaa\x0b\xa9\x02\xb7", 8), 0);
    cr_assert_eq(span->parent_span_id.len, 0);
    cr_assert_str_eq(span->name, "work");
    cr_assert_eq(span->status->code, 2);
    cr_assert_str_eq(span->attributes[0]->value->string_value, "value");
    cr_assert_eq(span->attributes[1]->value->int_value, 1);
    opentelemetry__proto__collector__trace__v1__export_trace_service_request__free_unpacked(message,
                                                                                            NULL);
    stop(telemetry);
}

Test(telemetry, sends_no_more_than_512_at_once)
{
    struct telemetry *telemetry = start(false);
    record(600);
    wait_counted("obol_spans_exported_total", 600);
    for (size_t i = 0; i < standin.n; i++) {
        Opentelemetry__Proto__Collector__Trace__V1__ExportTraceServiceRequest *message = request(i);
        cr_assert_leq(message->resource_spans[0]->scope_spans[0]->n_spans, 512);
        opentelemetry__proto__collector__trace__v1__export_trace_service_request__free_unpacked(
            message, NULL);
    }
    stop(telemetry);
}

Test(telemetry, sends_again_what_a_busy_collector_put_off)
{
    standin.statuses[0] = 503;
    standin.header = "Retry-After";
    standin.value = "2";
    struct telemetry *telemetry = start(false);
    record(3);
    wait_counted("obol_spans_exported_total", 3);
    cr_assert_eq(standin.n, 2);
    cr_assert_geq(standin.requests[1].at_ns - standin.requests[0].at_ns, 1900 * NS_PER_MS);
    cr_assert_eq(counted("obol_spans_dropped_total"), 0);
    stop(telemetry);
}

Test(telemetry, drops_and_counts_what_is_refused)
{
    standin.statuses[0] = 400;
    struct telemetry *telemetry = start(false);
    record(3);
    wait_counted("obol_spans_dropped_total", 3);
    record(1);
    wait_counted("obol_spans_exported_total", 1);
    cr_assert_eq(standin.n, 2);
    stop(telemetry);
}

Test(telemetry, counts_what_the_collector_took_in_part)
{
    // partial_success {rejected_spans: 1}
    standin.answer = (struct bytes){(const uint8_t *)"\x0a\x02\x08\x01", 4};
    struct telemetry *telemetry = start(false);
    record(3);
    wait_counted("obol_spans_exported_total", 2);
    cr_assert_eq(counted("obol_spans_dropped_total"), 1);
    stop(telemetry);
}

Test(telemetry, stop_sends_what_is_left)
{
    struct telemetry *telemetry = start(false);
    record(700);
    telemetry_stop(telemetry);
    cr_assert_eq(counted("obol_spans_exported_total"), 700);
    http_server_stop(standin.server, 0);
}

Test(telemetry, stop_waits_a_second_at_most_for_a_silent_collector)
{
    standin.statuses[0] = -1;
    struct telemetry *telemetry = start(false);
    record(3);
    wait_for(1);
    record(4);
    int64_t began_ns = clock_now_ns();
    telemetry_stop(telemetry);
    cr_assert_lt(clock_now_ns() - began_ns, (TELEMETRY_STOP_MS + 2000) * NS_PER_MS);
    cr_assert_eq(counted("obol_spans_dropped_total"), 7);
    http_server_stop(standin.server, 0);
}

Test(telemetry, reports_an_error)
{
    struct telemetry *telemetry = start(true);
    log_error("it broke", LOG_S("request_id", "req_1"));
    wait_counted("obol_errors_reported_total{outcome=\"sent\"}", 1);
    cr_assert_str_eq(standin.requests[0].path, "/api/7/envelope/");
    cr_assert_not_null(strstr(standin.requests[0].authorization, "sentry_key=key"));
    cr_assert_not_null(
        strstr((const char *)standin.requests[0].body.at, "\"message\":\"it broke\""));
    log_warn("it only creaks");
    log_info("it works");
    log_error("it broke again");
    wait_counted("obol_errors_reported_total{outcome=\"sent\"}", 2);
    stop(telemetry);
    log_error("nobody listens");
    cr_assert_eq(standin.n, 2);
}

Test(telemetry, reports_five_of_a_flood)
{
    struct telemetry *telemetry = start(true);
    for (int i = 0; i < 50; i++)
        log_error("flood");
    wait_counted("obol_errors_reported_total{outcome=\"sent\"}", 5);
    wait_counted("obol_errors_reported_total{outcome=\"limited\"}", 45);
    stop(telemetry);
}

Test(telemetry, is_quiet_for_as_long_as_sentry_asks)
{
    standin.header = "X-Sentry-Rate-Limits";
    standin.value = "60:error:organization";
    struct telemetry *telemetry = start(true);
    log_error("first");
    wait_counted("obol_errors_reported_total{outcome=\"sent\"}", 1);
    log_error("second");
    wait_counted("obol_errors_reported_total{outcome=\"limited\"}", 1);
    cr_assert_eq(standin.n, 1);
    stop(telemetry);
}

Test(telemetry, gives_up_an_error_that_sentry_does_not_want)
{
    standin.statuses[0] = 429;
    struct telemetry *telemetry = start(true);
    log_error("first");
    wait_counted("obol_errors_reported_total{outcome=\"limited\"}", 1);
    cr_assert_eq(standin.n, 1);
    stop(telemetry);
}

// That an error could not be reported is an error too, and none that is reported.
Test(telemetry, does_not_report_that_it_could_not_report)
{
    standin.statuses[0] = 400;
    struct telemetry *telemetry = start(true);
    log_error("it broke");
    wait_counted("obol_errors_reported_total{outcome=\"failed\"}", 1);
    log_error("it broke again");
    wait_counted("obol_errors_reported_total{outcome=\"sent\"}", 1);
    cr_assert_eq(standin.n, 2);
    cr_assert_not_null(strstr((const char *)standin.requests[1].body.at, "it broke again"));
    stop(telemetry);
}

Test(telemetry, without_settings_does_nothing)
{
    const struct telemetry_settings settings = {"", "0.5", "", "production"};
    struct telemetry *telemetry = (void *)1;
    cr_assert_eq(telemetry_start(&settings, "payments", &telemetry), STATUS_OK);
    cr_assert_null(telemetry);
    cr_assert_not(span_wanted(SAMPLED));
    telemetry_stop(telemetry);
}
