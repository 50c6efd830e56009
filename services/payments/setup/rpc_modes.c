// Tenants go live, or back to tests. What stands goes on under its own credential.
#include "base/clock.h"
#include "rpc/wellknown.h"
#include "setup/rpc_providers.h"

#define MODES_MAX 100

static Obol__Payments__V1__TenantMode *view(struct arena *arena, const struct tenant_mode *mode)
{
    Obol__Payments__V1__TenantMode *view =
        MESSAGE_NEW(arena, obol__payments__v1__tenant_mode, Obol__Payments__V1__TenantMode);
    if (!view)
        return NULL;
    view->tenant_id = (char *)(uintptr_t)mode->tenant_id;
    view->object = (char *)(uintptr_t) "tenant_mode";
    view->test_mode = mode->test_mode;
    view->settled = mode->settled;
    view->live_credentials = mode->live_n;
    view->test_credentials = mode->test_n;
    if (!mode->settled)
        return view;
    view->updated_at = wellknown_time(arena, mode->updated_us);
    return view->updated_at ? view : NULL;
}

// A wrong turn: every payment of the tenant would be refused.
static enum status check_turn(struct call *call, const struct tenant_mode *before,
                              const Obol__Payments__V1__SetTenantModeRequest *request)
{
    if (request->test_mode || request->force || before->live_n > 0)
        return STATUS_OK;
    return call_refuse(call, STATUS_FAILED_PRECONDITION, "no_live_credential", NULL,
                       "The tenant has no enabled live credential, so that all its payments would "
                       "be refused: give it one first.");
}

static enum status set(struct worker *worker, struct call *call, void *context)
{
    const Obol__Payments__V1__SetTenantModeRequest *request = context;
    struct tenant_mode before;
    enum status status =
        store_tenant_modes_list(worker->db, call->arena, &call->context.tenant_id, 1, &before);
    if (status == STATUS_OK)
        status = check_turn(call, &before, request);
    if (status != STATUS_OK)
        return status;
    struct tenant_mode after = before;
    after.test_mode = request->test_mode;
    after.settled = true;
    after.updated_us = clock_unix_us();
    const Obol__Payments__V1__TenantMode *old = view(call->arena, &before);
    Obol__Payments__V1__TenantMode *new = view(call->arena, &after);
    if (!old || !new)
        return STATUS_RESOURCE_EXHAUSTED;
    status = store_tenant_mode_put(worker->db, call->arena, &after);
    if (status == STATUS_OK)
        status = setup_audit(
            worker, call,
            &(struct setup_audit){"tenant.mode", after.tenant_id, &old->base, &new->base});
    if (status == STATUS_OK)
        call_answer(call, &new->base);
    return status;
}

enum status rpc_set_tenant_mode(void *worker, struct call *call)
{
    Obol__Payments__V1__SetTenantModeRequest *request =
        (Obol__Payments__V1__SetTenantModeRequest *)(uintptr_t)call->request;
    enum status status = validate_tenant(call->context.tenant_id, &call->problem);
    if (status != STATUS_OK)
        return status;
    return setup_change(worker, call,
                        &(struct setup_change){call->context.tenant_id, set, request});
}

enum status rpc_list_tenant_modes(void *context, struct call *call)
{
    struct worker *worker = context;
    const Obol__Payments__V1__ListTenantModesRequest *request =
        CALL_REQUEST(call, Obol__Payments__V1__ListTenantModesRequest);
    size_t n = request->n_tenant_ids;
    if (n > MODES_MAX)
        return call_refuse(call, STATUS_INVALID_ARGUMENT, "invalid_request", "tenant_ids",
                           "At most %d at once.", MODES_MAX);
    struct tenant_mode *modes = ARENA_ARRAY(call->arena, n, struct tenant_mode);
    Obol__Payments__V1__TenantModeList *list = MESSAGE_NEW(
        call->arena, obol__payments__v1__tenant_mode_list, Obol__Payments__V1__TenantModeList);
    if (!modes || !list ||
        !(list->data = ARENA_ARRAY(call->arena, n, Obol__Payments__V1__TenantMode *)))
        return call_refuse_status(call, STATUS_RESOURCE_EXHAUSTED);
    enum status status = store_tenant_modes_list(
        worker->db, call->arena, (const char *const *)request->tenant_ids, n, modes);
    if (status != STATUS_OK)
        return call_refuse_status(call, status);
    list->object = (char *)(uintptr_t) "list";
    for (; list->n_data < n; list->n_data++)
        if (!(list->data[list->n_data] = view(call->arena, &modes[list->n_data])))
            return call_refuse_status(call, STATUS_RESOURCE_EXHAUSTED);
    call_answer(call, &list->base);
    return STATUS_OK;
}
