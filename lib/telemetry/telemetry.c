#include "telemetry/telemetry.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "base/priority.h"
#include "base/ring.h"
#include "crypto/crypto.h"
#include "obs/metrics.h"
#include "obs/span.h"
#include "telemetry/courier.h"
#include "telemetry/otlp.h"
#include "telemetry/settings.h"

#define SPANS_KEPT 4096
#define SPANS_AT_ONCE 512
#define REPORTS_KEPT 64
#define LOOK_EVERY_MS 100
#define SPANS_WAIT_MS 1000 // for company
#define COMPLAIN_EVERY_MS 60000
#define SENTRY_PAUSE_S 60 // after 429 that names no time

struct telemetry {
    struct telemetry_plan plan;
    const char *program, *environment;
    char service[64], host[64], instance[ID_SIZE], authorization[160];
    pthread_t thread;
    _Atomic bool stopping;
    struct http_client *client;
    struct arena *arena; // of a turn
    struct courier traces, errors;
    struct span_kept *spans; // the next batch
    size_t spans_n;
    int64_t spans_due_ns; // when they go, few as they may be
    struct ring *reports;
    pthread_mutex_t limiting;
    struct limiter limiter;
    int64_t complain_ns;
    struct metric *exported, *reported;
};

static _Atomic(struct telemetry *) listening;
static _Thread_local bool deaf; // errors about reporting are not reported

static void count_report(struct telemetry *telemetry, const char *outcome)
{
    metric_add(telemetry->reported, 1, METRIC_LABELS(outcome));
}

static void hear_error(const char *event, const struct log_field *fields)
{
    struct telemetry *telemetry = atomic_load(&listening);
    if (!telemetry || deaf)
        return;
    pthread_mutex_lock(&telemetry->limiting);
    bool allowed = limiter_allows(&telemetry->limiter, event, clock_now_ns());
    pthread_mutex_unlock(&telemetry->limiting);
    if (!allowed) {
        count_report(telemetry, "limited");
        return;
    }
    struct report report;
    report_take(&report, event, fields, clock_unix_us());
    if (!ring_put(telemetry->reports, &report))
        count_report(telemetry, "dropped");
}

// A collector that is away loses every batch: one line a minute is enough to say so.
static void complain(struct telemetry *telemetry, enum log_level level, const char *event,
                     const struct http_response *response)
{
    int64_t now_ns = clock_now_ns();
    if (now_ns < telemetry->complain_ns)
        return;
    telemetry->complain_ns = now_ns + COMPLAIN_EVERY_MS * NS_PER_MS;
    log_at(level, event, LOG_S("reason", response->error), LOG_I("status", response->status));
}

static void load_spans(struct telemetry *telemetry)
{
    const struct otlp_resource resource = {telemetry->service, OBOL_VERSION, telemetry->instance};
    struct bytes body =
        otlp_pack(telemetry->traces.arena, &resource, telemetry->spans, telemetry->spans_n);
    if (body.at)
        courier_load(&telemetry->traces, body, telemetry->spans_n);
    else
        spans_dropped((int64_t)telemetry->spans_n);
    telemetry->spans_n = 0;
}

static void take_spans(struct telemetry *telemetry, bool at_once)
{
    if (!telemetry->plan.traces)
        return;
    while (telemetry->spans_n < SPANS_AT_ONCE && spans_take(&telemetry->spans[telemetry->spans_n]))
        if (telemetry->spans_n++ == 0)
            telemetry->spans_due_ns = clock_deadline_ns(SPANS_WAIT_MS);
    bool due = telemetry->spans_n == SPANS_AT_ONCE ||
               (telemetry->spans_n > 0 && (at_once || clock_now_ns() >= telemetry->spans_due_ns));
    if (due && courier_ready(&telemetry->traces))
        load_spans(telemetry);
}

static void take_reports(struct telemetry *telemetry)
{
    struct report report;
    uint8_t random[16];
    while (telemetry->plan.errors && courier_free(&telemetry->errors) &&
           ring_take(telemetry->reports, &report)) {
        if (!courier_ready(&telemetry->errors)) { // it asked for none now
            count_report(telemetry, "limited");
            continue;
        }
        crypto_random(random, sizeof random);
        const struct report_origin origin = {telemetry->program, OBOL_VERSION,
                                             telemetry->environment, telemetry->host};
        struct arena *arena = telemetry->errors.arena;
        const char *id = crypto_hex(arena, BYTES_OF_ARRAY(random));
        const char *envelope = id ? report_envelope(arena, &report, &origin, id) : NULL;
        if (envelope)
            courier_load(&telemetry->errors, bytes_of_string(envelope), 1);
        else
            count_report(telemetry, "dropped");
    }
}

