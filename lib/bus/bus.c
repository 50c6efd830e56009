#include "bus/internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define NS_PER_SECOND 1000000000LL
#define STREAM_AGE_NS (7 * 24 * 3600 * NS_PER_SECOND)
#define STREAM_DUPLICATES_NS (600 * NS_PER_SECOND)

static void on_connected(natsConnection *connection, void *closure)
{
    (void)connection;
    struct bus *bus = closure;
    atomic_fetch_add(&bus->generation, 1);
    log_info("bus.connected", LOG_S("client", bus->config.client));
    metric_set(bus->up, 1, NULL);
    if (bus->config.health)
        health_report(bus->config.health, bus->config.dependency, true, -1);
}

static void on_disconnected(natsConnection *connection, void *closure)
{
    (void)connection;
    struct bus *bus = closure;
    log_warn("bus.disconnected", LOG_S("client", bus->config.client));
    metric_set(bus->up, 0, NULL);
    if (bus->config.health)
        health_report(bus->config.health, bus->config.dependency, false, -1);
}

// The last of a connection's callbacks.
static void on_closed(natsConnection *connection, void *closure)
{
    (void)connection;
    bell_ring(((struct bus *)closure)->closed);
}

// Without one the library prints to stderr.
static void on_error(natsConnection *connection, natsSubscription *subscription, natsStatus status,
                     void *closure)
{
    (void)connection, (void)subscription;
    const struct bus *bus = closure;
    log_debug("bus.error", LOG_S("client", bus->config.client),
              LOG_S("text", natsStatus_GetText(status)));
}

static natsStatus set_options(natsOptions *options, struct bus *bus)
{
    natsStatus s = bus_reach(options, &bus->config.settings);
    if (s == NATS_OK)
        s = natsOptions_SetName(options, bus->config.client);
    if (s == NATS_OK)
        s = natsOptions_SetMaxReconnect(options, -1);
    if (s == NATS_OK)
        s = natsOptions_SetReconnectWait(options, BUS_RETRY_MS);
    if (s == NATS_OK)
        s = natsOptions_SetTimeout(options, BUS_WAIT_MS);
    // A server that stopped without closing is noticed by unanswered pings, a full socket by the
    // deadline.
    if (s == NATS_OK)
        s = natsOptions_SetPingInterval(options, 5000);
    if (s == NATS_OK)
        s = natsOptions_SetMaxPingsOut(options, 2);
    if (s == NATS_OK)
        s = natsOptions_SetWriteDeadline(options, 5000);
    if (s == NATS_OK)
        s = natsOptions_SetFailRequestsOnDisconnect(options, true);
    if (s == NATS_OK)
        s = natsOptions_SetReconnectBufSize(options, 1 << 20);
    if (s == NATS_OK)
        s = natsOptions_SetErrorHandler(options, on_error, bus);
    if (s == NATS_OK)
        s = natsOptions_SetDisconnectedCB(options, on_disconnected, bus);
    if (s == NATS_OK)
        s = natsOptions_SetReconnectedCB(options, on_connected, bus);
    if (s == NATS_OK)
        s = natsOptions_SetClosedCB(options, on_closed, bus);
    if (s == NATS_OK)
        s = natsOptions_SetRetryOnFailedConnect(options, true, on_connected, bus);
    return s;
}

// False: what it takes to go on trying is not there (a URL that is none, no memory).
static bool connect_in_background(struct bus *bus)
{
    CLEANUP(natsOptions_Destroy) natsOptions *options = NULL;
    natsStatus s = natsOptions_Create(&options);
    if (s == NATS_OK)
        s = set_options(options, bus);
    if (s == NATS_OK)
        s = natsConnection_Connect(&bus->connection, options);
    if (s == NATS_OK)
        on_connected(bus->connection, bus);
    if (s == NATS_OK || s == NATS_NOT_YET_CONNECTED)
        return true;
    log_error("bus.connect_failed", LOG_S("text", natsStatus_GetText(s)));
    return false;
}

