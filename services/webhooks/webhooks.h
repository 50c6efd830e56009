// The webhooks service: what its parts know of each other. main.c wires them.
#pragma once
#include "dispatcher.h"
#include "intake.h"
#include "service/service.h"

struct webhooks_settings {
    bool allow_private, test_intervals;
    int64_t slots, timeout_ms, disable_after_s;
    int64_t event_retention_s, delivery_retention_s, catch_up_s;
    const char *payments_target, *refunds_target;
};

struct webhooks {
    const struct webhooks_settings *settings;
    struct dispatcher *dispatcher; // NULL: nothing is sent from here
    struct bell *dispatcher_bell;
    struct service *service;
    struct arena *arena;
    struct intake intake;
    struct consumer *consumer;
    struct service_loop *dispatcher_loop;
};

extern const struct rpc_handler webhooks_handlers[];
extern const size_t webhooks_handlers_n;

extern const struct sealed_column webhooks_sealed[]; // housekeeping.c
extern const size_t webhooks_sealed_n;

// housekeeping.c: what is past its time and lies in a default partition. state: struct webhooks.
MUST_USE enum status sweep_webhooks(void *state, struct db *db, struct arena *arena,
                                    bool *ret_more);
