// A merchant's receiver to try webhooks against: verifies, prints, remembers, and can be told to
// misbehave. One loop, so nothing here is locked.
#pragma once
#include "hold.h"
#include "received.h"

struct misbehaviour {
    int64_t fail;       // status to answer; 0: none
    int64_t fail_times; // how often; 0: until told otherwise
    int64_t delay_ms;
    int64_t retry_after_s; // shown with a failure; 0: not
    bool hang;             // never answer
    bool drop;             // never answer, and remember nothing
};

struct merchant {
    const char *secret;
    struct receipts *receipts;
    struct holder *holder;
    struct http_loop *loop;
    struct misbehaviour misbehaviour;
};

// http_server_config.handle; the loop state is a struct merchant.
void merchant_handle(void *loop_state, struct http_exchange *exchange);
