// A tenant's routes: set all at once, since what one does depends on those before it.
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/id.h"
#include "payment.h"
#include "setup/rpc_providers.h"

typedef Obol__Payments__V1__SetRoutesRequest Request;

struct route_check {
    const struct providers *providers;
    const struct sealed_credential *credentials;
    size_t credentials_n;
    struct problem *problem;
};

__attribute__((format(printf, 4, 5))) static enum status
refuse(const struct route_check *check, size_t i, const char *field, const char *format, ...)
{
    char param[PROBLEM_PARAM_MAX], detail[PROBLEM_DETAIL_MAX];
    va_list arguments;
    (void)snprintf(param, sizeof param, "routes[%zu].%s", i, field);
    va_start(arguments, format);
    (void)vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    return problem_invalid(check->problem, param, detail);
}

static const struct provider *provider_of(const struct route_check *check, const char *id)
{
    for (size_t i = 0; i < check->credentials_n; i++)
        if (strcmp(check->credentials[i].credential.id, id) == 0)
            return providers_find(check->providers, check->credentials[i].credential.provider);
    return NULL;
}

static const char *given(const char *text)
{
    return text[0] ? text : NULL;
}

static bool method_known(const char *method)
{
    static const char *const methods[] = {"upi", "card", "mobile_money", "checkout"};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (strcmp(method, methods[i]) == 0)
            return true;
    return false;
}

static enum status check_condition(const struct route_check *check, size_t i,
                                   const struct route *route)
{
    bool bounded = route->amount_min || route->amount_max;
    if (!method_known(route->method))
        return refuse(check, i, "method", "upi, card, mobile_money or checkout.");
    if (route->currency[0] && validate_currency(route->currency, check->problem) != STATUS_OK)
        return refuse(check, i, "currency", "A currency is three capital letters (ISO 4217).");
    if (route->network[0] && strcmp(route->method, "mobile_money") != 0)
        return refuse(check, i, "operator", "Only mobile money has operators.");
    if (route->amount_min < 0 || route->amount_min > PAYMENT_AMOUNT_MAX)
        return refuse(check, i, "amount_min", "0 to %lld.", PAYMENT_AMOUNT_MAX);
    if (route->amount_max < 0 || route->amount_max > PAYMENT_AMOUNT_MAX)
        return refuse(check, i, "amount_max", "0 to %lld.", PAYMENT_AMOUNT_MAX);
    if (route->amount_max && route->amount_max < route->amount_min)
        return refuse(check, i, "amount_max", "It is less than amount_min.");
    if (bounded && !route->currency[0])
        return refuse(check, i, "currency", "Amounts are of a currency: name it.");
    return STATUS_OK;
}

static enum status check_route(const struct route_check *check, size_t i, const struct route *route)
{
    enum status status = check_condition(check, i, route);
    if (status != STATUS_OK)
        return status;
    const struct provider *provider = provider_of(check, route->credential_id);
    if (!provider)
        return refuse(check, i, "credential_id", "The tenant has no such credential.");
    if (!provider_supports(provider, route->method, given(route->currency), given(route->network),
                           false))
        return refuse(check, i, "credential_id", "%s does not take %s%s%s%s%s.", provider->title,
                      route->method, route->currency[0] ? " in " : "", route->currency,
                      route->network[0] ? " of " : "", route->network);
    return STATUS_OK;
}

// NULL: the arena is full.
static struct route *routes_of(struct arena *arena, const Request *request)
{
    struct route *routes = ARENA_ARRAY(arena, request->n_routes, struct route);
    for (size_t i = 0; routes && i < request->n_routes; i++) {
        const Obol__Payments__V1__Route *asked = request->routes[i];
        routes[i] = (struct route){
            .id = arena_strdup(arena, id_new("route").text),
            .place = (int64_t)i + 1,
            .method = asked->method,
            .currency = asked->currency,
            .network = asked->operator_,
            .amount_min = asked->amount_min,
            .amount_max = asked->amount_max,
            .credential_id = asked->credential_id,
        };
        if (!routes[i].id)
            return NULL;
    }
    return routes;
}

static enum status check_all(struct worker *worker, struct call *call, const struct route *routes,
                             size_t n)
{
    const struct payments_state *state = worker->state;
    struct route_check check = {.providers = state->providers, .problem = &call->problem};
    struct sealed_credential *credentials = NULL;
    enum status status = store_credentials_list(worker->db, call->arena, call->context.tenant_id,
                                                &credentials, &check.credentials_n);
    check.credentials = credentials;
    for (size_t i = 0; status == STATUS_OK && i < n; i++)
        status = check_route(&check, i, &routes[i]);
    return status;
}

static enum status replace(struct worker *worker, struct call *call, const struct route *routes,
                           size_t n)
{
    const char *tenant_id = call->context.tenant_id;
    struct route *before = NULL;
    size_t before_n = 0;
    enum status status = store_routes_list(worker->db, call->arena, tenant_id, &before, &before_n);
    if (status == STATUS_OK)
        status = store_routes_replace(worker->db, call->arena, tenant_id, routes, n);
    if (status != STATUS_OK)
        return status;
    const Obol__Payments__V1__RouteList *old = view_routes(call->arena, before, before_n);
    const Obol__Payments__V1__RouteList *new = view_routes(call->arena, routes, n);
    if (!old || !new)
        return STATUS_RESOURCE_EXHAUSTED;
    status = setup_audit(worker, call,
                         &(struct setup_audit){"routes.set", tenant_id, &old->base, &new->base});
    if (status == STATUS_OK)
        call_answer(call, &new->base);
    return status;
}

static enum status set(struct worker *worker, struct call *call, void *context)
{
    const struct route *routes = context;
    size_t n = CALL_REQUEST(call, Request)->n_routes;
    enum status status = check_all(worker, call, routes, n);
    return status == STATUS_OK ? replace(worker, call, routes, n) : status;
}

enum status rpc_set_routes(void *worker, struct call *call)
{
    const Request *request = CALL_REQUEST(call, Request);
    enum status status = validate_tenant(call->context.tenant_id, &call->problem);
    if (status != STATUS_OK)
        return status;
    if (request->n_routes > SETUP_ROUTES_MAX)
        return call_refuse(call, STATUS_INVALID_ARGUMENT, "invalid_request", "routes",
                           "At most %d routes.", SETUP_ROUTES_MAX);
    struct route *routes = routes_of(call->arena, request);
    if (!routes)
        return call_refuse_status(call, STATUS_RESOURCE_EXHAUSTED);
    return setup_change(worker, call, &(struct setup_change){call->context.tenant_id, set, routes});
}

enum status rpc_list_routes(void *context, struct call *call)
{
    struct worker *worker = context;
    struct route *routes = NULL;
    size_t n = 0;
    enum status status = validate_tenant(call->context.tenant_id, &call->problem);
    if (status != STATUS_OK)
        return status;
    status = store_routes_list(worker->db, call->arena, call->context.tenant_id, &routes, &n);
    const Obol__Payments__V1__RouteList *list =
        status == STATUS_OK ? view_routes(call->arena, routes, n) : NULL;
    if (!list)
        return call_refuse_status(call, status == STATUS_OK ? STATUS_RESOURCE_EXHAUSTED : status);
    call_answer(call, &list->base);
    return STATUS_OK;
}
