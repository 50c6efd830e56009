#include <stdio.h>

#include "cli.h"
#include "obol/auth/v1/auth.obol.h"

typedef Obol__Auth__V1__ApiKey Key;

static int print_keys(struct cli *cli, Key *const *keys, size_t n)
{
    static const char *const headings[] = {"ID", "TENANT", "NAME", "CREATED", "REVOKED"};
    const char **cells = ARENA_ARRAY(cli->arena, n * 5, const char *);
    if (!cells)
        return cli_fail("out of memory");
    for (size_t i = 0; i < n; i++) {
        cells[i * 5] = keys[i]->id;
        cells[i * 5 + 1] = keys[i]->tenant_id;
        cells[i * 5 + 2] = keys[i]->name;
        cells[i * 5 + 3] = print_time(cli->arena, keys[i]->created_at);
        cells[i * 5 + 4] = print_time(cli->arena, keys[i]->revoked_at);
    }
    print_table(headings, 5, cells, n);
    return EXIT_DONE;
}

static int key_create(struct cli *cli, int argc, char **argv)
{
    struct words words;
    if (!cli_options(cli, argc, argv, (const struct option_row[]){{0}}, &words))
        return EXIT_USAGE;
    if (words.n != 2)
        return cli_usage(cli, "give the tenant and a name for the key");
    Obol__Auth__V1__CreateKeyRequest request = OBOL__AUTH__V1__CREATE_KEY_REQUEST__INIT;
    request.tenant_id = words.at[0];
    request.name = words.at[1];
    const Key *key = (const Key *)cli_call(
        cli, &(struct ask){PEER_AUTH, METHOD_AuthService_CreateKey, NULL, &request.base});
    if (!key)
        return EXIT_FAILED;
    if (cli->json)
        return print_json(cli, &key->base);
    printf("X-Api-Key:    %s\nX-Api-Secret: %s\n\nThe secret is shown this once.\n", key->id,
           key->secret);
    return EXIT_DONE;
}

static int key_list(struct cli *cli, int argc, char **argv)
{
    const char *limit = "100", *after = "";
    struct words words;
    const struct option_row rows[] = {{"limit", "1 to 100 (default 100)", &limit, NULL},
                                      {"after", "go on after this id", &after, NULL},
                                      {0}};
    int64_t number;
    if (!cli_options(cli, argc, argv, rows, &words))
        return EXIT_USAGE;
    if (words.n != 1 || !cli_number(limit, 1, 100, &number))
        return cli_usage(cli, "give the tenant, and a limit from 1 to 100");
    Obol__Auth__V1__ListKeysRequest request = OBOL__AUTH__V1__LIST_KEYS_REQUEST__INIT;
    request.tenant_id = words.at[0];
    request.limit = (int32_t)number;
    request.starting_after = (char *)after;
    const Obol__Auth__V1__ApiKeyList *list = (const Obol__Auth__V1__ApiKeyList *)cli_call(
        cli, &(struct ask){PEER_AUTH, METHOD_AuthService_ListKeys, NULL, &request.base});
    if (!list)
        return EXIT_FAILED;
    return cli->json ? print_json(cli, &list->base) : print_keys(cli, list->data, list->n_data);
}

static int key_revoke(struct cli *cli, int argc, char **argv)
{
    struct words words;
    if (!cli_options(cli, argc, argv, (const struct option_row[]){{0}}, &words))
        return EXIT_USAGE;
    if (words.n != 1)
        return cli_usage(cli, "give the key's id");
    Obol__Auth__V1__RevokeKeyRequest request = OBOL__AUTH__V1__REVOKE_KEY_REQUEST__INIT;
    request.id = words.at[0];
    Key *key = (Key *)cli_call(
        cli, &(struct ask){PEER_AUTH, METHOD_AuthService_RevokeKey, NULL, &request.base});
    if (!key)
        return EXIT_FAILED;
    return cli->json ? print_json(cli, &key->base) : print_keys(cli, (Key *const[]){key}, 1);
}

const struct command key_commands[] = {
    {"key create", "<tenant> <name>", "Make an API key; its secret is printed this once.",
     "  obol key create ten_demo \"checkout server\"\n", key_create},
    {"key list", "<tenant> [--limit n] [--after key_…]", "A tenant's keys, newest first.",
     "  obol key list ten_demo\n", key_list},
    {"key revoke", "<key>", "Revoke a key; it dies at every edge within a second.",
     "  obol key revoke key_test_abc123\n", key_revoke},
    {0},
};
