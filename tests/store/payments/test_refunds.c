#include "fixture.h"

static struct fixture f;

static void begin(void)
{
    fixture_begin(&f);
}

static void end(void)
{
    fixture_end(&f);
}

TestSuite(refunds_side, .init = begin, .fini = end);

static const Obol__Payments__V1__ReserveRefundResponse *reserved(struct call *call)
{
    cr_assert_eq(call->problem.status, STATUS_OK, "%s", call->problem.detail);
    return (const Obol__Payments__V1__ReserveRefundResponse *)call->response;
}

static bool release(const char *payment, const char *refund)
{
    Obol__Payments__V1__ReleaseRefundRequest *request =
        NEW(f.arena, release_refund_request, ReleaseRefundRequest);
    request->payment_id = arena_strdup(f.arena, payment);
    request->refund_id = arena_strdup(f.arena, refund);
    struct call *call =
        call_new(f.arena, METHOD_PaymentService_ReleaseRefund, &request->base, NULL);
    cr_ok(rpc_release_refund(&f.worker, call));
    return ((const Obol__Payments__V1__ReleaseRefundResponse *)call->response)->released;
}

static const char *standing(const char *payment, const char *refund)
{
    Obol__Payments__V1__GetRefundOperationRequest *request =
        NEW(f.arena, get_refund_operation_request, GetRefundOperationRequest);
    request->payment_id = arena_strdup(f.arena, payment);
    request->refund_id = arena_strdup(f.arena, refund);
    struct call *call =
        call_new(f.arena, METHOD_PaymentService_GetRefundOperation, &request->base, NULL);
    rpc_get_refund_operation(&f.worker, &call, 1);
    cr_assert_eq(call->problem.status, STATUS_OK);
    return ((const Obol__Payments__V1__RefundOperation *)message_unpack(
                f.arena, &obol__payments__v1__refund_operation__descriptor, call->packed))
        ->status;
}

Test(refunds_side, three_of_one_payment_in_one_batch_never_exceed_it)
{
    const char *id = paid(&f, 1000);
    struct call *calls[] = {reserve_call(f.arena, id, "rfnd_1", 600),
                            reserve_call(f.arena, id, "rfnd_2", 600),
                            reserve_call(f.arena, id, "rfnd_3", 0)};
    rpc_reserve_refund(&f.worker, calls, 3);
    cr_assert_eq(reserved(calls[0])->amount, 600);
    assert_refused(calls[1], STATUS_OUT_OF_RANGE, "refund_exceeds_captured");
    cr_assert_eq(reserved(calls[2])->amount, 400);
    cr_assert_str_eq(reserved(calls[2])->currency, "INR");
    struct call *none = reserve_call(f.arena, id, "rfnd_4", 0);
    rpc_reserve_refund(&f.worker, &none, 1);
    assert_refused(none, STATUS_OUT_OF_RANGE, "refund_exceeds_captured");
    cr_assert_str_eq(test_sql(f.db, f.arena, "SELECT refund_reserved FROM payments"), "1000");
}

Test(refunds_side, asking_again_reserves_once)
{
    const char *id = paid(&f, 1000);
    failpoint_arm("reserve.committed=fail");
    struct call *calls[] = {reserve_call(f.arena, id, "rfnd_1", 600),
                            reserve_call(f.arena, id, "rfnd_1", 600)};
    rpc_reserve_refund(&f.worker, calls, 2);
    cr_assert_eq(reserved(calls[0])->amount, 600);
    cr_assert_eq(reserved(calls[1])->amount, 600);
    struct call *again = reserve_call(f.arena, id, "rfnd_1", 0);
    rpc_reserve_refund(&f.worker, &again, 1);
    cr_assert_eq(reserved(again)->amount, 600);
    cr_assert_str_eq(test_sql(f.db, f.arena, "SELECT refund_reserved FROM payments"), "600");
    cr_assert_str_eq(standing(id, "rfnd_1"), "pending");
    cr_assert_str_eq(standing(id, "rfnd_9"), "absent");
}

Test(refunds_side, a_release_gives_back_and_is_final)
{
    const char *id = paid(&f, 1000);
    struct call *call = reserve_call(f.arena, id, "rfnd_1", 600);
    rpc_reserve_refund(&f.worker, &call, 1);
    cr_assert(release(id, "rfnd_1"));
    cr_assert(release(id, "rfnd_1"));
    cr_assert_str_eq(test_sql(f.db, f.arena, "SELECT refund_reserved FROM payments"), "0");
    call = reserve_call(f.arena, id, "rfnd_1", 600);
    rpc_reserve_refund(&f.worker, &call, 1);
    cr_assert(reserved(call)->released);
    cr_assert_str_eq(standing(id, "rfnd_1"), "released");
}

