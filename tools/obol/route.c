#include <inttypes.h>
#include <string.h>

#include "cli.h"
#include "obol/payments/v1/providers.obol.h"

typedef Obol__Payments__V1__Route Route;
typedef Obol__Payments__V1__RouteList RouteList;

static const char *bound(struct arena *arena, int64_t amount)
{
    return amount ? arena_printf(arena, "%" PRId64, amount) : NULL;
}

static const char *any(const char *text)
{
    return text[0] ? text : "any";
}

static int print_routes(struct cli *cli, const RouteList *list)
{
    enum { COLUMNS = 7 };
    static const char *const headings[COLUMNS] = {"PLACE", "METHOD", "CURRENCY",  "OPERATOR",
                                                  "MIN",   "MAX",    "CREDENTIAL"};
    const char **cells = ARENA_ARRAY(cli->arena, list->n_data * COLUMNS, const char *);
    if (cli->json)
        return print_json(cli, &list->base);
    if (!cells)
        return cli_fail("out of memory");
    for (size_t i = 0; i < list->n_data; i++) {
        const Route *route = list->data[i];
        const char **row = &cells[i * COLUMNS];
        row[0] = arena_printf(cli->arena, "%" PRId64, route->place);
        row[1] = route->method;
        row[2] = any(route->currency);
        row[3] = any(route->operator_);
        row[4] = bound(cli->arena, route->amount_min);
        row[5] = bound(cli->arena, route->amount_max);
        row[6] = route->credential_id;
    }
    print_table(headings, COLUMNS, cells, list->n_data);
    return EXIT_DONE;
}

static int route_list(struct cli *cli, int argc, char **argv)
{
    const char *tenant = NULL;
    struct words words;
    const struct option_row rows[] = {{"tenant", "whose routes", &tenant, NULL}, {0}};
    if (!cli_options(cli, argc, argv, rows, &words))
        return EXIT_USAGE;
    if (words.n != 0 || !tenant)
        return cli_usage(cli, "give --tenant");
    Obol__Payments__V1__ListRoutesRequest request = OBOL__PAYMENTS__V1__LIST_ROUTES_REQUEST__INIT;
    const RouteList *list = (const RouteList *)cli_call(
        cli,
        &(struct ask){PEER_PAYMENTS, METHOD_ProviderService_ListRoutes, tenant, &request.base});
    return list ? print_routes(cli, list) : EXIT_FAILED;
}

// Cuts text at the first of these characters. What comes after it; NULL: there is none.
static char *cut(char *text, char at)
{
    char *found = strchr(text, at);
    if (found)
        *found++ = '\0';
    return found;
}

static bool bounds_read(char *text, Route *route)
{
    while (text) {
        char *next = cut(text, ',');
        char *value = cut(text, '=');
        int64_t *into = strcmp(text, "min") == 0   ? &route->amount_min
                        : strcmp(text, "max") == 0 ? &route->amount_max
                                                   : NULL;
        if (!into || !value || !cli_number(value, 0, INT64_MAX, into))
            return false;
        text = next;
    }
    return true;
}

// "mobile_money:ZMW:mtn=cred_01…,min=100,max=5000". NULL when it is none.
static Route *route_read(struct cli *cli, const char *word)
{
    Route *route = MESSAGE_NEW(cli->arena, obol__payments__v1__route, Route);
    char *method = arena_strdup(cli->arena, word);
    char *credential = method ? cut(method, '=') : NULL;
    if (!route || !credential)
        return NULL;
    char *bounds = cut(credential, ',');
    char *currency = cut(method, ':');
    char *network = currency ? cut(currency, ':') : NULL;
    route->method = method;
    route->credential_id = credential;
    if (currency)
        route->currency = currency;
    if (network)
        route->operator_ = network;
    return bounds_read(bounds, route) ? route : NULL;
}

static int route_set(struct cli *cli, int argc, char **argv)
{
    const char *tenant = NULL;
    bool none = false;
    struct words words;
    const struct option_row rows[] = {
        {"tenant", "whose routes", &tenant, NULL}, {"none", "remove them all", NULL, &none}, {0}};
    if (!cli_options(cli, argc, argv, rows, &words))
        return EXIT_USAGE;
    if (!tenant || none == (words.n > 0))
        return cli_usage(cli, "give --tenant, and all routes in their order or --none");
    Obol__Payments__V1__SetRoutesRequest request = OBOL__PAYMENTS__V1__SET_ROUTES_REQUEST__INIT;
    request.routes = ARENA_ARRAY(cli->arena, (size_t)words.n, Route *);
    if (!request.routes)
        return cli_fail("out of memory");
    for (int i = 0; i < words.n; i++) {
        Route *route = route_read(cli, words.at[i]);
        if (!route)
            return cli_usage(cli, "not a route: %s", words.at[i]);
        request.routes[request.n_routes++] = route;
    }
    const RouteList *list = (const RouteList *)cli_call(
        cli, &(struct ask){PEER_PAYMENTS, METHOD_ProviderService_SetRoutes, tenant, &request.base});
    return list ? print_routes(cli, list) : EXIT_FAILED;
}

const struct command route_commands[] = {
    {"route list", "--tenant ten_…", "Where a tenant's payments go, in the order they are tried.",
     "  obol route list --tenant ten_demo\n", route_list},
    {"route set", "--tenant ten_… (--none | method[:currency[:operator]]=cred_…[,min=n][,max=n] …)",
     "Say where payments go: all routes at once, in their order.",
     "Amounts are in minor units. The first route that fits is taken, the next ones where it\n"
     "certainly has not charged.\n\n"
     "  obol route set --tenant ten_demo mobile_money:ZMW:mtn=cred_01…,max=500000 \\\n"
     "      mobile_money:ZMW:airtel=cred_02… card=cred_03…\n",
     route_set},
    {0},
};
