#include "fixture.h"

#include "obol/rpc/v1/bundle.obol.h"

Test(bundle, answers_each_call_by_its_own_status)
{
    struct fixture *fixture = fixture_start(1);
    struct method unknown = *METHOD_AuthService_VerifyKey;
    unknown.path = "/obol.auth.v1.AuthService/Nothing";
    struct method slow = *METHOD_PaymentService_TokenizeCard;
    slow.lane = LANE_FAST; // so that the client puts it into the bundle
    struct call *calls[] = {
        call_verify(fixture, "good"),   call_verify(fixture, "refuse"),
        call_verify(fixture, "other"),  call_verify(fixture, "other"),
        call_create(fixture, "replay"), call_verify(fixture, "other"),
        call_verify(fixture, "late"),   call_verify(fixture, "last"),
    };
    calls[2]->method = &unknown;
    calls[3]->method = &slow;
    calls[5]->request_bytes = bytes_of_string("\xff\xff garbage");
    calls[6]->context.deadline_ns = clock_now_ns();
    struct homecoming homecoming = HOMECOMING;
    rpc_bundle(fixture->client, calls, 8, homecoming_one, &homecoming);
    homecoming_expect(&homecoming, 1);
    const enum status expected[] = {
        STATUS_OK, STATUS_FAILED_PRECONDITION, STATUS_UNIMPLEMENTED,     STATUS_UNIMPLEMENTED,
        STATUS_OK, STATUS_INVALID_ARGUMENT,    STATUS_DEADLINE_EXCEEDED, STATUS_OK};
    for (int i = 0; i < 8; i++)
        cr_assert_eq(calls[i]->problem.status, expected[i], "%d: %s", i, calls[i]->problem.detail);
    cr_assert_str_eq(calls[1]->problem.code, "key_rusty");
    cr_assert_str_eq(calls[1]->problem.param, "id");
    cr_assert_eq(calls[1]->problem.retry_after_s, 9);
    cr_assert(calls[4]->replayed);
    cr_assert_not(calls[0]->replayed);
    Obol__Auth__V1__VerifyKeyResponse *last = (void *)message_unpack(
        calls[7]->arena, &obol__auth__v1__verify_key_response__descriptor, calls[7]->packed);
    cr_assert_str_eq(last->tenant_id, "last");
    cr_assert_eq(fixture->group_max, 3); // the three that could run, at once
    fixture_free(fixture);
}

