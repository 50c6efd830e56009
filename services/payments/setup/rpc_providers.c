#include "setup/rpc_providers.h"

#include "rpc/wellknown.h"
#include "json/json.h"

static enum status work_locked(struct worker *worker, struct call *call, void *context)
{
    const struct setup_change *change = context;
    enum status status = store_setup_lock(worker->db, call->arena, call->context.tenant_id);
    return status == STATUS_OK ? change->work(worker, call, change->context) : status;
}

enum status setup_change(struct worker *worker, struct call *call,
                         const struct setup_change *change)
{
    const struct payments_state *state = worker->state;
    struct setup_change copy = *change;
    enum status status = service_once(worker, call, change->object_id, work_locked, &copy);
    // Also when it isn't known whether it happened.
    setups_forget(state->setups, call->context.tenant_id);
    return status;
}

static bool message_json(struct arena *arena, const ProtobufCMessage *message, const char **ret)
{
    *ret = message ? json_write(arena, message) : NULL;
    return *ret || !message;
}

enum status setup_audit(struct worker *worker, struct call *call, const struct setup_audit *audit)
{
    struct audit entry = {
        .tenant_id = call->context.tenant_id,
        .actor = call->context.actor,
        .request_id = call->context.request_id,
        .action = audit->action,
        .object_id = audit->object_id,
    };
    if (!message_json(call->arena, audit->before, &entry.before) ||
        !message_json(call->arena, audit->after, &entry.after))
        return STATUS_RESOURCE_EXHAUSTED;
    return journal_audit(worker->db, call->arena, &entry, 1);
}

// Strings of messages are not written to.
static char *text(const char *value)
{
    return (char *)(uintptr_t)value;
}

Obol__Payments__V1__Credential *view_credential(struct arena *arena,
                                                const struct sealed_credential *row,
                                                const char *callback_base_url)
{
    const struct credential *credential = &row->credential;
    Obol__Payments__V1__Credential *view =
        MESSAGE_NEW(arena, obol__payments__v1__credential, Obol__Payments__V1__Credential);
    if (!view)
        return NULL;
    view->id = text(credential->id);
    view->object = text("credential");
    view->provider = text(credential->provider);
    view->live = credential->live;
    view->enabled = credential->enabled;
    view->label = text(credential->label);
    view->fields = (char **)(uintptr_t)row->names;
    view->n_fields = row->names_n;
    view->created_at = wellknown_time(arena, credential->created_us);
    view->updated_at = wellknown_time(arena, credential->updated_us);
    if (callback_base_url[0])
        view->callback_url = arena_printf(arena, "%s/api/v1/webhooks/%s/%s", callback_base_url,
                                          credential->provider, credential->id);
    return view->created_at && view->updated_at && view->callback_url ? view : NULL;
}

static Obol__Payments__V1__Route *view_route(struct arena *arena, const struct route *route)
{
    Obol__Payments__V1__Route *view =
        MESSAGE_NEW(arena, obol__payments__v1__route, Obol__Payments__V1__Route);
    if (!view)
        return NULL;
    view->id = text(route->id);
    view->object = text("route");
    view->place = route->place;
    view->method = text(route->method);
    view->currency = text(route->currency);
    view->operator_ = text(route->network);
    view->amount_min = route->amount_min;
    view->amount_max = route->amount_max;
    view->credential_id = text(route->credential_id);
    return view;
}

Obol__Payments__V1__RouteList *view_routes(struct arena *arena, const struct route *routes,
                                           size_t n)
{
    Obol__Payments__V1__RouteList *list =
        MESSAGE_NEW(arena, obol__payments__v1__route_list, Obol__Payments__V1__RouteList);
    if (!list || !(list->data = ARENA_ARRAY(arena, n, Obol__Payments__V1__Route *)))
        return NULL;
    list->object = text("list");
    for (; list->n_data < n; list->n_data++) {
        list->data[list->n_data] = view_route(arena, &routes[list->n_data]);
        if (!list->data[list->n_data])
            return NULL;
    }
    return list;
}

Obol__Payments__V1__Limit *view_limit(struct arena *arena, const struct limit *limit)
{
    Obol__Payments__V1__Limit *view =
        MESSAGE_NEW(arena, obol__payments__v1__limit, Obol__Payments__V1__Limit);
    if (!view)
        return NULL;
    view->object = text("limit");
    view->currency = text(limit->currency);
    view->minimum = limit->minimum;
    view->maximum = limit->maximum;
    view->daily = limit->daily;
    view->review_above = limit->review_above;
    return view;
}
