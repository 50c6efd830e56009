// The hop to a service. Calls that became ready in one turn of the loop leave together; while as
// many Bundles as are allowed are under way, the next ones gather: the busier, the larger the
// Bundles.
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "gateway.h"

#define IN_FLIGHT_MAX 2
// A Bundle is waited for until the latest deadline of its calls, so they must not lie far apart.
#define DEADLINES_SPREAD_NS (500 * NS_PER_MS)

struct hop {
    struct edge *edge;
    enum upstream upstream;
    struct hop_call *first, **last; // waiting, first in first out
    size_t in_flight;
};

struct bundle {
    struct hop *hop;
    size_t n;
    struct call *calls[BUNDLE_CALLS_MAX];
    struct hop_call *items[BUNDLE_CALLS_MAX];
};

struct hop *hop_new(struct edge *edge, enum upstream upstream)
{
    struct hop *hop = calloc(1, sizeof *hop);
    if (hop) {
        hop->edge = edge;
        hop->upstream = upstream;
        hop->last = &hop->first;
    }
    return hop;
}

void hop_free(struct hop *hop)
{
    free(hop);
}

static void lone_home(void *argument)
{
    struct hop_call *item = argument;
    struct edge *edge = item->edge;
    item->finish(item);
    edge_ready(edge);
}

static void lone_done(void *argument)
{
    struct hop_call *item = argument;
    if (!http_loop_post(item->edge->loop, lone_home, item))
        log_warn("answer came after the loop's end", LOG_S("method", item->call.method->path));
}

void hop_send(struct hop *hop, struct hop_call *item)
{
    bool closing = atomic_load(&hop->edge->gateway->closing);
    if (item->call.method->lane == LANE_SLOW && !closing) {
        rpc_start(hop->edge->gateway->clients[hop->upstream], &item->call, lone_done, item);
        return;
    }
    item->next = NULL;
    *hop->last = item;
    hop->last = &item->next;
}

static void bundle_home(void *argument)
{
    struct bundle *bundle = argument;
    struct edge *edge = bundle->hop->edge;
    bundle->hop->in_flight--;
    for (size_t i = 0; i < bundle->n; i++)
        bundle->items[i]->finish(bundle->items[i]);
    free(bundle);
    edge_ready(edge); // an answer can lead to a call of another service
}

static void bundle_done(void *argument)
{
    struct bundle *bundle = argument;
    if (!http_loop_post(bundle->hop->edge->loop, bundle_home, bundle)) {
        log_warn("answers came after the loop's end", LOG_I("calls", bundle->n));
        free(bundle);
    }
}

static struct hop_call *take_first(struct hop *hop)
{
    struct hop_call *item = hop->first;
    hop->first = item->next;
    if (!hop->first)
        hop->last = &hop->first;
    return item;
}

static bool fits(const struct bundle *bundle, size_t bytes, const struct hop_call *item)
{
    if (bundle->n == 0)
        return true;
    int64_t spread_ns = item->call.context.deadline_ns - bundle->calls[0]->context.deadline_ns;
    return bundle->n < BUNDLE_CALLS_MAX &&
           bytes + item->call.request_bytes.length <= BUNDLE_BYTES_MAX &&
           llabs(spread_ns) <= DEADLINES_SPREAD_NS;
}

static struct bundle *bundle_fill(struct hop *hop)
{
    struct bundle *bundle = calloc(1, sizeof *bundle);
    if (!bundle)
        return NULL;
    bundle->hop = hop;
    size_t bytes = 0;
    while (hop->first && fits(bundle, bytes, hop->first)) {
        struct hop_call *item = take_first(hop);
        bytes += item->call.request_bytes.length;
        bundle->items[bundle->n] = item;
        bundle->calls[bundle->n++] = &item->call;
    }
    return bundle;
}

// What waited too long, or is left at the end, was never sent.
static void refuse_unsent(struct hop *hop)
{
    while (hop->first && (atomic_load(&hop->edge->gateway->closing) ||
                          hop->first->call.context.deadline_ns <= clock_now_ns())) {
        struct hop_call *item = take_first(hop);
        (void)problem_unavailable(&item->call.problem);
        item->finish(item);
    }
}

void hop_flush(struct hop *hop)
{
    refuse_unsent(hop);
    while (hop->first && hop->in_flight < IN_FLIGHT_MAX) {
        struct bundle *bundle = bundle_fill(hop);
        if (!bundle)
            return;
        hop->in_flight++;
        rpc_bundle(hop->edge->gateway->clients[hop->upstream], bundle->calls, bundle->n,
                   bundle_done, bundle);
    }
}
