// A request as a span, by OpenTelemetry's conventions for HTTP.
#include <stdio.h>

#include "gateway.h"
#include "obs/span.h"

// What only probes and readers of the contract ask for is no part of a trace.
static bool is_page(const struct request *request)
{
    return !request->method && !request->problem.status;
}

void request_span(const struct request *request, int status)
{
    char name[SPAN_VALUE_MAX];
    const struct http_rule *rule = request->match.rule;
    if (!span_wanted(request->traceparent) || is_page(request))
        return;
    (void)snprintf(name, sizeof name, "%s%s%s", rule ? rule->verb : "HTTP", rule ? " " : "",
                   rule ? rule->path : "");
    const struct span span = {.name = name,
                              .kind = SPAN_SERVER,
                              .traceparent = request->traceparent,
                              .parent = request->parent,
                              .began_ns = http_arrived_ns(request->exchange),
                              .failed = status >= 500};
    span_end(
        &span, LOG_S("http.request.method", http_method(request->exchange)),
        LOG_S("http.route", rule ? rule->path : ""), LOG_I("http.response.status_code", status),
        LOG_S("obol.error_code", request->problem.status ? request->problem.code : ""),
        LOG_S("obol.request_id", request->request_id), LOG_S("obol.tenant_id", request->tenant_id));
}
