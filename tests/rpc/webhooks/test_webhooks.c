#include <pthread.h>
#include <stdatomic.h>

#include "obol/webhooks/v1/webhooks.obol.h"
#include "rpc/client.h"
#include "rpc/server.h"
#include "store/webhooks/fixture.h"
#include "store/webhooks/receiver.h"
#include "webhooks.h"

static struct journal journal;
static struct health *health;
static struct rpc_server *server;
static struct rpc_client *client;
static struct problem problem;
static struct webhooks webhooks;
static struct webhooks_settings settings = {.allow_private = true};
static const char *tenant = "ten_a";
static pthread_t loop;
static _Atomic bool stopping;

static void *worker_begin(void *context)
{
    (void)context;
    struct worker *worker = calloc(1, sizeof *worker);
    worker->db = another_db();
    worker->journal = &journal;
    worker->state = &webhooks;
    return worker;
}

static void worker_end(void *context)
{
    struct worker *worker = context;
    db_free(worker->db);
    free(worker);
}

static void *dispatch(void *context)
{
    struct db *own = another_db();
    struct arena *turn_arena = arena_new(ARENA_CAP_BATCH);
    while (!atomic_load(&stopping)) {
        int64_t wait_ms = dispatcher_turn(context, own, turn_arena);
        arena_reset(turn_arena);
        if (wait_ms > 0)
            bell_wait(webhooks.dispatcher_bell, wait_ms);
    }
    arena_free(turn_arena);
    db_free(own);
    return NULL;
}

static void start_dispatcher(void)
{
    const struct dispatcher_config config = {
        .rules = {.ring = &ring,
                  .intervals_s = schedule_intervals_s(false),
                  .allow_private = true,
                  .timeout_ms = 5000},
        .slots = 8,
        .disable_after_s = 3600,
        .bell = webhooks.dispatcher_bell = bell_new(),
    };
    webhooks.dispatcher = dispatcher_new(arena, &config);
    pthread_create(&loop, NULL, dispatch, webhooks.dispatcher);
}

static void begin(void)
{
    static const struct proto_file *const files[] = {&obol_webhooks_v1_webhooks_file};
    fixture_begin();
    receiver_start();
    journal = (struct journal){.service = "webhooks", .ring = &ring};
    webhooks.settings = &settings;
    start_dispatcher();
    health = health_new("webhooks", "0");
    const struct rpc_server_config config = {
        .address = "127.0.0.1:0",
        .files = files,
        .files_n = 1,
        .handlers = webhooks_handlers,
        .handlers_n = webhooks_handlers_n,
        .fast_threads = 2,
        .slow_threads = 2,
        .slow_queue = 4,
        .slow_per_tenant = 4,
        .worker_begin = worker_begin,
        .worker_end = worker_end,
        .health = health,
    };
    cr_ok(rpc_server_start(&config, &server));
    client = rpc_client_new(arena_printf(arena, "127.0.0.1:%d", rpc_server_port(server)));
}

static void end(void)
{
    rpc_client_free(client);
    rpc_server_stop(server, 5000);
    health_free(health);
    atomic_store(&stopping, true);
    dispatcher_wake(webhooks.dispatcher);
    pthread_join(loop, NULL);
    dispatcher_free(webhooks.dispatcher);
    bell_free(webhooks.dispatcher_bell);
    receiver_stop();
    fixture_end();
}

TestSuite(webhooks, .init = begin, .fini = end, .timeout = 60);

// key NULL: none.
static enum status ask_with(const char *key, const struct method *method,
                            const ProtobufCMessage *request, void *ret)
{
    struct call_context context = call_context_new(arena, "key_1", 20000);
    context.tenant_id = tenant;
    context.idempotency_key = key;
    problem = (struct problem){0};
    ProtobufCMessage *answer = NULL;
    enum status status = rpc_call(client, arena, method, &context, request, &answer, &problem);
    memcpy(ret, &answer, sizeof answer);
    return status;
}

static enum status ask(const struct method *method, const ProtobufCMessage *request, void *ret)
{
    return ask_with(NULL, method, request, ret);
}

static enum status create_at(const char *key, const char *url, const char *pattern,
                             Obol__Webhooks__V1__Endpoint **ret)
{
    Obol__Webhooks__V1__CreateEndpointRequest request =
        OBOL__WEBHOOKS__V1__CREATE_ENDPOINT_REQUEST__INIT;
    char *patterns[] = {(char *)pattern};
    request.url = (char *)url;
    request.events = patterns;
    request.n_events = pattern ? 1 : 0;
    return ask_with(key, METHOD_EndpointService_CreateEndpoint, &request.base, ret);
}

static Obol__Webhooks__V1__Endpoint *create(const char *path)
{
    Obol__Webhooks__V1__Endpoint *endpoint = NULL;
    cr_ok(create_at(NULL, arena_printf(arena, "%s%s", receiver.url, path), NULL, &endpoint));
    return endpoint;
}

