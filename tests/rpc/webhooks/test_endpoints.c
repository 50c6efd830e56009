#include "rpc/webhooks/service.h"

TestSuite(endpoints, .init = service_begin, .fini = service_end, .timeout = 60);

Test(endpoints, are_made_with_a_secret_that_is_shown_once)
{
    Obol__Webhooks__V1__Endpoint *made = create("/ok"), *shown = NULL;
    cr_assert_eq(strncmp(made->secret->value, "whsec_", 6), 0);
    cr_assert_eq(made->n_events, 1);
    cr_assert_str_eq(made->events[0], "*");
    cr_assert(made->enabled);
    cr_ok(GET_ENDPOINT(made->id, &shown));
    cr_assert_null(shown->secret);
    cr_assert_str_eq(shown->url, made->url);
    cr_assert_str_eq(shown->object, "webhook_endpoint");
    cr_sql("SELECT actor || ' ' || action || ' ' || (after::text LIKE '%whsec_%') FROM audit_log",
           "key_1 webhook_endpoint.create false");
}

Test(endpoints, replay_their_secret_under_the_same_key)
{
    Obol__Webhooks__V1__Endpoint *first = NULL, *second = NULL;
    cr_ok(create_at("k1", "https://shop.example/", "payment.*", &first));
    cr_ok(create_at("k1", "https://shop.example/", "payment.*", &second));
    cr_assert_str_eq(first->id, second->id);
    cr_assert_str_eq(first->secret->value, second->secret->value);
    cr_sql("SELECT count(*)::text FROM endpoints", "1");
    cr_sql("SELECT (position('whsec_' in encode(answer, 'escape')) = 0)::text FROM "
           "idempotency_keys",
           "true");
    cr_assert_neq(create_at("k1", "https://other.example/", "payment.*", &second), STATUS_OK);
    cr_assert_str_eq(problem.code, "idempotency_key_reused");
}

