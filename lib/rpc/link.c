// Channels of one client, one after the other. Under TLS the next one takes the place of the last
// when the files hold another identity, and in any case before the server would end it for its age:
// connected first, so that no call waits or is lost; but in the end whether it connects or not, so
// that what our own files no longer trust is left.
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "rpc/outgoing.h"

static grpc_channel *channel_create(const struct rpc_client *client,
                                    grpc_channel_credentials *credentials)
{
    char name[64]; // what the server's certificate must say, whatever the target is
    snprintf(name, sizeof name, "%s.obol", role_name(client->role));
    // A proxy from the environment or a service configuration from DNS must not redirect our
    // traffic. Without a retry policy the core repeats only calls that no server has begun (its
    // connection ended under their feet); of the others only the caller knows what may be repeated.
    // A server that leaves says so to those who watch it, and gets no more calls (gRFC A17).
    grpc_arg arguments[] = {
        {GRPC_ARG_STRING,
         (char *)GRPC_ARG_SERVICE_CONFIG,
         {.string = (char *)"{\"loadBalancingConfig\":[{\"round_robin\":{}}],"
                            "\"healthCheckConfig\":{\"serviceName\":\"obol.rpc.v1.Bundle\"}}"}},
        {GRPC_ARG_INTEGER, (char *)GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, {.integer = 1}},
        {GRPC_ARG_INTEGER, (char *)GRPC_ARG_ENABLE_HTTP_PROXY, {.integer = 0}},
        {GRPC_ARG_INTEGER, (char *)GRPC_ARG_ENABLE_RETRIES, {.integer = 1}},
        {GRPC_ARG_INTEGER, (char *)GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, {.integer = 1}},
        {GRPC_ARG_INTEGER, (char *)GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, {.integer = 100}},
        {GRPC_ARG_INTEGER, (char *)GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, {.integer = 2000}},
        {GRPC_ARG_INTEGER, (char *)GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, {.integer = 500}},
        {GRPC_ARG_INTEGER, (char *)GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS, {.integer = 1000}},
        {GRPC_ARG_INTEGER,
         (char *)GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH,
         {.integer = RPC_ANSWER_BYTES_MAX + RPC_MESSAGE_MAX}},
        {GRPC_ARG_INTEGER, (char *)GRPC_ARG_KEEPALIVE_TIME_MS, {.integer = 10000}},
        {GRPC_ARG_INTEGER, (char *)GRPC_ARG_KEEPALIVE_TIMEOUT_MS, {.integer = 5000}},
        {GRPC_ARG_STRING, (char *)GRPC_SSL_TARGET_NAME_OVERRIDE_ARG, {.string = name}},
    };
    size_t n = sizeof arguments / sizeof *arguments - (client->tls ? 0 : 1);
    grpc_channel_args list = {n, arguments};
    return grpc_channel_create(client->target, credentials, &list);
}

struct link *link_new(struct rpc_client *client)
{
    struct link *link = calloc(1, sizeof *link);
    if (!link)
        return NULL;
    grpc_channel_credentials *credentials = channel_credentials(client->tls, &link->generation);
    link->channel = channel_create(client, credentials);
    grpc_channel_credentials_release(credentials);
    link->born_ns = clock_now_ns();
    link->users = 1;
    return link;
}

void link_leave(struct link *link)
{
    if (!link || --link->users > 0)
        return;
    grpc_channel_destroy(link->channel);
    free(link);
}

static bool link_connected(const struct link *link)
{
    return grpc_channel_check_connectivity_state(link->channel, 1) == GRPC_CHANNEL_READY;
}

static int64_t half_age_ns(const struct rpc_client *client)
{
    return tls_connection_age_s(client->tls) * NS_PER_S / 2;
}

// Whether the link is to be left, now or as soon as the next one stands.
static bool link_is_due(struct rpc_client *client, unsigned generation, int64_t now_ns)
{
    struct link *link = client->link;
    if (link->due_ns == 0 &&
        (link->generation != generation || now_ns - link->born_ns >= half_age_ns(client)))
        link->due_ns = now_ns;
    return link->due_ns != 0;
}

static void link_renew(struct rpc_client *client)
{
    unsigned generation = tls_generation(client->tls);
    int64_t now_ns = clock_now_ns();
    if (!link_is_due(client, generation, now_ns))
        return;
    if (client->coming && client->coming->generation != generation) {
        link_leave(client->coming);
        client->coming = NULL;
    }
    if (!client->coming)
        client->coming = link_new(client);
    if (!client->coming)
        return;
    bool late = now_ns - client->link->due_ns >= half_age_ns(client);
    if (!late && !link_connected(client->coming) && link_connected(client->link))
        return;
    link_leave(client->link);
    client->link = client->coming;
    client->coming = NULL;
}

struct link *link_take(struct rpc_client *client)
{
    if (client->tls)
        link_renew(client);
    client->link->users++;
    return client->link;
}
