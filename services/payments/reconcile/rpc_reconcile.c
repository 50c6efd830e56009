// Reconcile, in the slow lane: it waits for the provider, and then writes what it has found.
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "reconcile/csv.h"
#include "reconcile/reconcile_run.h"
#include "reconcile/reconcile_write.h"
#include "setup/rpc_providers.h"

#define MARGIN_MS 1000 // of the call's time, to write and answer in

typedef Obol__Payments__V1__ReconcileRequest Request;

struct reconciling {
    struct arena *arena;
    struct reconcile result;
    struct reconciliation run;
};

static const Request *request_of(const struct call *call)
{
    return CALL_REQUEST(call, Request);
}

static enum status check(const struct payments_state *state, struct call *call)
{
    const Request *request = request_of(call);
    int64_t day_us;
    enum status status = validate_tenant(call->context.tenant_id, &call->problem);
    if (status != STATUS_OK)
        return status;
    if (!providers_find(state->providers, request->provider))
        return problem_invalid(&call->problem, "provider", "There is no such provider.");
    if (!reconcile_day_parse(request->date, &day_us))
        return problem_invalid(&call->problem, "date", "Must be a day, such as 2026-11-21.");
    if (day_us > clock_unix_us())
        return problem_invalid(&call->problem, "date", "That day has not begun yet.");
    if (strlen(request->csv) > CSV_BYTES_MAX)
        return problem_invalid(&call->problem, "csv", "The file is larger than 1 MiB.");
    return STATUS_OK;
}

// --- Which credential
static enum status refuse_choice(struct call *call, const struct setup *setup)
{
    const char *names = "";
    for (size_t i = 0; names && i < setup->credentials_n; i++)
        if (strcmp(setup->credentials[i].provider, request_of(call)->provider) == 0)
            names = arena_printf(call->arena, "%s%s%s", names, names[0] ? ", " : "",
                                 setup->credentials[i].id);
    if (!names)
        return call_refuse_status(call, STATUS_RESOURCE_EXHAUSTED);
    if (!names[0])
        return call_refuse(call, STATUS_INVALID_ARGUMENT, "credential_missing", "provider",
                           "The tenant has no credential of %s.", request_of(call)->provider);
    return call_refuse(call, STATUS_INVALID_ARGUMENT, "credential_ambiguous", "credential_id",
                       "The tenant has several of them: name one of %s.", names);
}

static enum status find_named(struct call *call, const struct setup *setup,
                              const struct credential **ret)
{
    const Request *request = request_of(call);
    const struct credential *found = setup_credential(setup, request->credential_id);
    if (!found || strcmp(found->provider, request->provider) != 0)
        return problem_not_found(&call->problem, "credential");
    *ret = found;
    return STATUS_OK;
}

static enum status choose(struct call *call, const struct setup *setup,
                          const struct credential **ret)
{
    const char *provider = request_of(call)->provider;
    const struct credential *simulator = setup->simulator;
    size_t n = 0;
    if (request_of(call)->credential_id[0])
        return find_named(call, setup, ret);
    for (size_t i = 0; i < setup->credentials_n; i++) {
        if (strcmp(setup->credentials[i].provider, provider) != 0)
            continue;
        *ret = &setup->credentials[i];
        n++;
    }
    if (n == 0 && simulator && strcmp(simulator->provider, provider) == 0) {
        *ret = simulator;
        n = 1;
    }
    return n == 1 ? STATUS_OK : refuse_choice(call, setup);
}

// --- The run
static enum status write(struct worker *worker, struct call *call, void *context)
{
    const struct reconciling *reconciling = context;
    const struct cause cause = {call->context.actor, call->context.request_id,
                                call->context.traceparent};
    bool made = false;
    enum status status = reconcile_write(worker->db, reconciling->arena, &reconciling->run,
                                         &reconciling->result, &cause, &made);
    if (status != STATUS_OK)
        return status;
    const Obol__Payments__V1__Reconciliation *view = view_reconciliation(
        call->arena, &reconciling->run, &reconciling->result, RECONCILE_SHOWN_MAX);
    if (!view)
        return STATUS_RESOURCE_EXHAUSTED;
    call_answer(call, &view->base);
    return STATUS_OK;
}

static enum status reconcile(struct worker *worker, struct call *call, const struct setup *setup,
                             struct reconciling *reconciling)
{
    const Request *request = request_of(call);
    struct reconcile_run run = {
        .state = worker->state,
        .setup = setup,
        .day = request->date,
        .csv = request->csv[0] ? bytes_of_string(request->csv) : (struct bytes){0},
        .deadline_ns = call->context.deadline_ns - MARGIN_MS * NS_PER_MS,
    };
    enum status status = choose(call, setup, &run.credential);
    if (status != STATUS_OK)
        return status;
    status = reconcile_run(&run, worker->db, reconciling->arena, &reconciling->result,
                           &reconciling->run, &call->problem);
    if (status != STATUS_OK)
        return call->problem.status ? call->problem.status : call_refuse_status(call, status);
    reconciling->run.id = arena_strdup(reconciling->arena, id_new("rec").text);
    if (!reconciling->run.id)
        return call_refuse_status(call, STATUS_RESOURCE_EXHAUSTED);
    return service_once(worker, call, reconciling->run.id, write, reconciling);
}

static void free_arena(void *arena)
{
    arena_free(arena);
}

// For more than a call's own holds; the answer borrows from it, so it lives as long.
static struct arena *arena_of(struct call *call)
{
    struct arena *arena = arena_new(RECONCILE_ARENA_CAP);
    return arena && arena_defer(call->arena, free_arena, arena) ? arena : NULL;
}

enum status rpc_reconcile(void *context, struct call *call)
{
    struct worker *worker = context;
    const struct payments_state *state = worker->state;
    struct reconciling reconciling = {0};
    const struct setup *setup = NULL;
    enum status status = check(state, call);
    if (status != STATUS_OK)
        return status;
    reconciling.arena = arena_of(call);
    if (!reconciling.arena)
        return call_refuse_status(call, STATUS_RESOURCE_EXHAUSTED);
    setups_forget(state->setups, call->context.tenant_id); // what is stored now counts
    status = setups_get(state->setups, worker->db, call->context.tenant_id, &setup);
    if (status != STATUS_OK)
        return call_refuse_status(call, status);
    status = reconcile(worker, call, setup, &reconciling);
    setup_release(setup);
    if (status == STATUS_OK) {
        state_ring(state, false);
        reconcile_measure(state->providers, worker->db, reconciling.arena);
    }
    return status;
}
