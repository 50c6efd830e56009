#include "arrivals.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "base/clock.h"

#define COLLECT_MS 100
#define CONNECT_MS 5000
#define TOTAL_MS 30000
#define ANSWER_MAX 16384
#define HEADERS_N 4
#define SETTLE_STEP_NS (5 * NS_PER_MS)

struct arrival { // under way on one of the connections
    size_t index;
    char reference[REFERENCE_SIZE];
    char *body;
    struct http_header headers[HEADERS_N];
};

static int64_t due_ns(const struct arrivals *arrivals, size_t index)
{
    double after_s = (double)index / arrivals->config.rate;
    return arrivals->begun_ns + (int64_t)(after_s * (double)NS_PER_S);
}

static void sleep_until(int64_t until_ns)
{
    struct timespec until = {until_ns / NS_PER_S, until_ns % NS_PER_S};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) != 0)
        ;
}

// libcurl waits in whole milliseconds: this thread wakes it to the microsecond.
static void *tick(void *context)
{
    struct arrivals *arrivals = context;
    (void)prctl(PR_SET_TIMERSLACK, 1UL);
    for (size_t i = 0; i < arrivals->config.n;) {
        sleep_until(due_ns(arrivals, i));
        http_client_wake(arrivals->client);
        for (int64_t now_ns = clock_now_ns();
             i < arrivals->config.n && due_ns(arrivals, i) <= now_ns;)
            i++;
    }
    return NULL;
}

// --- Webhooks. What is looked for stands in bytes that are always written the same way, so they
// are searched, not parsed: the receiver shares its two cores with what is measured.

static bool find_reference(const struct arrivals *arrivals, struct bytes body, size_t *ret)
{
    static const char type[] = "\"event\":\"payment.succeeded\"";
    size_t length = strlen(arrivals->prefix);
    if (!body.at || !memmem(body.at, body.length, type, sizeof type - 1))
        return false;
    const char *at = memmem(body.at, body.length, arrivals->prefix, length);
    if (!at)
        return false;
    const char *end = (const char *)body.at + body.length;
    size_t index = 0;
    for (at += length; at < end && *at >= '0' && *at <= '9' && index <= arrivals->config.n; at++)
        index = index * 10 + (size_t)(*at - '0');
    *ret = index;
    return index < arrivals->config.n;
}

static void take_webhook(void *context, struct bytes body, int64_t arrived_ns)
{
    struct arrivals *arrivals = context;
    size_t index;
    if (!find_reference(arrivals, body, &index)) {
        arrivals->strangers++;
    } else if (arrivals->seen[index]) {
        arrivals->repeated++;
    } else {
        arrivals->seen[index] = true;
        arrivals->last_webhook_ns = arrived_ns;
        samples_add(&arrivals->webhook, arrived_ns - due_ns(arrivals, index));
        atomic_fetch_add(&arrivals->webhooks_n, 1);
    }
}

// --- Requests

static bool arrival_write(struct arrivals *arrivals, struct arrival *arrival)
{
    const struct arrivals_config *config = &arrivals->config;
    const char *place = strstr(config->body, "%s");
    (void)snprintf(arrival->reference, sizeof arrival->reference, "%s%zu", arrivals->prefix,
                   arrival->index);
    free(arrival->body);
    int length = asprintf(&arrival->body, "%.*s%s%s", (int)(place - config->body), config->body,
                          arrival->reference, place + 2);
    if (length < 0)
        arrival->body = NULL;
    return arrival->body != NULL;
}

static bool arrival_start(struct arrivals *arrivals, size_t index)
{
    const struct arrivals_config *config = &arrivals->config;
    struct arrival *arrival = arrivals->free[arrivals->free_n - 1];
    arrival->index = index;
    if (!arrival_write(arrivals, arrival))
        return false;
    arrival->headers[0] = (struct http_header){"Content-Type", "application/json"};
    arrival->headers[1] = (struct http_header){"X-Api-Key", config->key};
    arrival->headers[2] = (struct http_header){"X-Api-Secret", config->secret};
    arrival->headers[3] = (struct http_header){"Idempotency-Key", arrival->reference};
    const struct http_request request = {
        .method = "POST",
        .url = config->url,
        .headers = arrival->headers,
        .headers_n = HEADERS_N,
        .body = bytes_of_string(arrival->body),
        .connect_ms = CONNECT_MS,
        .total_ms = TOTAL_MS,
        .response_max = ANSWER_MAX,
        .context = arrival,
    };
    if (http_client_start(arrivals->client, &request) != STATUS_OK)
        return false;
    arrivals->free_n--;
    arrivals->sent++;
    return true;
}