static void hear_traces(struct telemetry *telemetry, const struct http_response *response)
{
    size_t items = 0;
    enum sent sent = courier_hear(&telemetry->traces, response, &items);
    if (sent != SENT_TAKEN)
        complain(telemetry, LOG_WARN, "spans not exported", response);
    if (sent == SENT_WAITS)
        return;
    int64_t refused =
        sent == SENT_LOST ? (int64_t)items : otlp_refused(telemetry->arena, response->body);
    if (refused < 0 || refused > (int64_t)items)
        refused = 0;
    spans_dropped(refused);
    metric_add(telemetry->exported, (int64_t)items - refused, NULL);
}

static void hear_errors(struct telemetry *telemetry, const struct http_response *response)
{
    size_t items = 0;
    bool answered = response->failure == HTTP_OK;
    int64_t quiet_s =
        answered ? report_quiet_s(http_response_header(response, "x-sentry-rate-limits")) : 0;
    if (answered && quiet_s == 0 && response->status == 429 &&
        !http_response_header(response, "retry-after"))
        quiet_s = SENTRY_PAUSE_S;
    enum sent sent = courier_hear(&telemetry->errors, response, &items);
    if (quiet_s > 0)
        telemetry->errors.not_before_ns = clock_deadline_ns(quiet_s * 1000);
    if (sent != SENT_TAKEN)
        complain(telemetry, LOG_ERROR, "error not reported", response);
    if (sent != SENT_WAITS)
        count_report(telemetry, sent == SENT_TAKEN        ? "sent"
                                : response->status == 429 ? "limited"
                                                          : "failed");
}

// Waits up to max_ms for answers.
static void turn(struct telemetry *telemetry, int64_t max_ms, bool at_once)
{
    struct http_response responses[2];
    take_spans(telemetry, at_once);
    take_reports(telemetry);
    courier_go(&telemetry->traces);
    courier_go(&telemetry->errors);
    size_t n = http_client_collect(telemetry->client, telemetry->arena, max_ms, responses, 2);
    for (size_t i = 0; i < n; i++) {
        if (responses[i].context == &telemetry->traces)
            hear_traces(telemetry, &responses[i]);
        else
            hear_errors(telemetry, &responses[i]);
    }
    arena_reset(telemetry->arena);
}

// It has nothing, or what it has must wait.
static bool is_over(const struct courier *courier)
{
    return courier_free(courier) || (!courier->out && courier->tries > 0);
}

// What is left goes now or not at all: nobody waits for a collector that doesn't answer.
static void finish(struct telemetry *telemetry)
{
    int64_t deadline_ns = clock_deadline_ns(TELEMETRY_STOP_MS);
    int64_t left_ms;
    telemetry->traces.not_before_ns = 0;
    while ((left_ms = clock_left_ms(deadline_ns)) > 0) {
        turn(telemetry, left_ms < LOOK_EVERY_MS ? left_ms : LOOK_EVERY_MS, true);
        take_spans(telemetry, true);
        take_reports(telemetry);
        if (is_over(&telemetry->traces) && is_over(&telemetry->errors))
            break;
    }
    struct span_kept kept;
    size_t lost = telemetry->traces.items + telemetry->spans_n;
    while (spans_take(&kept))
        lost++;
    spans_dropped((int64_t)lost);
}

static void *run(void *context)
{
    struct telemetry *telemetry = context;
    deaf = true;
    priority_background();
    while (!atomic_load(&telemetry->stopping))
        turn(telemetry, LOOK_EVERY_MS, false);
    finish(telemetry);
    return NULL;
}

static void telemetry_free(struct telemetry *telemetry)
{
    if (!telemetry)
        return;
    if (telemetry->client)
        http_client_free(telemetry->client);
    courier_deinit(&telemetry->traces);
    courier_deinit(&telemetry->errors);
    arena_free(telemetry->arena);
    ring_free(telemetry->reports);
    spans_close();
    pthread_mutex_destroy(&telemetry->limiting);
    crypto_wipe(&telemetry->plan.dsn, sizeof telemetry->plan.dsn);
    crypto_wipe(telemetry->authorization, sizeof telemetry->authorization);
    free(telemetry->spans);
    free(telemetry);
}

