// What a process knows of its dependencies. Each owner (the database thread, the bus, a peer's
// client) reports; probes read. Thread-safe.
//
// Shown as metrics too: obol_ready, obol_dependency_up, obol_dependency_latency_seconds.
//
// live: whatever has a pulse comes round; never a matter of dependencies. ready: every required
// dependency up, not draining; with none added, ready.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "obs/pulse.h"

#define HEALTH_DEPENDENCIES_MAX 16
#define HEALTH_REASON_SIZE 256
#define HEALTH_DETAILS_MAX 4

struct health;

struct health *health_new(const char *service, const char *version);
void health_free(struct health *health); // NULL is fine
DEFINE_CLEANUP(health_free, struct health *)
// name: static storage. Starts as down. Returns its index for health_report.
int health_add(struct health *health, const char *name, bool required);
// latency_us -1: not measured.
void health_report(struct health *health, int dependency, bool up, int64_t latency_us);
// So many reports in a row that it does not answer leave what is up as it is; none until this says
// otherwise. For what is asked across a network, where one answer may be late.
void health_bear(struct health *health, int dependency, int misses);
// What an operator is to know of its state; copied, cut at HEALTH_REASON_SIZE. "": nothing.
void health_explain(struct health *health, int dependency, const char *reason);
// A pulse of a thread or loop, until health_free; name: static storage. NULL without memory.
struct pulse *health_pulse(struct health *health, const char *name);
// How long one may be busy at a stretch; 30 s until this says otherwise.
void health_stuck_after(struct health *health, int64_t max_ms);
// The name of one that is busy for longer than that; NULL: it is live.
const char *health_stuck(const struct health *health);
// Something that a service has to tell beside: a member of the page under `name` (static storage)
// whose JSON value `write` gives, from the arena; NULL: left out. Called in any thread. A later one
// of the name takes its place, `write` NULL takes it away (and waits for a call under way). At most
// HEALTH_DETAILS_MAX names.
void health_detail(struct health *health, const char *name,
                   const char *(*write)(void *context, struct arena *arena), void *context);
void health_drain(struct health *health); // not ready from now on
bool health_ready(const struct health *health);
bool health_able(const struct health *health); // ready, but for draining
// Later in draining: who still calls this process is told to go elsewhere. The time between is for
// those callers to find elsewhere: what was restarted before this one may just have come back.
void health_leave(struct health *health);
bool health_leaving(const struct health *health);
// Grows whenever ready changes; for Health.Watch.
uint64_t health_generation(const struct health *health);
// {"status":"up|down|draining","live","service","version",
//  "dependencies":{"postgres":{"status","latency_ms","reason"}},"disk":{"path","free_bytes"}} and
//  the detail; a reason only where there is one.
// disk: the working directory's. NULL when the arena is full.
char *health_json(const struct health *health, struct arena *arena);