// For the many requests that hold an id only.
#define ASK_ID(method, prefix, type, id_, ret)                                                     \
    ({                                                                                             \
        type request_ = prefix##__INIT;                                                            \
        request_.id = (char *)(id_);                                                               \
        ask(method, &request_.base, ret);                                                          \
    })
#define GET_ENDPOINT(id, ret)                                                                      \
    ASK_ID(METHOD_EndpointService_GetEndpoint, OBOL__WEBHOOKS__V1__GET_ENDPOINT_REQUEST,           \
           Obol__Webhooks__V1__GetEndpointRequest, id, ret)
#define DELETE_ENDPOINT(id, ret)                                                                   \
    ASK_ID(METHOD_EndpointService_DeleteEndpoint, OBOL__WEBHOOKS__V1__DELETE_ENDPOINT_REQUEST,     \
           Obol__Webhooks__V1__DeleteEndpointRequest, id, ret)
#define ROTATE(id, ret)                                                                            \
    ASK_ID(METHOD_EndpointService_RotateSecret, OBOL__WEBHOOKS__V1__ROTATE_SECRET_REQUEST,         \
           Obol__Webhooks__V1__RotateSecretRequest, id, ret)
#define GET_DELIVERY(id, ret)                                                                      \
    ASK_ID(METHOD_DeliveryService_GetDelivery, OBOL__WEBHOOKS__V1__GET_DELIVERY_REQUEST,           \
           Obol__Webhooks__V1__GetDeliveryRequest, id, ret)
#define RETRY(id, ret)                                                                             \
    ASK_ID(METHOD_DeliveryService_RetryDelivery, OBOL__WEBHOOKS__V1__RETRY_DELIVERY_REQUEST,       \
           Obol__Webhooks__V1__RetryDeliveryRequest, id, ret)
#define GET_EVENT(id, ret)                                                                         \
    ASK_ID(METHOD_EventService_GetEvent, OBOL__WEBHOOKS__V1__GET_EVENT_REQUEST,                    \
           Obol__Webhooks__V1__GetEventRequest, id, ret)

static enum status test_endpoint(const char *key, const char *id,
                                 Obol__Webhooks__V1__Delivery **ret)
{
    Obol__Webhooks__V1__TestEndpointRequest request =
        OBOL__WEBHOOKS__V1__TEST_ENDPOINT_REQUEST__INIT;
    request.id = (char *)id;
    return ask_with(key, METHOD_EndpointService_TestEndpoint, &request.base, ret);
}

struct expected {
    const char *text, *value;
};

static bool sql_holds(void *context)
{
    const struct expected *expected = context;
    return strcmp(sql(expected->text), expected->value) == 0;
}

static void wait_sql(const char *text, const char *value)
{
    test_wait(sql_holds, &(struct expected){text, value}, 20000, text);
}

Test(webhooks, creates_an_endpoint_and_shows_its_secret_once)
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

Test(webhooks, replays_the_secret_under_the_same_key)
{
    Obol__Webhooks__V1__Endpoint *first = NULL, *second = NULL;
    cr_ok(create_at("k1", "https://shop.example/", "payment.*", &first));
    cr_ok(create_at("k1", "https://shop.example/", "payment.*", &second));
    cr_assert_str_eq(first->id, second->id);
    cr_assert_str_eq(first->secret->value, second->secret->value);
    cr_sql("SELECT count(*)::text FROM endpoints", "1");
    cr_sql(
        "SELECT (position('whsec_' in encode(answer, 'escape')) = 0)::text FROM idempotency_keys",
        "true");
    cr_assert_neq(create_at("k1", "https://other.example/", "payment.*", &second), STATUS_OK);
    cr_assert_str_eq(problem.code, "idempotency_key_reused");
}

