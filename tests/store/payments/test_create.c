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

TestSuite(create, .init = begin, .fini = end);

static const char *count(const char *sql)
{
    return test_sql(f.db, f.arena, sql);
}

Test(create, makes_payment_charge_event_and_audit_together)
{
    const char *id = pay(&f, "my-ref-1", 50000);
    const Obol__Payments__V1__Payment *payment = payment_get(&f, id);
    cr_assert_str_eq(payment->status, "pending");
    cr_assert_str_eq(payment->provider, "simulator");
    cr_assert_eq(payment->sequence, 1);
    cr_assert_eq(payment->amount, 50000);
    cr_assert_null(payment->error);
    cr_assert_str_eq(
        count("SELECT count(*) FROM operations WHERE kind = 'charge' AND status = 'ready'"), "1");
    cr_assert_str_eq(count("SELECT type || sequence FROM events"), "payment.created1");
    cr_assert_str_eq(count("SELECT count(*) FROM outbox"), "1");
    cr_assert_str_eq(count("SELECT action FROM audit_log"), "payment.create");
}

Test(create, replays_the_first_answer_byte_for_byte)
{
    struct call *first = create_call(f.arena, "r", 100, "k1");
    struct call *second = create_call(f.arena, "r", 100, "k1");
    rpc_create_payment(&f.worker, &first, 1);
    rpc_create_payment(&f.worker, &second, 1);
    cr_assert_eq(first->problem.status, STATUS_OK);
    cr_assert_not(first->replayed);
    cr_assert(second->replayed);
    cr_assert_eq(first->packed.length, second->packed.length);
    cr_assert_arr_eq(first->packed.at, second->packed.at, first->packed.length);
    cr_assert_str_eq(count("SELECT count(*) FROM payments"), "1");
}

Test(create, answers_a_key_twice_in_one_batch_from_one_payment)
{
    struct call *calls[] = {create_call(f.arena, "r", 100, "k"), create_call(f.arena, "s", 7, NULL),
                            create_call(f.arena, "r", 100, "k"),
                            create_call(f.arena, "r", 101, "k")};
    rpc_create_payment(&f.worker, calls, 4);
    cr_assert_str_eq(payment_answer(calls[0])->id, payment_answer(calls[2])->id);
    cr_assert_not(calls[0]->replayed);
    cr_assert(calls[2]->replayed);
    cr_assert_eq(payment_answer(calls[1])->amount, 7);
    assert_refused(calls[3], STATUS_INVALID_ARGUMENT, "idempotency_key_reused");
    cr_assert_str_eq(count("SELECT count(*) FROM payments"), "2");
}

Test(create, replays_before_it_judges)
{
    const char *order = order_new(&f, 500);
    struct call *first = create_call(f.arena, order, 0, "k");
    rpc_create_payment(&f.worker, &first, 1);
    cr_assert_eq(payment_answer(first)->amount, 500);
    count("UPDATE orders SET status = 'paid', active_payment_id = NULL");
    struct call *again = create_call(f.arena, order, 0, "k");
    rpc_create_payment(&f.worker, &again, 1);
    cr_assert(again->replayed);
    // And a request that would be refused today is still the reuse of a key.
    struct call *bad = create_call(f.arena, order, 0, "k");
    ((Obol__Payments__V1__CreatePaymentRequest *)bad->request)->vpa = arena_strdup(f.arena, "");
    bad->request_bytes = message_pack(f.arena, bad->request);
    rpc_create_payment(&f.worker, &bad, 1);
    assert_refused(bad, STATUS_INVALID_ARGUMENT, "idempotency_key_reused");
}

Test(create, does_not_remember_a_refusal)
{
    struct call *bad = create_call(f.arena, "nothing", 0, "k");
    rpc_create_payment(&f.worker, &bad, 1);
    assert_refused(bad, STATUS_INVALID_ARGUMENT, "order_not_found");
    struct call *good = create_call(f.arena, "nothing", 5, "k");
    rpc_create_payment(&f.worker, &good, 1);
    cr_assert_eq(payment_answer(good)->amount, 5);
    cr_assert_not(good->replayed);
}

Test(create, gives_an_order_to_the_first_of_a_batch)
{
    const char *order = order_new(&f, 500);
    struct call *calls[] = {create_call(f.arena, order, 0, "a"),
                            create_call(f.arena, order, 500, "b"),
                            create_call(f.arena, order, 499, NULL)};
    rpc_create_payment(&f.worker, calls, 3);
    cr_assert_str_eq(payment_answer(calls[0])->order_id, order);
    assert_refused(calls[1], STATUS_FAILED_PRECONDITION, "order_in_progress");
    assert_refused(calls[2], STATUS_INVALID_ARGUMENT, "order_amount_mismatch");
    cr_assert_str_eq(count("SELECT status FROM orders"), "attempted");
    count("UPDATE orders SET status = 'paid', active_payment_id = NULL");
    struct call *late = create_call(f.arena, order, 0, "b"); // the key was given back
    rpc_create_payment(&f.worker, &late, 1);
    assert_refused(late, STATUS_FAILED_PRECONDITION, "order_already_paid");
}

