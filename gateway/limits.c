// How much a tenant may ask for, and how often an address may fail or hand in a card. Each asks its
// loop's slice of a bucket that all replicas share (slices.h); whoever finds it empty waits for the
// lease that is under way, and is answered 429 when the bucket is.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "gateway.h"
#include "obol/auth/v1/auth.obol.h"
#include "obol/auth/v1/auth.pb-c.h"
#include "slices.h"

#define LEASE_TIMEOUT_MS 1000
#define BURST_S 9 // as the auth service has it
#define FORWARDED_LINES_MAX 8

static const char *const names[LIMITS_N] = {"tenant", "failures", "cards"};

struct limits {
    struct edge *edge;
    struct slices *tenants, *addresses;
};

struct lease {
    struct hop_call hop_call;
    struct arena *arena;
    struct limits *limits;
    struct slice *slice;
    struct slice_terms terms;
};

struct limits *limits_new(struct edge *edge)
{
    struct limits *limits = calloc(1, sizeof *limits);
    if (!limits)
        return NULL;
    *limits = (struct limits){edge, slices_new(), slices_new()};
    if (limits->tenants && limits->addresses)
        return limits;
    limits_free(limits);
    return NULL;
}

void limits_free(struct limits *limits)
{
    if (!limits)
        return;
    slices_free(limits->tenants);
    slices_free(limits->addresses);
    free(limits);
}

struct forwarded {
    const char *lines[FORWARDED_LINES_MAX];
    size_t n;
};

// The last ones: what comes before them was written by nobody we know.
static void take_forwarded(void *context, const char *name, const char *value)
{
    struct forwarded *forwarded = context;
    if (strcasecmp(name, "X-Forwarded-For") != 0)
        return;
    if (forwarded->n == FORWARDED_LINES_MAX) {
        memmove(forwarded->lines, forwarded->lines + 1,
                (FORWARDED_LINES_MAX - 1) * sizeof *forwarded->lines);
        forwarded->n--;
    }
    forwarded->lines[forwarded->n++] = value;
}

const char *request_address(struct request *request)
{
    struct forwarded forwarded = {.n = 0};
    if (request->address[0])
        return request->address;
    if (request->edge->gateway->proxies.n > 0)
        http_headers_in(request->exchange, take_forwarded, &forwarded);
    proxies_client(&request->edge->gateway->proxies, http_peer(request->exchange), forwarded.lines,
                   forwarded.n, request->address);
    return request->address;
}

static struct slice_terms terms_of(const struct request *request, enum limit limit)
{
    const struct gateway_settings *settings = &request->edge->gateway->settings;
    int64_t loops = settings->loops > 0 ? settings->loops : 1;
    if (limit == LIMIT_TENANT) {
        int64_t burst = request->rate_per_min * BURST_S / 60;
        return (struct slice_terms){request->rate_per_min, burst > 0 ? burst : 1, loops};
    }
    int64_t rate = limit == LIMIT_CARDS ? settings->cards_per_min : settings->failures_per_min;
    return (struct slice_terms){rate, rate, loops};
}

static struct slice *slice_of(struct request *request, enum limit limit)
{
    struct limits *limits = request->edge->limits;
    char key[SLICE_KEY_SIZE], counted[ADDRESS_TEXT_SIZE];
    if (limit == LIMIT_TENANT) {
        snprintf(key, sizeof key, "tenant:%s", request->tenant_id);
        return slices_find(limits->tenants, key, clock_now_ns());
    }
    proxies_counted(request_address(request), counted);
    snprintf(key, sizeof key, "%s:%s", names[limit], counted);
    return slices_find(limits->addresses, key, clock_now_ns());
}

static void refuse(struct request *request, enum limit limit, int64_t retry_s)
{
    static const char *const details[LIMITS_N] = {
        "More requests than your rate allows.",
        "Too many requests with a wrong or missing API key came from this address.",
        "Too many cards came from this address.",
    };
    metric_add(request->edge->gateway->limited, 1, METRIC_LABELS(names[limit]));
    (void)problem_set(&request->problem, STATUS_RESOURCE_EXHAUSTED, "rate_limited", NULL,
                      "%s Try again in %d s.", details[limit], (int)retry_s);
    request->problem.retry_after_s = (int)retry_s;
    request->give_up(request);
}

// What the answer's headers will say.
static void note(struct request *request, const struct slice *slice, int64_t now_ns)
{
    if (request->waits_for != LIMIT_TENANT)
        return;
    request->limited = true;
    request->remaining = slice_remaining(slice);
    request->reset_s = slice_reset_s(slice, now_ns);
}

// False: it has to wait.
static bool judge(struct request *request, struct slice *slice, const struct slice_terms *terms)
{
    int64_t now_ns = clock_now_ns();
    enum slice_verdict verdict = slice_take(slice, terms, now_ns);
    if (verdict == SLICE_WAITS)
        return false;
    note(request, slice, now_ns);
    if (verdict == SLICE_TAKEN) {
        request->taken[request->waits_for] = true;
        request->go_on(request);
    } else {
        if (request->waits_for == LIMIT_TENANT)
            request->remaining = 0;
        refuse(request, request->waits_for, slice_retry_s(slice, terms, now_ns));
    }
    return true;
}

static void ask(struct limits *limits, struct slice *slice, const struct slice_terms *terms);

static void wait_last(struct slice *slice, struct request *request)
{
    request->next_waiting = NULL;
    *slice->last = request;
    slice->last = &request->next_waiting;
    slice->waiting_n++;
}

