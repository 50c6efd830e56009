#include "processor/reroute.h"

#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "setup/routing.h"
#include "json/json.h"

#define PLACES_MAX 10 // providers that one payment may come to

struct path {
    const struct payment *payment;
    const char *tried[PLACES_MAX + 1];
    size_t tried_n;
};

static const char *named(const struct turn *turn, const char *credential_id)
{
    const struct credential *simulator = providers_simulator(turn->state->providers);
    if (credential_id)
        return credential_id;
    return simulator ? simulator->id : "";
}

static bool read_path(const struct turn *turn, const struct operation *operation,
                      const struct payment *payment, struct path *ret)
{
    struct arena *arena = turn->arena;
    const struct json_value *attempts = NULL;
    *ret = (struct path){.payment = payment};
    if (payment->earlier_attempts &&
        json_parse(arena, bytes_of_string(payment->earlier_attempts), &attempts) != STATUS_OK)
        return false;
    for (int i = 0; attempts && ret->tried_n < PLACES_MAX; i++) {
        const char *path = arena_printf(arena, "%d.credential", i);
        const char *tried = path ? json_get_string(attempts, path) : NULL;
        if (!tried)
            break;
        ret->tried[ret->tried_n++] = tried;
    }
    ret->tried[ret->tried_n++] = named(turn, operation->credential_id);
    return ret->tried_n <= PLACES_MAX;
}

static char *append_attempt(const struct turn *turn, const char *earlier,
                            const struct reroute *item)
{
    struct arena *arena = turn->arena;
    const struct operation *before = item->before;
    const char *error = json_object(
        arena, (struct json_member[]){
                   JSON_S("code", item->error_code), JSON_S("message", item->error_message), {0}});
    const char *attempt =
        error
            ? json_object(arena, (struct json_member[]){JSON_S("provider", before->provider),
                                                        JSON_S("reference", before->id),
                                                        JSON_S("status", "failed"),
                                                        JSON_R("error", error),
                                                        JSON_S("credential",
                                                               named(turn, before->credential_id)),
                                                        {0}})
            : NULL;
    if (!attempt)
        return NULL;
    if (!earlier)
        return arena_printf(arena, "[%s]", attempt);
    return arena_printf(arena, "%.*s,%s]", (int)strlen(earlier) - 1, earlier, attempt);
}

// Not to one that is not well either, or can't take it: it had better wait where it is.
static bool may_go_to(struct turn *turn, const struct credential *credential,
                      const struct payment *payment)
{
    const struct provider *provider = providers_find(turn->state->providers, credential->provider);
    const struct provider_act act = route_act(payment);
    struct outcome outcome = {0};
    int64_t now_ms = clock_now_ns() / NS_PER_MS; // as breakers count it
    return provider && breakers_room(turn->state->breakers, credential->id, now_ms) > 0 &&
           route_accepted(provider, credential, &act, turn->arena, &outcome);
}

static const struct credential *choose(struct turn *turn, const struct setup *setup,
                                       const struct path *path)
{
    const struct payment *payment = path->payment;
    struct route_ask ask = {
        .method = payment->method,
        .currency = payment->currency,
        .network = payment->network,
        .amount = payment->amount,
        .manual_capture = strcmp(payment->capture, "manual") == 0,
        .tried = path->tried,
        .tried_n = path->tried_n,
    };
    const struct credential *found = NULL;
    const char *tried[PLACES_MAX + 1];
    memcpy(tried, path->tried, sizeof tried);
    ask.tried = tried;
    while (ask.tried_n < PLACES_MAX) {
        found = route_choose(setup, turn->state->providers, &ask);
        if (!found || may_go_to(turn, found, payment))
            return found;
        tried[ask.tried_n++] = found->id;
    }
    return NULL;
}

static bool is_simulators(const struct turn *turn, const struct credential *credential)
{
    return credential == providers_simulator(turn->state->providers);
}

