#include "cli.h"
#include "obol/auth/v1/auth.obol.h"

typedef Obol__Auth__V1__Tenant Tenant;

static int print_tenants(struct cli *cli, Tenant *const *tenants, size_t n)
{
    static const char *const headings[] = {"ID", "NAME", "MODE", "CREATED"};
    const char **cells = ARENA_ARRAY(cli->arena, n * 4, const char *);
    if (!cells)
        return cli_fail("out of memory");
    for (size_t i = 0; i < n; i++) {
        cells[i * 4] = tenants[i]->id;
        cells[i * 4 + 1] = tenants[i]->name;
        cells[i * 4 + 2] = tenants[i]->test_mode ? "test" : "live";
        cells[i * 4 + 3] = print_time(cli->arena, tenants[i]->created_at);
    }
    print_table(headings, 4, cells, n);
    return EXIT_DONE;
}

static int print_tenant(struct cli *cli, const ProtobufCMessage *answer)
{
    if (!answer)
        return EXIT_FAILED;
    if (cli->json)
        return print_json(cli, answer);
    return print_tenants(cli, (Tenant *const[]){(Tenant *)answer}, 1);
}

static int tenant_create(struct cli *cli, int argc, char **argv)
{
    const char *id = "";
    bool test = false;
    struct words words;
    const struct option_row rows[] = {{"id", "its id (ten_…) instead of a fresh one", &id, NULL},
                                      {"test", "payments go to the simulator", NULL, &test},
                                      {0}};
    if (!cli_options(cli, argc, argv, rows, &words))
        return EXIT_USAGE;
    if (words.n != 1)
        return cli_usage(cli, "give the tenant's name");
    Obol__Auth__V1__CreateTenantRequest request = OBOL__AUTH__V1__CREATE_TENANT_REQUEST__INIT;
    request.id = (char *)id;
    request.name = words.at[0];
    request.test_mode = test;
    return print_tenant(cli, cli_call(cli, &(struct ask){PEER_AUTH, METHOD_AuthService_CreateTenant,
                                                         NULL, &request.base}));
}

static int tenant_list(struct cli *cli, int argc, char **argv)
{
    const char *limit = "100", *after = "";
    struct words words;
    const struct option_row rows[] = {{"limit", "1 to 100 (default 100)", &limit, NULL},
                                      {"after", "go on after this id", &after, NULL},
                                      {0}};
    int64_t number;
    if (!cli_options(cli, argc, argv, rows, &words))
        return EXIT_USAGE;
    if (words.n != 0 || !cli_number(limit, 1, 100, &number))
        return cli_usage(cli, "no words, and a limit from 1 to 100");
    Obol__Auth__V1__ListTenantsRequest request = OBOL__AUTH__V1__LIST_TENANTS_REQUEST__INIT;
    request.limit = (int32_t)number;
    request.starting_after = (char *)after;
    const Obol__Auth__V1__TenantList *list = (const Obol__Auth__V1__TenantList *)cli_call(
        cli, &(struct ask){PEER_AUTH, METHOD_AuthService_ListTenants, NULL, &request.base});
    if (!list)
        return EXIT_FAILED;
    return cli->json ? print_json(cli, &list->base) : print_tenants(cli, list->data, list->n_data);
}

static int tenant_show(struct cli *cli, int argc, char **argv)
{
    struct words words;
    if (!cli_options(cli, argc, argv, (const struct option_row[]){{0}}, &words))
        return EXIT_USAGE;
    if (words.n != 1)
        return cli_usage(cli, "give the tenant's id");
    Obol__Auth__V1__GetTenantRequest request = OBOL__AUTH__V1__GET_TENANT_REQUEST__INIT;
    request.id = words.at[0];
    return print_tenant(cli, cli_call(cli, &(struct ask){PEER_AUTH, METHOD_AuthService_GetTenant,
                                                         NULL, &request.base}));
}

const struct command tenant_commands[] = {
    {"tenant create", "<name> [--id ten_…] [--test]", "Make a tenant.",
     "  obol tenant create \"Acme Ltd\"\n  obol tenant create --test --json \"Acme, trying out\"\n",
     tenant_create},
    {"tenant list", "[--limit n] [--after ten_…]", "Tenants, newest first.", "  obol tenant list\n",
     tenant_list},
    {"tenant show", "<tenant>", "One tenant.", "  obol tenant show ten_demo\n", tenant_show},
    {0},
};
