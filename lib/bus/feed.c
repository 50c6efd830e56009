#include "bus/feed.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#define ACK_WAIT_NS (30 * NS_PER_S)
#define ACK_PENDING_MAX 4096
// A consumer that vanished with its server's store does not say so.
#define CHECK_EVERY_MS 5000
#define READY_MS 500 // for an answer that the server gives at once

struct feed {
    struct bus *bus;
    const char *durable;
    const char *const *filters;
    jsCtx *js;
    natsSubscription *subscription;
    unsigned long generation;
    int64_t check_at_ns;
    bool complained;
    struct metric *pending;
};

struct feed *feed_new(struct bus *bus, const char *durable, const char *const *filters)
{
    struct feed *feed = calloc(1, sizeof *feed);
    if (!feed)
        return NULL;
    feed->bus = bus;
    feed->durable = durable;
    feed->filters = filters;
    feed->pending =
        metric_gauge("obol_bus_consumer_pending",
                     "Messages on the bus that a consumer has not acknowledged.", "consumer");
    return feed;
}

static void unsubscribe(struct feed *feed)
{
    natsSubscription_Destroy(feed->subscription);
    feed->subscription = NULL;
}

void feed_free(struct feed *feed)
{
    if (!feed)
        return;
    unsubscribe(feed);
    jsCtx_Destroy(feed->js);
    free(feed);
}

static bool is_single(const struct feed *feed)
{
    return feed->filters[0] && !feed->filters[1];
}

static natsStatus add_consumer(struct feed *feed, const char *subject, jsErrCode *code)
{
    jsConsumerConfig config;
    jsConsumerConfig_Init(&config);
    config.Durable = feed->durable;
    config.AckPolicy = js_AckExplicit;
    config.AckWait = ACK_WAIT_NS;
    config.MaxDeliver = -1;
    config.MaxAckPending = ACK_PENDING_MAX;
    config.FilterSubject = subject;
    CLEANUP(jsConsumerInfo_Destroy) jsConsumerInfo *info = NULL;
    return js_AddConsumer(&info, feed->js, feed->bus->config.settings.stream, &config, NULL, code);
}

// Bound to a consumer that we made ourselves: one that the library makes is deleted when we leave.
static natsStatus bind(struct feed *feed, const char *subject, jsErrCode *code)
{
    jsSubOptions options;
    jsSubOptions_Init(&options);
    options.Stream = feed->bus->config.settings.stream;
    options.Consumer = feed->durable;
    options.ManualAck = true;
    return js_PullSubscribe(&feed->subscription, feed->js, subject, feed->durable, NULL, &options,
                            code);
}

static bool subscribe(struct feed *feed)
{
    unsigned long generation = atomic_load(&feed->bus->generation);
    if (!feed->js)
        feed->js = bus_context(feed->bus, NULL, NULL);
    if (!feed->js || !bus_stream_ensure(feed->bus, feed->js))
        return false;
    char subject[BUS_SUBJECT_MAX];
    snprintf(subject, sizeof subject, "%s.%s", feed->bus->config.settings.stream,
             is_single(feed) ? feed->filters[0] : ">");
    jsErrCode code = 0;
    natsStatus s = add_consumer(feed, subject, &code);
    if (s == NATS_OK)
        s = bind(feed, subject, &code);
    if (s != NATS_OK && !feed->complained)
        log_warn("bus.subscribe_failed", LOG_S("consumer", feed->durable),
                 LOG_S("text", natsStatus_GetText(s)), LOG_I("code", code));
    feed->complained = s != NATS_OK;
    feed->generation = generation;
    feed->check_at_ns = clock_deadline_ns(CHECK_EVERY_MS);
    return s == NATS_OK;
}

static bool is_gone(struct feed *feed)
{
    CLEANUP(jsConsumerInfo_Destroy) jsConsumerInfo *info = NULL;
    jsErrCode code = 0;
    feed->check_at_ns = clock_deadline_ns(CHECK_EVERY_MS);
    natsStatus s = js_GetConsumerInfo(&info, feed->js, feed->bus->config.settings.stream,
                                      feed->durable, NULL, &code);
    if (s == NATS_OK)
        metric_set(feed->pending, (int64_t)info->NumPending + info->NumAckPending,
                   METRIC_LABELS(feed->durable));
    else
        metric_forget(feed->pending, METRIC_LABELS(feed->durable));
    return s == NATS_NOT_FOUND;
}

static bool subscribed(struct feed *feed)
{
    if (!bus_connected(feed->bus)) {
        metric_forget(feed->pending, METRIC_LABELS(feed->durable));
        return false;
    }
    bool reconnected = feed->generation != atomic_load(&feed->bus->generation);
    bool due = feed->subscription && clock_left_ms(feed->check_at_ns) == 0;
    if (feed->subscription && (reconnected || (due && is_gone(feed))))
        unsubscribe(feed);
    return feed->subscription || subscribe(feed);
}

static natsStatus take_ready(struct feed *feed, natsMsgList *ret)
{
    jsFetchRequest request = {
        .Batch = CONSUMER_BATCH, .NoWait = true, .Expires = READY_MS * NS_PER_MS};
    return natsSubscription_FetchRequest(ret, feed->subscription, &request);
}

bool feed_fetch(struct feed *feed, natsMsgList *ret, int64_t max_ms)
{
    *ret = (natsMsgList){0};
    if (!subscribed(feed))
        return false;
    natsStatus s = take_ready(feed, ret);
    // A wait for one is answered at once when one comes; a wait for many would sit out its time.
    if (s == NATS_TIMEOUT || s == NATS_NOT_FOUND || (s == NATS_OK && ret->Count == 0))
        s = natsSubscription_Fetch(ret, feed->subscription, 1, max_ms, NULL);
    if (s != NATS_OK && s != NATS_TIMEOUT) {
        log_info("bus.fetch_failed", LOG_S("consumer", feed->durable),
                 LOG_S("text", natsStatus_GetText(s)));
        unsubscribe(feed);
    }
    return s == NATS_OK && ret->Count > 0;
}

// NATS subjects: tokens between dots, `*` is any one, `>` is all that is left.
static bool matches(const char *filter, const char *subject)
{
    for (;;) {
        size_t want = strcspn(filter, "."), have = strcspn(subject, ".");
        if (want == 1 && *filter == '>')
            return have > 0;
        bool any = want == 1 && *filter == '*';
        if (have == 0 || (!any && (want != have || strncmp(filter, subject, want) != 0)))
            return false;
        filter += want;
        subject += have;
        if (!*filter || !*subject)
            return !*filter && !*subject;
        filter++;
        subject++;
    }
}

bool feed_wants_subject(const struct feed *feed, const char *subject)
{
    subject += strlen(feed->bus->config.settings.stream);
    subject += *subject == '.';
    for (size_t i = 0; feed->filters[i]; i++) {
        if (matches(feed->filters[i], subject))
            return true;
    }
    return false;
}

bool feed_wants_type(const struct feed *feed, const char *type)
{
    for (size_t i = 0; feed->filters[i]; i++) {
        const char *tail = strchr(feed->filters[i], '.');
        if (strcmp(feed->filters[i], ">") == 0 || (tail && matches(tail + 1, type)))
            return true;
    }
    return false;
}
