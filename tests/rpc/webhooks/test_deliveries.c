#include "rpc/webhooks/service.h"

TestSuite(deliveries, .init = service_begin, .fini = service_end, .timeout = 60);

Test(deliveries, of_a_test_come_back_with_their_outcome)
{
    Obol__Webhooks__V1__Endpoint *made = create("/always/503");
    Obol__Webhooks__V1__Delivery *delivery = NULL;
    cr_ok(test_endpoint(NULL, made->id, &delivery));
    cr_assert_str_eq(delivery->event, "webhook.test");
    cr_assert_str_eq(delivery->status, "failed");
    cr_assert_eq(delivery->attempts, 1);
    cr_assert_eq(delivery->response_code->value, 503);
    cr_assert_eq(delivery->n_attempt_log, 1);
    const Obol__Webhooks__V1__Attempt *attempt = delivery->attempt_log[0];
    cr_assert_str_eq(attempt->request_body, receiver.last_body);
    cr_assert_str_eq(attempt->response_body->value, "seen");
    cr_assert_str_eq(attempt->request_headers[0]->name, "User-Agent");
    cr_assert_geq(attempt->n_request_headers, 6);
    cr_assert_not_null(strstr(attempt->request_body, "\"sequence\":1"));
    cr_sql("SELECT count(*)::text FROM outbox", "0"); // nobody else is told
    Obol__Webhooks__V1__StoredEvent *event = NULL;
    cr_ok(GET_EVENT(delivery->event_id, &event));
    cr_assert_str_eq(event->body, receiver.last_body);
    cr_assert_eq(test_endpoint(NULL, "we_none", &delivery), STATUS_NOT_FOUND);
}

Test(deliveries, of_a_test_happen_once_under_a_key)
{
    Obol__Webhooks__V1__Endpoint *made = create("/ok");
    Obol__Webhooks__V1__Delivery *first = NULL, *second = NULL;
    cr_ok(test_endpoint("k1", made->id, &first));
    cr_ok(test_endpoint("k1", made->id, &second));
    cr_assert_str_eq(first->id, second->id);
    cr_assert_str_eq(second->status, "delivered");
    cr_assert_eq(receiver.requests, 1);
    // As if the first had died before it could store its answer.
    sql("UPDATE idempotency_keys SET answer = NULL");
    cr_ok(test_endpoint("k1", made->id, &second));
    cr_assert_str_eq(first->id, second->id);
    cr_assert_eq(receiver.requests, 1);
    cr_sql("SELECT (answer IS NOT NULL)::text FROM idempotency_keys", "true");
    Obol__Webhooks__V1__Endpoint *other = create("/ok");
    cr_assert_neq(test_endpoint("k1", other->id, &second), STATUS_OK);
    cr_assert_str_eq(problem.code, "idempotency_key_reused");
}

Test(deliveries, are_retried_by_hand)
{
    create("/flaky/1");
    put_events("ten_a", "payment.succeeded", 1);
    dispatcher_wake(webhooks.dispatcher);
    wait_sql("SELECT status || coalesce(response_code, 0) FROM deliveries", "pending500");
    Obol__Webhooks__V1__Delivery *delivery = NULL;
    const char *id = sql("SELECT id FROM deliveries");
    cr_ok(RETRY(id, &delivery));
    cr_assert_str_eq(delivery->status, "pending");
    cr_assert_eq(delivery->max_attempts, 6);
    wait_sql("SELECT status || attempts FROM deliveries", "delivered2");
    cr_ok(RETRY(id, &delivery)); // one that was delivered, too
    wait_sql("SELECT status || attempts FROM deliveries", "delivered3");
    cr_ok(GET_DELIVERY(id, &delivery));
    cr_assert_eq(delivery->n_attempt_log, 3);
    cr_assert_eq(delivery->attempt_log[2]->number, 3);
    cr_assert_not_null(delivery->delivered_at);
    cr_assert_null(delivery->next_retry_at);
    sql("DELETE FROM stored_events");
    cr_assert_eq(RETRY(id, &delivery), STATUS_FAILED_PRECONDITION);
    cr_assert_str_eq(problem.code, "event_expired");
    cr_ok(GET_DELIVERY(id, &delivery));
    cr_assert_str_eq(delivery->attempt_log[0]->request_body, "");
}

