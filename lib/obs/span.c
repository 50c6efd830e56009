#include "obs/span.h"

#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "base/ring.h"
#include "obs/metrics.h"

static _Atomic(struct ring *) kept;
static _Atomic(struct metric *) dropped;

enum status spans_open(size_t max)
{
    atomic_store(&dropped, metric_counter("obol_spans_dropped_total",
                                          "Finished spans that were not exported.", NULL));
    struct ring *ring = ring_new(max, sizeof(struct span_kept));
    atomic_store(&kept, ring);
    return ring ? STATUS_OK : STATUS_RESOURCE_EXHAUSTED;
}

void spans_close(void)
{
    ring_free(atomic_exchange(&kept, NULL));
}

bool spans_take(struct span_kept *ret)
{
    struct ring *ring = atomic_load(&kept);
    return ring && ring_take(ring, ret);
}

void spans_dropped(int64_t n)
{
    struct metric *metric = atomic_load(&dropped);
    if (metric && n > 0)
        metric_add(metric, n, NULL);
}

bool span_wanted(const char *traceparent)
{
    return atomic_load_explicit(&kept, memory_order_relaxed) && trace_sampled(traceparent);
}

bool span_begin(const char *parent, char own[TRACEPARENT_SIZE])
{
    own[0] = '\0';
    if (!span_wanted(parent))
        return false;
    trace_continue(parent, own);
    return true;
}

// Where it begins; 0 where there is no room for any of it (nothing but the name begins at 0).
static uint16_t put_text(struct span_kept *to, const char *text)
{
    size_t at = to->text_length, room = SPAN_TEXT_SIZE - at;
    size_t length = strnlen(text, SPAN_VALUE_MAX);
    if (room < 2)
        return 0;
    if (length > room - 1)
        length = room - 1;
    for (size_t i = 0; i < length; i++)
        to->text[at + i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
    to->text[at + length] = '\0';
    to->text_length = at + length + 1;
    return (uint16_t)at;
}

static void put_attribute(struct span_kept *to, const struct log_field *field)
{
    struct span_attribute *attribute = &to->attributes[to->attributes_n];
    *attribute = (struct span_attribute){.name = field->name, .number = field->number};
    if (field->string && field->string[0])
        attribute->text_at = put_text(to, field->string);
    if (!field->string || attribute->text_at)
        to->attributes_n++;
}

// Durations by the steady clock, instants by the wall's.
static void put_times(struct span_kept *to, const struct span *span)
{
    int64_t now_ns = clock_now_ns();
    int64_t ended_ns = span->ended_ns ? span->ended_ns : now_ns;
    to->end_unix_ns = clock_unix_us() * 1000 - (now_ns - ended_ns);
    to->start_unix_ns = to->end_unix_ns - (ended_ns - span->began_ns);
}

void span_record(const struct span *span, const struct log_field *attributes)
{
    struct ring *ring = atomic_load_explicit(&kept, memory_order_relaxed);
    if (!ring || !trace_sampled(span->traceparent))
        return;
    struct span_kept made; // not zeroed: most of it is room for text
    made.kind = span->kind;
    made.failed = span->failed;
    made.attributes_n = made.text_length = 0;
    memcpy(made.trace_id, span->traceparent + TRACE_ID_AT, TRACE_ID_LENGTH);
    memcpy(made.id, span->traceparent + SPAN_ID_AT, SPAN_ID_LENGTH);
    made.has_parent = trace_valid(span->parent);
    memcpy(made.parent_id, (made.has_parent ? span->parent : span->traceparent) + SPAN_ID_AT,
           SPAN_ID_LENGTH);
    put_times(&made, span);
    put_text(&made, span->name);
    for (; attributes->name && made.attributes_n < SPAN_ATTRIBUTES_MAX; attributes++)
        put_attribute(&made, attributes);
    if (!ring_put(ring, &made))
        spans_dropped(1);
}