Test(endpoints, are_refused_when_bad)
{
    Obol__Webhooks__V1__Endpoint *endpoint = NULL;
    cr_assert_eq(create_at(NULL, "ftp://shop.example/", "*", &endpoint), STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(problem.param, "url");
    cr_assert_eq(create_at(NULL, "https://shop.example/", "order.*", &endpoint),
                 STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(problem.param, "events[0]");
    cr_sql("SELECT count(*)::text FROM endpoints", "0");
}

Test(endpoints, are_bounded_in_number)
{
    Obol__Webhooks__V1__Endpoint *endpoint = NULL;
    for (int i = 0; i < 20; i++)
        create("/ok");
    cr_assert_eq(create_at(NULL, "https://shop.example/", "*", &endpoint), STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(problem.code, "too_many_endpoints");
    tenant = "ten_b";
    cr_ok(create_at(NULL, "https://shop.example/", "*", &endpoint));
}

static enum status import(const char *id, const char *secret, Obol__Webhooks__V1__Endpoint **ret)
{
    Obol__Webhooks__V1__CreateEndpointRequest inner =
        OBOL__WEBHOOKS__V1__CREATE_ENDPOINT_REQUEST__INIT;
    Obol__Webhooks__V1__ImportEndpointRequest request =
        OBOL__WEBHOOKS__V1__IMPORT_ENDPOINT_REQUEST__INIT;
    inner.url = (char *)"http://127.0.0.1:4000/webhook";
    request.id = (char *)id;
    request.secret = (char *)secret;
    request.endpoint = &inner;
    return ask(METHOD_EndpointService_ImportEndpoint, &request.base, ret);
}

Test(endpoints, are_imported_once)
{
    Obol__Webhooks__V1__Endpoint *endpoint = NULL;
    cr_ok(import("we_demo", "whsec_test_abc123", &endpoint));
    cr_assert_str_eq(endpoint->id, "we_demo");
    cr_assert_eq(import("we_demo", "whsec_test_abc123", &endpoint), STATUS_ALREADY_EXISTS);
    cr_assert_str_eq(problem.code, "already_exists");
    cr_assert_eq(import("demo", "whsec_test_abc123", &endpoint), STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(problem.param, "id");
    cr_assert_eq(import("we_2", "", &endpoint), STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(problem.param, "secret");
    Obol__Webhooks__V1__ImportEndpointRequest request =
        OBOL__WEBHOOKS__V1__IMPORT_ENDPOINT_REQUEST__INIT;
    request.id = (char *)"we_3";
    request.secret = (char *)"s";
    cr_assert_eq(ask(METHOD_EndpointService_ImportEndpoint, &request.base, &endpoint),
                 STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(problem.param, "endpoint");
}

static void make_three(Obol__Webhooks__V1__Endpoint *made[3])
{
    for (int i = 0; i < 3; i++) {
        int64_t ms = clock_unix_us() / 1000;
        while (clock_unix_us() / 1000 == ms) // ids of one millisecond have no order
            ;
        made[i] = create("/ok");
    }
}

Test(endpoints, are_listed_newest_first)
{
    Obol__Webhooks__V1__Endpoint *made[3];
    Obol__Webhooks__V1__ListEndpointsRequest request =
        OBOL__WEBHOOKS__V1__LIST_ENDPOINTS_REQUEST__INIT;
    Obol__Webhooks__V1__EndpointList *list = NULL;
    Google__Protobuf__Int64Value limit = GOOGLE__PROTOBUF__INT64_VALUE__INIT;
    make_three(made);
    limit.value = 2;
    request.limit = &limit;
    cr_ok(ask(METHOD_EndpointService_ListEndpoints, &request.base, &list));
    cr_assert_eq(list->n_data, 2);
    cr_assert(list->has_more);
    cr_assert_str_eq(list->data[0]->id, made[2]->id);
    cr_assert_str_eq(list->url, "/api/v1/webhook_endpoints");
    request.starting_after = made[1]->id;
    cr_ok(ask(METHOD_EndpointService_ListEndpoints, &request.base, &list));
    cr_assert_eq(list->n_data, 1);
    cr_assert_not(list->has_more);
    cr_assert_str_eq(list->data[0]->id, made[0]->id);
    request.starting_after = (char *)"";
    request.ending_before = made[0]->id;
    cr_ok(ask(METHOD_EndpointService_ListEndpoints, &request.base, &list));
    cr_assert_eq(list->n_data, 2);
    cr_assert_str_eq(list->data[0]->id, made[2]->id);
    cr_assert_str_eq(list->data[1]->id, made[1]->id);
}

Test(endpoints, are_not_listed_for_a_cursor_that_is_none)
{
    Obol__Webhooks__V1__ListEndpointsRequest request =
        OBOL__WEBHOOKS__V1__LIST_ENDPOINTS_REQUEST__INIT;
    Obol__Webhooks__V1__EndpointList *list = NULL;
    Google__Protobuf__Int64Value limit = GOOGLE__PROTOBUF__INT64_VALUE__INIT;
    request.starting_after = request.ending_before = (char *)"we_1";
    cr_assert_eq(ask(METHOD_EndpointService_ListEndpoints, &request.base, &list),
                 STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(problem.param, "ending_before");
    request.starting_after = (char *)"pay_1";
    request.ending_before = (char *)"";
    cr_assert_eq(ask(METHOD_EndpointService_ListEndpoints, &request.base, &list),
                 STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(problem.param, "starting_after");
    request.starting_after = (char *)"we_ 1";
    cr_assert_eq(ask(METHOD_EndpointService_ListEndpoints, &request.base, &list),
                 STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(problem.param, "starting_after");
    request.starting_after = (char *)"";
    request.limit = &limit;
    for (int64_t bad = 0; bad <= 101; bad += 101) {
        limit.value = bad;
        cr_assert_eq(ask(METHOD_EndpointService_ListEndpoints, &request.base, &list),
                     STATUS_INVALID_ARGUMENT);
        cr_assert_str_eq(problem.param, "limit");
    }
}

Test(endpoints, change_in_what_is_given_only)
{
    Obol__Webhooks__V1__Endpoint *made = create("/ok"), *changed = NULL;
    cr_ok(update(made->id, "https://new.example/", -1, &changed));
    cr_assert_str_eq(changed->url, "https://new.example/");
    cr_assert_str_eq(changed->events[0], "refund.*");
    cr_assert_str_eq(changed->description->value, "main shop");
    cr_assert(changed->enabled);
    cr_ok(update(made->id, NULL, -1, &changed));
    cr_assert_str_eq(changed->url, "https://new.example/");
    cr_assert_eq(update(made->id, "nonsense", -1, &changed), STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(problem.param, "url");
    cr_assert_eq(update("we_none", NULL, -1, &changed), STATUS_NOT_FOUND);
    cr_assert_eq(update("\xff", NULL, -1, &changed), STATUS_INVALID_ARGUMENT);
}

Test(endpoints, fail_what_is_pending_when_disabled)
{
    Obol__Webhooks__V1__Endpoint *made = create("/always/500"), *changed = NULL;
    put_events("ten_a", "payment.succeeded", 1);
    dispatcher_wake(webhooks.dispatcher);
    wait_sql("SELECT status || coalesce(response_code, 0) FROM deliveries", "pending500");
    cr_ok(update(made->id, NULL, 0, &changed));
    cr_assert_not(changed->enabled);
    cr_assert_str_eq(changed->disabled_reason->value, "Disabled by request.");
    cr_sql("SELECT status || ' ' || last_error FROM deliveries",
           "failed The endpoint was disabled.");
    Obol__Webhooks__V1__Delivery *delivery = NULL;
    cr_assert_eq(RETRY(sql("SELECT id FROM deliveries"), &delivery), STATUS_FAILED_PRECONDITION);
    cr_assert_str_eq(problem.code, "endpoint_disabled");
    cr_assert_eq(test_endpoint(NULL, made->id, &delivery), STATUS_FAILED_PRECONDITION);
    cr_ok(update(made->id, NULL, 1, &changed));
    cr_assert_null(changed->disabled_reason);
    cr_sql("SELECT (failing_since IS NULL)::text FROM endpoints", "true");
}

Test(endpoints, leave_their_log_when_removed)
{
    Obol__Webhooks__V1__Endpoint *made = create("/always/500"), *shown = NULL;
    Google__Protobuf__Empty *empty = NULL;
    put_events("ten_a", "payment.succeeded", 1);
    dispatcher_wake(webhooks.dispatcher);
    wait_sql("SELECT status || coalesce(response_code, 0) FROM deliveries", "pending500");
    cr_ok(DELETE_ENDPOINT(made->id, &empty));
    cr_assert_eq(GET_ENDPOINT(made->id, &shown), STATUS_NOT_FOUND);
    cr_assert_eq(DELETE_ENDPOINT(made->id, &empty), STATUS_NOT_FOUND);
    Obol__Webhooks__V1__Delivery *delivery = NULL;
    cr_ok(GET_DELIVERY(sql("SELECT id FROM deliveries"), &delivery));
    cr_assert_str_eq(delivery->status, "failed");
    cr_assert_str_eq(delivery->last_error->value, "The endpoint was deleted.");
    cr_assert_eq(RETRY(delivery->id, &delivery), STATUS_FAILED_PRECONDITION);
    cr_assert_str_eq(problem.code, "endpoint_deleted");
}

Test(endpoints, keep_signing_with_the_old_secret_beside_the_new)
{
    Obol__Webhooks__V1__Endpoint *made = create("/ok"), *rotated = NULL;
    cr_ok(ROTATE(made->id, &rotated));
    cr_assert_str_neq(rotated->secret->value, made->secret->value);
    Obol__Webhooks__V1__Delivery *delivery = NULL;
    cr_ok(test_endpoint(NULL, made->id, &delivery));
    cr_assert_str_eq(delivery->status, "delivered");
    cr_assert_not_null(strstr(receiver.last_signature, " v1,"));
    Obol__Webhooks__V1__RotateSecretRequest request =
        OBOL__WEBHOOKS__V1__ROTATE_SECRET_REQUEST__INIT;
    Google__Protobuf__Int64Value overlap = GOOGLE__PROTOBUF__INT64_VALUE__INIT;
    request.id = made->id;
    request.overlap_seconds = &overlap; // 0: at once
    cr_ok(ask(METHOD_EndpointService_RotateSecret, &request.base, &rotated));
    cr_ok(test_endpoint(NULL, made->id, &delivery));
    cr_assert_null(strstr(receiver.last_signature, " v1,"));
    overlap.value = 604801;
    cr_assert_eq(ask(METHOD_EndpointService_RotateSecret, &request.base, &rotated),
                 STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(problem.param, "overlap_seconds");
}
