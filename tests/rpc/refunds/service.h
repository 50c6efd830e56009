// The service on a free port, and payments beside it.
#pragma once
#include "store/refunds/fixture.h"

#include "obol/refunds/v1/refunds.obol.h"
#include "payments.h"
#include "rpc/client.h"
#include "rpc_refunds.h"
#include "saga.h"
#include "service/internal.h"

static struct service service;
static struct refunds refunds;
static struct rpc_server *server;
static struct rpc_client *client;
static const char *tenant = "ten_a";

typedef Obol__Refunds__V1__Refund refund_answer;

static inline void *worker_begin(void *context)
{
    (void)context;
    struct worker *worker = calloc(1, sizeof *worker);
    worker->arena = arena_new(ARENA_CAP_BATCH);
    worker->db = another_db();
    worker->service = &service;
    worker->journal = &journal;
    worker->state = &refunds;
    return worker;
}

static inline void worker_end(void *context)
{
    struct worker *worker = context;
    db_free(worker->db);
    arena_free(worker->arena);
    free(worker);
}

static inline void service_begin(void)
{
    static const struct proto_file *const files[] = {&obol_refunds_v1_refunds_file};
    fixture_begin();
    fake_start();
    service.journal = journal;
    service.ring = ring;
    service.outbox_bell = bell_new();
    service.health = health_new("refunds", "0");
    service.db = (struct db_config){.ring = test_ring(),
                                    .url = database.url,
                                    .schema = "refunds",
                                    .application = "test",
                                    .lock_timeout_ms = 5000};
    refunds = (struct refunds){.service = &service, .journal = &journal};
    refunds.payments = rpc_client_new(fake.target);
    refunds.bell = bell_new();
    const struct rpc_server_config config = {
        .address = "127.0.0.1:0",
        .files = files,
        .files_n = 1,
        .handlers = refund_handlers,
        .handlers_n = refund_handlers_n,
        .fast_threads = 2,
        .slow_threads = 16,
        .slow_queue = 64,
        .worker_begin = worker_begin,
        .worker_end = worker_end,
        .health = service.health,
    };
    cr_ok(rpc_server_start(&config, &server));
    client = rpc_client_new(arena_printf(arena, "127.0.0.1:%d", rpc_server_port(server)));
}

static inline void service_end(void)
{
    rpc_client_free(client);
    rpc_server_stop(server, 5000);
    rpc_client_free(refunds.payments);
    fake_stop();
    bell_free(refunds.bell);
    bell_free(service.outbox_bell);
    health_free(service.health);
    fixture_end();
}

struct answer {
    enum status status;
    struct problem problem;
    refund_answer *refund;
    struct bytes packed;
    bool replayed;
};

static inline void answer_home(void *context)
{
    bell_ring(context);
}

// key NULL: none. In the given arena, so that threads can ask side by side.
static inline struct answer create_in(struct arena *into, const char *key, const char *payment_id,
                                      int64_t amount)
{
    Obol__Refunds__V1__CreateRefundRequest request = OBOL__REFUNDS__V1__CREATE_REFUND_REQUEST__INIT;
    Google__Protobuf__Int64Value number = GOOGLE__PROTOBUF__INT64_VALUE__INIT;
    struct bell *home = bell_new();
    request.payment_id = (char *)payment_id;
    number.value = amount;
    request.amount = amount ? &number : NULL;
    struct call call = {.arena = into,
                        .method = METHOD_RefundService_CreateRefund,
                        .context = call_context_new(into, "key_1", 30000),
                        .request_bytes = message_pack(into, &request.base)};
    call.context.tenant_id = tenant;
    call.context.idempotency_key = key;
    rpc_start(client, &call, answer_home, home);
    cr_assert(bell_wait(home, 40000));
    bell_free(home);
    struct answer answer = {.status = call.problem.status,
                            .problem = call.problem,
                            .packed = call.packed,
                            .replayed = call.replayed};
    if (answer.status == STATUS_OK)
        answer.refund = (refund_answer *)message_unpack(into, call.method->output, call.packed);
    return answer;
}

static inline struct answer create(const char *key, int64_t amount)
{
    return create_in(arena, key, "pay_1", amount);
}

static inline enum status ask(const struct method *method, const ProtobufCMessage *request,
                              struct problem *problem, void *ret)
{
    struct call_context context = call_context_new(arena, "key_1", 20000);
    ProtobufCMessage *answer = NULL;
    context.tenant_id = tenant;
    *problem = (struct problem){0};
    enum status status = rpc_call(client, arena, method, &context, request, &answer, problem);
    memcpy(ret, &answer, sizeof answer);
    return status;
}

static inline enum status get(const char *id, refund_answer **ret)
{
    Obol__Refunds__V1__GetRefundRequest request = OBOL__REFUNDS__V1__GET_REFUND_REQUEST__INIT;
    struct problem problem;
    request.id = (char *)id;
    return ask(METHOD_RefundService_GetRefund, &request.base, &problem, ret);
}

// Lets every unfinished refund be due, and looks after them once.
static inline void drive(void)
{
    struct arena *turn = arena_new(ARENA_CAP_BATCH);
    struct db *own = another_db();
    sql("UPDATE refunds SET drive_at = now() WHERE drive_at IS NOT NULL");
    (void)saga_drive(&refunds, own, turn);
    db_free(own);
    arena_free(turn);
}

// News of payments, as the bus would bring it.
static inline enum status tell(const char *refund_id, const char *status_text, int64_t revision)
{
    Obol__Payments__V1__RefundOperation news = OBOL__PAYMENTS__V1__REFUND_OPERATION__INIT;
    const Obol__Payments__V1__RefundOperation *all[] = {&news};
    Obol__Payments__V1__Error error = OBOL__PAYMENTS__V1__ERROR__INIT;
    const char *tenants[] = {"ten_a"};
    news.refund_id = (char *)refund_id;
    news.status = (char *)status_text;
    news.revision = revision;
    error.code = (char *)"account_closed";
    error.message = (char *)"Closed.";
    news.error = strcmp(status_text, "failed") == 0 ? &error : NULL;
    cr_ok(db_begin(db));
    enum status status = saga_tell(&refunds, db, arena, tenants, all, 1);
    if (status == STATUS_OK)
        return db_commit(db);
    db_rollback(db);
    return status;
}

// The refund's events, oldest first.
static inline const char *events_of(const char *id)
{
    return sql(arena_printf(arena,
                            "SELECT coalesce(string_agg(type || ':' || sequence, ' ' ORDER BY "
                            "sequence), '') FROM events WHERE object_id = '%s'",
                            id));
}
