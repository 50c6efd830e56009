#include "view.h"

#include <string.h>

#include "json/json.h"

char *view_error(struct arena *arena, const char *code, const char *message)
{
    char *error = json_object(
        arena, (struct json_member[]){JSON_S("code", code), JSON_S("message", message), {0}});
    return error ? json_object(arena, (struct json_member[]){JSON_R("error", error), {0}}) : NULL;
}

static const char *error_of(struct arena *arena, const struct operation *operation)
{
    if (operation->state != OPERATION_FAILED)
        return "null";
    const char *code = operation->error_code;
    return json_object(
        arena,
        (struct json_member[]){JSON_S("code", code), JSON_S("message", decide_message(code)), {0}});
}

char *view_operation(struct arena *arena, const struct operation *operation, const char *base)
{
    const char *error = error_of(arena, operation);
    const char *action = NULL;
    if (operation->state == OPERATION_REQUIRES_ACTION)
        action = arena_printf(arena, "%s/3ds/%s", base, operation->reference);
    if (!error)
        return NULL;
    return json_object(
        arena, (struct json_member[]){
                   JSON_S("reference", operation->reference),
                   JSON_S("kind", operation_kind_name(operation->kind)),
                   JSON_S("status", operation_state_name(operation->state)),
                   JSON_R("error", error),
                   JSON_I("amount", operation->amount),
                   JSON_S("currency", operation->currency),
                   JSON_S("charge", operation->charge ? operation->charge->reference : NULL),
                   JSON_I("captured", operation->captured),
                   JSON_I("refunded", operation->refunded),
                   JSON_S("action_url", action),
                   {0}});
}

char *view_callback(struct arena *arena, const struct operation *operation)
{
    return json_object(
        arena, (struct json_member[]){JSON_S("reference", operation->reference),
                                      JSON_S("kind", operation_kind_name(operation->kind)),
                                      JSON_S("status", operation_state_name(operation->state)),
                                      {0}});
}

struct totals {
    int64_t charged, captured, refunded;
};

static char *charge_row(struct arena *arena, const struct operation *charge, struct totals *totals)
{
    totals->charged += charge->taken ? charge->amount : 0;
    totals->captured += charge->captured;
    totals->refunded += charge->refunded;
    return json_object(arena,
                       (struct json_member[]){JSON_S("reference", charge->reference),
                                              JSON_I("amount", charge->amount),
                                              JSON_S("currency", charge->currency),
                                              JSON_I("captured", charge->captured),
                                              JSON_I("refunded", charge->refunded),
                                              JSON_I("times_charged", ledger_times_charged(charge)),
                                              JSON_S("status", operation_state_name(charge->state)),
                                              {0}});
}

static char *refund_row(struct arena *arena, const struct operation *refund)
{
    return json_object(arena,
                       (struct json_member[]){JSON_S("reference", refund->reference),
                                              JSON_S("charge", refund->charge->reference),
                                              JSON_I("amount", refund->amount),
                                              JSON_S("status", operation_state_name(refund->state)),
                                              {0}});
}

static bool concerns(const struct operation *operation, const char *reference)
{
    return !reference || strcmp(operation->reference, reference) == 0 ||
           (operation->charge && strcmp(operation->charge->reference, reference) == 0);
}

static void view_rows(struct buffer *out, const struct ledger *ledger, enum operation_kind kind,
                      const char *reference, struct totals *totals)
{
    CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    const char *comma = "";
    for (size_t i = 0; arena && i < ledger_count(ledger); i++) {
        const struct operation *operation = ledger_at(ledger, i);
        if (operation->kind != kind || !concerns(operation, reference))
            continue;
        char *row = kind == OPERATION_CHARGE ? charge_row(arena, operation, totals)
                                             : refund_row(arena, operation);
        buffer_adds(out, comma);
        buffer_adds(out, row ? row : "null");
        comma = ",";
        arena_reset(arena);
    }
}

void view_ledger(struct buffer *out, const struct ledger *ledger, const char *reference)
{
    struct totals totals = {0};
    buffer_adds(out, "{\"charges\":[");
    view_rows(out, ledger, OPERATION_CHARGE, reference, &totals);
    buffer_adds(out, "],\"refunds\":[");
    view_rows(out, ledger, OPERATION_REFUND, reference, &totals);
    CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    char *sums =
        !arena ? NULL
               : json_object(arena, (struct json_member[]){JSON_I("charged", totals.charged),
                                                           JSON_I("captured", totals.captured),
                                                           JSON_I("refunded", totals.refunded),
                                                           {0}});
    buffer_adds(out, "],\"totals\":");
    buffer_adds(out, sums ? sums : "null");
    buffer_adds(out, "}");
}
