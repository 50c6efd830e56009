// What moves money at Blumon, and what prepares for it.
#include <string.h>

#include "base/currency.h"
#include "http/form.h"
#include "providers/blumon.h"

static bool mode_is(const struct provider_use *use, const char *mode)
{
    return strcmp(blumon_field(use, "three_d_secure", "never"), mode) == 0;
}

enum blumon_step blumon_step(const struct provider_use *use, const struct provider_act *act)
{
    if (act->kind != OPERATION_CHARGE)
        return BLUMON_GIVE_BACK;
    if (strcmp(act->method, "checkout") == 0)
        return BLUMON_CHECKOUT;
    bool registers = (mode_is(use, "always") && act->stage == 0) ||
                     (mode_is(use, "on_demand") && act->stage == 1);
    return registers ? BLUMON_REGISTER : BLUMON_CHARGE;
}

bool blumon_may_register(const struct provider_use *use, const struct provider_act *act)
{
    return mode_is(use, "on_demand") && act->stage == 0;
}

// It takes a given name and a family name: what stands before the first blank, and the rest.
char *blumon_customer(struct arena *arena, const char *name, const char *email, const char *phone)
{
    const char *whole = name ? name : "";
    size_t first = strcspn(whole, " ");
    const char *rest = whole + first + strspn(whole + first, " ");
    return json_object(arena, (struct json_member[]){
                                  JSON_S("firstName", arena_strndup(arena, whole, first)),
                                  JSON_S("lastName", rest),
                                  JSON_S("middleName", ""),
                                  JSON_S("email", email ? email : ""),
                                  JSON_S("phone1", phone ? phone : ""),
                                  JSON_S("city", ""),
                                  JSON_S("address1", ""),
                                  JSON_S("postalCode", ""),
                                  JSON_S("state", ""),
                                  JSON_S("country", ""),
                                  JSON_S("ip", ""),
                                  {0},
                              });
}

static char *amount_of(struct arena *arena, const struct provider_act *act)
{
    return currency_decimal(arena, act->amount, act->currency, false);
}

static char *card_of(struct arena *arena, const struct provider_act *act)
{
    return json_object(arena, (struct json_member[]){JSON_S("cardToken", act->token), {0}});
}

// The charge and the registration differ in what follows the card.
static char *payment_body(const struct provider_use *use, const struct provider_act *act,
                          struct json_member last)
{
    struct arena *arena = use->arena;
    return outgoing_object(arena,
                           (struct json_member[]){
                               JSON_R("amount", amount_of(arena, act)),
                               JSON_S("currency", currency_number(act->currency)),
                               JSON_S("reference", act->reference),
                               JSON_S("notificationUrl", use->callback_url),
                               JSON_R("customerInformation",
                                      blumon_customer(arena, act->name, act->email, act->phone)),
                               JSON_R("noPresentCardData", card_of(arena, act)),
                               last,
                               {0},
                           });
}

static char *checkout_body(const struct provider_use *use, const struct provider_act *act)
{
    struct arena *arena = use->arena;
    return outgoing_object(arena,
                           (struct json_member[]){
                               JSON_R("amount", amount_of(arena, act)),
                               JSON_S("currency", currency_number(act->currency)),
                               JSON_S("reference", act->reference),
                               JSON_S("description", act->description),
                               JSON_S("notificationUrl", use->callback_url),
                               JSON_S("urlCallback", act->return_url),
                               JSON_R("customerInformation",
                                      blumon_customer(arena, act->name, act->email, act->phone)),
                               {0},
                           });
}

// A void takes the whole charge back, and the card with it where it is still known.
static bool give_back(const struct provider_use *use, const struct provider_act *act,
                      struct http_request *ret)
{
    struct arena *arena = use->arena;
    bool whole = act->kind == OPERATION_CANCEL || act->amount == act->charge_amount;
    const char *charge = act->charge_provider_reference ? act->charge_provider_reference : "";
    const char *encoded = http_encode(arena, charge);
    const char *prefix =
        whole ? "/ecommerce/cancel/" : blumon_field(use, "refund_path", "/ecommerce/refund/");
    const char *path = encoded ? arena_printf(arena, "%s%s", prefix, encoded) : NULL;
    struct json_member card = {0};
    if (act->token)
        card = (struct json_member)JSON_R("noPresentCardData", card_of(arena, act));
    const char *body = outgoing_object(arena, (struct json_member[]){
                                                  JSON_R("amount", amount_of(arena, act)),
                                                  JSON_S("reference", act->reference),
                                                  JSON_S("notificationUrl", use->callback_url),
                                                  card,
                                                  {0},
                                              });
    return body && blumon_build(use, path, body, ret);
}

bool blumon_act(const struct provider_use *use, const struct provider_act *act,
                struct http_request *ret)
{
    const char *path = "/ecommerce/charge", *body = NULL;
    switch (blumon_step(use, act)) {
    case BLUMON_CHARGE:
        body = payment_body(
            use, act, (struct json_member)JSON_S("threeDSTransactionId", act->provider_reference));
        break;
    case BLUMON_REGISTER:
        path = "/mpi/3ds-registry";
        body = payment_body(use, act, (struct json_member)JSON_S("returnUrl", act->return_url));
        break;
    case BLUMON_CHECKOUT:
        path = "/checkout/generate";
        body = checkout_body(use, act);
        break;
    case BLUMON_GIVE_BACK:
        return act->kind != OPERATION_CAPTURE && give_back(use, act, ret);
    }
    return body && blumon_build(use, path, body, ret);
}

// There is nothing to ask with by itself: a registration can be looked at, and an installation that
// knows of a status by reference names its path.
enum provider_ask blumon_query(const struct provider_use *use, const struct provider_act *act,
                               struct http_request *ret)
{
    const char *prefix = blumon_field(use, "status_path", "");
    const char *name = act->reference;
    if (blumon_step(use, act) == BLUMON_REGISTER) {
        prefix = blumon_field(use, "threeds_status_path", "/mpi/3ds-registry/");
        name = act->provider_reference;
    }
    if (!*prefix || !name)
        return ASK_NEVER;
    const char *encoded = http_encode(use->arena, name);
    const char *path = encoded ? arena_printf(use->arena, "%s%s", prefix, encoded) : NULL;
    return blumon_build(use, path, NULL, ret) ? ASK_BUILT : ASK_FULL;
}
