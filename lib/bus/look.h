// A look at a NATS server and a stream, for operators; nothing is changed.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "bus/bus.h"

struct bus_look {
    const char *server_version;                    // as the server greets; NULL: it did not
    const char *error;                             // why there is nothing more; NULL
    bool connected, stream_there, on_disk, limits; // limits: kept until a limit, not until read
    int64_t latency_us;
    int64_t replicas, age_s, duplicates_s, messages, bytes, consumers;
    int64_t messages_max, bytes_max; // -1: no bound
    int64_t lagging;                 // replicas that are not current
    const char *subject;             // the first of its subjects
};
// Each step waits timeout_ms at most. *ret lives in the arena.
void bus_look(struct arena *arena, const struct bus_settings *settings, int64_t timeout_ms,
              struct bus_look *ret);
