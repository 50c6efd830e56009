// Inside the room: the connection that a relay and consumers share.
#pragma once
#include <nats/nats.h>
#include <stdatomic.h>

#include "base/cleanup.h"
#include "bus/bus.h"
#include "obs/metrics.h"

DEFINE_CLEANUP(jsStreamInfo_Destroy, jsStreamInfo *)
DEFINE_CLEANUP(jsConsumerInfo_Destroy, jsConsumerInfo *)
DEFINE_CLEANUP(natsOptions_Destroy, natsOptions *)

#define BUS_WAIT_MS 2000 // for one answer of the JetStream API
#define BUS_RETRY_MS 250 // between tries at something that failed
#define BUS_SUBJECT_MAX 256

struct bus {
    struct bus_config config;
    natsConnection *connection; // NULL: the URL is no good; then the bus is away for ever
    struct bell *closed;
    struct metric *up;
    struct metric_series *published, *consumed;
    atomic_ulong generation; // grows with each new connection to the server
};

// settings.c: all servers that the URL lists, and how to speak with them.
natsStatus bus_reach(natsOptions *options, const struct bus_settings *settings);
bool bus_connected(const struct bus *bus);
// A JetStream context for one thread. NULL when out of memory.
jsCtx *bus_context(struct bus *bus, jsPubAckHandler on_ack, void *closure);
// Makes the stream when it is missing, and gives it the replicas that it lacks.
bool bus_stream_ensure(struct bus *bus, jsCtx *js);