static enum status insert(struct turn *turn, const struct operation *before,
                          const struct payment_route *route)
{
    const struct provider *provider = providers_find(turn->state->providers, route->provider);
    struct operation operation = {
        .tenant_id = before->tenant_id,
        .id = route->charge_operation_id,
        .payment_id = before->payment_id,
        .kind = OPERATION_CHARGE,
        .amount = before->amount,
        .currency = before->currency,
        .provider = route->provider,
        .credential_id = route->credential_id,
        .lease_ms = outcome_lease_ms(provider),
        .request_id = before->request_id,
        .traceparent = before->traceparent,
    };
    size_t made = 0;
    enum status status =
        store_operations_insert(turn->db, turn->arena, &operation, 1, turn->now_us, &made);
    return status == STATUS_OK && made != 1 ? STATUS_ABORTED : status;
}

static enum status finish(struct turn *turn, const struct reroute *item)
{
    struct operation after = *item->before;
    const struct operation_end end = {OPERATION_FAILED, item->error_code, item->error_message};
    operation_finish(&after, &end, turn->now_us);
    after.revision++;
    return store_operations_update(turn->db, turn->arena, &after, 1, turn->now_us);
}

// Where its tenant's mode was switched since, a payment stays where it is: going on it would turn
// real money into play money, or the other way round.
static bool is_of_mode(const struct setup *setup, const struct operation *before)
{
    const struct credential *credential =
        before->credential_id ? setup_credential(setup, before->credential_id) : NULL;
    return (credential && credential->live) == setup->live;
}

static enum status go_elsewhere(struct turn *turn, struct reroute *item,
                                const struct payment *payment, const struct credential *to)
{
    struct payment_route *route = ARENA_NEW(turn->arena, struct payment_route);
    if (!route)
        return STATUS_RESOURCE_EXHAUSTED;
    *route = (struct payment_route){
        .provider = arena_strdup(turn->arena, to->provider),
        .credential_id = is_simulators(turn, to) ? NULL : arena_strdup(turn->arena, to->id),
        .charge_operation_id = arena_strdup(turn->arena, id_new("op").text),
        .earlier_attempts = append_attempt(turn, payment->earlier_attempts, item),
    };
    if (!route->provider || !route->charge_operation_id || !route->earlier_attempts)
        return STATUS_RESOURCE_EXHAUSTED;
    enum status status = finish(turn, item);
    if (status == STATUS_OK)
        status = insert(turn, item->before, route);
    if (status != STATUS_OK)
        return status;
    log_info("charge goes elsewhere", LOG_PAYMENT(payment), LOG_S("from", item->before->provider),
             LOG_S("to", route->provider), LOG_S("reason", item->error_code));
    turn_follow(turn, item->before, &(struct payment_act){.kind = ACT_REROUTE, .route = route});
    item->done = true;
    return STATUS_OK;
}

static enum status try_one(struct turn *turn, struct reroute *item, const struct payment *payment)
{
    const struct setup *setup = NULL;
    struct path path;
    // A card's token is the provider's own.
    if (!payment || payment->card_token || !read_path(turn, item->before, payment, &path))
        return STATUS_OK;
    enum status status = setups_get(turn->state->setups, turn->db, item->before->tenant_id, &setup);
    if (status != STATUS_OK)
        return status;
    const struct credential *to =
        is_of_mode(setup, item->before) ? choose(turn, setup, &path) : NULL;
    if (to)
        status = go_elsewhere(turn, item, payment, to);
    setup_release(setup);
    return status;
}

enum status reroute_try(struct turn *turn, struct reroute *items, size_t n)
{
    struct key *keys = ARENA_ARRAY(turn->arena, n, struct key);
    const struct payment **payments = ARENA_ARRAY(turn->arena, n, const struct payment *);
    if (!keys || !payments)
        return STATUS_RESOURCE_EXHAUSTED;
    if (n == 0)
        return STATUS_OK;
    for (size_t i = 0; i < n; i++)
        keys[i] = (struct key){items[i].before->tenant_id, items[i].before->payment_id};
    enum status status = store_payments_get(turn->db, turn->arena, keys, n, payments);
    for (size_t i = 0; status == STATUS_OK && i < n; i++)
        status = try_one(turn, &items[i], payments[i]);
    return status;
}
