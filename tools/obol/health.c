#include <stdio.h>

#include "cli.h"
#include "json/json.h"

#define CHECK_MS 3000

static bool peer_up(const struct cli *cli, enum peer peer)
{
    struct rpc_client *client = peer_client(cli, peer);
    bool up = client && rpc_client_check(client, CHECK_MS) == STATUS_OK;
    if (client)
        rpc_client_free(client);
    return up;
}

static int health_run(struct cli *cli, int argc, char **argv)
{
    static const char *const headings[] = {"SERVICE", "TARGET", "STATUS"};
    struct words words;
    if (!cli_options(cli, argc, argv, (const struct option_row[]){{0}}, &words))
        return EXIT_USAGE;
    if (words.n != 0)
        return cli_usage(cli, "no words");
    const char *cells[PEERS * 3];
    struct json_member members[PEERS + 1] = {{0}};
    int code = EXIT_DONE;
    for (int i = 0; i < PEERS; i++) {
        enum peer peer = (enum peer)i;
        bool up = peer_up(cli, peer);
        cells[i * 3] = peer_name(peer);
        cells[i * 3 + 1] = peer_target(peer);
        cells[i * 3 + 2] = up ? "up" : "down";
        members[i] = (struct json_member)JSON_S(peer_name(peer), cells[i * 3 + 2]);
        code = up ? code : EXIT_FAILED;
    }
    const char *json = cli->json ? json_object(cli->arena, members) : NULL;
    if (json)
        puts(json);
    else
        print_table(headings, 3, cells, PEERS);
    return code;
}

const struct command health_commands[] = {
    {"health", "", "Whether each service answers.", "  obol health\n", health_run},
    {0},
};
