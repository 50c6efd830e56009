#include <criterion/criterion.h>
#include <string.h>

#include "gateway.h"

static struct arena *arena;
static struct routes *routes;

static void setup(void)
{
    arena = arena_new(ARENA_CAP_REQUEST);
    routes = routes_new();
}

static void teardown(void)
{
    routes_free(routes);
    arena_free(arena);
}

TestSuite(routes, .init = setup, .fini = teardown);

static const char *found(const char *verb, const char *path, struct route_match *match)
{
    return routes_find(routes, arena, verb, path, match) == STATUS_OK ? match->method->name
                                                                      : "none";
}

Test(routes, name_the_method_of_a_path)
{
    struct route_match match;
    cr_assert_str_eq(found("POST", "/api/v1/payments", &match), "CreatePayment");
    cr_assert_eq(match.upstream, UPSTREAM_PAYMENTS);
    cr_assert_str_eq(found("GET", "/api/v1/payments/pay_1/refunds", &match), "ListRefunds");
    cr_assert_eq(match.upstream, UPSTREAM_REFUNDS);
    cr_assert_str_eq(match.names[0], "payment_id");
    cr_assert_str_eq(match.values[0], "pay_1");
    cr_assert_str_eq(found("GET", "/api/v1/test/jobs/status", &match), "GetJobsStatus");
    cr_assert_eq(match.upstream, UPSTREAM_NONE);
}

Test(routes, prefer_the_more_literal_pattern)
{
    struct route_match match;
    cr_assert_str_eq(found("POST", "/api/v1/webhooks/whd_1/retry", &match), "RetryDelivery");
    cr_assert_str_eq(found("POST", "/api/v1/webhooks/simulator/default", &match),
                     "ProviderCallback");
    cr_assert_str_eq(found("PUT", "/api/v1/webhooks/simulator", &match), "ProviderCallback");
    cr_assert_str_eq(found("GET", "/api/v1/webhooks/whd_1", &match), "GetDelivery");
    cr_assert_str_eq(found("GET", "/api/v1/webhooks/mtn/status", &match), "GetCallbackStatus");
    cr_assert_eq(match.upstream, UPSTREAM_PAYMENTS);
    cr_assert_str_eq(match.names[0], "provider");
    cr_assert_str_eq(match.values[0], "mtn");
    cr_assert_eq(routes_find(routes, arena, "POST", "/api/v1/webhooks/mtn/status", &match),
                 STATUS_UNIMPLEMENTED);
    cr_assert_str_eq(match.allow, "GET");
    cr_assert_eq(routes_find(routes, arena, "PUT", "/api/v1/webhooks/whd_1/retry", &match),
                 STATUS_UNIMPLEMENTED);
    cr_assert_str_eq(match.allow, "POST");
}

Test(routes, take_callbacks_under_a_second_name)
{
    static const char *const verbs[] = {"POST", "PUT"};
    struct route_match match;
    for (size_t i = 0; i < 2; i++) {
        cr_assert_str_eq(found(verbs[i], "/api/v1/sdk/webhooks/blumon", &match),
                         "ProviderCallback");
        cr_assert_eq(match.n, 1);
        cr_assert_str_eq(match.values[0], "blumon");
        cr_assert_str_eq(found(verbs[i], "/api/v1/sdk/webhooks/blumon/cred_1", &match),
                         "ProviderCallback");
        cr_assert_str_eq(match.names[1], "credential_id");
        cr_assert_str_eq(match.values[1], "cred_1");
    }
    cr_assert_eq(routes_find(routes, arena, "GET", "/api/v1/sdk/webhooks/blumon", &match),
                 STATUS_UNIMPLEMENTED);
}

Test(routes, say_which_verbs_are_right)
{
    struct route_match match;
    cr_assert_eq(routes_find(routes, arena, "DELETE", "/api/v1/payments", &match),
                 STATUS_UNIMPLEMENTED);
    cr_assert_str_eq(match.allow, "POST, GET");
    cr_assert_eq(routes_find(routes, arena, "GET", "/api/v1/payments/pay_1/capture", &match),
                 STATUS_UNIMPLEMENTED);
    cr_assert_str_eq(match.allow, "POST");
}

Test(routes, decode_variables_and_refuse_what_is_no_path)
{
    struct route_match match;
    cr_assert_str_eq(found("GET", "/api/v1/payments/pay%5F1", &match), "GetPayment");
    cr_assert_str_eq(match.values[0], "pay_1");
    cr_assert_eq(routes_find(routes, arena, "GET", "/api/v1/payments/%zz", &match),
                 STATUS_NOT_FOUND);
    cr_assert_eq(routes_find(routes, arena, "GET", "/api/v1/payments/%00", &match),
                 STATUS_NOT_FOUND);
    cr_assert_eq(routes_find(routes, arena, "GET", "/api/v1/payments/", &match), STATUS_NOT_FOUND);
    cr_assert_eq(routes_find(routes, arena, "GET", "/api/v1/nothing", &match), STATUS_NOT_FOUND);
    cr_assert_eq(routes_find(routes, arena, "GET", "", &match), STATUS_NOT_FOUND);
    cr_assert_eq(routes_find(routes, arena, "GET", "/a/b/c/d/e/f/g/h/i/j", &match),
                 STATUS_NOT_FOUND);
    cr_assert_null(match.allow);
}

Test(refusal, maps_each_problem_to_its_http_status)
{
    static const struct {
        enum status status;
        const char *code;
        int http;
    } cases[] = {
        {STATUS_INVALID_ARGUMENT, "invalid_request", 400},
        {STATUS_INVALID_ARGUMENT, "currency_unsupported", 422},
        {STATUS_INVALID_ARGUMENT, "unsupported_media_type", 415},
        {STATUS_OUT_OF_RANGE, "refund_exceeds_captured", 422},
        {STATUS_UNAUTHENTICATED, "authentication_failed", 401},
        {STATUS_PERMISSION_DENIED, "tenant_mismatch", 403},
        {STATUS_NOT_FOUND, "not_found", 404},
        {STATUS_UNIMPLEMENTED, "method_not_allowed", 405},
        {STATUS_FAILED_PRECONDITION, "conflict", 409},
        {STATUS_ABORTED, "idempotency_key_in_use", 409},
        {STATUS_RESOURCE_EXHAUSTED, "rate_limited", 429},
        {STATUS_UNAVAILABLE, "unavailable", 503},
        {STATUS_UNKNOWN, "outcome_unknown", 504},
        {STATUS_DEADLINE_EXCEEDED, "outcome_unknown", 504},
        {STATUS_INTERNAL, "internal_error", 500},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct problem problem = {.status = cases[i].status, .code = cases[i].code};
        cr_assert_eq(refusal_http_status(&problem), cases[i].http, "%s", cases[i].code);
    }
}

Test(refusal, shows_nothing_of_an_internal_failure)
{
    struct arena *own = arena_new(ARENA_CAP_REQUEST);
    struct problem problem;
    (void)problem_set(&problem, STATUS_INTERNAL, "internal_error", NULL,
                      "relation \"payments\" does not exist");
    const char *json = refusal_json(own, &problem, 500, "req_1");
    cr_assert(!strstr(json, "relation"), "%s", json);
    cr_assert(strstr(json, "\"request_id\":\"req_1\""), "%s", json);
    arena_free(own);
}
