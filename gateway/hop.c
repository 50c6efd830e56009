// The hop to a service. Calls that became ready in one turn of the loop leave together. While a
// tenant's calls are under way, its next ones gather: the busier it is, the larger its Bundles, and
// who floods the gateway waits for himself, not others for him.
#include "hop.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "gateway.h"

#define IN_FLIGHT_MAX 6
// Of one line; the workers of a service are more, so that another's finds one free.
#define AWAY_MAX 2
// A Bundle is waited for until the latest deadline of its calls, so they must not lie far apart.
#define DEADLINES_SPREAD_NS (500 * NS_PER_MS)
// A Bundle that is away for so long is stuck behind one of its calls; the tenant's others go on.
#define PATIENCE_NS (50 * NS_PER_MS)
// A line this long travels alone: who came with one call shall not wait for the work of a crowd.
#define CROWD 8

struct hop {
    struct edge *edge;
    enum upstream upstream;
    struct lines lines;
    size_t in_flight;
};

struct bundle {
    struct hop *hop;
    size_t n, bytes, lines_n;
    struct line *lines[BUNDLE_CALLS_MAX];
    struct call *calls[BUNDLE_CALLS_MAX];
    struct hop_call *items[BUNDLE_CALLS_MAX];
};

struct hop *hop_new(struct edge *edge, enum upstream upstream)
{
    struct hop *hop = calloc(1, sizeof *hop);
    if (hop) {
        hop->edge = edge;
        hop->upstream = upstream;
        lines_init(&hop->lines);
    }
    return hop;
}

void hop_free(struct hop *hop)
{
    if (hop)
        lines_deinit(&hop->lines);
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

static void refuse(struct hop_call *item)
{
    (void)problem_unavailable(&item->call.problem);
    item->finish(item);
}

void hop_send(struct hop *hop, struct hop_call *item)
{
    bool closing = atomic_load(&hop->edge->gateway->closing);
    if (item->call.method->lane == LANE_SLOW && !closing) {
        rpc_start(hop->edge->gateway->clients[hop->upstream], &item->call, lone_done, item);
        return;
    }
    if (!lines_add(&hop->lines, item))
        refuse(item);
}

static void bundle_home(void *argument)
{
    struct bundle *bundle = argument;
    struct hop *hop = bundle->hop;
    hop->in_flight--;
    for (size_t i = 0; i < bundle->lines_n; i++)
        line_came_home(&hop->lines, bundle->lines[i]);
    for (size_t i = 0; i < bundle->n; i++)
        bundle->items[i]->finish(bundle->items[i]);
    free(bundle);
    edge_ready(hop->edge); // an answer can lead to a call of another service
}

static void bundle_done(void *argument)
{
    struct bundle *bundle = argument;
    if (!http_loop_post(bundle->hop->edge->loop, bundle_home, bundle)) {
        log_warn("answers came after the loop's end", LOG_I("calls", bundle->n));
        free(bundle);
    }
}

static bool fits(const struct bundle *bundle, const struct hop_call *item)
{
    if (bundle->n == 0)
        return true;
    int64_t spread_ns = item->call.context.deadline_ns - bundle->calls[0]->context.deadline_ns;
    return bundle->n < BUNDLE_CALLS_MAX &&
           bundle->bytes + item->call.request_bytes.length <= BUNDLE_BYTES_MAX &&
           llabs(spread_ns) <= DEADLINES_SPREAD_NS;
}

static void board(struct bundle *bundle, struct line *line)
{
    size_t before = bundle->n;
    while (line->waiting_n > 0 && fits(bundle, line->first)) {
        struct hop_call *item = line_take(line);
        bundle->bytes += item->call.request_bytes.length;
        bundle->items[bundle->n] = item;
        bundle->calls[bundle->n++] = &item->call;
    }
    if (bundle->n > before)
        bundle->lines[bundle->lines_n++] = line;
}

static bool may_board(const struct bundle *bundle, const struct line *line, int64_t now_ns)
{
    if (line->away_n >= AWAY_MAX && now_ns - line->left_ns < PATIENCE_NS)
        return false;
    if (bundle->lines_n == 0)
        return true;
    // Reads and writes apart: reading is soon done.
    return line->writes == bundle->lines[0]->writes && line->waiting_n < CROWD &&
           bundle->lines[0]->waiting_n == 0;
}

// Nobody may leave now: no calls in it.
static void bundle_fill(struct hop *hop, struct bundle *bundle)
{
    int64_t now_ns = clock_now_ns();
    bool crowd = false;
    for (struct line *line = hop->lines.first; line && !crowd; line = line->next) {
        if (!may_board(bundle, line, now_ns))
            continue;
        crowd = line->waiting_n >= CROWD;
        board(bundle, line);
    }
    for (size_t i = 0; i < bundle->lines_n; i++)
        line_left(&hop->lines, bundle->lines[i], now_ns);
}

// What waited too long, or is left at the end, was never sent.
static void refuse_unsent(struct hop *hop)
{
    bool closing = atomic_load(&hop->edge->gateway->closing);
    int64_t until_ns = closing ? INT64_MAX : clock_now_ns();
    struct hop_call *item;
    while ((item = lines_take_expired(&hop->lines, until_ns)))
        refuse(item);
}

void hop_flush(struct hop *hop)
{
    refuse_unsent(hop);
    while (hop->lines.first && hop->in_flight < IN_FLIGHT_MAX) {
        struct bundle *bundle = calloc(1, sizeof *bundle);
        if (!bundle)
            return;
        bundle->hop = hop;
        bundle_fill(hop, bundle);
        if (bundle->n == 0) {
            free(bundle);
            return;
        }
        hop->in_flight++;
        metric_observe(hop->edge->gateway->bundles, (int64_t)bundle->n, NULL);
        rpc_bundle(hop->edge->gateway->clients[hop->upstream], bundle->calls, bundle->n,
                   bundle_done, bundle);
    }
}
