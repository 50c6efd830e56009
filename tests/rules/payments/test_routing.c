#include <criterion/criterion.h>
#include <string.h>

#include "setup/routing.h"

// What the registry and the cache hold in the service, here a table each.
static const struct provider_support mtn_supports[] = {
    {.method = "mobile_money", .currencies = "ZMW UGX", .networks = "mtn"}, {0}};
static const struct provider_support airtel_supports[] = {
    {.method = "mobile_money", .currencies = "ZMW", .networks = "airtel"}, {0}};
static const struct provider_support cards_supports[] = {
    {.method = "card", .currencies = "MXN", .manual_capture = true},
    {.method = "card", .currencies = "USD"},
    {.method = "mobile_money", .currencies = "ZMW"},
    {0}};
static const struct provider_support simulator_supports[] = {
    {.method = "card"}, {.method = "upi"}, {0}};

static const struct provider known[] = {
    {.name = "mtn", .supports = mtn_supports},
    {.name = "airtel", .supports = airtel_supports},
    {.name = "cards", .supports = cards_supports},
    {.name = "simulator", .supports = simulator_supports},
};

const struct provider *providers_find(const struct providers *providers, const char *name)
{
    (void)providers;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(known[i].name, name) == 0)
            return &known[i];
    return NULL;
}

bool provider_supports(const struct provider *provider, const char *method, const char *currency,
                       const char *network, bool manual_capture)
{
    for (const struct provider_support *at = provider->supports; at->method; at++)
        if (strcmp(at->method, method) == 0 &&
            (!at->currencies || strstr(at->currencies, currency)) &&
            (!network || !at->networks || strstr(at->networks, network)) &&
            (at->manual_capture || !manual_capture))
            return true;
    return false;
}

const struct credential *setup_credential(const struct setup *setup, const char *id)
{
    for (size_t i = 0; i < setup->credentials_n; i++)
        if (strcmp(setup->credentials[i].id, id) == 0)
            return &setup->credentials[i];
    return NULL;
}

enum { MTN, MTN_OLD, AIRTEL, CARDS, LIVE, GONE, CREDENTIALS };

struct world {
    struct credential credentials[CREDENTIALS], simulator;
    struct route routes[6];
    struct setup setup;
};

// Six credentials, all enabled, none live but one; no routes.
static void world_init(struct world *world)
{
    *world = (struct world){
        .credentials =
            {
                [MTN] = {.id = "cred_mtn", .provider = "mtn", .created_us = 20},
                [MTN_OLD] = {.id = "cred_mtn_old", .provider = "mtn", .created_us = 10},
                [AIRTEL] = {.id = "cred_airtel", .provider = "airtel", .created_us = 15},
                [CARDS] = {.id = "cred_cards", .provider = "cards", .created_us = 30},
                [LIVE] = {.id = "cred_live", .provider = "mtn", .live = true, .created_us = 1},
                [GONE] = {.id = "cred_gone", .provider = "vanished", .created_us = 1},
            },
        .simulator = {.id = "simulator", .provider = "simulator"},
    };
    for (size_t i = 0; i < CREDENTIALS; i++)
        world->credentials[i].enabled = true;
    world->simulator.enabled = true;
    world->setup = (struct setup){
        .credentials = world->credentials,
        .credentials_n = CREDENTIALS,
        .routes = world->routes,
        .simulator = &world->simulator,
    };
}

static struct route *add(struct world *world, const char *currency, size_t credential)
{
    struct route *route = &world->routes[world->setup.routes_n++];
    *route = (struct route){
        .method = "mobile_money",
        .currency = currency,
        .network = "",
        .credential_id = world->credentials[credential].id,
    };
    return route;
}

static struct route_ask mobile(void)
{
    return (struct route_ask){.method = "mobile_money", .currency = "ZMW", .amount = 1000};
}

static void goes_to(const struct world *world, const struct route_ask *ask, const char *id)
{
    const struct credential *credential = route_choose(&world->setup, NULL, ask);
    cr_assert_str_eq(credential ? credential->id : "none", id);
}

Test(routing, takes_the_first_route_that_fits)
{
    struct world world;
    world_init(&world);
    add(&world, "UGX", MTN_OLD);
    add(&world, "ZMW", AIRTEL);
    add(&world, "", MTN);
    struct route_ask ask = mobile();
    goes_to(&world, &ask, "cred_airtel");
    ask.currency = "UGX";
    goes_to(&world, &ask, "cred_mtn_old");
    world.routes[0].currency = "XOF";
    goes_to(&world, &ask, "cred_mtn"); // the one for any currency
}

Test(routing, keeps_to_the_amounts_of_a_route)
{
    struct world world;
    world_init(&world);
    struct route *small = add(&world, "ZMW", AIRTEL);
    small->amount_max = 999;
    struct route *middle = add(&world, "ZMW", MTN);
    middle->amount_min = 1000;
    middle->amount_max = 5000;
    struct route_ask ask = mobile();
    goes_to(&world, &ask, "cred_mtn");
    ask.amount = 999;
    goes_to(&world, &ask, "cred_airtel");
    ask.amount = 5000;
    goes_to(&world, &ask, "cred_mtn");
    ask.amount = 5001;
    goes_to(&world, &ask, "none"); // routes have spoken: no other credential is taken
}

Test(routing, keeps_to_the_network_of_a_route)
{
    struct world world;
    world_init(&world);
    add(&world, "ZMW", MTN)->network = "mtn";
    add(&world, "ZMW", AIRTEL)->network = "airtel";
    struct route_ask ask = mobile();
    goes_to(&world, &ask, "none"); // both want to know it
    ask.network = "airtel";
    goes_to(&world, &ask, "cred_airtel");
    ask.network = "mtn";
    goes_to(&world, &ask, "cred_mtn");
    ask.network = "zamtel";
    goes_to(&world, &ask, "none");
}

