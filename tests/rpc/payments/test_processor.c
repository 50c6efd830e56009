#include "processing.h"
#include "support/measures.h"

TestSuite(processor, .init = processing_begin, .fini = processing_end);

static const char *pay_manual(void)
{
    struct call *call = create_call(f.arena, "manual", 1000, NULL);
    ((Obol__Payments__V1__CreatePaymentRequest *)call->request)->capture =
        arena_strdup(f.arena, "manual");
    rpc_create_payment(&f.worker, &call, 1);
    return payment_answer(call)->id;
}

static enum status capture(const char *id, int64_t amount, struct call **ret)
{
    Obol__Payments__V1__CapturePaymentRequest *request =
        NEW(f.arena, capture_payment_request, CapturePaymentRequest);
    request->id = arena_strdup(f.arena, id);
    request->amount = int_value(f.arena, amount);
    *ret = call_new(f.arena, METHOD_PaymentService_CapturePayment, &request->base, NULL);
    return rpc_capture_payment(&f.worker, *ret);
}

static enum status cancel(const char *id, struct call **ret)
{
    Obol__Payments__V1__CancelPaymentRequest *request =
        NEW(f.arena, cancel_payment_request, CancelPaymentRequest);
    request->id = arena_strdup(f.arena, id);
    *ret = call_new(f.arena, METHOD_PaymentService_CancelPayment, &request->base, NULL);
    return rpc_cancel_payment(&f.worker, *ret);
}

Test(processor, charges_a_payment_and_tells_each_step)
{
    const char *order = order_new(&f, 700);
    const char *id = pay(&f, order, 0);
    start_processor();
    wait_status(id, "succeeded");
    cr_assert_str_eq(sql(TRAIL), "payment.created 1, payment.processing 2, payment.captured 3, "
                                 "payment.succeeded 4");
    const Obol__Payments__V1__Payment *payment = payment_get(&f, id);
    cr_assert(payment->captured);
    cr_assert_eq(payment->amount_captured, 700);
    cr_assert_eq(payment->sequence, 4);
    cr_assert_str_eq(sql("SELECT status FROM orders"), "paid");
    cr_assert_str_eq(sql("SELECT outcome FROM operation_attempts"), "accepted");
    cr_assert_eq(fake.operations[0].posts, 1);
}

Test(processor, frees_the_order_of_a_declined_payment)
{
    FAKE(fake.result = "failed");
    const char *id = pay(&f, order_new(&f, 700), 0);
    start_processor();
    wait_status(id, "failed");
    cr_assert_str_eq(payment_get(&f, id)->error->code, "card_declined");
    cr_assert_str_eq(sql("SELECT status || coalesce(active_payment_id, '-') FROM orders"),
                     "attempted-");
}

Test(processor, fails_what_the_provider_refuses_at_once)
{
    FAKE(fake.post_status = 400);
    const char *id = pay(&f, "r", 700);
    start_processor();
    wait_status(id, "failed");
    cr_assert_str_eq(payment_get(&f, id)->error->code, "refused_by_test");
}

Test(processor, never_sends_again_what_may_have_arrived)
{
    FAKE(fake.post_status = 500; fake.pending_queries = 1);
    const char *id = pay(&f, "r", 700);
    start_processor();
    wait_status(id, "succeeded");
    cr_assert_str_eq(sql(TRAIL), "payment.created 1, payment.processing 2, payment.unknown 3, "
                                 "payment.captured 4, payment.succeeded 5");
    cr_assert_eq(fake.operations[0].posts, 1);
}

Test(processor, sends_again_only_when_not_found_is_final)
{
    FAKE(fake.post_status = 500; fake.records = false);
    const char *id = pay(&f, "r", 700);
    start_processor();
    wait_status(id, "unknown");
    wait_sql("SELECT queries > 0 FROM operations_queue", "t");
    cr_assert_eq(fake.operations[0].posts, 1);
    FAKE(fake.post_status = 202; fake.records = true; fake.n = 0;
         memset(fake.operations, 0, sizeof fake.operations));
    sql("UPDATE operations SET sent_at = sent_at - interval '1 hour'");
    wait_status(id, "succeeded");
    cr_assert_str_eq(sql("SELECT attempts FROM operations"), "2");
    cr_assert_eq(test_metric("obol_operation_retries_total{provider=\"simulator\",act=\"charge\"}"),
                 1);
    cr_assert_eq(test_metric("obol_provider_requests_total{provider=\"simulator\",act=\"charge\","
                             "outcome=\"accepted\"}"),
                 1);
}

Test(processor, asks_before_anything_else_after_a_crash)
{
    const char *id = pay(&f, "r", 700);
    // As a processor leaves it that dies between its claim and its request.
    sql("UPDATE operations SET status = 'sent', attempts = 1, sent_at = now() - interval '1 hour'");
    sql("UPDATE operations_queue SET lease_until = now() - interval '1 second'");
    sql("UPDATE payments SET status = 'processing'");
    start_processor();
    wait_status(id, "succeeded");
    cr_assert_eq(fake.operations[0].posts, 1);
    cr_assert_str_eq(sql("SELECT attempts FROM operations"), "2");
}

