#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "cli.h"
#include "obol/webhooks/v1/webhooks.obol.h"

typedef Obol__Webhooks__V1__Delivery Delivery;

static int webhook_retry(struct cli *cli, int argc, char **argv)
{
    const char *tenant = NULL;
    struct words words;
    const struct option_row rows[] = {{"tenant", "whose delivery it is", &tenant, NULL}, {0}};
    if (!cli_options(cli, argc, argv, rows, &words))
        return EXIT_USAGE;
    if (words.n != 1 || !tenant)
        return cli_usage(cli, "give the delivery and --tenant");
    Obol__Webhooks__V1__RetryDeliveryRequest request =
        OBOL__WEBHOOKS__V1__RETRY_DELIVERY_REQUEST__INIT;
    request.id = words.at[0];
    const Delivery *delivery = (const Delivery *)cli_call(
        cli,
        &(struct ask){PEER_WEBHOOKS, METHOD_DeliveryService_RetryDelivery, tenant, &request.base});
    if (!delivery)
        return EXIT_FAILED;
    if (cli->json)
        return print_json(cli, &delivery->base);
    static const char *const headings[] = {"ID", "EVENT", "STATUS", "NEXT TRY"};
    const char *cells[] = {delivery->id, delivery->event, delivery->status,
                           print_time(cli->arena, delivery->next_retry_at)};
    print_table(headings, 4, cells, 1);
    return EXIT_DONE;
}

// NULL text is no time at all. False when it is none.
static bool time_read(const char *text, Google__Protobuf__Timestamp *into,
                      Google__Protobuf__Timestamp **ret)
{
    int64_t unix_us;
    if (!text)
        return true;
    if (!clock_parse_rfc3339(text, &unix_us))
        return false;
    google__protobuf__timestamp__init(into);
    into->seconds = unix_us / US_PER_S;
    into->nanos = (int32_t)(unix_us % US_PER_S) * 1000;
    *ret = into;
    return true;
}

static int webhook_replay(struct cli *cli, int argc, char **argv)
{
    const char *tenant = NULL, *since = NULL, *until = NULL;
    bool only_failed = false;
    struct words words;
    const struct option_row rows[] = {
        {"tenant", "whose endpoint it is", &tenant, NULL},
        {"since", "RFC 3339 time", &since, NULL},
        {"until", "RFC 3339 time (default now)", &until, NULL},
        {"only-failed", "only what was never delivered", NULL, &only_failed},
        {0}};
    if (!cli_options(cli, argc, argv, rows, &words))
        return EXIT_USAGE;
    if (words.n != 1 || !tenant || !since)
        return cli_usage(cli, "give the endpoint, --tenant and --since");
    Obol__Webhooks__V1__ReplayRequest request = OBOL__WEBHOOKS__V1__REPLAY_REQUEST__INIT;
    Google__Protobuf__Timestamp from, to;
    request.id = words.at[0];
    request.only_failed = only_failed;
    if (!time_read(since, &from, &request.since) || !time_read(until, &to, &request.until))
        return cli_usage(cli, "times look like 2026-11-21T10:00:00Z");
    const Obol__Webhooks__V1__ReplayResponse *response =
        (const Obol__Webhooks__V1__ReplayResponse *)cli_call(
            cli,
            &(struct ask){PEER_WEBHOOKS, METHOD_EndpointService_Replay, tenant, &request.base});
    if (!response)
        return EXIT_FAILED;
    if (cli->json)
        return print_json(cli, &response->base);
    printf("%" PRId64 " deliveries made%s\n", response->deliveries,
           response->has_more ? "; there is more: repeat with a later --since" : "");
    return EXIT_DONE;
}

const struct command webhook_commands[] = {
    {"webhook retry", "<delivery> --tenant ten_…", "Deliver once more, whatever the state.",
     "  obol webhook retry whd_01… --tenant ten_demo\n", webhook_retry},
    {"webhook replay", "<endpoint> --tenant ten_… --since <time> [--until <time>] [--only-failed]",
     "Deliver again what happened in a span of time.",
     "  obol webhook replay we_demo --tenant ten_demo --since 2026-11-21T00:00:00Z\n",
     webhook_replay},
    {0},
};
