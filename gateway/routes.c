#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "gateway.h"
#include "obol/gateway/v1/gateway.obol.h"
#include "obol/payments/v1/payments.obol.h"
#include "obol/payments/v1/providers.obol.h"
#include "obol/refunds/v1/refunds.obol.h"
#include "obol/webhooks/v1/webhooks.obol.h"

#define SEGMENTS_MAX 8
#define ROUTES_MAX 128

struct segment {
    const char *text; // the literal, or the variable's name
    size_t length;
    bool variable;
};

struct route {
    const struct method *method;
    const struct http_rule *rule;
    enum upstream upstream;
    struct segment segments[SEGMENTS_MAX];
    size_t n;
};

struct routes {
    struct route items[ROUTES_MAX];
    size_t n;
};

static size_t split(const char *path, struct segment out[SEGMENTS_MAX])
{
    size_t n = 0;
    for (const char *at = path; *at == '/';) {
        const char *end = strchrnul(++at, '/');
        if (n == SEGMENTS_MAX)
            return SEGMENTS_MAX + 1;
        out[n++] = (struct segment){at, (size_t)(end - at), false};
        at = end;
    }
    return n;
}

// google.api.http: "{name}" is one segment; no wildcards beyond that are used here.
static void route_add(struct routes *routes, const struct method *method,
                      const struct http_rule *rule, enum upstream upstream)
{
    if (routes->n == ROUTES_MAX)
        abort();
    struct route *route = &routes->items[routes->n++];
    *route = (struct route){.method = method, .rule = rule, .upstream = upstream};
    route->n = split(rule->path, route->segments);
    for (size_t i = 0; i < route->n; i++) {
        struct segment *segment = &route->segments[i];
        if (segment->text[0] == '{')
            *segment = (struct segment){segment->text + 1, segment->length - 2, true};
    }
}

struct routes *routes_new(void)
{
    static const struct {
        const struct proto_file *file;
        enum upstream upstream;
    } files[] = {
        {&obol_payments_v1_payments_file, UPSTREAM_PAYMENTS},
        {&obol_payments_v1_providers_file, UPSTREAM_PAYMENTS},
        {&obol_refunds_v1_refunds_file, UPSTREAM_REFUNDS},
        {&obol_webhooks_v1_webhooks_file, UPSTREAM_WEBHOOKS},
        {&obol_gateway_v1_gateway_file, UPSTREAM_NONE},
    };
    struct routes *routes = calloc(1, sizeof *routes);
    for (size_t f = 0; routes && f < sizeof files / sizeof *files; f++)
        for (size_t m = 0; m < files[f].file->methods_n; m++) {
            const struct method *method = &files[f].file->methods[m];
            for (size_t r = 0; r < method->rules_n; r++)
                route_add(routes, method, &method->rules[r], files[f].upstream);
        }
    return routes;
}

void routes_free(struct routes *routes)
{
    free(routes);
}

// How specific: the number of literal segments, -1 when the path doesn't fit.
static int route_fits(const struct route *route, const struct segment *path, size_t n)
{
    int literals = 0;
    if (route->n != n)
        return -1;
    for (size_t i = 0; i < n; i++) {
        const struct segment *want = &route->segments[i];
        if (want->variable ? path[i].length == 0
                           : want->length != path[i].length ||
                                 memcmp(want->text, path[i].text, want->length) != 0)
            return -1;
        literals += !want->variable;
    }
    return literals;
}

static enum status take_variables(struct arena *arena, const struct route *route,
                                  const struct segment *path, struct route_match *ret)
{
    for (size_t i = 0; i < route->n; i++) {
        const struct segment *segment = &route->segments[i];
        if (!segment->variable)
            continue;
        ret->names[ret->n] = arena_strndup(arena, segment->text, segment->length);
        ret->values[ret->n] = http_decode(arena, path[i].text, path[i].length, false);
        if (!ret->values[ret->n++])
            return STATUS_NOT_FOUND;
    }
    return STATUS_OK;
}

// The most literal pattern decides which resource a path names; verbs are judged within it, so that
// /webhooks/{id}/retry hides /webhooks/{provider}/{credential_id}.
static int best_fit(const struct routes *routes, const struct segment *path, size_t n)
{
    int best = -1;
    for (size_t i = 0; i < routes->n; i++) {
        int fit = route_fits(&routes->items[i], path, n);
        best = fit > best ? fit : best;
    }
    return best;
}

enum status routes_find(const struct routes *routes, struct arena *arena, const char *verb,
                        const char *path, struct route_match *ret)
{
    struct segment segments[SEGMENTS_MAX] = {0};
    size_t n = split(path, segments);
    int best = n > SEGMENTS_MAX ? -1 : best_fit(routes, segments, n);
    const char *allow = NULL;
    *ret = (struct route_match){0};
    if (best < 0)
        return STATUS_NOT_FOUND;
    for (size_t i = 0; i < routes->n; i++) {
        const struct route *route = &routes->items[i];
        if (route_fits(route, segments, n) != best)
            continue;
        if (strcmp(route->rule->verb, verb) == 0) {
            ret->method = route->method;
            ret->upstream = route->upstream;
            ret->rule = route->rule;
            return take_variables(arena, route, segments, ret);
        }
        allow = allow ? arena_printf(arena, "%s, %s", allow, route->rule->verb) : route->rule->verb;
    }
    ret->allow = allow;
    return STATUS_UNIMPLEMENTED;
}