Test(routing, goes_on_to_the_next_that_was_not_tried)
{
    struct world world;
    world_init(&world);
    add(&world, "ZMW", AIRTEL);
    add(&world, "ZMW", MTN);
    add(&world, "ZMW", AIRTEL);
    const char *const tried[] = {"cred_airtel", "cred_mtn"};
    struct route_ask ask = mobile();
    ask.tried = tried;
    ask.tried_n = 1;
    goes_to(&world, &ask, "cred_mtn");
    ask.tried_n = 2;
    goes_to(&world, &ask, "none");
}

Test(routing, passes_over_credentials_that_can_not_serve)
{
    struct world world;
    world_init(&world);
    world.credentials[MTN].enabled = false;
    add(&world, "ZMW", MTN);
    add(&world, "ZMW", LIVE); // not among the tenant's sandboxes
    add(&world, "ZMW", GONE); // of a provider that is no more
    add(&world, "", AIRTEL);  // does not take UGX
    world.routes[add(&world, "ZMW", AIRTEL) - world.routes].credential_id = "cred_unheard_of";
    struct route_ask ask = mobile();
    goes_to(&world, &ask, "cred_airtel");
    ask.currency = "UGX";
    goes_to(&world, &ask, "none");
}

Test(routing, takes_the_oldest_credential_where_no_route_speaks)
{
    struct world world;
    world_init(&world);
    add(&world, "UGX", MTN);
    struct route_ask ask = mobile();
    goes_to(&world, &ask, "cred_mtn_old");
    const char *const tried[] = {"cred_mtn_old", "cred_airtel"};
    ask.tried = tried;
    ask.tried_n = 1;
    goes_to(&world, &ask, "cred_airtel");
    ask.tried_n = 2;
    goes_to(&world, &ask, "cred_mtn");
    world.credentials[MTN].created_us = world.credentials[CARDS].created_us;
    goes_to(&world, &ask, "cred_cards"); // of two as old the one with the lower id
    ask = (struct route_ask){.method = "mobile_money", .currency = "ZMW", .network = "mtn"};
    world.credentials[MTN_OLD].enabled = false;
    goes_to(&world, &ask, "cred_cards"); // says nothing of networks, so takes each
}

Test(routing, leaves_the_simulator_for_the_last)
{
    struct world world;
    world_init(&world);
    struct route_ask ask = {.method = "card", .currency = "MXN", .amount = 5};
    goes_to(&world, &ask, "cred_cards");
    const char *const tried[] = {"cred_cards", "simulator"};
    ask.tried = tried;
    ask.tried_n = 1;
    goes_to(&world, &ask, "simulator");
    ask.tried_n = 2;
    goes_to(&world, &ask, "none");
    ask = (struct route_ask){.method = "upi", .currency = "INR"};
    goes_to(&world, &ask, "simulator");
    ask.method = "checkout";
    goes_to(&world, &ask, "none");
    world.setup.simulator = NULL;
    ask.method = "upi";
    goes_to(&world, &ask, "none");
}

Test(routing, sends_a_live_tenant_to_live_credentials_only)
{
    struct world world;
    world_init(&world);
    world.setup.live = true;
    struct route_ask ask = mobile();
    goes_to(&world, &ask, "cred_live");
    add(&world, "ZMW", AIRTEL);
    goes_to(&world, &ask, "none");
    add(&world, "ZMW", LIVE);
    goes_to(&world, &ask, "cred_live");
    ask = (struct route_ask){.method = "upi", .currency = "INR"};
    goes_to(&world, &ask, "none"); // never simulated
}

Test(routing, has_routes_of_both_modes_where_one_is_settled)
{
    struct world world;
    world_init(&world);
    world.setup.mode_settled = true;
    struct route_ask ask = mobile();
    add(&world, "ZMW", LIVE);
    goes_to(&world, &ask, "cred_mtn_old"); // as if the route were not there
    add(&world, "ZMW", AIRTEL);
    goes_to(&world, &ask, "cred_airtel");
    world.setup.live = true;
    goes_to(&world, &ask, "cred_live");
    world.credentials[LIVE].enabled = false;
    goes_to(&world, &ask, "none");
}

Test(routing, says_when_nothing_takes_payments_in_a_mode)
{
    struct world world;
    struct problem problem = {0};
    world_init(&world);
    world.setup.live = world.setup.mode_settled = true;
    world.setup.simulator = NULL;
    cr_assert_eq(route_check_mode(&world.setup, &problem), STATUS_OK);
    world.credentials[LIVE].enabled = false;
    cr_assert_eq(route_check_mode(&world.setup, &problem), STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(problem.code, "no_live_credential");
    world.setup.live = false;
    cr_assert_eq(route_check_mode(&world.setup, &problem), STATUS_OK);
    world.setup.credentials_n = 0;
    cr_assert_eq(route_check_mode(&world.setup, &problem), STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(problem.code, "no_test_credential");
    world.setup.simulator = &world.simulator;
    cr_assert_eq(route_check_mode(&world.setup, &problem), STATUS_OK);
    world.setup = (struct setup){.live = true};
    cr_assert_eq(route_check_mode(&world.setup, &problem), STATUS_OK, "nobody has settled it");
}

Test(routing, wants_manual_capture_where_it_is_asked_for)
{
    struct world world;
    world_init(&world);
    world.setup.simulator = NULL;
    struct route_ask ask = {.method = "card", .currency = "MXN", .manual_capture = true};
    goes_to(&world, &ask, "cred_cards");
    ask.currency = "USD"; // captured at once only
    goes_to(&world, &ask, "none");
    ask.manual_capture = false;
    goes_to(&world, &ask, "cred_cards");
}