Test(webhooks, refuses_bad_endpoints)
{
    Obol__Webhooks__V1__Endpoint *endpoint = NULL;
    cr_assert_eq(create_at(NULL, "ftp://shop.example/", "*", &endpoint), STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(problem.param, "url");
    cr_assert_eq(create_at(NULL, "https://shop.example/", "order.*", &endpoint),
                 STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(problem.param, "events[0]");
    cr_sql("SELECT count(*)::text FROM endpoints", "0");
}

Test(webhooks, bounds_the_number_of_endpoints)
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

Test(webhooks, imports_an_endpoint_once)
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

Test(webhooks, lists_endpoints_newest_first)
{
    Obol__Webhooks__V1__Endpoint *made[3];
    for (int i = 0; i < 3; i++) {
        made[i] = create("/ok");
        sql("SELECT pg_sleep(0.002)"); // ids of one millisecond have no order
    }
    Obol__Webhooks__V1__ListEndpointsRequest request =
        OBOL__WEBHOOKS__V1__LIST_ENDPOINTS_REQUEST__INIT;
    Obol__Webhooks__V1__EndpointList *list = NULL;
    Google__Protobuf__Int64Value limit = GOOGLE__PROTOBUF__INT64_VALUE__INIT;
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
    request.starting_after = made[0]->id;
    cr_assert_eq(ask(METHOD_EndpointService_ListEndpoints, &request.base, &list),
                 STATUS_INVALID_ARGUMENT);
    request.starting_after = (char *)"pay_1";
    request.ending_before = (char *)"";
    cr_assert_eq(ask(METHOD_EndpointService_ListEndpoints, &request.base, &list),
                 STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(problem.param, "starting_after");
    limit.value = 101;
    cr_assert_eq(ask(METHOD_EndpointService_ListEndpoints, &request.base, &list),
                 STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(problem.param, "limit");
}

static enum status update(const char *id, const char *url, int enabled,
                          Obol__Webhooks__V1__Endpoint **ret)
{
    Obol__Webhooks__V1__UpdateEndpointRequest request =
        OBOL__WEBHOOKS__V1__UPDATE_ENDPOINT_REQUEST__INIT;
    Google__Protobuf__StringValue text = GOOGLE__PROTOBUF__STRING_VALUE__INIT;
    Google__Protobuf__StringValue description = GOOGLE__PROTOBUF__STRING_VALUE__INIT;
    Google__Protobuf__BoolValue on = GOOGLE__PROTOBUF__BOOL_VALUE__INIT;
    char *patterns[] = {(char *)"refund.*"};
    request.id = (char *)id;
    if (url) {
        text.value = (char *)url;
        description.value = (char *)"main shop";
        request.url = &text;
        request.description = &description;
        request.events = patterns;
        request.n_events = 1;
    }
    on.value = enabled > 0;
    if (enabled >= 0)
        request.enabled = &on;
    return ask(METHOD_EndpointService_UpdateEndpoint, &request.base, ret);
}

Test(webhooks, changes_what_is_given_and_leaves_the_rest)
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
}

Test(webhooks, fails_what_is_pending_when_an_endpoint_is_disabled)
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

Test(webhooks, removes_an_endpoint_and_keeps_its_log)
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

Test(webhooks, keeps_signing_with_the_old_secret_beside_the_new)
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

Test(webhooks, tests_an_endpoint_and_answers_with_the_outcome)
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

Test(webhooks, tests_once_under_a_key)
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

Test(webhooks, retries_a_delivery_by_hand)
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

Test(webhooks, lists_deliveries_by_every_filter)
{
    Obol__Webhooks__V1__Endpoint *ok = create("/ok"), *bad = create("/always/500");
    put_events("ten_a", "payment.succeeded", 2);
    put_events("ten_a", "refund.processed", 1);
    dispatcher_wake(webhooks.dispatcher);
    wait_sql("SELECT count(*)::text FROM deliveries WHERE response_code IS NOT NULL", "6");
    Obol__Webhooks__V1__ListDeliveriesRequest request =
        OBOL__WEBHOOKS__V1__LIST_DELIVERIES_REQUEST__INIT;
    Obol__Webhooks__V1__DeliveryList *list = NULL;
#define LISTED(n)                                                                                  \
    do {                                                                                           \
        cr_ok(ask(METHOD_DeliveryService_ListDeliveries, &request.base, &list));                   \
        cr_assert_eq(list->n_data, n, "%zu", list->n_data);                                        \
    } while (0)
    LISTED(6);
    cr_assert_str_eq(list->url, "/api/v1/webhooks");
    cr_assert_gt(strcmp(list->data[0]->id, list->data[5]->id), 0);
    request.endpoint_id = ok->id;
    LISTED(3);
    request.status = (char *)"failed";
    LISTED(0);
    request.endpoint_id = bad->id;
    request.status = (char *)"pending";
    LISTED(3);
    cr_assert_eq(list->data[0]->response_code->value, 500);
    cr_assert_not_null(list->data[0]->next_retry_at);
    request.event = (char *)"refund.processed";
    LISTED(1);
    request.event_id = list->data[0]->event_id;
    LISTED(1);
    request = (Obol__Webhooks__V1__ListDeliveriesRequest)
        OBOL__WEBHOOKS__V1__LIST_DELIVERIES_REQUEST__INIT;
    request.payment_id = (char *)"pay_1";
    LISTED(6);
    Google__Protobuf__Timestamp later = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    later.seconds = clock_unix_us() / US_PER_S + 100;
    request.created_lt = &later;
    LISTED(6);
    request.created_gte = &later;
    LISTED(0);
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

Test(webhooks, lists_events)
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

Test(webhooks, shows_nothing_of_another_tenant)
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

Test(webhooks, replays_what_happened)
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

Test(webhooks, refuses_a_replay_that_makes_no_sense)
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
