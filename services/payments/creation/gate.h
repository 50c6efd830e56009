// Whether new payments are taken, as every replica knows it: the switch (store_creation.h) read at
// most GATE_FRESH_MS ago. Who makes payments reads it where that is too long; a loop of its own
// reads it for the page of health and the gauge. Thread-safe.
#pragma once
#include "base/problem.h"
#include "db/db.h"

#define GATE_FRESH_MS 1000
#define GATE_RETRY_AFTER_S 30

struct gate;
struct service;

struct gate *gate_new(void);
void gate_free(struct gate *gate); // NULL is fine
// The loop. False: it does not start.
bool gate_watch(struct gate *gate, struct service *service);
// On the caller's connection, outside a transaction or in it. Not OK: it isn't known, and nothing
// may be made.
MUST_USE enum status gate_read(struct gate *gate, struct db *db, bool *ret_stopped);
void gate_forget(struct gate *gate);              // after a change by this process
enum status gate_refuse(struct problem *problem); // 503 payments_stopped
// For the page of health (health_detail): {"stopped","reason","since"}. context: the gate.
const char *gate_json(void *context, struct arena *arena);
// One turn of the loop; context: the gate.
int64_t gate_turn(void *context, struct db *db, struct arena *arena);
