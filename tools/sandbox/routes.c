// From a request to the function that answers it, and how the answer leaves.
#include <string.h>

#include "base/clock.h"
#include "crypto/crypto.h"
#include "obs/span.h"
#include "sandbox.h"
#include "view.h"
#include "json/json.h"

typedef struct answer answer_function(struct sandbox *, struct http_exchange *, const char *);

static struct answer health_get(struct sandbox *sandbox, struct http_exchange *exchange,
                                const char *name)
{
    (void)sandbox;
    (void)exchange;
    (void)name;
    return answer_json(200, "{\"status\":\"up\"}");
}

struct route {
    const char *verb, *prefix, *suffix; // the variable part lies between; suffix NULL: none
    bool keyed;                         // needs the key, and may be told to misbehave
    answer_function *run;
};

static const struct route routes[] = {
    {"POST", "/v1/tokens", NULL, true, tokens_post},
    {"POST", "/v1/charges", NULL, true, charges_post},
    {"POST", "/v1/charges/", "/capture", true, captures_post},
    {"POST", "/v1/charges/", "/cancel", true, cancels_post},
    {"POST", "/v1/refunds", NULL, true, refunds_post},
    {"GET", "/v1/operations/", "", true, operations_get},
    {"GET", "/3ds/", "", false, action_get},
    {"POST", "/3ds/", "", false, action_post},
    {"GET", "/ledger", NULL, false, ledger_get},
    {"POST", "/control", NULL, false, control_post},
    {"GET", "/health", NULL, false, health_get},
    {"GET", "/health/live", NULL, false, health_get},
    {"GET", "/health/ready", NULL, false, health_get},
};

struct answer answer_json(int status, const char *body)
{
    if (!body)
        return (struct answer){500, "{}", "application/json", false};
    return (struct answer){status, body, "application/json", false};
}

struct answer answer_refused(struct arena *arena, const struct problem *problem)
{
    static const struct {
        enum status status;
        int http;
    } table[] = {
        {STATUS_INVALID_ARGUMENT, 400},    {STATUS_UNAUTHENTICATED, 401},
        {STATUS_PERMISSION_DENIED, 403},   {STATUS_NOT_FOUND, 404},
        {STATUS_FAILED_PRECONDITION, 409}, {STATUS_OUT_OF_RANGE, 422},
        {STATUS_RESOURCE_EXHAUSTED, 503},
    };
    int status = 500;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].status == problem->status)
            status = table[i].http;
    return answer_json(status, view_error(arena, problem->code, problem->detail));
}

// The variable part, decoded; "" where a route has none, NULL when the route does not fit.
static const char *route_name(const struct route *route, struct http_exchange *exchange)
{
    const char *path = http_path(exchange);
    size_t prefix = strlen(route->prefix);
    if (strcmp(route->verb, http_method(exchange)) != 0 ||
        strncmp(path, route->prefix, prefix) != 0)
        return NULL;
    if (!route->suffix)
        return path[prefix] ? NULL : "";
    const char *rest = path + prefix;
    size_t length = strcspn(rest, "/");
    if (length == 0 || strcmp(rest + length, route->suffix) != 0)
        return NULL;
    return http_decode(http_arena(exchange), rest, length, false);
}

static bool authorized(const struct sandbox *sandbox, struct http_exchange *exchange)
{
    static const char scheme[] = "Bearer ";
    const char *header = http_header_in(exchange, "Authorization");
    if (!header || strncmp(header, scheme, sizeof scheme - 1) != 0)
        return false;
    return crypto_equal(bytes_of_string(header + sizeof scheme - 1), bytes_of_string(sandbox->key));
}

static void reply(struct sandbox_loop *self, struct http_exchange *exchange, struct answer answer,
                  int64_t after_ms)
{
    struct bytes body = bytes_of_string(answer.body);
    http_header_out(exchange, "Content-Type", answer.type);
    if (after_ms &&
        holder_keep(self->sandbox->holder, self->loop, exchange, after_ms, answer.status, body))
        return;
    http_reply(exchange, answer.status, body);
}

