#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "gateway.h"
#include "obol/gateway/v1/gateway.obol.h"
#include "openapi.h"
#include "json/json.h"

void edge_end(void *argument)
{
    struct edge *edge = argument;
    if (!edge)
        return;
    atomic_store(&edge->gateway->edges[edge->place], NULL);
    for (size_t i = 0; i < UPSTREAM_N; i++)
        hop_free(edge->hops[i]);
    key_cache_free(edge->keys);
    limits_free(edge->limits);
    free(edge);
}

void *edge_begin(void *argument, struct http_loop *loop)
{
    struct edge *edge = calloc(1, sizeof *edge);
    if (!edge)
        abort();
    edge->gateway = argument;
    edge->loop = loop;
    edge->pulse = health_pulse(edge->gateway->health, "event loop");
    edge->keys = key_cache_new(edge);
    edge->limits = limits_new(edge);
    bool complete = edge->keys && edge->limits;
    for (size_t i = 0; i < UPSTREAM_N; i++) {
        edge->hops[i] = hop_new(edge, (enum upstream)i);
        complete = complete && edge->hops[i];
    }
    edge->place = atomic_fetch_add(&edge->gateway->edges_n, 1);
    if (!complete || edge->place >= EDGES_MAX)
        abort(); // out of memory before the first request
    atomic_store(&edge->gateway->edges[edge->place], edge);
    return edge;
}

void edge_ready(void *argument)
{
    struct edge *edge = argument;
    for (size_t i = 0; i < UPSTREAM_N; i++)
        hop_flush(edge->hops[i]);
}

// As a metric shows them: what a client can invent is "other".
static const char *verb_shown(const struct request *request)
{
    static const char *const verbs[] = {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"};
    const char *verb = http_method(request->exchange);
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (strcmp(verb, verbs[i]) == 0)
            return verbs[i];
    return "other";
}

static const char *route_shown(const struct request *request)
{
    if (request->page)
        return request->page;
    return request->match.rule ? request->match.rule->path : "other";
}

static void count(const struct request *request, int status)
{
    char code[4];
    snprintf(code, sizeof code, "%d", status);
    const char *verb = verb_shown(request), *route = route_shown(request);
    metric_add(request->edge->gateway->requests, 1, METRIC_LABELS(verb, route, code));
    metric_observe(request->edge->gateway->seconds,
                   clock_now_ns() - http_arrived_ns(request->exchange), METRIC_LABELS(verb, route));
}

static void reply(struct request *request, int status, const char *type, struct bytes body)
{
    if (type)
        http_header_out(request->exchange, "Content-Type", type);
    http_header_out(request->exchange, "X-Request-Id", request->request_id);
    limits_headers(request);
    http_header_out(request->exchange, "Cache-Control", "no-store");
    http_header_out(request->exchange, "X-Content-Type-Options", "nosniff");
    count(request, status);
    request_span(request, status);
    http_reply(request->exchange, status, body);
}

void request_refuse(struct request *request)
{
    struct problem *problem = &request->problem;
    int status = refusal_http_status(problem);
    if (problem->retry_after_s > 0)
        http_header_out(request->exchange, "Retry-After",
                        arena_printf(request->arena, "%d", problem->retry_after_s));
    if (status == 401)
        http_header_out(request->exchange, "WWW-Authenticate", "Basic realm=\"obol\"");
    if (status == 500)
        log_error("request failed", LOG_S("request_id", request->request_id),
                  LOG_TRACE(request->traceparent), LOG_S("tenant", request->tenant_id),
                  LOG_S("detail", problem->detail),
                  LOG_S("method", request->method ? request->method->path : ""));
    reply(request, status, "application/problem+json",
          bytes_of_string(refusal_json(request->arena, problem, status, request->request_id)));
}

void request_answer(struct request *request, const ProtobufCMessage *message, bool replayed)
{
    const char *json = "";
    int status = request->method->success;
    if (status != 204)
        json = json_write(request->arena, message);
    if (!json) {
        (void)problem_internal(&request->problem);
        request_refuse(request);
        return;
    }
    if (replayed)
        http_header_out(request->exchange, "Idempotency-Replayed", "true");
    reply(request, status, status == 204 ? NULL : "application/json", bytes_of_string(json));
}

static void call_finished(struct hop_call *hop_call)
{
    struct request *request = hop_call->owner;
    const struct call *call = &hop_call->call;
    request->problem = call->problem;
    if (call->problem.status != STATUS_OK) {
        request_refuse(request);
        return;
    }
    const ProtobufCMessage *message =
        message_unpack(request->arena, call->method->output, call->packed);
    if (message) {
        request_answer(request, message, call->replayed);
    } else {
        (void)problem_internal(&request->problem);
        request_refuse(request);
    }
}

struct hop_call *request_new_call(struct request *request, struct arena *arena,
                                  const struct method *method, const ProtobufCMessage *message,
                                  void (*finish)(struct hop_call *))
{
    struct hop_call *hop_call = ARENA_NEW(arena, struct hop_call);
    if (!hop_call)
        return NULL;
    hop_call->edge = request->edge;
    hop_call->owner = request;
    hop_call->finish = finish;
    hop_call->call = (struct call){
        .arena = arena,
        .method = method,
        .request_bytes = message_pack(arena, message),
        .context =
            {
                .tenant_id = request->tenant_id,
                .actor = request->key_id,
                .request_id = request->request_id,
                .traceparent = request->traceparent,
                .idempotency_key = request->idempotency_key,
                .fingerprint = request->fingerprint,
                .deadline_ns = request->deadline_ns,
            },
    };
    return hop_call->call.request_bytes.at ? hop_call : NULL;
}

void request_call(struct request *request)
{
    struct hop_call *hop_call =
        request_new_call(request, request->arena, request->method, request->message, call_finished);
    if (hop_call) {
        hop_send(request->edge->hops[request->match.upstream], hop_call);
        return;
    }
    (void)problem_unavailable(&request->problem);
    request_refuse(request);
}

void request_authenticated(struct request *request)
{
    if (transcode_in(request) != STATUS_OK)
        request_refuse(request);
    else if (request->match.upstream == UPSTREAM_NONE)
        compose(request);
    else if (cards_wanted(request))
        limits_card(request);
    else
        request_call(request);
}

static const char *page_of(const struct request *request)
{
    static const char *const pages[] = {"/health/live", "/health/ready", "/health",
                                        "/openapi.json"};
    const char *path = http_path(request->exchange);
    if (strcmp(http_method(request->exchange), "GET") != 0)
        return NULL;
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++)
        if (strcmp(path, pages[i]) == 0)
            return pages[i];
    return NULL;
}

