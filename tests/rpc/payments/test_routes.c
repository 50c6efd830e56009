// Routes and limits over the wire.
#include "providers.h"

TestSuite(routes, .init = begin, .fini = end, .timeout = 120);
TestSuite(limits, .init = begin, .fini = end, .timeout = 120);

static Obol__Payments__V1__Route *route(const char *method, const char *currency,
                                        const char *credential_id)
{
    Obol__Payments__V1__Route *route = NEW(f.arena, route, Route);
    route->method = (char *)method;
    route->currency = (char *)currency;
    route->credential_id = (char *)credential_id;
    return route;
}

static const Obol__Payments__V1__RouteList *set_routes(Obol__Payments__V1__Route **routes, size_t n)
{
    Obol__Payments__V1__SetRoutesRequest *request =
        NEW(f.arena, set_routes_request, SetRoutesRequest);
    request->routes = routes;
    request->n_routes = n;
    return (const Obol__Payments__V1__RouteList *)ask(METHOD_ProviderService_SetRoutes,
                                                      &request->base, NULL);
}

static const Obol__Payments__V1__RouteList *listed_routes(void)
{
    return (const Obol__Payments__V1__RouteList *)ask(
        METHOD_ProviderService_ListRoutes,
        &NEW(f.arena, list_routes_request, ListRoutesRequest)->base, NULL);
}

Test(routes, are_set_all_at_once)
{
    const char *id = made(mtn(NULL))->id;
    Obol__Payments__V1__Route *first = route("mobile_money", "ZMW", id);
    Obol__Payments__V1__Route *second = route("mobile_money", "", id);
    first->amount_min = 100;
    first->amount_max = 5000;
    first->operator_ = "mtn";
    cr_assert_not_null(set_routes((Obol__Payments__V1__Route *[]){first, second}, 2), "%s",
                       problem.detail);
    const Obol__Payments__V1__RouteList *list = listed_routes();
    cr_assert_eq(list->n_data, 2);
    cr_assert_eq(list->data[0]->place, 1);
    cr_assert_eq(list->data[0]->amount_max, 5000);
    cr_assert_str_eq(list->data[0]->operator_, "mtn");
    cr_assert_str_eq(list->data[1]->credential_id, id);
    Obol__Payments__V1__Route *wrong = route("card", "ZMW", id);
    cr_assert_null(set_routes((Obol__Payments__V1__Route *[]){second, wrong}, 2));
    assert_problem(STATUS_INVALID_ARGUMENT, "invalid_request", "routes[1].credential_id");
    cr_assert_eq(listed_routes()->n_data, 2, "nothing changed");
    cr_assert_not_null(set_routes((Obol__Payments__V1__Route *[]){second}, 1));
    cr_assert_eq(listed_routes()->n_data, 1);
    cr_assert_not_null(set_routes(NULL, 0));
    cr_assert_eq(listed_routes()->n_data, 0);
    cr_assert_str_eq(
        test_sql(f.db, f.arena, "SELECT count(*) FROM audit_log WHERE action = 'routes.set'"), "3");
}

static void assert_route_refused(Obol__Payments__V1__Route *route, const char *param)
{
    cr_assert_null(set_routes(&route, 1), "%s", param);
    assert_problem(STATUS_INVALID_ARGUMENT, "invalid_request", param);
}

Test(routes, lead_only_where_they_can)
{
    const char *id = made(mtn(NULL))->id;
    tenant = "tnt_b";
    const char *other = made(mtn(NULL))->id;
    tenant = TENANT;
    Obol__Payments__V1__Route *bounded = route("mobile_money", "", id);
    bounded->amount_max = 5;
    assert_route_refused(bounded, "routes[0].currency");
    Obol__Payments__V1__Route *turned = route("mobile_money", "ZMW", id);
    turned->amount_min = 6;
    turned->amount_max = 5;
    assert_route_refused(turned, "routes[0].amount_max");
    turned->amount_min = -1;
    assert_route_refused(turned, "routes[0].amount_min");
    Obol__Payments__V1__Route *airtel = route("mobile_money", "ZMW", id);
    airtel->operator_ = "airtel";
    assert_route_refused(airtel, "routes[0].credential_id");
    Obol__Payments__V1__Route *operated = route("card", "ZMW", id);
    operated->operator_ = "mtn";
    assert_route_refused(operated, "routes[0].operator");
    assert_route_refused(route("cash", "ZMW", id), "routes[0].method");
    assert_route_refused(route("mobile_money", "zmw", id), "routes[0].currency");
    assert_route_refused(route("mobile_money", "USD", id), "routes[0].credential_id");
    assert_route_refused(route("mobile_money", "ZMW", other), "routes[0].credential_id");
    assert_route_refused(route("mobile_money", "ZMW", "default"), "routes[0].credential_id");
}

static const Obol__Payments__V1__Limit *set_limit(const char *currency, int64_t minimum,
                                                  int64_t maximum)
{
    Obol__Payments__V1__SetLimitRequest *request = NEW(f.arena, set_limit_request, SetLimitRequest);
    request->limit = NEW(f.arena, limit, Limit);
    request->limit->currency = (char *)currency;
    request->limit->minimum = minimum;
    request->limit->maximum = maximum;
    return (const Obol__Payments__V1__Limit *)ask(METHOD_ProviderService_SetLimit, &request->base,
                                                  NULL);
}

static const Obol__Payments__V1__LimitList *listed_limits(void)
{
    return (const Obol__Payments__V1__LimitList *)ask(
        METHOD_ProviderService_ListLimits,
        &NEW(f.arena, list_limits_request, ListLimitsRequest)->base, NULL);
}

Test(limits, are_set_changed_and_removed)
{
    cr_assert_eq(set_limit("ZMW", 100, 5000)->maximum, 5000);
    cr_assert_not_null(set_limit("UGX", 1, 0));
    cr_assert_not_null(set_limit("ZMW", 200, 5000));
    const Obol__Payments__V1__LimitList *list = listed_limits();
    cr_assert_eq(list->n_data, 2);
    cr_assert_str_eq(list->data[1]->currency, "ZMW");
    cr_assert_eq(list->data[1]->minimum, 200);
    cr_assert_not_null(set_limit("UGX", 0, 0));
    cr_assert_eq(listed_limits()->n_data, 1);
    cr_assert_null(set_limit("ZMW", 200, 100));
    assert_problem(STATUS_INVALID_ARGUMENT, "invalid_request", "limit.maximum");
    cr_assert_null(set_limit("ZMW", -1, 100));
    assert_problem(STATUS_INVALID_ARGUMENT, "invalid_request", "limit.minimum");
    cr_assert_null(set_limit("zmw", 1, 100));
    assert_problem(STATUS_INVALID_ARGUMENT, "invalid_request", "limit.currency");
    tenant = "tnt_b";
    cr_assert_eq(listed_limits()->n_data, 0);
}