static void address(struct telemetry *telemetry)
{
    struct courier *traces = &telemetry->traces, *errors = &telemetry->errors;
    (void)snprintf(traces->url, sizeof traces->url, "%s", telemetry->plan.traces_url);
    (void)snprintf(errors->url, sizeof errors->url, "%s", telemetry->plan.dsn.url);
    (void)snprintf(telemetry->authorization, sizeof telemetry->authorization,
                   "Sentry sentry_version=7, sentry_client=obol/%s, sentry_key=%s", OBOL_VERSION,
                   telemetry->plan.dsn.key);
    traces->headers[traces->headers_n++] =
        (struct http_header){"Content-Type", "application/x-protobuf"};
    errors->headers[errors->headers_n++] =
        (struct http_header){"Content-Type", "application/x-sentry-envelope"};
    errors->headers[errors->headers_n++] =
        (struct http_header){"X-Sentry-Auth", telemetry->authorization};
    errors->gives_up_when_limited = true;
}

static enum status assemble(struct telemetry *telemetry)
{
    pthread_mutex_init(&telemetry->limiting, NULL);
    telemetry->exported =
        metric_counter("obol_spans_exported_total", "Spans that the collector has taken.", NULL);
    telemetry->reported = metric_counter("obol_errors_reported_total",
                                         "Errors reported to Sentry, and not.", "outcome");
    address(telemetry);
    telemetry->client = http_client_new(2, "Obol/" OBOL_VERSION);
    telemetry->arena = arena_new(ARENA_CAP_REQUEST);
    telemetry->spans = calloc(SPANS_AT_ONCE, sizeof *telemetry->spans);
    telemetry->reports = ring_new(REPORTS_KEPT, sizeof(struct report));
    if (!telemetry->client || !telemetry->arena || !telemetry->spans || !telemetry->reports ||
        courier_init(&telemetry->traces, telemetry->client) != STATUS_OK ||
        courier_init(&telemetry->errors, telemetry->client) != STATUS_OK)
        return STATUS_RESOURCE_EXHAUSTED;
    return telemetry->plan.traces ? spans_open(SPANS_KEPT) : STATUS_OK;
}

static struct telemetry *telemetry_new(const struct telemetry_settings *settings,
                                       const struct telemetry_plan *plan, const char *program)
{
    struct telemetry *telemetry = calloc(1, sizeof *telemetry);
    if (!telemetry)
        return NULL;
    telemetry->plan = *plan;
    telemetry->program = program;
    telemetry->environment = settings->sentry_environment;
    (void)snprintf(telemetry->service, sizeof telemetry->service, "obol-%s", program);
    (void)snprintf(telemetry->instance, sizeof telemetry->instance, "%s", id_new("run").text);
    if (gethostname(telemetry->host, sizeof telemetry->host - 1) != 0)
        telemetry->host[0] = '\0';
    return telemetry;
}

enum status telemetry_start(const struct telemetry_settings *settings, const char *program,
                            struct telemetry **ret)
{
    struct telemetry_plan plan;
    *ret = NULL;
    enum status status = telemetry_plan(settings, &plan);
    if (status != STATUS_OK)
        return status;
    trace_sample(plan.ratio);
    if (!plan.traces && !plan.errors)
        return STATUS_OK;
    struct telemetry *telemetry = telemetry_new(settings, &plan, program);
    crypto_wipe(&plan.dsn, sizeof plan.dsn);
    status = telemetry ? assemble(telemetry) : STATUS_RESOURCE_EXHAUSTED;
    if (status == STATUS_OK && pthread_create(&telemetry->thread, NULL, run, telemetry) != 0)
        status = STATUS_RESOURCE_EXHAUSTED;
    if (status != STATUS_OK) {
        telemetry_free(telemetry);
        return status;
    }
    if (plan.errors) {
        atomic_store(&listening, telemetry);
        log_listen(hear_error);
    }
    *ret = telemetry;
    return STATUS_OK;
}

void telemetry_stop(struct telemetry *telemetry)
{
    if (!telemetry)
        return;
    log_listen(NULL);
    atomic_store(&listening, NULL);
    atomic_store(&telemetry->stopping, true);
    http_client_wake(telemetry->client);
    pthread_join(telemetry->thread, NULL);
    telemetry_free(telemetry);
}
