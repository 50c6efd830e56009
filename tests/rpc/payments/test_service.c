// The handlers behind a real server: every method of the contract is bound, and a payment made over
// the wire can be read back.
#include "../../store/payments/fixture.h"
#include "obol/payments/v1/providers.obol.h"
#include "rpc/client.h"

#include <stdio.h>
#include <stdlib.h>

static struct fixture f;
static struct rpc_server *server;
static struct rpc_client *client;
static struct health *health;
static char target[64];

static void *worker_begin(void *context)
{
    struct fixture *fixture = context;
    struct worker *worker = calloc(1, sizeof *worker);
    *worker = fixture->worker;
    worker->arena = arena_new(ARENA_CAP_BATCH);
    worker->db = db_new(&(struct db_config){.ring = test_ring(),
                                            .url = fixture->database.url,
                                            .schema = "payments",
                                            .application = "test",
                                            .lock_timeout_ms = 300});
    return worker;
}

static void worker_end(void *context)
{
    struct worker *worker = context;
    db_free(worker->db);
    arena_free(worker->arena);
    free(worker);
}

static void begin(void)
{
    static const struct proto_file *files[] = {&obol_payments_v1_payments_file,
                                               &obol_payments_v1_providers_file};
    fixture_begin(&f);
    health = health_new("payments", "test");
    struct rpc_server_config config = {.address = "127.0.0.1:0",
                                       .files = files,
                                       .files_n = 2,
                                       .handlers = payments_handlers,
                                       .handlers_n = payments_handlers_n,
                                       .fast_threads = 2,
                                       .slow_threads = 1,
                                       .slow_queue = 16,
                                       .slow_per_tenant = 4,
                                       .worker_begin = worker_begin,
                                       .worker_end = worker_end,
                                       .context = &f,
                                       .health = health};
    cr_ok(rpc_server_start(&config, &server));
    snprintf(target, sizeof target, "127.0.0.1:%d", rpc_server_port(server));
    client = rpc_client_new(target);
}

static void end(void)
{
    rpc_client_free(client);
    rpc_server_stop(server, 1000);
    health_free(health);
    fixture_end(&f);
}

TestSuite(service, .init = begin, .fini = end);

static enum status ask(const struct call *call, ProtobufCMessage **ret, struct problem *problem)
{
    return rpc_call(client, call->arena, call->method, &call->context, call->request, ret, problem);
}

Test(service, makes_and_reads_a_payment_over_the_wire)
{
    ProtobufCMessage *answer = NULL;
    struct problem problem = {0};
    cr_ok(ask(create_call(f.arena, "r", 500, "k"), &answer, &problem));
    Obol__Payments__V1__GetPaymentRequest *request =
        NEW(f.arena, get_payment_request, GetPaymentRequest);
    request->id = ((Obol__Payments__V1__Payment *)answer)->id;
    struct call *get = call_new(f.arena, METHOD_PaymentService_GetPayment, &request->base, NULL);
    cr_ok(ask(get, &answer, &problem));
    cr_assert_eq(((Obol__Payments__V1__Payment *)answer)->amount, 500);
    get->context.tenant_id = "tnt_other";
    cr_assert_eq(ask(get, &answer, &problem), STATUS_NOT_FOUND);
}

Test(service, says_what_is_wrong_over_the_wire)
{
    ProtobufCMessage *answer = NULL;
    struct problem problem = {0};
    cr_assert_eq(ask(create_call(f.arena, "r", -1, NULL), &answer, &problem),
                 STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(problem.param, "amount");
    cr_assert_str_eq(problem.code, "invalid_request");
}

static void *hold_key(void *argument)
{
    // Holds the key as a request that is still running does, until told to let go.
    struct fixture own = f;
    pthread_barrier_t *gates = argument;
    own.db = test_db_open(&f.database, "payments", NULL);
    struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    struct call *call = create_call(arena, "r", 500, "held");
    struct claim claim = {.tenant_id = TENANT,
                          .key = "held",
                          .object_id = "pay_x",
                          .method = call->method->path,
                          .now_us = clock_unix_us()};
    cr_ok(db_begin(own.db));
    cr_ok(journal_claim(&f.journal, own.db, arena, &claim, 1));
    pthread_barrier_wait(&gates[0]);
    pthread_barrier_wait(&gates[1]);
    db_rollback(own.db);
    db_free(own.db);
    arena_free(arena);
    return NULL;
}

Test(service, a_key_in_use_waits_until_its_deadline_and_holds_up_nobody_else)
{
    pthread_barrier_t gates[2];
    pthread_t thread;
    ProtobufCMessage *answer = NULL;
    struct problem problem = {0};
    for (int i = 0; i < 2; i++)
        pthread_barrier_init(&gates[i], NULL, 2);
    pthread_create(&thread, NULL, hold_key, gates);
    pthread_barrier_wait(&gates[0]);
    struct worker *worker = worker_begin(&f);
    struct call *calls[2] = {create_call(f.arena, "r", 500, "held"),
                             create_call(f.arena, "r", 501, "free")};
    calls[0]->context.deadline_ns = clock_deadline_ns(2500);
    rpc_create_payment(worker, calls, 2);
    assert_refused(calls[0], STATUS_ABORTED, "idempotency_key_in_use");
    cr_assert_eq(payment_answer(calls[1])->amount, 501);
    pthread_barrier_wait(&gates[1]);
    pthread_join(thread, NULL);
    worker_end(worker);
    cr_ok(ask(create_call(f.arena, "r", 500, "held"), &answer, &problem));
}

Test(service, finds_out_after_the_server_of_the_database_was_away)
{
    ProtobufCMessage *answer = NULL;
    struct problem problem = {0};
    cr_ok(ask(create_call(f.arena, "r", 500, "a"), &answer, &problem));
    test_database_disconnect(&f.database);
    enum status status = STATUS_UNAVAILABLE;
    for (int i = 0; i < 50 && status != STATUS_OK; i++)
        status = ask(create_call(f.arena, "r", 500, "b"), &answer, &problem);
    cr_ok(status);
}
