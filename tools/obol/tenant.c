#include <inttypes.h>
#include <string.h>

#include "cli.h"
#include "obol/auth/v1/auth.obol.h"

typedef Obol__Auth__V1__Tenant Tenant;

static const char *rate_text(struct cli *cli, const Google__Protobuf__Int64Value *rate)
{
    if (!rate)
        return "default";
    return rate->value ? arena_printf(cli->arena, "%" PRId64, rate->value) : "none";
}

static int print_tenants(struct cli *cli, Tenant *const *tenants, size_t n)
{
    enum { COLUMNS = 5 };
    static const char *const headings[COLUMNS] = {"ID", "NAME", "MODE", "RATE/MIN", "CREATED"};
    const char **cells = ARENA_ARRAY(cli->arena, n * COLUMNS, const char *);
    if (!cells)
        return cli_fail("out of memory");
    for (size_t i = 0; i < n; i++) {
        const char **row = &cells[i * COLUMNS];
        row[0] = tenants[i]->id;
        row[1] = tenants[i]->name;
        row[2] = tenants[i]->test_mode ? "test" : "live";
        row[3] = rate_text(cli, tenants[i]->rate_per_min);
        row[4] = print_time(cli->arena, tenants[i]->created_at);
    }
    print_table(headings, COLUMNS, cells, n);
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

#define RATE_MAX 10000000
#define RATE_HELP "requests a minute; 0: no limit (default the installation's)"

static int tenant_create(struct cli *cli, int argc, char **argv)
{
    const char *id = "", *rate = NULL;
    bool test = false;
    Google__Protobuf__Int64Value per_min = GOOGLE__PROTOBUF__INT64_VALUE__INIT;
    struct words words;
    const struct option_row rows[] = {{"id", "its id (ten_…) instead of a fresh one", &id, NULL},
                                      {"test", "payments go to the simulator", NULL, &test},
                                      {"rate", RATE_HELP, &rate, NULL},
                                      {0}};
    if (!cli_options(cli, argc, argv, rows, &words))
        return EXIT_USAGE;
    if (words.n != 1)
        return cli_usage(cli, "give the tenant's name");
    if (rate && !cli_number(rate, 0, RATE_MAX, &per_min.value))
        return cli_usage(cli, "a rate is 0 to %d requests a minute", RATE_MAX);
    Obol__Auth__V1__CreateTenantRequest request = OBOL__AUTH__V1__CREATE_TENANT_REQUEST__INIT;
    request.id = (char *)id;
    request.name = words.at[0];
    request.test_mode = test;
    request.rate_per_min = rate ? &per_min : NULL;
    return print_tenant(cli, cli_call(cli, &(struct ask){PEER_AUTH, METHOD_AuthService_CreateTenant,
                                                         NULL, &request.base}));
}

static int tenant_rate(struct cli *cli, int argc, char **argv)
{
    struct words words;
    Google__Protobuf__Int64Value per_min = GOOGLE__PROTOBUF__INT64_VALUE__INIT;
    if (!cli_options(cli, argc, argv, (const struct option_row[]){{0}}, &words))
        return EXIT_USAGE;
    bool own = words.n == 2 && strcmp(words.at[1], "default") != 0;
    if (words.n != 2 || (own && !cli_number(words.at[1], 0, RATE_MAX, &per_min.value)))
        return cli_usage(cli, "give the tenant's id, and 0 to %d requests a minute or default",
                         RATE_MAX);
    Obol__Auth__V1__SetTenantRateRequest request = OBOL__AUTH__V1__SET_TENANT_RATE_REQUEST__INIT;
    request.id = words.at[0];
    request.rate_per_min = own ? &per_min : NULL;
    return print_tenant(cli,
                        cli_call(cli, &(struct ask){PEER_AUTH, METHOD_AuthService_SetTenantRate,
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
    {"tenant create", "<name> [--id ten_…] [--test] [--rate n]", "Make a tenant.",
     "  obol tenant create \"Acme Ltd\"\n  obol tenant create --test --json \"Acme, trying out\"\n",
     tenant_create},
    {"tenant list", "[--limit n] [--after ten_…]", "Tenants, newest first.", "  obol tenant list\n",
     tenant_list},
    {"tenant rate", "<tenant> <n>|default", "Set what a tenant may ask for in a minute.",
     "  obol tenant rate ten_demo 600\n  obol tenant rate ten_demo default\n", tenant_rate},
    {"tenant show", "<tenant>", "One tenant.", "  obol tenant show ten_demo\n", tenant_show},
    {0},
};
