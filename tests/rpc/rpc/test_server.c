#include "fixture.h"

#include "obs/trace.h"

Test(server, answers_when_asked)
{
    struct fixture *fixture = fixture_start(1);
    struct problem problem = {0};
    cr_assert_eq(verify(fixture, "key_1", &problem), STATUS_OK, "%s", problem.detail);
    cr_assert_eq(rpc_client_check(fixture->client, WAIT_MS), STATUS_OK);
    fixture_free(fixture);
}

Test(server, carries_the_whole_problem_when_refusing)
{
    struct fixture *fixture = fixture_start(1);
    struct problem problem = {0};
    cr_assert_eq(verify(fixture, "refuse", &problem), STATUS_FAILED_PRECONDITION);
    cr_assert_str_eq(problem.code, "key_rusty");
    cr_assert_str_eq(problem.param, "id");
    cr_assert_str_eq(problem.detail, "Ung\303\274ltig: 7%.");
    cr_assert_eq(problem.retry_after_s, 9);
    fixture_free(fixture);
}

Test(server, answers_internal_when_the_handler_says_nothing)
{
    struct fixture *fixture = fixture_start(1);
    struct problem problem = {0};
    cr_assert_eq(verify(fixture, "nothing", &problem), STATUS_INTERNAL);
    cr_assert_str_eq(problem.code, "internal_error");
    fixture_free(fixture);
}

Test(server, gives_a_bare_status_its_problem)
{
    struct fixture *fixture = fixture_start(1);
    struct call *call = call_create(fixture, "status");
    struct homecoming homecoming = HOMECOMING;
    rpc_start(fixture->client, call, homecoming_one, &homecoming);
    homecoming_expect(&homecoming, 1);
    cr_assert_eq(call->problem.status, STATUS_UNKNOWN);
    cr_assert_str_eq(call->problem.code, "outcome_unknown");
    fixture_free(fixture);
}

static const char *tenant_name(struct fixture *fixture, struct call_context context,
                               struct problem *problem)
{
    Obol__Auth__V1__GetTenantRequest request = OBOL__AUTH__V1__GET_TENANT_REQUEST__INIT;
    ProtobufCMessage *answer = NULL;
    if (rpc_call(fixture->client, fixture->arena, METHOD_AuthService_GetTenant, &context,
                 &request.base, &answer, problem) != STATUS_OK)
        return NULL;
    return ((Obol__Auth__V1__Tenant *)answer)->name;
}

Test(server, knows_the_context_when_it_was_sent)
{
    struct fixture *fixture = fixture_start(1);
    struct problem problem = {0};
    struct call_context context = {
        .tenant_id = "ten_1",
        .actor = "key_7",
        .request_id = "req.abc-1",
        .traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        .idempotency_key = "once",
        .fingerprint = bytes_of_string("fp"),
        .deadline_ns = clock_deadline_ns(15500),
    };
    const char *name = tenant_name(fixture, context, &problem);
    cr_assert_str_eq(name, "ten_1|key_7|req.abc-1|once|fp|00-0af7651916cd43dd8448eb211c80319c|15");
    fixture_free(fixture);
}

Test(server, makes_request_id_and_trace_when_none_came)
{
    struct fixture *fixture = fixture_start(1);
    struct problem problem = {0};
    struct call_context context = {.tenant_id = "", .deadline_ns = clock_deadline_ns(WAIT_MS)};
    const char *name = tenant_name(fixture, context, &problem);
    cr_assert_not_null(name);
    cr_assert_eq(strncmp(name, "||req_", 6), 0, "%s", name);
    cr_assert_not_null(strstr(name, "|none||00-"), "%s", name);
    fixture_free(fixture);
}

