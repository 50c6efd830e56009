// The service on a free port, with its dispatcher turning and a merchant that receives.
#pragma once
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

static inline void *worker_begin(void *context)
{
    (void)context;
    struct worker *worker = calloc(1, sizeof *worker);
    worker->arena = arena_new(ARENA_CAP_BATCH);
    worker->db = another_db();
    worker->journal = &journal;
    worker->state = &webhooks;
    return worker;
}

static inline void worker_end(void *context)
{
    struct worker *worker = context;
    db_free(worker->db);
    arena_free(worker->arena);
    free(worker);
}

static inline void *dispatch(void *context)
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

static inline void start_dispatcher(void)
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

static inline void service_begin(void)
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

static inline void service_end(void)
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

// key NULL: none.
static inline enum status ask_with(const char *key, const struct method *method,
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

static inline enum status ask(const struct method *method, const ProtobufCMessage *request,
                              void *ret)
{
    return ask_with(NULL, method, request, ret);
}

static inline enum status create_at(const char *key, const char *url, const char *pattern,
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

static inline Obol__Webhooks__V1__Endpoint *create(const char *path)
{
    Obol__Webhooks__V1__Endpoint *endpoint = NULL;
    cr_ok(create_at(NULL, arena_printf(arena, "%s%s", receiver.url, path), NULL, &endpoint));
    return endpoint;
}

// Changes url, events and description together (url NULL: none of them), and enabled (-1: not).
static inline enum status update(const char *id, const char *url, int enabled,
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

static inline enum status test_endpoint(const char *key, const char *id,
                                        Obol__Webhooks__V1__Delivery **ret)
{
    Obol__Webhooks__V1__TestEndpointRequest request =
        OBOL__WEBHOOKS__V1__TEST_ENDPOINT_REQUEST__INIT;
    request.id = (char *)id;
    return ask_with(key, METHOD_EndpointService_TestEndpoint, &request.base, ret);
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

struct expected {
    const char *text, *value;
};

static inline bool sql_holds(void *context)
{
    const struct expected *expected = context;
    return strcmp(sql(expected->text), expected->value) == 0;
}

static inline void wait_sql(const char *text, const char *value)
{
    test_wait(sql_holds, &(struct expected){text, value}, 20000, text);
}