static struct request *wait_end(struct slice *slice)
{
    struct request *request = slice->first;
    slice->first = request->next_waiting;
    if (!slice->first)
        slice->last = &slice->first;
    slice->waiting_n--;
    return request;
}

// In front again.
static void wait_on(struct slice *slice, struct request *request)
{
    request->next_waiting = slice->first;
    if (!slice->first)
        slice->last = &request->next_waiting;
    slice->first = request;
    slice->waiting_n++;
}

// Held: what those who go on do may need a place in the table.
static void serve(struct limits *limits, struct slice *slice, const struct slice_terms *terms)
{
    slice->held = true;
    bool goes_on = true;
    while (goes_on && slice->first) {
        struct request *request = wait_end(slice);
        goes_on = judge(request, slice, terms);
        if (!goes_on)
            wait_on(slice, request);
    }
    slice->held = false;
    ask(limits, slice, terms);
}

static void leased(struct hop_call *hop_call)
{
    struct lease *lease = (struct lease *)hop_call;
    const struct call *call = &hop_call->call;
    const Obol__Auth__V1__LeaseTokensResponse *answer = NULL;
    struct limits *limits = lease->limits;
    struct slice *slice = lease->slice;
    struct slice_terms terms = lease->terms;
    if (call->problem.status == STATUS_OK)
        answer = (const void *)message_unpack(lease->arena, call->method->output, call->packed);
    if (answer)
        slice_granted(slice,
                      &(struct slice_grant){answer->granted, answer->remaining, answer->reset_ms,
                                            answer->next_ms},
                      clock_now_ns());
    else
        slice_failed(slice, clock_now_ns());
    arena_free(lease->arena);
    serve(limits, slice, &terms);
}

static struct lease *lease_new(struct limits *limits, const struct slice *slice,
                               Obol__Auth__V1__LeaseTokensRequest *message)
{
    struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    struct lease *lease = arena ? ARENA_NEW(arena, struct lease) : NULL;
    if (!lease) {
        arena_free(arena);
        return NULL;
    }
    message->key = (char *)(uintptr_t)slice->key;
    lease->arena = arena;
    lease->limits = limits;
    lease->hop_call.edge = limits->edge;
    lease->hop_call.finish = leased;
    lease->hop_call.call = (struct call){
        .arena = arena,
        .method = METHOD_AuthService_LeaseTokens,
        .request_bytes = message_pack(arena, &message->base),
        // Everyone's leases wait in a line of their own.
        .context = {.tenant_id = arena_strdup(arena, slice->key),
                    .actor = "gateway",
                    .deadline_ns = clock_deadline_ns(LEASE_TIMEOUT_MS)},
    };
    if (lease->hop_call.call.request_bytes.at && lease->hop_call.call.context.tenant_id)
        return lease;
    arena_free(arena);
    return NULL;
}

static void ask(struct limits *limits, struct slice *slice, const struct slice_terms *terms)
{
    Obol__Auth__V1__LeaseTokensRequest message = OBOL__AUTH__V1__LEASE_TOKENS_REQUEST__INIT;
    message.wanted = slice_ask(slice, terms, clock_now_ns(), &message.returned);
    if (message.wanted == 0)
        return;
    message.rate_per_min = terms->rate_per_min;
    message.burst = terms->burst;
    struct lease *lease = lease_new(limits, slice, &message);
    if (!lease) {
        slice_failed(slice, clock_now_ns());
        serve(limits, slice, terms);
        return;
    }
    lease->slice = slice;
    lease->terms = *terms;
    hop_send(limits->edge->hops[UPSTREAM_AUTH], &lease->hop_call);
}

static void take(struct request *request, enum limit limit, void (*go_on)(struct request *))
{
    struct limits *limits = request->edge->limits; // the request may be over below
    struct slice_terms terms = terms_of(request, limit);
    if (terms.rate_per_min <= 0) {
        go_on(request);
        return;
    }
    struct slice *slice = slice_of(request, limit);
    if (!slice) {
        (void)problem_unavailable(&request->problem);
        request->give_up(request);
        return;
    }
    request->waits_for = limit;
    request->go_on = go_on;
    slice->held = true;
    if (slice->first || !judge(request, slice, &terms))
        wait_last(slice, request);
    slice->held = false;
    ask(limits, slice, &terms);
}

void limits_tenant(struct request *request)
{
    request->give_up = request_refuse;
    take(request, LIMIT_TENANT, request_authenticated);
}

void limits_failure(struct request *request, void (*go_on)(struct request *),
                    void (*give_up)(struct request *))
{
    request->give_up = give_up;
    take(request, LIMIT_FAILURES, go_on);
}

void limits_no_failure(struct request *request)
{
    struct slice_terms terms = terms_of(request, LIMIT_FAILURES);
    struct slice *slice = request->taken[LIMIT_FAILURES] ? slice_of(request, LIMIT_FAILURES) : NULL;
    request->taken[LIMIT_FAILURES] = false;
    if (slice)
        slice_give_back(slice, &terms, clock_now_ns());
}

void limits_card(struct request *request)
{
    request->give_up = request_refuse;
    take(request, LIMIT_CARDS, cards_exchange);
}

static void header(const struct request *request, const char *name, int64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)value);
    http_header_out(request->exchange, name, text);
}

void limits_headers(const struct request *request)
{
    if (!request->limited)
        return;
    header(request, "RateLimit-Limit", request->rate_per_min);
    header(request, "RateLimit-Remaining", request->remaining);
    header(request, "RateLimit-Reset", request->reset_s);
}
