// The demo tenant of a development stack: what API.md's first curl needs. Seeding twice is fine.
#include <stdio.h>
#include <stdlib.h>

#include "obol/auth/v1/auth.obol.h"
#include "obol/payments/v1/payments.obol.h"
#include "obol/payments/v1/providers.obol.h"
#include "obol/webhooks/v1/webhooks.obol.h"
#include "settings.h"
#include "json/json.h"

#define TENANT "ten_demo"

// False when it does not stand now.
static bool seed(struct cli *cli, const char *what, const struct ask *ask)
{
    ProtobufCMessage *answer;
    struct problem problem;
    enum status status = cli_ask(cli, ask, &answer, &problem);
    if (status != STATUS_OK && status != STATUS_ALREADY_EXISTS) {
        cli_refused(ask->peer, status, &problem);
        cli_fail("not made: %s", what);
        return false;
    }
    if (!cli->json)
        printf("%-9s %s\n", status == STATUS_OK ? "made" : "stands", what);
    return true;
}

static bool seed_tenant(struct cli *cli)
{
    Obol__Auth__V1__CreateTenantRequest request = OBOL__AUTH__V1__CREATE_TENANT_REQUEST__INIT;
    Google__Protobuf__Int64Value unlimited = GOOGLE__PROTOBUF__INT64_VALUE__INIT;
    request.id = (char *)TENANT;
    request.name = (char *)"Demo";
    request.rate_per_min = &unlimited;
    return seed(cli, "tenant " TENANT,
                &(struct ask){PEER_AUTH, METHOD_AuthService_CreateTenant, NULL, &request.base});
}

static bool seed_mode(struct cli *cli)
{
    Obol__Payments__V1__SetTenantModeRequest request =
        OBOL__PAYMENTS__V1__SET_TENANT_MODE_REQUEST__INIT;
    request.test_mode = true;
    return seed(
        cli, "test mode",
        &(struct ask){PEER_PAYMENTS, METHOD_ProviderService_SetTenantMode, TENANT, &request.base});
}

static bool seed_key(struct cli *cli)
{
    Obol__Auth__V1__ImportKeyRequest request = OBOL__AUTH__V1__IMPORT_KEY_REQUEST__INIT;
    request.tenant_id = (char *)TENANT;
    request.name = (char *)"Demo key";
    request.id = (char *)"key_test_abc123";
    request.secret = (char *)"secret_test_xyz789";
    return seed(cli, "key key_test_abc123",
                &(struct ask){PEER_AUTH, METHOD_AuthService_ImportKey, NULL, &request.base});
}

static bool seed_endpoint(struct cli *cli)
{
    char *events[] = {(char *)"*"};
    Obol__Webhooks__V1__CreateEndpointRequest endpoint =
        OBOL__WEBHOOKS__V1__CREATE_ENDPOINT_REQUEST__INIT;
    Obol__Webhooks__V1__ImportEndpointRequest request =
        OBOL__WEBHOOKS__V1__IMPORT_ENDPOINT_REQUEST__INIT;
    endpoint.url = (char *)obol_settings.demo_webhook_url;
    endpoint.events = events;
    endpoint.n_events = 1;
    request.id = (char *)"we_demo";
    request.secret = (char *)"whsec_test_abc123";
    request.endpoint = &endpoint;
    return seed(
        cli, "webhook endpoint we_demo",
        &(struct ask){PEER_WEBHOOKS, METHOD_EndpointService_ImportEndpoint, TENANT, &request.base});
}

static bool seed_order(struct cli *cli)
{
    Google__Protobuf__Int64Value amount = GOOGLE__PROTOBUF__INT64_VALUE__INIT;
    Obol__Payments__V1__CreateOrderRequest order = OBOL__PAYMENTS__V1__CREATE_ORDER_REQUEST__INIT;
    Obol__Payments__V1__ImportOrderRequest request = OBOL__PAYMENTS__V1__IMPORT_ORDER_REQUEST__INIT;
    amount.value = 50000;
    order.amount = &amount;
    order.currency = (char *)"INR";
    request.id = (char *)"order_123";
    request.order = &order;
    request.reusable = true;
    return seed(
        cli, "order order_123",
        &(struct ask){PEER_PAYMENTS, METHOD_OrderService_ImportOrder, TENANT, &request.base});
}

static int demo_seed(struct cli *cli, int argc, char **argv)
{
    struct words words;
    if (!cli_options(cli, argc, argv, (const struct option_row[]){{0}}, &words))
        return EXIT_USAGE;
    if (words.n != 0)
        return cli_usage(cli, "no words");
    if (!seed_tenant(cli) || !seed_mode(cli) || !seed_key(cli) || !seed_endpoint(cli) ||
        !seed_order(cli))
        return EXIT_FAILED;
    if (cli->json) {
        const char *json =
            json_object(cli->arena, (struct json_member[]){JSON_S("tenant", TENANT),
                                                           JSON_S("key", "key_test_abc123"),
                                                           JSON_S("endpoint", "we_demo"),
                                                           JSON_S("order", "order_123"),
                                                           {0}});
        puts(json ? json : "{}");
    }
    return EXIT_DONE;
}

const struct command demo_commands[] = {
    {"demo seed", "", "Make the demo tenant of a development stack; again is fine.",
     "  DEMO_WEBHOOK_URL=http://127.0.0.1:4000/webhook obol demo seed\n", demo_seed},
    {0},
};
