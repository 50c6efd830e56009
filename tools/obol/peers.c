#include <string.h>

#include "settings.h"

#define TIMEOUT_MS 15000

static const struct {
    const char *name;
    enum role role;
} peers[PEERS] = {
    [PEER_AUTH] = {"auth", ROLE_AUTH},
    [PEER_PAYMENTS] = {"payments", ROLE_PAYMENTS},
    [PEER_REFUNDS] = {"refunds", ROLE_REFUNDS},
    [PEER_WEBHOOKS] = {"webhooks", ROLE_WEBHOOKS},
};

const char *peer_name(enum peer peer)
{
    return peers[peer].name;
}

const char *peer_target(enum peer peer)
{
    return obol_settings.targets[peer];
}

struct rpc_client *peer_client(const struct cli *cli, enum peer peer)
{
    return rpc_client_new_to(peer_target(peer), peers[peer].role, cli->tls);
}

int peer_find(const char *name)
{
    for (int i = 0; i < PEERS; i++)
        if (strcmp(peers[i].name, name) == 0)
            return i;
    return -1;
}

enum status cli_ask(struct cli *cli, const struct ask *ask, ProtobufCMessage **ret,
                    struct problem *ret_problem)
{
    *ret_problem = (struct problem){0};
    struct rpc_client *client = peer_client(cli, ask->peer);
    if (!client)
        return problem_internal(ret_problem);
    struct call_context context =
        call_context_new(cli->arena, cli->actor, cli->timeout_ms ? cli->timeout_ms : TIMEOUT_MS);
    if (ask->tenant_id)
        context.tenant_id = ask->tenant_id;
    enum status status =
        rpc_call(client, cli->arena, ask->method, &context, ask->request, ret, ret_problem);
    rpc_client_free(client);
    return status;
}

int cli_refused(enum peer peer, enum status status, const struct problem *problem)
{
    if (status == STATUS_UNAVAILABLE)
        return cli_fail("%s at %s does not answer: nothing was done", peer_name(peer),
                        peer_target(peer));
    if (status == STATUS_UNKNOWN || status == STATUS_DEADLINE_EXCEEDED)
        return cli_fail("%s at %s did not answer in time: look whether it was done",
                        peer_name(peer), peer_target(peer));
    return cli_fail("%s%s%s (%s)", problem->param, problem->param[0] ? ": " : "",
                    problem->detail[0] ? problem->detail : status_name(status),
                    problem->code ? problem->code : peer_name(peer));
}

ProtobufCMessage *cli_call(struct cli *cli, const struct ask *ask)
{
    ProtobufCMessage *response = NULL;
    struct problem problem;
    enum status status = cli_ask(cli, ask, &response, &problem);
    if (status == STATUS_OK)
        return response;
    cli_refused(ask->peer, status, &problem);
    return NULL;
}