Test(refunds_side, a_tombstone_refuses_a_late_reserve)
{
    const char *id = paid(&f, 1000);
    cr_assert(release(id, "rfnd_7"));
    struct call *call = reserve_call(f.arena, id, "rfnd_7", 600);
    rpc_reserve_refund(&f.worker, &call, 1);
    cr_assert(reserved(call)->released);
    cr_assert_str_eq(test_sql(f.db, f.arena, "SELECT refund_reserved FROM payments"), "0");
}

Test(refunds_side, what_was_sent_is_not_released)
{
    const char *id = paid(&f, 1000);
    struct call *call = reserve_call(f.arena, id, "rfnd_1", 600);
    rpc_reserve_refund(&f.worker, &call, 1);
    test_sql(f.db, f.arena,
             "UPDATE operations SET status = 'sent', attempts = 1 WHERE kind = 'refund'");
    cr_assert_not(release(id, "rfnd_1"));
    cr_assert_str_eq(test_sql(f.db, f.arena, "SELECT refund_reserved FROM payments"), "600");
}

Test(refunds_side, refuses_what_is_not_paid_and_not_there)
{
    const char *id = pay(&f, "r", 1000);
    struct call *calls[] = {
        reserve_call(f.arena, id, "rfnd_1", 0), reserve_call(f.arena, "pay_none", "rfnd_2", 0),
        reserve_call(f.arena, id, "", 0), reserve_call(f.arena, id, "rfnd_3", -1)};
    rpc_reserve_refund(&f.worker, calls, 4);
    assert_refused(calls[0], STATUS_FAILED_PRECONDITION, "payment_not_refundable");
    assert_refused(calls[1], STATUS_NOT_FOUND, "not_found");
    assert_refused(calls[2], STATUS_INVALID_ARGUMENT, "invalid_request");
    assert_refused(calls[3], STATUS_INVALID_ARGUMENT, "invalid_request");
}

static void *reserve_many(void *argument)
{
    const char *id = argument;
    struct fixture own = f;
    own.worker.db = test_db_open(&f.database, "payments", NULL);
    own.worker.arena = arena_new(ARENA_CAP_BATCH);
    struct arena *arena = arena_new(ARENA_CAP_BATCH);
    for (int i = 0; i < 30; i++) {
        struct call *call = reserve_call(arena, id, id_new("rfnd").text, 50);
        rpc_reserve_refund(&own.worker, &call, 1);
        cr_assert(call->problem.status == STATUS_OK || call->problem.status == STATUS_OUT_OF_RANGE,
                  "%s", status_name(call->problem.status));
    }
    arena_free(arena);
    arena_free(own.worker.arena);
    db_free(own.worker.db);
    return NULL;
}

Test(refunds_side, concurrent_reserves_stop_at_what_was_captured)
{
    const char *id = paid(&f, 1000);
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, reserve_many, (void *)(uintptr_t)id);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    cr_assert_str_eq(test_sql(f.db, f.arena, "SELECT refund_reserved FROM payments"), "1000");
    cr_assert_str_eq(
        test_sql(f.db, f.arena, "SELECT count(*) FROM operations WHERE kind = 'refund'"), "20");
}

static void *reserve_whole(void *argument)
{
    struct fixture own = f;
    own.worker.db = test_db_open(&f.database, "payments", NULL);
    own.worker.arena = arena_new(ARENA_CAP_BATCH);
    struct call *call = argument;
    rpc_reserve_refund(&own.worker, &call, 1);
    arena_free(own.worker.arena);
    db_free(own.worker.db);
    return NULL;
}

static bool somebody_waits(void *watcher)
{
    const char *n =
        test_sql(watcher, f.arena,
                 "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                 "AND wait_event_type = 'Lock'");
    return strcmp(n, "1") == 0;
}

Test(refunds_side, two_at_once_for_one_refund_are_told_the_same)
{
    const char *id = paid(&f, 1000);
    struct arena *arena = arena_new(ARENA_CAP_BATCH); // the second's
    struct call *call = reserve_call(arena, id, "rfnd_1", 0);
    struct db *watcher = test_db_open(&f.database, "payments", NULL);
    pthread_t second;
    cr_ok(db_begin(f.db));
    test_sql(f.db, f.arena, "SELECT id FROM payments FOR UPDATE");
    pthread_create(&second, NULL, reserve_whole, call);
    test_wait(somebody_waits, watcher, 5000, "the second has found no operation, and waits");
    test_sql(
        f.db, f.arena,
        "INSERT INTO operations (tenant_id, id, payment_id, kind, refund_id, amount, currency, "
        "provider, created_at) SELECT tenant_id, 'op_first', id, 'refund', 'rfnd_1', 1000, "
        "'INR', 'simulator', now() FROM payments");
    test_sql(f.db, f.arena, "UPDATE payments SET refund_reserved = 1000");
    cr_ok(db_commit(f.db));
    pthread_join(second, NULL);
    cr_assert_eq(reserved(call)->amount, 1000);
    cr_assert_str_eq(test_sql(f.db, f.arena, "SELECT refund_reserved FROM payments"), "1000");
    db_free(watcher);
    arena_free(arena);
}
