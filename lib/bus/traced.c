#include "bus/traced.h"

#include <stdio.h>

#include "base/clock.h"

static bool any_wanted(const struct event *events, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (span_wanted(events[i].traceparent))
            return true;
    return false;
}

void traced_begin(struct traced *ret, struct arena *arena, struct event *events, size_t n)
{
    *ret = (struct traced){.events = events, .n = n, .began_ns = clock_now_ns()};
    if (any_wanted(events, n))
        ret->parents = ARENA_ARRAY(arena, n, const char *);
    for (size_t i = 0; ret->parents && i < n; i++) {
        char own[TRACEPARENT_SIZE];
        const char *kept = span_begin(events[i].traceparent, own) ? arena_strdup(arena, own) : NULL;
        if (!kept)
            continue;
        ret->parents[i] = events[i].traceparent;
        events[i].traceparent = kept;
    }
}

void traced_end(const struct traced *traced, const struct traced_part *part, enum span_kind kind,
                const char *what)
{
    int64_t now_ns = clock_now_ns();
    for (size_t i = part->first; traced->parents && i < part->first + part->n; i++) {
        if (!traced->parents[i])
            continue;
        const struct event *event = &traced->events[i];
        char name[SPAN_VALUE_MAX];
        (void)snprintf(name, sizeof name, "%s %s", what, event->type);
        const struct span span = {.name = name,
                                  .kind = kind,
                                  .traceparent = event->traceparent,
                                  .parent = traced->parents[i],
                                  .began_ns = traced->began_ns,
                                  .ended_ns = now_ns,
                                  .failed = part->failed};
        span_end(&span, LOG_S("messaging.system", "nats"), LOG_S("messaging.message.id", event->id),
                 LOG_S("obol.tenant_id", event->tenant_id),
                 LOG_S("obol.payment_id", event->payment_id),
                 LOG_S("obol.request_id", event->request_id));
    }
}