Test(server, refuses_when_metadata_is_too_long)
{
    struct fixture *fixture = fixture_start(1);
    struct problem problem = {0};
    char key[300];
    memset(key, 'k', sizeof key - 1);
    key[sizeof key - 1] = '\0';
    struct call_context context = context_for(fixture, WAIT_MS);
    context.idempotency_key = key;
    cr_assert_null(tenant_name(fixture, context, &problem));
    cr_assert_eq(problem.status, STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(problem.param, "idempotency-key");
    fixture_free(fixture);
}

Test(server, answers_invalid_argument_when_the_message_is_malformed)
{
    struct fixture *fixture = fixture_start(1);
    struct call *call = call_verify(fixture, "x");
    call->request_bytes = bytes_of_string("\xff\xff\xff garbage");
    struct homecoming homecoming = HOMECOMING;
    rpc_start(fixture->client, call, homecoming_one, &homecoming);
    homecoming_expect(&homecoming, 1);
    cr_assert_eq(call->problem.status, STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(call->problem.code, "invalid_request");
    fixture_free(fixture);
}

// Two bytes each on the wire, many times that in memory.
Test(server, answers_resource_exhausted_when_the_message_finds_no_memory)
{
    enum { HEADERS = 200000 };
    struct fixture *fixture = fixture_start(1);
    char *headers = arena_alloc(fixture->arena, 2 * HEADERS);
    for (int i = 0; i < HEADERS; i++)
        memcpy(headers + 2 * i, "\x1a\0", 2);
    struct call *call = call_verify(fixture, "x");
    call->method = METHOD_PaymentService_ProviderCallback;
    call->request_bytes = (struct bytes){(const uint8_t *)headers, 2 * HEADERS};
    struct homecoming homecoming = HOMECOMING;
    rpc_start(fixture->client, call, homecoming_one, &homecoming);
    homecoming_expect(&homecoming, 1);
    cr_assert_eq(call->problem.status, STATUS_RESOURCE_EXHAUSTED);
    cr_assert_str_eq(call->problem.code, "too_large");
    fixture_free(fixture);
}

Test(server, answers_unimplemented_at_once_when_the_method_is_unknown)
{
    struct fixture *fixture = fixture_start(1);
    struct method unknown = *METHOD_AuthService_VerifyKey;
    unknown.path = "/obol.auth.v1.AuthService/Nothing";
    int64_t began_ns = clock_now_ns();
    for (int i = 0; i < 50; i++) { // more than there are slots
        struct call *call = call_verify(fixture, "x");
        call->method = &unknown;
        struct homecoming homecoming = HOMECOMING;
        rpc_start(fixture->client, call, homecoming_one, &homecoming);
        homecoming_expect(&homecoming, 1);
        cr_assert_eq(call->problem.status, STATUS_UNIMPLEMENTED);
        cr_assert_str_eq(call->problem.code, "unimplemented");
    }
    cr_assert_lt(clock_now_ns() - began_ns, 10 * NS_PER_S);
    fixture_free(fixture);
}

Test(server, groups_calls_when_they_wait_together)
{
    struct fixture *fixture = fixture_start(1);
    struct homecoming homecoming = HOMECOMING;
    rpc_start(fixture->client, call_verify(fixture, "hold"), homecoming_one, &homecoming);
    gate_expect(&fixture->gate, 1);
    for (int i = 0; i < 20; i++)
        rpc_start(fixture->client, call_verify(fixture, "key"), homecoming_one, &homecoming);
    // Answered by the stage's thread, on the same connection: by then the twenty have been read.
    cr_assert_eq(rpc_client_check(fixture->client, WAIT_MS), STATUS_OK);
    gate_open(&fixture->gate);
    homecoming_expect(&homecoming, 21);
    cr_assert_geq(fixture->group_max, 10);
    cr_assert_leq(fixture->group_max, RPC_BATCH_MAX);
    cr_assert_eq(fixture->ran, 21);
    fixture_free(fixture);
}

Test(server, does_not_begin_a_call_when_its_deadline_has_passed)
{
    struct fixture *fixture = fixture_start(1);
    struct homecoming homecoming = HOMECOMING;
    rpc_start(fixture->client, call_verify(fixture, "hold"), homecoming_one, &homecoming);
    gate_expect(&fixture->gate, 1);
    struct call *late = call_verify(fixture, "late");
    late->context.deadline_ns = clock_deadline_ns(50);
    rpc_start(fixture->client, late, homecoming_one, &homecoming);
    homecoming_expect(&homecoming, 1);
    cr_assert_eq(late->problem.status, STATUS_UNAVAILABLE); // a read: it may be asked again
    // The server counts from the call's arrival, which a busy machine delays.
    while (clock_now_ns() < late->context.deadline_ns + NS_PER_S)
        cr_assert_eq(rpc_client_check(fixture->client, WAIT_MS), STATUS_OK);
    gate_open(&fixture->gate);
    homecoming_expect(&homecoming, 2);
    struct problem problem = {0};
    cr_assert_eq(verify(fixture, "after", &problem), STATUS_OK);
    cr_assert_eq(fixture->ran, 2, "the late one was run");
    fixture_free(fixture);
}

struct caller {
    struct fixture *fixture;
    struct arena *arena;
    size_t ok;
};

static void *caller_main(void *argument)
{
    struct caller *caller = argument;
    struct fixture mine = {.client = caller->fixture->client, .arena = caller->arena};
    for (int i = 0; i < 125; i++) {
        struct problem problem = {0};
        caller->ok += verify(&mine, "key", &problem) == STATUS_OK ? 1 : 0;
    }
    return NULL;
}

Test(server, answers_all_when_many_threads_call)
{
    struct fixture *fixture = fixture_start(2);
    pthread_t threads[8];
    struct caller callers[8];
    for (int i = 0; i < 8; i++) {
        callers[i] = (struct caller){fixture, arena_new(ARENA_CAP_BATCH), 0};
        cr_assert_eq(pthread_create(&threads[i], NULL, caller_main, &callers[i]), 0);
    }
    for (int i = 0; i < 8; i++) {
        pthread_join(threads[i], NULL);
        cr_assert_eq(callers[i].ok, 125);
        arena_free(callers[i].arena);
    }
    cr_assert_eq(fixture->ran, 1000);
    fixture_free(fixture);
}

Test(server, answers_all_when_a_thousand_are_under_way)
{
    struct fixture *fixture = fixture_start(2);
    struct homecoming homecoming = HOMECOMING;
    struct call *calls[1000];
    for (int i = 0; i < 1000; i++) {
        calls[i] = call_verify(fixture, "key");
        rpc_start(fixture->client, calls[i], homecoming_one, &homecoming);
    }
    homecoming_expect(&homecoming, 1000);
    for (int i = 0; i < 1000; i++)
        cr_assert_eq(calls[i]->problem.status, STATUS_OK, "%s", calls[i]->problem.detail);
    fixture_free(fixture);
}

static void *stopper_main(void *argument)
{
    struct fixture *fixture = argument;
    rpc_server_stop(fixture->server, fixture->drain_ms);
    return NULL;
}

Test(server, finishes_what_is_in_hand_when_stopped)
{
    struct fixture *fixture = fixture_start(1);
    struct homecoming homecoming = HOMECOMING;
    struct call *call = call_create(fixture, "hold");
    rpc_start(fixture->client, call, homecoming_one, &homecoming);
    gate_expect(&fixture->gate, 1);
    pthread_t stopper;
    fixture->drain_ms = 10000;
    pthread_create(&stopper, NULL, stopper_main, fixture);
    // Until the port is closed, then let the handler go on.
    int64_t until_ns = clock_deadline_ns(WAIT_MS);
    struct rpc_client *other = rpc_client_new(fixture->target);
    while (rpc_client_check(other, 500) == STATUS_OK)
        cr_assert_gt(clock_left_ms(until_ns), 0);
    rpc_client_free(other);
    gate_open(&fixture->gate);
    homecoming_expect(&homecoming, 1);
    pthread_join(stopper, NULL);
    fixture->server = NULL;
    cr_assert_eq(call->problem.status, STATUS_OK, "%s", call->problem.detail);
    fixture_free(fixture);
}

Test(server, cancels_what_is_left_when_the_bound_has_passed)
{
    struct fixture *fixture = fixture_start(1);
    struct homecoming homecoming = HOMECOMING;
    struct call *held = call_create(fixture, "hold"), *behind = call_create(fixture, "behind");
    rpc_start(fixture->client, held, homecoming_one, &homecoming);
    gate_expect(&fixture->gate, 1);
    rpc_start(fixture->client, behind, homecoming_one, &homecoming);
    cr_assert_eq(rpc_client_check(fixture->client, WAIT_MS), STATUS_OK);
    pthread_t stopper;
    fixture->drain_ms = 100;
    pthread_create(&stopper, NULL, stopper_main, fixture);
    homecoming_expect(&homecoming, 2); // the cancelling brings them home
    cr_assert_eq(held->problem.status, STATUS_UNKNOWN);
    gate_open(&fixture->gate);
    pthread_join(stopper, NULL);
    fixture->server = NULL;
    fixture_free(fixture);
}

Test(server, refuses_to_start_when_a_handler_is_missing)
{
    struct fixture *fixture = fixture_new(1);
    fixture->config.handlers_n--;
    cr_assert_eq(rpc_server_start(&fixture->config, &fixture->server), STATUS_INVALID_ARGUMENT);
    cr_assert_null(fixture->server);
    fixture_free(fixture);
}

Test(server, refuses_to_start_when_a_handler_is_unknown_double_or_empty)
{
    struct fixture *fixture = fixture_new(1);
    struct rpc_handler *last = &fixture->handlers[fixture->config.handlers_n];
    fixture->config.handlers_n++;
    *last = (struct rpc_handler){.method = "/no.Such/Method", .one = handle_any};
    cr_assert_eq(rpc_server_start(&fixture->config, &fixture->server), STATUS_INVALID_ARGUMENT);
    *last = fixture->handlers[0];
    cr_assert_eq(rpc_server_start(&fixture->config, &fixture->server), STATUS_INVALID_ARGUMENT);
    fixture->config.handlers_n--;
    fixture->handlers[0].one = NULL;
    fixture->handlers[0].many = NULL;
    cr_assert_eq(rpc_server_start(&fixture->config, &fixture->server), STATUS_INVALID_ARGUMENT);
    fixture_free(fixture);
}

Test(server, refuses_to_start_when_the_port_is_taken)
{
    struct fixture *fixture = fixture_start(1);
    struct fixture *second = fixture_new(1);
    second->config.address = fixture->target;
    cr_assert_eq(rpc_server_start(&second->config, &second->server), STATUS_UNAVAILABLE);
    fixture_free(second);
    struct problem problem = {0};
    cr_assert_eq(verify(fixture, "key", &problem), STATUS_OK);
    fixture_free(fixture);
}

static size_t count_refused(struct call *const *calls, size_t n)
{
    size_t refused = 0;
    for (size_t i = 0; i < n; i++) {
        if (calls[i]->problem.status != STATUS_RESOURCE_EXHAUSTED)
            continue;
        cr_assert_str_eq(calls[i]->problem.code, "too_many_requests");
        cr_assert_eq(calls[i]->problem.retry_after_s, 1);
        refused++;
    }
    return refused;
}

Test(server, bounds_the_slow_lane_by_tenant_and_in_all)
{
    struct fixture *fixture = fixture_start(1);
    struct homecoming homecoming = HOMECOMING;
    Obol__Payments__V1__TokenizeCardRequest request =
        OBOL__PAYMENTS__V1__TOKENIZE_CARD_REQUEST__INIT;
    struct call *calls[7];
    for (int i = 0; i < 7; i++) {
        calls[i] = call_new(fixture, METHOD_PaymentService_TokenizeCard, &request.base);
        calls[i]->context.tenant_id = i < 4 ? "ten_a" : i < 6 ? "ten_b" : "";
    }
    // Two run, two wait; a tenant has three places at most.
    for (int i = 0; i < 4; i++)
        rpc_start(fixture->client, calls[i], homecoming_one, &homecoming);
    homecoming_expect(&homecoming, 1);
    gate_expect(&fixture->gate, 2);
    // Another tenant has the fourth place; then all are taken, for anybody.
    rpc_start(fixture->client, calls[4], homecoming_one, &homecoming);
    rpc_start(fixture->client, calls[5], homecoming_one, &homecoming);
    homecoming_expect(&homecoming, 2);
    struct problem problem = {0};
    cr_assert_eq(verify(fixture, "key", &problem), STATUS_OK); // the fast lane does not wait for it
    gate_open(&fixture->gate);
    homecoming_expect(&homecoming, 6);
    cr_assert_eq(count_refused(calls, 4), 1);
    cr_assert_eq(count_refused(calls + 4, 2), 1);
    rpc_start(fixture->client, calls[6], homecoming_one, &homecoming);
    homecoming_expect(&homecoming, 7);
    cr_assert_eq(calls[6]->problem.status, STATUS_OK);
    fixture_free(fixture);
}