static Obol__Webhooks__V1__DeliveryList *
listed(const Obol__Webhooks__V1__ListDeliveriesRequest *request, size_t n)
{
    Obol__Webhooks__V1__DeliveryList *list = NULL;
    cr_ok(ask(METHOD_DeliveryService_ListDeliveries, &request->base, &list));
    cr_assert_eq(list->n_data, n, "%zu, not %zu", list->n_data, n);
    return list;
}

Test(deliveries, are_listed_by_every_filter)
{
    Obol__Webhooks__V1__Endpoint *ok = create("/ok"), *bad = create("/always/500");
    put_events("ten_a", "payment.succeeded", 2);
    put_events("ten_a", "refund.processed", 1);
    dispatcher_wake(webhooks.dispatcher);
    wait_sql("SELECT count(*)::text FROM deliveries WHERE response_code IS NOT NULL", "6");
    Obol__Webhooks__V1__ListDeliveriesRequest request =
        OBOL__WEBHOOKS__V1__LIST_DELIVERIES_REQUEST__INIT;
    Obol__Webhooks__V1__DeliveryList *list = listed(&request, 6);
    cr_assert_str_eq(list->url, "/api/v1/webhooks");
    cr_assert_gt(strcmp(list->data[0]->id, list->data[5]->id), 0);
    request.endpoint_id = ok->id;
    listed(&request, 3);
    request.status = (char *)"failed";
    listed(&request, 0);
    request.endpoint_id = bad->id;
    request.status = (char *)"pending";
    list = listed(&request, 3);
    cr_assert_eq(list->data[0]->response_code->value, 500);
    cr_assert_not_null(list->data[0]->next_retry_at);
    request.event = (char *)"refund.processed";
    list = listed(&request, 1);
    request.event_id = list->data[0]->event_id;
    listed(&request, 1);
    request.ending_before = list->data[0]->id;
    listed(&request, 0);
}

