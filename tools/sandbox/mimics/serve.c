// From a request to the mimic's handler, through the faults, and how the answer leaves.
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "mimics/internal.h"

// Nothing that a provider documents: what stands before it (a gateway, a proxy) has answered.
#define BROKEN "{\"message\":\"Internal server error\"}"

// The {} of the pattern, decoded, when the path fits; a slash at the end is neither here nor there.
static bool fits(struct mimic_call *call, const char *pattern, const char *path)
{
    size_t names_n = 0;
    while (*pattern == '/' && *path == '/' && (pattern[1] || path[1])) {
        pattern++;
        path++;
        size_t expected = strcspn(pattern, "/"), given = strcspn(path, "/");
        if (expected == 2 && memcmp(pattern, "{}", 2) == 0 && given && names_n < MIMIC_NAMES_MAX) {
            call->names[names_n] = http_decode(call->arena, path, given, false);
            if (!call->names[names_n++])
                return false;
        } else if (expected != given || memcmp(pattern, path, given) != 0) {
            return false;
        }
        pattern += expected;
        path += given;
    }
    return pattern[strspn(pattern, "/")] == '\0' && path[strspn(path, "/")] == '\0';
}

const struct mimic_route *mimic_route_find(struct mimic_call *call, const char *path,
                                           bool *ret_known)
{
    *ret_known = false;
    for (const struct mimic_route *route = call->mimic->what->routes; route->verb; route++) {
        if (!fits(call, route->pattern, path))
            continue;
        *ret_known = true;
        if (strcmp(route->verb, http_method(call->exchange)) == 0)
            return route;
    }
    return NULL;
}

static void answer(struct mimic *mimic, struct http_loop *loop, struct http_exchange *exchange,
                   const struct mimic_answer *answer)
{
    struct bytes body = bytes_of_string(answer->body);
    if (body.length)
        http_header_out(exchange, "Content-Type", answer->type ? answer->type : "application/json");
    for (size_t i = 0; i < sizeof answer->headers / sizeof *answer->headers; i++)
        if (answer->headers[i][0])
            http_header_out(exchange, answer->headers[i][0], answer->headers[i][1]);
    if (answer->after_ms > 0 &&
        holder_keep(mimic->config->holder, loop, exchange, answer->after_ms, answer->status, body))
        return;
    http_reply(exchange, answer->status, body);
}

static void run(struct mimic_call *call, const struct mimic_route *route)
{
    call->now_us = clock_unix_us();
    route->run(call);
    if (call->answer.status)
        return;
    log_error("not_answered", LOG_S("provider", call->mimic->what->name),
              LOG_S("pattern", route->pattern));
    mimic_reply(call, 500, BROKEN);
}

// The handler runs or not, and its answer arrives or not.
static void run_under(struct mimic_call *call, const struct mimic_route *route, enum fault fault)
{
    static const struct mimic_answer never = {.status = 504, .after_ms = HOLD_MAX_MS};
    if (fault == FAULT_ERROR) {
        mimic_reply(call, 500, BROKEN);
        return;
    }
    if (fault != FAULT_TIMEOUT_BEFORE)
        run(call, route);
    if (fault == FAULT_TIMEOUT_BEFORE || fault == FAULT_TIMEOUT_AFTER)
        call->answer = never;
    if (fault == FAULT_ERROR_AFTER)
        mimic_reply(call, 500, BROKEN);
    if (fault == FAULT_MALFORMED)
        call->answer.body = "{\"status\":";
    if (fault == FAULT_SLOW)
        call->answer.after_ms += call->mimic->slow_ms;
}

static void route_call(struct mimic_call *call)
{
    struct mimic *mimic = call->mimic;
    bool known;
    const struct mimic_route *route =
        mimic_route_find(call, http_path(call->exchange) + 1 + strlen(mimic->what->name), &known);
    pthread_mutex_lock(&mimic->lock);
    if (mimic->answering == MIMIC_HANG)
        call->answer = (struct mimic_answer){.status = 504, .after_ms = HOLD_MAX_MS};
    else if (mimic->answering == MIMIC_ERROR)
        mimic_reply(call, 503, BROKEN);
    else if (route)
        run_under(call, route, fault_of_request(&mimic->faults, route->duty));
    else
        mimic_reply(call, known ? 405 : 404, known ? "" : "{\"message\":\"Resource not found\"}");
    pthread_mutex_unlock(&mimic->lock);
}

void mimic_serve(struct mimic *mimic, struct http_loop *loop, struct http_exchange *exchange)
{
    struct mimic_call call = {
        .mimic = mimic,
        .arena = http_arena(exchange),
        .exchange = exchange,
        .raw = http_body(exchange),
    };
    if (json_parse(call.arena, call.raw, &call.body) != STATUS_OK)
        call.body = NULL;
    route_call(&call);
    answer(mimic, loop, exchange, &call.answer);
}