Test(create, lets_a_reusable_order_be_paid_at_once_by_many)
{
    Obol__Payments__V1__ImportOrderRequest *import =
        NEW(f.arena, import_order_request, ImportOrderRequest);
    import->id = arena_strdup(f.arena, "order_123");
    import->reusable = true;
    import->order = NEW(f.arena, create_order_request, CreateOrderRequest);
    import->order->amount = int_value(f.arena, 50000);
    import->order->currency = arena_strdup(f.arena, "INR");
    for (int i = 0; i < 2; i++) {
        struct call *call = call_new(f.arena, METHOD_OrderService_ImportOrder, &import->base, NULL);
        cr_ok(rpc_import_order(&f.worker, call));
    }
    struct call *calls[8];
    for (int i = 0; i < 8; i++)
        calls[i] = create_call(f.arena, "order_123", 0, NULL);
    rpc_create_payment(&f.worker, calls, 8);
    for (int i = 0; i < 8; i++)
        cr_assert_eq(payment_answer(calls[i])->amount, 50000);
    cr_assert_str_eq(count("SELECT status FROM orders"), "created");
}

Test(create, finds_its_own_rows_when_the_answer_to_commit_is_lost)
{
    failpoint_arm("create.committed=fail");
    struct call *calls[] = {create_call(f.arena, "r1", 100, "k"),
                            create_call(f.arena, "r2", 100, NULL),
                            create_call(f.arena, order_new(&f, 9), 0, NULL)};
    rpc_create_payment(&f.worker, calls, 3);
    for (int i = 0; i < 3; i++) {
        cr_assert_not_null(payment_answer(calls[i]));
        cr_assert_not(calls[i]->replayed);
    }
    cr_assert_str_eq(count("SELECT count(*) FROM payments"), "3");
    cr_assert_str_eq(count("SELECT count(*) FROM events"), "3");
    cr_assert_str_eq(count("SELECT count(*) FROM operations"), "3");
}

Test(create, says_unknown_when_the_lost_answer_is_never_found)
{
    failpoint_arm("create.committed=fail:*");
    struct call *call = create_call(f.arena, "r1", 100, NULL);
    rpc_create_payment(&f.worker, &call, 1);
    cr_assert_eq(call->problem.status, STATUS_UNKNOWN);
}

Test(create, leaves_nothing_when_it_fails_before_commit)
{
    failpoint_arm("create.before_commit=fail:*");
    struct call *call = create_call(f.arena, "r1", 100, "k");
    rpc_create_payment(&f.worker, &call, 1);
    cr_assert_eq(call->problem.status, STATUS_UNAVAILABLE);
    cr_assert_str_eq(count("SELECT count(*) FROM payments"), "0");
    failpoint_arm("");
    struct call *again = create_call(f.arena, "r1", 100, "k");
    rpc_create_payment(&f.worker, &again, 1);
    cr_assert_not(again->replayed);
    cr_assert_eq(payment_answer(again)->amount, 100);
}

Test(create, splits_a_batch_only_for_the_bad_item)
{
    struct call *calls[] = {create_call(f.arena, "r1", 100, NULL),
                            create_call(f.arena, "r2", 100, NULL),
                            create_call(f.arena, "r3", 100, NULL)};
    // What validation can't see: a check of the table that only this row breaks.
    count("ALTER TABLE payments ADD CONSTRAINT odd CHECK (order_id <> 'r2')");
    rpc_create_payment(&f.worker, calls, 3);
    cr_assert_str_eq(payment_answer(calls[0])->order_id, "r1");
    assert_refused(calls[1], STATUS_INVALID_ARGUMENT, "invalid_request");
    cr_assert_str_eq(payment_answer(calls[2])->order_id, "r3");
}

struct rival {
    int direction;
    int made;
};

// Two workers, the same keys and orders in opposite order: nobody may lock crosswise.
static void *rival_run(void *argument)
{
    struct rival *rival = argument;
    struct fixture own = f;
    own.db = test_db_open(&f.database, "payments", NULL);
    own.worker.db = own.db;
    own.worker.arena = arena_new(ARENA_CAP_BATCH);
    own.arena = arena_new(ARENA_CAP_BATCH);
    for (int round = 0; round < 20; round++) {
        struct call *calls[16];
        for (int i = 0; i < 16; i++) {
            int n = rival->direction > 0 ? i : 15 - i;
            calls[i] = create_call(own.arena, "r", 100 + n,
                                   arena_printf(own.arena, "key-%d-%d", round, n));
            calls[i]->context.fingerprint = bytes_of_string("same");
        }
        rpc_create_payment(&own.worker, calls, 16);
        for (int i = 0; i < 16; i++) {
            cr_assert_eq(calls[i]->problem.status, STATUS_OK, "%s", calls[i]->problem.detail);
            rival->made += !calls[i]->replayed;
        }
        arena_reset(own.arena);
    }
    arena_free(own.worker.arena);
    arena_free(own.arena);
    db_free(own.db);
    return NULL;
}

Test(create, makes_each_once_when_two_workers_race_crosswise)
{
    struct rival rivals[2] = {{1, 0}, {-1, 0}};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, rival_run, &rivals[i]);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    cr_assert_eq(rivals[0].made + rivals[1].made, 320);
    cr_assert_str_eq(count("SELECT count(*) FROM payments"), "320");
}