Test(deliveries, are_listed_by_payment_and_time)
{
    create("/ok");
    put_events("ten_a", "payment.succeeded", 2);
    Obol__Webhooks__V1__ListDeliveriesRequest request =
        OBOL__WEBHOOKS__V1__LIST_DELIVERIES_REQUEST__INIT;
    Google__Protobuf__Timestamp later = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    Obol__Webhooks__V1__DeliveryList *list = NULL;
    request.payment_id = (char *)"pay_1";
    listed(&request, 2);
    later.seconds = clock_unix_us() / US_PER_S + 100;
    request.created_lt = &later;
    listed(&request, 2);
    request.created_gte = &later;
    listed(&request, 0);
    later.seconds = INT64_MIN;
    request.created_lt = NULL;
    listed(&request, 2);
    later.seconds = INT64_MAX;
    listed(&request, 0);
    request.status = (char *)"lost";
    cr_assert_eq(ask(METHOD_DeliveryService_ListDeliveries, &request.base, &list),
                 STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(problem.param, "status");
    request.status = (char *)"";
    request.payment_id = (char *)"\xff";
    cr_assert_eq(ask(METHOD_DeliveryService_ListDeliveries, &request.base, &list),
                 STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(problem.param, "payment_id");
}

Test(deliveries, stand_beside_a_list_of_events)
{
    put_events("ten_a", "payment.succeeded", 2);
    put_events("ten_a", "refund.processed", 1);
    Obol__Webhooks__V1__ListEventsRequest request = OBOL__WEBHOOKS__V1__LIST_EVENTS_REQUEST__INIT;
    Obol__Webhooks__V1__StoredEventList *list = NULL;
    cr_ok(ask(METHOD_EventService_ListEvents, &request.base, &list));
    cr_assert_eq(list->n_data, 3);
    cr_assert_str_eq(list->url, "/api/v1/events");
    request.event = (char *)"refund.processed";
    request.object_id = (char *)"pay_1";
    cr_ok(ask(METHOD_EventService_ListEvents, &request.base, &list));
    cr_assert_eq(list->n_data, 1);
    request.object_id = (char *)"";
    request.payment_id = (char *)"pay_2";
    cr_ok(ask(METHOD_EventService_ListEvents, &request.base, &list));
    cr_assert_eq(list->n_data, 0);
    Obol__Webhooks__V1__StoredEvent *event = NULL;
    cr_assert_eq(GET_EVENT("evt_none", &event), STATUS_NOT_FOUND);
    cr_assert_eq(GET_EVENT("nonsense", &event), STATUS_NOT_FOUND);
}

Test(deliveries, and_all_else_are_hidden_from_other_tenants)
{
    Obol__Webhooks__V1__Endpoint *made = create("/ok"), *shown = NULL;
    Obol__Webhooks__V1__Delivery *delivery = NULL, *seen = NULL;
    cr_ok(test_endpoint(NULL, made->id, &delivery));
    tenant = "ten_b";
    Google__Protobuf__Empty *empty = NULL;
    Obol__Webhooks__V1__StoredEvent *event = NULL;
    cr_assert_eq(GET_ENDPOINT(made->id, &shown), STATUS_NOT_FOUND);
    cr_assert_eq(update(made->id, NULL, 0, &shown), STATUS_NOT_FOUND);
    cr_assert_eq(DELETE_ENDPOINT(made->id, &empty), STATUS_NOT_FOUND);
    cr_assert_eq(ROTATE(made->id, &shown), STATUS_NOT_FOUND);
    cr_assert_eq(test_endpoint(NULL, made->id, &seen), STATUS_NOT_FOUND);
    cr_assert_eq(GET_DELIVERY(delivery->id, &seen), STATUS_NOT_FOUND);
    cr_assert_eq(RETRY(delivery->id, &seen), STATUS_NOT_FOUND);
    cr_assert_eq(GET_EVENT(delivery->event_id, &event), STATUS_NOT_FOUND);
}

// since_s 0: absent; negative: in the future.
static enum status replay(const char *id, int64_t since_s, bool only_failed, const char *pattern,
                          Obol__Webhooks__V1__ReplayResponse **ret)
{
    Obol__Webhooks__V1__ReplayRequest request = OBOL__WEBHOOKS__V1__REPLAY_REQUEST__INIT;
    Google__Protobuf__Timestamp since = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    char *patterns[] = {(char *)pattern};
    request.id = (char *)id;
    since.seconds = clock_unix_us() / US_PER_S - since_s;
    if (since_s != 0)
        request.since = &since;
    request.only_failed = only_failed;
    request.events = patterns;
    request.n_events = pattern ? 1 : 0;
    return ask(METHOD_EndpointService_Replay, &request.base, ret);
}

Test(deliveries, are_made_again_for_what_happened)
{
    Obol__Webhooks__V1__Endpoint *made = create("/ok");
    put_events("ten_a", "payment.succeeded", 2);
    put_events("ten_a", "refund.processed", 1);
    put_events("ten_b", "payment.succeeded", 1);
    dispatcher_wake(webhooks.dispatcher);
    wait_sql("SELECT count(*)::text FROM deliveries WHERE status = 'delivered'", "3");
    sql("UPDATE deliveries SET status = 'failed' WHERE event_type = 'refund.processed'");
    Obol__Webhooks__V1__ReplayResponse *response = NULL;
    cr_ok(replay(made->id, 60, true, NULL, &response));
    cr_assert_eq(response->deliveries, 1);
    cr_assert_not(response->has_more);
    wait_sql("SELECT count(*)::text FROM deliveries WHERE status = 'delivered'", "3");
    cr_ok(replay(made->id, 60, true, NULL, &response)); // now it was delivered
    cr_assert_eq(response->deliveries, 0);
    cr_ok(replay(made->id, 60, false, "payment.*", &response));
    cr_assert_eq(response->deliveries, 2);
    wait_sql("SELECT count(*)::text FROM deliveries WHERE status = 'delivered'", "5");
    cr_assert_eq(receiver.requests, 6);
}

Test(deliveries, are_not_made_again_when_it_makes_no_sense)
{
    Obol__Webhooks__V1__Endpoint *made = create("/ok"), *changed = NULL;
    Obol__Webhooks__V1__ReplayResponse *response = NULL;
    cr_assert_eq(replay(made->id, 0, false, NULL, &response), STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(problem.param, "since");
    cr_assert_eq(replay(made->id, -60, false, NULL, &response), STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(problem.param, "until");
    cr_assert_eq(replay(made->id, 60, false, "order.*", &response), STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(problem.param, "events[0]");
    cr_assert_eq(replay("we_none", 60, false, NULL, &response), STATUS_NOT_FOUND);
    cr_ok(update(made->id, NULL, 0, &changed));
    cr_assert_eq(replay(made->id, 60, false, NULL, &response), STATUS_FAILED_PRECONDITION);
    cr_assert_str_eq(problem.code, "endpoint_disabled");
}
