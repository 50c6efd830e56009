// An open model of load: payments fall due at a fixed rate, whatever the answers do. Each latency
// counts from when its payment was due, not from when it could be sent: a load that waits for a
// stalled server before it sends the next request leaves out the very requests that would have
// suffered (coordinated omission). What finds all connections busy waits in line, and its wait
// counts.
#pragma once
#include "base/id.h"
#include "http/client.h"
#include "receiver.h"
#include "samples.h"

#define PREFIX_SIZE (ID_SIZE + 1)
#define REFERENCE_SIZE (PREFIX_SIZE + 20)

struct arrivals_config {
    const char *url, *key, *secret;
    const char *body; // with "%s" where the payment's own reference goes; once
    double rate;      // a second
    size_t n;
    size_t connections_max;
    bool webhooks;   // wait for them too
    double settle_s; // for the webhooks that are missing after the last answer
    uint16_t port;   // of webhooks
};

struct arrivals {
    struct arrivals_config config;
    char prefix[PREFIX_SIZE]; // of references: of this run alone
    int64_t begun_ns;
    struct http_client *client;
    struct arrival *lines, **free; // one for each connection
    size_t free_n;
    size_t sent, ended, answered; // ended: with an answer of any kind, or none
    size_t refused, timeouts, no_connection, broken;
    int64_t last_answer_ns;
    struct samples post;
    // The receiver's thread alone, until the receiver has stopped; seen has one flag a payment.
    bool *seen;
    struct samples webhook;
    int64_t last_webhook_ns;
    size_t strangers, repeated;
    _Atomic size_t webhooks_n;
};

// False without memory, threads or the port. The figures are complete when it returns.
bool arrivals_run(struct arrivals *arrivals);
void arrivals_deinit(struct arrivals *arrivals);
