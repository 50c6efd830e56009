// Takes events from the bus: stores them, and makes a delivery for each endpoint that wants one, in
// the consumer's transaction. Events without a body are for services only and are left aside. Runs
// in the consumer's thread.
#pragma once
#include "dispatcher.h"
#include "journal/journal.h"
#include "rpc/client.h"

enum { INTAKE_PAYMENTS, INTAKE_REFUNDS, INTAKE_OWN, INTAKE_PEERS };

struct intake {
    struct rpc_client *peers[INTAKE_OWN]; // whose events are compared with
    const struct db_config *db_config;    // for our own
    struct db *db;                        // made by the consumer's thread
    struct dispatcher *dispatcher;        // may be NULL
};

extern const char *const intake_filters[];

// As struct consumer_config wants them; context is the struct intake.
enum status intake_handle(void *intake, struct db *db, struct arena *arena,
                          const struct event *events, size_t n);
void intake_committed(void *intake);
enum status intake_list(void *intake, size_t peer, struct arena *arena, const char *cursor,
                        struct event **ret, size_t *ret_n, const char **ret_cursor);
void intake_deinit(struct intake *intake); // after the consumer has stopped