// As the switches have it: in order, late, garbled or never.
static void misbehave(struct sandbox_loop *self, struct http_exchange *exchange,
                      struct answer answer)
{
    struct sandbox *sandbox = self->sandbox;
    pthread_mutex_lock(&sandbox->lock);
    enum answering answering = sandbox->answering;
    int64_t slow_ms = sandbox->slow_ms;
    pthread_mutex_unlock(&sandbox->lock);
    if (answer.never || answering == ANSWER_HANG) {
        reply(self, exchange, answer_json(504, "{\"error\":{\"code\":\"timeout\"}}"), HOLD_MAX_MS);
        return;
    }
    if (answering == ANSWER_MALFORMED)
        answer.body = "{\"reference\":";
    if (answering == ANSWER_ERROR_AFTER)
        answer = answer_json(500, view_error(http_arena(exchange), "internal", "Told to fail."));
    reply(self, exchange, answer, answering == ANSWER_SLOW ? slow_ms : 0);
}

static void answer_keyed(struct sandbox_loop *self, struct http_exchange *exchange,
                         const struct route *route, const char *name)
{
    struct sandbox *sandbox = self->sandbox;
    struct arena *arena = http_arena(exchange);
    if (!authorized(sandbox, exchange)) {
        reply(self, exchange,
              answer_json(401, view_error(arena, "unauthorized", "The key is missing or wrong.")),
              0);
        return;
    }
    pthread_mutex_lock(&sandbox->lock);
    bool broken = sandbox->answering == ANSWER_ERROR;
    pthread_mutex_unlock(&sandbox->lock);
    if (broken)
        reply(self, exchange, answer_json(500, view_error(arena, "internal", "Told to fail.")), 0);
    else
        misbehave(self, exchange, route->run(sandbox, exchange, name));
}

// The provider's side of a trace: from when a request came until its answer has left.
struct served {
    char traceparent[TRACEPARENT_SIZE], parent[TRACEPARENT_SIZE];
    const char *method, *route;
    int64_t began_ns;
};

static void served_over(void *argument)
{
    const struct served *served = argument;
    const struct span span = {.name = "sandbox",
                              .kind = SPAN_SERVER,
                              .traceparent = served->traceparent,
                              .parent = served->parent,
                              .began_ns = served->began_ns};
    span_end(&span, LOG_S("http.request.method", served->method),
             LOG_S("http.route", served->route));
}

// route: never the path itself, which may name a payer.
static void trace(struct http_exchange *exchange, const char *route)
{
    const char *parent = http_header_in(exchange, "traceparent");
    struct served *served =
        span_wanted(parent) ? ARENA_NEW(http_arena(exchange), struct served) : NULL;
    if (!served || !span_begin(parent, served->traceparent))
        return;
    memcpy(served->parent, parent, sizeof served->parent); // its header is gone by then
    served->method = http_method(exchange);
    served->route = route;
    served->began_ns = clock_now_ns();
    (void)arena_defer(http_arena(exchange), served_over, served);
}

void sandbox_handle(void *loop_state, struct http_exchange *exchange)
{
    struct sandbox_loop *self = loop_state;
    struct mimic *mimic = mimics_of_path(self->sandbox->mimics, http_path(exchange));
    if (mimic) {
        trace(exchange, mimic_name(mimic));
        mimic_serve(mimic, self->loop, exchange);
        return;
    }
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        const char *name = route_name(&routes[i], exchange);
        if (!name)
            continue;
        trace(exchange, routes[i].prefix);
        if (routes[i].keyed)
            answer_keyed(self, exchange, &routes[i], name);
        else
            reply(self, exchange, routes[i].run(self->sandbox, exchange, name), 0);
        return;
    }
    reply(self, exchange,
          answer_json(404, view_error(http_arena(exchange), "not_found", "No such resource.")), 0);
}