Test(bundle, carries_each_context)
{
    struct fixture *fixture = fixture_start(1);
    Obol__Auth__V1__GetTenantRequest request = OBOL__AUTH__V1__GET_TENANT_REQUEST__INIT;
    struct call *calls[2];
    for (int i = 0; i < 2; i++)
        calls[i] = call_new(fixture, METHOD_AuthService_GetTenant, &request.base);
    calls[0]->context = (struct call_context){
        .tenant_id = "ten_1",
        .actor = "key_7",
        .request_id = "req.1",
        .idempotency_key = "once",
        .traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        .fingerprint = bytes_of_string("fp"),
        .deadline_ns = clock_deadline_ns(9500)};
    char key[300] = {0};
    memset(key, 'k', sizeof key - 1);
    calls[1]->context.idempotency_key = key;
    struct homecoming homecoming = HOMECOMING;
    rpc_bundle(fixture->client, calls, 2, homecoming_one, &homecoming);
    homecoming_expect(&homecoming, 1);
    cr_assert_eq(calls[0]->problem.status, STATUS_OK);
    Obol__Auth__V1__Tenant *tenant = (void *)message_unpack(
        calls[0]->arena, &obol__auth__v1__tenant__descriptor, calls[0]->packed);
    cr_assert_str_eq(tenant->name,
                     "ten_1|key_7|req.1|once|fp|00-0af7651916cd43dd8448eb211c80319c|9");
    cr_assert_eq(calls[1]->problem.status, STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(calls[1]->problem.param, "idempotency-key");
    fixture_free(fixture);
}

Test(bundle, splits_when_there_are_more_calls_than_fit)
{
    struct fixture *fixture = fixture_start(2);
    enum { N = 3 * BUNDLE_CALLS_MAX + 5 };
    struct call *calls[N];
    for (int i = 0; i < N; i++)
        calls[i] = call_verify(fixture, i % 2 ? "odd" : "even");
    Obol__Payments__V1__TokenizeCardRequest request =
        OBOL__PAYMENTS__V1__TOKENIZE_CARD_REQUEST__INIT;
    calls[7] = call_new(fixture, METHOD_PaymentService_TokenizeCard, &request.base);
    gate_open(&fixture->gate);
    struct homecoming homecoming = HOMECOMING;
    rpc_bundle(fixture->client, calls, N, homecoming_one, &homecoming);
    homecoming_expect(&homecoming, 1);
    for (int i = 0; i < N; i++)
        cr_assert_eq(calls[i]->problem.status, STATUS_OK, "%d: %s", i, calls[i]->problem.detail);
    cr_assert_eq(fixture->ran, N);
    cr_assert_leq(fixture->group_max, RPC_BATCH_MAX);
    fixture_free(fixture);
}

Test(bundle, splits_when_the_bytes_do_not_fit)
{
    struct fixture *fixture = fixture_start(1);
    char *large = calloc(1, 600000 + 1);
    memset(large, 'x', 600000);
    struct call *calls[6];
    for (int i = 0; i < 6; i++)
        calls[i] = call_verify(fixture, large);
    struct homecoming homecoming = HOMECOMING;
    rpc_bundle(fixture->client, calls, 6, homecoming_one, &homecoming);
    homecoming_expect(&homecoming, 1);
    for (int i = 0; i < 6; i++) {
        cr_assert_eq(calls[i]->problem.status, STATUS_OK, "%s", calls[i]->problem.detail);
        cr_assert_gt(calls[i]->packed.length, 600000);
    }
    free(large);
    fixture_free(fixture);
}

Test(bundle, is_refused_when_it_is_malformed_or_too_long)
{
    struct fixture *fixture = fixture_start(1);
    struct call *calls[2] = {call_verify(fixture, "x"), call_verify(fixture, "x")};
    calls[0]->method = calls[1]->method = METHOD_Bundle_Call;
    calls[0]->request_bytes = bytes_of_string("\xff\xff garbage");
    uint8_t many[2 * (BUNDLE_CALLS_MAX + 1)]; // as many empty calls
    for (size_t i = 0; i < sizeof many; i += 2) {
        many[i] = 0x0a;
        many[i + 1] = 0;
    }
    calls[1]->request_bytes = BYTES_OF_ARRAY(many);
    struct homecoming homecoming = HOMECOMING;
    for (int i = 0; i < 2; i++)
        rpc_start(fixture->client, calls[i], homecoming_one, &homecoming);
    homecoming_expect(&homecoming, 2);
    cr_assert_eq(calls[0]->problem.status, STATUS_INVALID_ARGUMENT);
    cr_assert_eq(calls[1]->problem.status, STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(calls[1]->problem.param, "calls");
    fixture_free(fixture);
}

Test(bundle, comes_home_when_it_is_empty)
{
    struct fixture *fixture = fixture_start(1);
    struct homecoming homecoming = HOMECOMING;
    struct call *call = call_verify(fixture, "x");
    call->method = METHOD_Bundle_Call;
    call->request_bytes = bytes_of_string("");
    rpc_start(fixture->client, call, homecoming_one, &homecoming);
    homecoming_expect(&homecoming, 1);
    cr_assert_eq(call->problem.status, STATUS_OK, "%s", call->problem.detail);
    rpc_bundle(fixture->client, NULL, 0, homecoming_one, &homecoming);
    homecoming_expect(&homecoming, 2);
    fixture_free(fixture);
}