static bool serve_page(struct request *request)
{
    const char *page = request->page = page_of(request);
    const struct health *health = request->edge->gateway->health;
    if (!page)
        return false;
    bool ready = health_ready(health), live = !health_stuck(health);
    if (strcmp(page, "/health/live") == 0)
        reply(request, live ? 200 : 503, "application/json",
              bytes_of_string(live ? "{\"status\":\"up\"}" : "{\"status\":\"stuck\"}"));
    else if (strcmp(page, "/openapi.json") == 0)
        reply(request, 200, "application/json",
              (struct bytes){(const uint8_t *)obol_openapi_json, obol_openapi_json_length});
    else
        reply(request, ready ? 200 : 503, "application/json",
              bytes_of_string(ready ? "{\"status\":\"up\"}" : "{\"status\":\"down\"}"));
    return true;
}

static enum status route(struct request *request)
{
    struct route_match *match = &request->match;
    enum status status =
        routes_find(request->edge->gateway->routes, request->arena, http_method(request->exchange),
                    http_path(request->exchange), match);
    request->method = match->method;
    if (status == STATUS_OK)
        return status;
    if (!match->allow)
        return problem_set(&request->problem, STATUS_NOT_FOUND, "not_found", NULL, "No such path.");
    http_header_out(request->exchange, "Allow", match->allow);
    return problem_set(&request->problem, STATUS_UNIMPLEMENTED, "method_not_allowed", NULL,
                       "This path takes %s.", match->allow);
}

static void begin_ids(struct request *request)
{
    const char *given = http_header_in(request->exchange, "X-Request-Id");
    request->request_id = given && trace_request_id_valid(given)
                              ? given
                              : arena_strdup(request->arena, id_new("req").text);
    request->parent = http_header_in(request->exchange, "traceparent");
    trace_continue(request->parent, request->traceparent);
}

struct repeat {
    const char *name; // the first that came twice
    unsigned seen;
};

// One reader takes the first of two, another the last: where a header decides who asks for what,
// there is one.
static void see_single(void *context, const char *name, const char *value)
{
    static const char *const singles[] = {"Authorization",   "X-Api-Key",   "X-Api-Secret",
                                          "Idempotency-Key", "X-Tenant-Id", "Content-Type"};
    struct repeat *repeat = context;
    (void)value;
    for (unsigned i = 0; i < sizeof singles / sizeof singles[0]; i++) {
        if (strcasecmp(name, singles[i]) != 0)
            continue;
        if (repeat->seen & 1U << i)
            repeat->name = singles[i];
        repeat->seen |= 1U << i;
    }
}

static enum status check_headers(struct request *request)
{
    struct repeat repeat = {0};
    http_headers_in(request->exchange, see_single, &repeat);
    if (!repeat.name)
        return STATUS_OK;
    return problem_invalid(&request->problem, repeat.name, "Send this header once.");
}

// In test mode the page of jobs is for whoever runs the installation, not for one tenant.
static bool needs_no_key(const struct request *request)
{
    if (request->method->open)
        return true;
    return request->method == METHOD_GatewayService_GetJobsStatus &&
           request->edge->gateway->settings.test_mode && !keys_given(request->exchange);
}

void edge_handle(void *argument, struct http_exchange *exchange)
{
    struct edge *edge = argument;
    struct arena *arena = http_arena(exchange);
    struct request *request = ARENA_NEW(arena, struct request);
    if (!request) {
        http_reply(exchange, 503, (struct bytes){0});
        return;
    }
    *request = (struct request){
        .edge = edge, .exchange = exchange, .arena = arena, .tenant_id = "", .key_id = ""};
    begin_ids(request);
    if (serve_page(request))
        return;
    if (route(request) != STATUS_OK) {
        request_refuse(request);
        return;
    }
    if (atomic_load(&edge->gateway->closing) || !cards_guard(request)) {
        (void)problem_unavailable(&request->problem);
        request_refuse(request);
        return;
    }
    if (check_headers(request) != STATUS_OK) {
        request_refuse(request);
        return;
    }
    const struct gateway_settings *settings = &edge->gateway->settings;
    request->deadline_ns = clock_deadline_ns(
        request->method->lane == LANE_SLOW ? settings->slow_timeout_ms : settings->timeout_ms);
    if (needs_no_key(request))
        request_authenticated(request);
    else
        keys_check(request);
}
