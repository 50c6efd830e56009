#include <inttypes.h>

#include "cli.h"
#include "obol/payments/v1/providers.obol.h"

typedef Obol__Payments__V1__Limit Limit;

static const char *bound(struct arena *arena, int64_t amount)
{
    return amount ? arena_printf(arena, "%" PRId64, amount) : NULL;
}

static int print_limits(struct cli *cli, Limit *const *limits, size_t n)
{
    enum { COLUMNS = 5 };
    static const char *const headings[COLUMNS] = {"CURRENCY", "MINIMUM", "MAXIMUM", "DAILY",
                                                  "REVIEW ABOVE"};
    const char **cells = ARENA_ARRAY(cli->arena, n * COLUMNS, const char *);
    if (!cells)
        return cli_fail("out of memory");
    for (size_t i = 0; i < n; i++) {
        const char **row = &cells[i * COLUMNS];
        row[0] = limits[i]->currency;
        row[1] = bound(cli->arena, limits[i]->minimum);
        row[2] = bound(cli->arena, limits[i]->maximum);
        row[3] = bound(cli->arena, limits[i]->daily);
        row[4] = bound(cli->arena, limits[i]->review_above);
    }
    print_table(headings, COLUMNS, cells, n);
    return EXIT_DONE;
}

static int limit_list(struct cli *cli, int argc, char **argv)
{
    const char *tenant = NULL;
    struct words words;
    const struct option_row rows[] = {{"tenant", "whose limits", &tenant, NULL}, {0}};
    if (!cli_options(cli, argc, argv, rows, &words))
        return EXIT_USAGE;
    if (words.n != 0 || !tenant)
        return cli_usage(cli, "give --tenant");
    Obol__Payments__V1__ListLimitsRequest request = OBOL__PAYMENTS__V1__LIST_LIMITS_REQUEST__INIT;
    const Obol__Payments__V1__LimitList *list = (const Obol__Payments__V1__LimitList *)cli_call(
        cli,
        &(struct ask){PEER_PAYMENTS, METHOD_ProviderService_ListLimits, tenant, &request.base});
    if (!list)
        return EXIT_FAILED;
    return cli->json ? print_json(cli, &list->base) : print_limits(cli, list->data, list->n_data);
}

// "" is no bound.
static bool bound_read(const char *text, int64_t *ret)
{
    return !*text || cli_number(text, 0, INT64_MAX, ret);
}

static int limit_set(struct cli *cli, int argc, char **argv)
{
    const char *tenant = NULL, *minimum = "", *maximum = "", *daily = "", *review_above = "";
    Limit limit = OBOL__PAYMENTS__V1__LIMIT__INIT;
    struct words words;
    const struct option_row rows[] = {
        {"tenant", "whose limit", &tenant, NULL},
        {"minimum", "of a payment, in minor units", &minimum, NULL},
        {"maximum", "of a payment", &maximum, NULL},
        {"daily", "of all payments of a day, UTC", &daily, NULL},
        {"review-above", "a person decides about larger payments first", &review_above, NULL},
        {0}};
    if (!cli_options(cli, argc, argv, rows, &words))
        return EXIT_USAGE;
    if (words.n != 1 || !tenant || !bound_read(minimum, &limit.minimum) ||
        !bound_read(maximum, &limit.maximum) || !bound_read(daily, &limit.daily) ||
        !bound_read(review_above, &limit.review_above))
        return cli_usage(cli, "give the currency, --tenant, and bounds in minor units");
    limit.currency = words.at[0];
    Obol__Payments__V1__SetLimitRequest request = OBOL__PAYMENTS__V1__SET_LIMIT_REQUEST__INIT;
    request.limit = &limit;
    Limit *answer = (Limit *)cli_call(
        cli, &(struct ask){PEER_PAYMENTS, METHOD_ProviderService_SetLimit, tenant, &request.base});
    if (!answer)
        return EXIT_FAILED;
    return cli->json ? print_json(cli, &answer->base)
                     : print_limits(cli, (Limit *const[]){answer}, 1);
}

const struct command limit_commands[] = {
    {"limit list", "--tenant ten_…", "What a tenant's payments may amount to, by currency.",
     "  obol limit list --tenant ten_demo\n", limit_list},
    {"limit set", "<currency> --tenant ten_… [--minimum n] [--maximum n] [--daily n] …",
     "Limit payments of a currency; bounds that are not given there are not.",
     "  obol limit set ZMW --tenant ten_demo --maximum 500000 --daily 20000000 \\\n"
     "      --review-above 300000\n"
     "  obol limit set ZMW --tenant ten_demo    # no limit any more\n",
     limit_set},
    {0},
};