Test(processor, waits_for_a_provider_that_is_away)
{
    int port = http_server_port(fake.server);
    http_server_stop(fake.server, 100);
    const char *id = pay(&f, "r", 700);
    start_processor();
    wait_sql("SELECT attempts > 0 AND status = 'ready' FROM operations", "t");
    cr_assert_str_eq(payment_get(&f, id)->status, "processing");
    fake_listen(port);
    wait_status(id, "succeeded");
}

Test(processor, authorizes_then_captures_a_part)
{
    struct call *call = NULL;
    const char *id = pay_manual();
    start_processor();
    wait_status(id, "authorized");
    cr_assert_eq(capture(id, 1001, &call), STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(call->problem.code, "amount_too_large");
    cr_assert_eq(capture(id, 0, &call), STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(call->problem.code, "invalid_request");
    cr_ok(capture(id, 400, &call));
    cr_assert_str_eq(payment_answer(call)->status, "capturing");
    wait_status(id, "succeeded");
    cr_assert_eq(payment_get(&f, id)->amount_captured, 400);
    cr_assert_eq(capture(id, 400, &call), STATUS_FAILED_PRECONDITION);
    cr_assert_eq(cancel(id, &call), STATUS_FAILED_PRECONDITION);
}

Test(processor, cancels_what_is_authorized)
{
    struct call *call = NULL;
    const char *id = pay_manual();
    start_processor();
    wait_status(id, "authorized");
    cr_ok(cancel(id, &call));
    wait_status(id, "canceled");
    cr_assert_str_eq(sql(TRAIL), "payment.created 1, payment.processing 2, payment.authorized 3, "
                                 "payment.canceled 4");
}

Test(processor, takes_back_what_was_not_sent)
{
    struct call *call = NULL;
    const char *id = pay(&f, order_new(&f, 5), 0);
    cr_ok(cancel(id, &call));
    cr_assert_str_eq(payment_answer(call)->status, "canceled");
    cr_assert_eq(cancel(id, &call), STATUS_FAILED_PRECONDITION);
    cr_assert_str_eq(sql("SELECT status FROM operations"), "released");
    cr_assert_str_eq(sql("SELECT coalesce(active_payment_id, '-') FROM orders"), "-");
    start_processor();
    const char *next = pay(&f, "r", 6);
    processor_ring(f.state.processor);
    wait_status(next, "succeeded");
    cr_assert_eq(fake.n, 1);
}

Test(processor, asks_for_the_payer_and_expires)
{
    f.settings.action_ttl_s = 1;
    FAKE(fake.result = "requires_action");
    const char *id = pay(&f, order_new(&f, 9), 0);
    start_processor();
    wait_status(id, "requires_action");
    cr_assert_str_eq(payment_get(&f, id)->next_action->url, "https://acs.example/1");
    wait_status(id, "expired");
    cr_assert_str_eq(sql("SELECT coalesce(active_payment_id, '-') FROM orders"), "-");
    // A payer who was late all the same: the money is real.
    FAKE(fake.result = "succeeded");
    sql("UPDATE operations_queue SET due_at = now()");
    wait_status(id, "succeeded");
}

Test(processor, goes_on_when_the_payer_has_acted)
{
    FAKE(fake.result = "requires_action");
    const char *id = pay(&f, "r", 9);
    start_processor();
    wait_status(id, "requires_action");
    FAKE(fake.result = "pending");
    wait_status(id, "processing");
    FAKE(fake.result = "succeeded");
    wait_status(id, "succeeded");
}

Test(processor, gives_the_unknown_to_a_person_in_the_end)
{
    f.settings.unknown_deadline_s = 1;
    FAKE(fake.post_status = 500; fake.mute = true);
    const char *id = pay(&f, "r", 9);
    start_processor();
    wait_status(id, "unknown");
    cr_assert_str_eq(payment_get(&f, id)->unknown_operation->value, "charge");
    wait_status(id, "needs_review");
    Obol__Payments__V1__ResolvePaymentRequest *request =
        NEW(f.arena, resolve_payment_request, ResolvePaymentRequest);
    request->id = arena_strdup(f.arena, id);
    request->as = arena_strdup(f.arena, "succeeded");
    request->reason = arena_strdup(f.arena, "Seen on the statement.");
    struct call *call =
        call_new(f.arena, METHOD_PaymentService_ResolvePayment, &request->base, "k");
    cr_ok(rpc_resolve_payment(&f.worker, call));
    cr_assert_str_eq(payment_answer(call)->status, "succeeded");
    cr_assert_str_eq(sql("SELECT status FROM operations"), "succeeded");
    call = call_new(f.arena, METHOD_PaymentService_ResolvePayment, &request->base, NULL);
    cr_assert_eq(rpc_resolve_payment(&f.worker, call), STATUS_FAILED_PRECONDITION);
}

Test(processor, a_person_may_have_it_charged_again)
{
    f.settings.unknown_deadline_s = 1;
    FAKE(fake.post_status = 500; fake.mute = true);
    const char *id = pay(&f, "r", 9);
    start_processor();
    wait_status(id, "needs_review");
    FAKE(fake.post_status = 202; fake.mute = false);
    Obol__Payments__V1__ResolvePaymentRequest *request =
        NEW(f.arena, resolve_payment_request, ResolvePaymentRequest);
    request->id = arena_strdup(f.arena, id);
    request->as = arena_strdup(f.arena, "pending");
    request->reason = arena_strdup(f.arena, "Never arrived.");
    struct call *call =
        call_new(f.arena, METHOD_PaymentService_ResolvePayment, &request->base, NULL);
    cr_ok(rpc_resolve_payment(&f.worker, call));
    wait_status(id, "succeeded");
    cr_assert_eq(fake.n, 2);
}

Test(processor, refunds_and_tells_both_sides)
{
    const char *id = paid(&f, 1000);
    struct call *call = reserve_call(f.arena, id, "rfnd_1", 300);
    rpc_reserve_refund(&f.worker, &call, 1);
    start_processor();
    wait_sql("SELECT amount_refunded || '/' || refund_reserved FROM payments", "300/0");
    cr_assert_str_eq(sql("SELECT object_id || ' ' || sequence FROM events WHERE type = "
                         "'refund_operation.processed'"),
                     "rfnd_1 0");
    cr_assert_str_eq(sql("SELECT count(*) FROM events WHERE type = 'payment.refunded'"), "1");
    FAKE(fake.result = "failed");
    call = reserve_call(f.arena, id, "rfnd_2", 300);
    rpc_reserve_refund(&f.worker, &call, 1);
    wait_sql("SELECT count(*) FROM events WHERE type = 'refund_operation.failed'", "1");
    cr_assert_str_eq(sql("SELECT amount_refunded || '/' || refund_reserved FROM payments"),
                     "300/0");
}

Test(processor, records_an_outcome_that_could_not_be_written_at_first)
{
    failpoint_arm("outcome.before_commit=fail");
    const char *id = pay(&f, "r", 9);
    start_processor();
    wait_status(id, "succeeded");
    cr_assert_eq(fake.operations[0].posts, 1);
}

Test(processor, keeps_sequences_whole_with_two_at_work)
{
    struct call *calls[60];
    for (int i = 0; i < 60; i++) {
        calls[i] = create_call(f.arena, "r", 10 + i, NULL);
        calls[i]->context.tenant_id = i % 3 ? TENANT : "tnt_b";
    }
    rpc_create_payment(&f.worker, calls, 60);
    start_processor();
    struct processor *first = f.state.processor;
    start_processor();
    wait_sql("SELECT count(*) FROM payments WHERE status = 'succeeded'", "60");
    processor_stop(first);
    cr_assert_str_eq(
        sql("SELECT count(*) FROM (SELECT object_id FROM events GROUP BY object_id HAVING "
            "count(*) = 4 AND min(sequence) = 1 AND max(sequence) = 4 AND "
            "count(DISTINCT sequence) = 4) x"),
        "60");
    for (size_t i = 0; i < fake.n; i++)
        cr_assert_eq(fake.operations[i].posts, 1);
}

Test(processor, one_that_can_not_be_claimed_keeps_nobody_waiting)
{
    const char *ids[] = {pay(&f, "a", 1), pay(&f, "b", 2), pay(&f, "c", 3)};
    sql(arena_printf(f.arena, "ALTER TABLE operation_attempts ADD CHECK (operation_id <> '%s')",
                     reference_of(ids[0])));
    start_processor();
    wait_status(ids[1], "succeeded");
    wait_status(ids[2], "succeeded");
    cr_assert_str_eq(payment_get(&f, ids[0])->status, "pending");
    cr_assert_str_eq(sql("SELECT lease_until > now() FROM operations_queue"), "t");
}

Test(processor, what_can_not_be_taken_in_hand_was_not_sent)
{
    const char *id = pay(&f, "r", 9);
    sql("UPDATE operations SET credential_id = 'cred_gone' RETURNING ''");
    start_processor();
    wait_sql("SELECT attempts >= 2 FROM operations", "t");
    cr_assert_str_eq(sql("SELECT count(*) FROM operation_attempts WHERE outcome <> 'not_sent'"),
                     "0");
    sql("UPDATE operations SET credential_id = NULL RETURNING ''");
    wait_status(id, "succeeded");
    cr_assert_str_eq(sql("SELECT count(*) FROM events WHERE type = 'payment.unknown'"), "0");
    cr_assert_eq(fake.operations[0].posts, 1);
}

Test(processor, one_outcome_that_can_not_be_recorded_keeps_nobody_waiting)
{
    const char *ids[] = {pay(&f, "a", 1), pay(&f, "b", 2), pay(&f, "c", 3)};
    sql(arena_printf(f.arena,
                     "ALTER TABLE operations ADD CHECK (id <> '%s' OR status <> 'succeeded')",
                     reference_of(ids[0])));
    start_processor();
    wait_status(ids[1], "succeeded");
    wait_status(ids[2], "succeeded");
    cr_assert_str_eq(payment_get(&f, ids[0])->status, "processing");
    const char *late = pay(&f, "d", 4);
    processor_ring(f.state.processor);
    wait_status(late, "succeeded");
}