struct bus *bus_new(const struct bus_config *config)
{
    struct bus *bus = calloc(1, sizeof *bus);
    if (!bus)
        return NULL;
    bus->config = *config;
    bus->closed = bell_new();
    bus->up = metric_gauge("obol_bus_up", "Whether there is a connection to NATS: 1 or 0.", NULL);
    bus->published = metric_series(
        metric_counter("obol_events_published_total",
                       "Events that the bus has acknowledged and the outbox let go.", NULL),
        NULL);
    bus->consumed =
        metric_series(metric_counter("obol_events_consumed_total",
                                     "Events of other services that were taken, each once.", NULL),
                      NULL);
    if (bus->closed && connect_in_background(bus))
        return bus;
    bell_free(bus->closed);
    free(bus);
    return NULL;
}

void bus_free(struct bus *bus)
{
    if (!bus)
        return;
    if (bus->connection) {
        natsConnection_Close(bus->connection);
        // Callbacks run on a thread of the library's own and use the bus: better leaked than gone
        // under it.
        bool closed = bell_wait(bus->closed, 5000);
        natsConnection_Destroy(bus->connection);
        if (!closed) {
            log_warn("bus.not_closed", LOG_S("client", bus->config.client));
            return;
        }
    }
    bell_free(bus->closed);
    free(bus);
}

bool bus_connected(const struct bus *bus)
{
    return bus->connection && natsConnection_Status(bus->connection) == NATS_CONN_STATUS_CONNECTED;
}

jsCtx *bus_context(struct bus *bus, jsPubAckHandler on_ack, void *closure)
{
    jsOptions options;
    jsOptions_Init(&options);
    options.Wait = BUS_WAIT_MS;
    options.PublishAsync.AckHandler = on_ack;
    options.PublishAsync.AckHandlerClosure = closure;
    jsCtx *js = NULL;
    if (!bus->connection || natsConnection_JetStream(&js, bus->connection, &options) != NATS_OK)
        return NULL;
    return js;
}

static bool add_stream(struct bus *bus, jsCtx *js)
{
    char subject[BUS_SUBJECT_MAX];
    const char *subjects[] = {subject};
    snprintf(subject, sizeof subject, "%s.>", bus->config.settings.stream);
    jsStreamConfig config;
    jsStreamConfig_Init(&config);
    config.Name = bus->config.settings.stream;
    config.Subjects = subjects;
    config.SubjectsLen = 1;
    config.Storage = js_FileStorage;
    config.MaxAge = STREAM_AGE_NS;
    config.Duplicates = STREAM_DUPLICATES_NS;
    config.Replicas = bus->config.settings.replicas > 0 ? bus->config.settings.replicas : 1;
    CLEANUP(jsStreamInfo_Destroy) jsStreamInfo *info = NULL;
    jsErrCode code = 0;
    natsStatus s = js_AddStream(&info, js, &config, NULL, &code);
    if (s == NATS_OK)
        log_info("bus.stream_made", LOG_S("stream", bus->config.settings.stream));
    else
        log_warn("bus.stream_refused", LOG_S("stream", bus->config.settings.stream),
                 LOG_S("text", natsStatus_GetText(s)), LOG_I("code", code));
    return s == NATS_OK;
}

// A stream made by one server alone, or with fewer replicas than are asked for now. It works as it
// is, so a refusal is no more than told.
static void raise_replicas(struct bus *bus, jsCtx *js, const jsStreamInfo *info)
{
    if (info->Config->Replicas >= bus->config.settings.replicas)
        return;
    jsStreamConfig config = *info->Config;
    config.Replicas = bus->config.settings.replicas;
    CLEANUP(jsStreamInfo_Destroy) jsStreamInfo *raised = NULL;
    jsErrCode code = 0;
    natsStatus s = js_UpdateStream(&raised, js, &config, NULL, &code);
    if (s == NATS_OK)
        log_info("bus.replicas_raised", LOG_S("stream", bus->config.settings.stream),
                 LOG_I("replicas", bus->config.settings.replicas));
    else
        log_warn("bus.replicas_refused", LOG_S("stream", bus->config.settings.stream),
                 LOG_S("text", natsStatus_GetText(s)), LOG_I("code", code));
}

bool bus_stream_ensure(struct bus *bus, jsCtx *js)
{
    CLEANUP(jsStreamInfo_Destroy) jsStreamInfo *info = NULL;
    jsErrCode code = 0;
    natsStatus s = js_GetStreamInfo(&info, js, bus->config.settings.stream, NULL, &code);
    if (s == NATS_OK)
        raise_replicas(bus, js, info);
    return s == NATS_OK || (s == NATS_NOT_FOUND && add_stream(bus, js));
}
