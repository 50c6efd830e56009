#include <inttypes.h>
#include <string.h>

#include "tenant.h"

static bool answer_tenants(struct cli *cli, Tenant *const *tenants, size_t n,
                           const TenantModes **ret)
{
    char **ids = ARENA_ARRAY(cli->arena, n, char *);
    for (size_t i = 0; ids && i < n; i++)
        ids[i] = tenants[i]->id;
    *ret = ids ? tenant_modes_ask(cli, ids, n) : NULL;
    return *ret;
}

// Without payments their modes are not known, and it is said why; the tenants are shown.
static int print_tenant(struct cli *cli, const ProtobufCMessage *answer)
{
    const TenantModes *modes;
    Tenant *tenant = (Tenant *)answer;
    if (!answer)
        return EXIT_FAILED;
    bool known = answer_tenants(cli, &tenant, 1, &modes);
    int code = tenants_print(cli, tenant, modes);
    return known ? code : EXIT_FAILED;
}

#define RATE_MAX 10000000
#define RATE_HELP "requests a minute; 0: no limit (default the installation's)"

static int tenant_create(struct cli *cli, int argc, char **argv)
{
    const char *id = "", *rate = NULL;
    bool test = false, live = false;
    Google__Protobuf__Int64Value per_min = GOOGLE__PROTOBUF__INT64_VALUE__INIT;
    struct words words;
    const struct option_row rows[] = {{"id", "its id (ten_…) instead of a fresh one", &id, NULL},
                                      {"test", "in test mode: without --live it is", NULL, &test},
                                      {"live",
                                       "in live mode: payments are refused until it has "
                                       "an enabled live credential",
                                       NULL, &live},
                                      {"rate", RATE_HELP, &rate, NULL},
                                      {0}};
    if (!cli_options(cli, argc, argv, rows, &words))
        return EXIT_USAGE;
    if (words.n != 1)
        return cli_usage(cli, "give the tenant's name");
    if (test && live)
        return cli_usage(cli, "--test or --live");
    if (rate && !cli_number(rate, 0, RATE_MAX, &per_min.value))
        return cli_usage(cli, "a rate is 0 to %d requests a minute", RATE_MAX);
    Obol__Auth__V1__CreateTenantRequest request = OBOL__AUTH__V1__CREATE_TENANT_REQUEST__INIT;
    request.id = (char *)id;
    request.name = words.at[0];
    request.rate_per_min = rate ? &per_min : NULL;
    Tenant *tenant = (Tenant *)cli_call(
        cli, &(struct ask){PEER_AUTH, METHOD_AuthService_CreateTenant, NULL, &request.base});
    if (!tenant)
        return EXIT_FAILED;
    // Nothing is in its way: there are no payments that it would surprise.
    if (tenant_mode_set(cli, tenant->id, &(struct tenant_turn){.live = live, .force = true}))
        return print_tenant(cli, &tenant->base);
    return cli_fail("%s is made, but its mode is not set: obol tenant mode %s %s", tenant->id,
                    tenant->id, live ? "live --force" : "test");
}

static int tenant_mode(struct cli *cli, int argc, char **argv)
{
    bool force = false;
    struct words words;
    const struct option_row rows[] = {
        {"force", "live without an enabled live credential: all its payments are refused", NULL,
         &force},
        {0}};
    if (!cli_options(cli, argc, argv, rows, &words))
        return EXIT_USAGE;
    bool live = words.n == 2 && strcmp(words.at[1], "live") == 0;
    if (words.n != 2 || (!live && strcmp(words.at[1], "test") != 0))
        return cli_usage(cli, "give the tenant's id, and test or live");
    Obol__Auth__V1__GetTenantRequest request = OBOL__AUTH__V1__GET_TENANT_REQUEST__INIT;
    request.id = words.at[0];
    const ProtobufCMessage *tenant =
        cli_call(cli, &(struct ask){PEER_AUTH, METHOD_AuthService_GetTenant, NULL, &request.base});
    if (!tenant || !tenant_mode_set(cli, words.at[0], &(struct tenant_turn){live, force}))
        return EXIT_FAILED;
    return print_tenant(cli, tenant);
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
    const TenantModes *modes;
    bool known = answer_tenants(cli, list->data, list->n_data, &modes);
    int code = tenants_print_list(cli, list, modes);
    return known ? code : EXIT_FAILED;
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
    {"tenant create", "<name> [--id ten_…] [--test|--live] [--rate n]",
     "Make a tenant, in test mode.",
     "  obol tenant create \"Acme Ltd\"\n  obol tenant create --live --json \"Acme Ltd\"\n",
     tenant_create},
    {"tenant list", "[--limit n] [--after ten_…]", "Tenants, newest first.", "  obol tenant list\n",
     tenant_list},
    {"tenant mode", "<tenant> test|live [--force]",
     "Whether a tenant's new payments move real money, within a second.",
     "Payments that stand go on under their own credentials.\n\n"
     "  obol tenant mode ten_01… live\n",
     tenant_mode},
    {"tenant rate", "<tenant> <n>|default", "Set what a tenant may ask for in a minute.",
     "  obol tenant rate ten_demo 600\n  obol tenant rate ten_demo default\n", tenant_rate},
    {"tenant show", "<tenant>", "One tenant.", "  obol tenant show ten_demo\n", tenant_show},
    {0},
};
