// Invoices: what a payer is asked for, and how that stands.
#include <string.h>

#include "http/form.h"
#include "providers/paydunya.h"

static const char *store_name(const struct provider_use *use)
{
    const char *name = credential_get(use->credential, "store_name");
    const char *label = use->credential->label ? use->credential->label : "";
    if (*name)
        return name;
    return *label ? label : "Obol";
}

static char *create_body(const struct provider_use *use, const struct provider_act *act)
{
    struct arena *arena = use->arena;
    const char *invoice = outgoing_object(
        arena, (struct json_member[]){
                   JSON_I("total_amount", act->amount), // without minor units
                   JSON_S("description", act->description ? act->description : act->reference),
                   {0},
               });
    const char *store =
        outgoing_object(arena, (struct json_member[]){JSON_S("name", store_name(use)), {0}});
    const char *actions =
        outgoing_object(arena, (struct json_member[]){JSON_S("callback_url", use->callback_url),
                                                      JSON_S("return_url", act->return_url),
                                                      JSON_S("cancel_url", act->return_url),
                                                      {0}});
    const char *custom =
        outgoing_object(arena, (struct json_member[]){JSON_S("reference", act->reference), {0}});
    return outgoing_object(arena, (struct json_member[]){JSON_R("invoice", invoice),
                                                         JSON_R("store", store),
                                                         JSON_R("actions", actions),
                                                         JSON_R("custom_data", custom),
                                                         {0}});
}

bool paydunya_create(const struct provider_use *use, const struct provider_act *act,
                     struct http_request *ret)
{
    const char *body = create_body(use, act);
    return body && paydunya_build(use, NULL, "/checkout-invoice/create", body, ret);
}

// A hosted page is all that its payer needs; mobile money goes on.
void paydunya_read_create(const struct provider_use *use, const struct provider_act *act,
                          const struct http_response *response, struct outcome *ret)
{
    const struct json_value *body;
    bool hosted = strcmp(act->method, "checkout") == 0;
    if (!paydunya_open(use, response, &body, ret)) {
        // The payer wasn't even asked.
        ret->elsewhere = ret->kind == OUTCOME_FAILED;
        return;
    }
    const char *token = json_get_string(body, "token");
    const char *url = json_get_string(body, "response_text");
    if (!token || !*token || (hosted && (!url || !*url)))
        return;
    ret->kind = hosted ? OUTCOME_REQUIRES_ACTION : OUTCOME_PREPARED;
    ret->action_url = hosted ? url : NULL;
    ret->provider_reference = token;
}

bool paydunya_confirm(const struct provider_use *use, const char *token, struct http_request *ret)
{
    const char *encoded = http_encode(use->arena, token);
    const char *path =
        encoded ? arena_printf(use->arena, "/checkout-invoice/confirm/%s", encoded) : NULL;
    return paydunya_build(use, NULL, path, NULL, ret);
}

static void read_failed(struct arena *arena, const struct json_value *body, struct outcome *ret)
{
    const char *reason = json_get_string(body, "fail_reason");
    bool funds = reason && strcmp(reason, "insufficient_funds") == 0;
    ret->error_code = funds ? "insufficient_funds" : "declined";
    ret->error_message = reason && *reason
                             ? arena_printf(arena, "The payment failed at PayDunya: %s.", reason)
                             : NULL;
    if (!ret->error_message)
        ret->error_message = "The payment failed at PayDunya.";
}

// Money that is not the sum that was asked for, or not for our charge, is for a person to look at.
static bool is_ours(struct arena *arena, const struct provider_act *act,
                    const struct json_value *body, struct outcome *ret)
{
    const char *reference = json_get_string(body, "custom_data.reference");
    if (reference && strcmp(reference, act->reference) != 0)
        ret->error_code = "reference_mismatch";
    else if (!paydunya_amount_is(arena, body, "invoice.total_amount", act->amount))
        ret->error_code = "amount_mismatch";
    return !ret->error_code;
}

void paydunya_read_confirm(const struct provider_use *use, const struct provider_act *act,
                           const struct http_response *response, struct outcome *ret)
{
    static const struct {
        const char *status;
        enum outcome_kind kind;
    } kinds[] = {{"pending", OUTCOME_ACCEPTED},
                 {"completed", OUTCOME_SUCCEEDED},
                 {"cancelled", OUTCOME_CANCELED},
                 {"failed", OUTCOME_FAILED},
                 {"expired", OUTCOME_EXPIRED}};
    const struct json_value *body;
    if (!paydunya_open_query(use, response, &body, ret))
        return;
    const char *status = json_get_string(body, "status");
    for (size_t i = 0; status && i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].status, status) == 0)
            ret->kind = kinds[i].kind;
    if (ret->kind == OUTCOME_SUCCEEDED && !is_ours(use->arena, act, body, ret))
        ret->kind = OUTCOME_LOST;
    else if (ret->kind == OUTCOME_ACCEPTED && act->acting)
        ret->kind = OUTCOME_REQUIRES_ACTION; // still
    else if (ret->kind == OUTCOME_FAILED)
        read_failed(use->arena, body, ret);
}