static void take_answer(struct arrivals *arrivals, const struct http_response *response)
{
    struct arrival *arrival = response->context;
    int64_t now_ns = clock_now_ns();
    arrivals->free[arrivals->free_n++] = arrival;
    arrivals->ended++;
    arrivals->last_answer_ns = now_ns;
    if (response->failure == HTTP_TIMEOUT)
        arrivals->timeouts++;
    else if (response->failure == HTTP_NO_CONNECTION || response->failure == HTTP_REFUSED_URL)
        arrivals->no_connection++;
    else if (response->failure != HTTP_OK)
        arrivals->broken++;
    else if (response->status / 100 != 2)
        arrivals->refused++;
    else
        arrivals->answered++;
    // A failure has its latency like any other: its payer waited for it.
    samples_add(&arrivals->post, now_ns - due_ns(arrivals, arrival->index));
}

static bool send_and_take(struct arrivals *arrivals, struct arena *arena)
{
    size_t max = arrivals->config.connections_max, n = arrivals->config.n;
    struct http_response *responses = ARENA_ARRAY(arena, max, struct http_response);
    if (!responses)
        return false;
    while (arrivals->sent < n && arrivals->free_n > 0 &&
           due_ns(arrivals, arrivals->sent) <= clock_now_ns())
        if (!arrival_start(arrivals, arrivals->sent))
            return false;
    size_t got = http_client_collect(arrivals->client, arena, COLLECT_MS, responses, max);
    for (size_t i = 0; i < got; i++)
        take_answer(arrivals, &responses[i]);
    arena_reset(arena);
    return true;
}

static void settle(struct arrivals *arrivals)
{
    int64_t until_ns = clock_now_ns() + (int64_t)(arrivals->config.settle_s * (double)NS_PER_S);
    while (atomic_load(&arrivals->webhooks_n) < arrivals->answered && clock_now_ns() < until_ns)
        sleep_until(clock_now_ns() + SETTLE_STEP_NS);
}

static bool load(struct arrivals *arrivals)
{
    pthread_t ticker;
    CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_CAP_BATCH);
    arrivals->begun_ns = clock_now_ns();
    if (!arena || pthread_create(&ticker, NULL, tick, arrivals) != 0)
        return false;
    bool good = true;
    while (good && arrivals->ended < arrivals->config.n)
        good = send_and_take(arrivals, arena);
    pthread_join(ticker, NULL);
    return good;
}

static bool begin(struct arrivals *arrivals)
{
    size_t lines = arrivals->config.connections_max;
    struct id run = id_new("run");
    (void)snprintf(arrivals->prefix, sizeof arrivals->prefix, "%s-", run.text);
    arrivals->client = http_client_new(lines, "obol-bench");
    arrivals->lines = calloc(lines, sizeof *arrivals->lines);
    arrivals->free = calloc(lines, sizeof *arrivals->free);
    arrivals->seen = calloc(arrivals->config.n, sizeof *arrivals->seen);
    if (!arrivals->client || !arrivals->lines || !arrivals->free || !arrivals->seen)
        return false;
    for (size_t i = 0; i < lines; i++)
        arrivals->free[i] = &arrivals->lines[i];
    arrivals->free_n = lines;
    return true;
}

bool arrivals_run(struct arrivals *arrivals)
{
    const struct receiver_config receiving = {.port = arrivals->config.port,
                                              .loops = 1,
                                              .body = "{\"received\":true}",
                                              .take = take_webhook,
                                              .context = arrivals};
    struct receiver *receiver = NULL;
    if (!begin(arrivals))
        return false;
    if (arrivals->config.webhooks && !(receiver = receiver_start(&receiving)))
        return false;
    bool good = load(arrivals);
    if (good && receiver)
        settle(arrivals);
    if (receiver)
        receiver_stop(receiver);
    return good && !arrivals->post.lost && !arrivals->webhook.lost;
}

void arrivals_deinit(struct arrivals *arrivals)
{
    if (arrivals->client)
        http_client_free(arrivals->client);
    for (size_t i = 0; arrivals->lines && i < arrivals->config.connections_max; i++)
        free(arrivals->lines[i].body);
    free(arrivals->lines);
    free(arrivals->free);
    free(arrivals->seen);
    samples_deinit(&arrivals->post);
    samples_deinit(&arrivals->webhook);
}
