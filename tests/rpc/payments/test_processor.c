#include "../../store/payments/fixture.h"
#include "fake.h"
#include "processor/processor.h"
#include "support/measures.h"

static struct fixture f;
static char url[64];

static void start_processor(void)
{
    static struct db_config config;
    config = (struct db_config){.ring = test_ring(),
                                .url = f.database.url,
                                .schema = "payments",
                                .application = "test",
                                .statement_timeout_ms = 20000,
                                .lock_timeout_ms = 2000};
    f.state.processor =
        processor_start(&(struct processor_config){.state = &f.state, .db = &config, .slots = 16});
    cr_assert_not_null(f.state.processor);
}

static void begin(void)
{
    fake_start();
    snprintf(url, sizeof url, "http://127.0.0.1:%d", http_server_port(fake.server));
    fixture_begin_at(&f, url);
}

static void end(void)
{
    processor_stop(f.state.processor);
    f.state.processor = NULL;
    http_server_stop(fake.server, 1000);
    fixture_end(&f);
}

TestSuite(processor, .init = begin, .fini = end);

struct wanted {
    const char *sql, *value;
};

static bool row_says(void *context)
{
    const struct wanted *wanted = context;
    return strcmp(test_sql(f.db, f.arena, wanted->sql), wanted->value) == 0;
}

static void wait_sql(const char *sql, const char *value)
{
    struct wanted wanted = {sql, value};
    test_wait(row_says, &wanted, 15000, value);
}

static void wait_status(const char *id, const char *status)
{
    wait_sql(arena_printf(f.arena, "SELECT status FROM payments WHERE id = '%s'", id), status);
}

static const char *sql(const char *text)
{
    return test_sql(f.db, f.arena, text);
}

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

#define TRAIL                                                                                      \
    "SELECT string_agg(type || ' ' || sequence, ', ' ORDER BY sequence) FROM events "              \
    "WHERE sequence > 0"

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
    struct http_server_config config = {.address = "127.0.0.1",
                                        .port = (uint16_t)port,
                                        .loops = 1,
                                        .body_max = 65536,
                                        .connections_max = 64,
                                        .request_s = 5,
                                        .idle_s = 30,
                                        .handle = fake_handle};
    cr_ok(http_server_start(&config, &fake.server));
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

static struct call *callback(const char *credential, const char *body, const char *signature)
{
    Obol__Payments__V1__ProviderCallbackRequest *request =
        NEW(f.arena, provider_callback_request, ProviderCallbackRequest);
    request->provider = arena_strdup(f.arena, "simulator");
    request->credential_id = arena_strdup(f.arena, credential);
    request->body.data = (uint8_t *)arena_strdup(f.arena, body);
    request->body.len = strlen(body);
    request->headers = ARENA_ARRAY(f.arena, 1, Obol__Payments__V1__ProviderHeader *);
    request->headers[0] = NEW(f.arena, provider_header, ProviderHeader);
    request->headers[0]->name = arena_strdup(f.arena, "x-signature-256");
    request->headers[0]->value = arena_strdup(f.arena, signature);
    request->n_headers = 1;
    return call_new(f.arena, METHOD_PaymentService_ProviderCallback, &request->base, NULL);
}

static enum status called_back(struct call *call)
{
    rpc_provider_callback(&f.worker, &call, 1);
    return call->problem.status;
}

Test(processor, a_signed_callback_brings_the_query_forward)
{
    f.settings.poll_first_ms = 600000;
    const char *id = pay(&f, "r", 9);
    start_processor();
    wait_sql("SELECT accepted FROM operations", "t");
    const char *body = arena_printf(f.arena, "{\"reference\":\"%s\",\"status\":\"failed\"}",
                                    sql("SELECT id FROM operations"));
    struct call *call = callback("default", body, "sha256=00");
    cr_assert_eq(called_back(call), STATUS_UNAUTHENTICATED);
    struct sha256 mac = crypto_hmac_sha256(bytes_of_string("secret"), bytes_of_string(body));
    call =
        callback("default", body,
                 arena_printf(f.arena, "sha256=%s", crypto_hex(f.arena, BYTES_OF_ARRAY(mac.at))));
    cr_ok(called_back(call));
    wait_status(id, "succeeded"); // what the provider says when asked, not what the callback said
    call = callback("", "not json", "");
    cr_ok(called_back(call));
    ((Obol__Payments__V1__ProviderCallbackRequest *)call->request)->provider =
        arena_strdup(f.arena, "nobody");
    cr_assert_eq(called_back(call), STATUS_NOT_FOUND);
}

static struct call *signed_callback(const char *reference)
{
    const char *body = arena_printf(f.arena, "{\"reference\":\"%s\"}", reference);
    struct sha256 mac = crypto_hmac_sha256(bytes_of_string("secret"), bytes_of_string(body));
    return callback(
        "default", body,
        arena_printf(f.arena, "sha256=%s", crypto_hex(f.arena, BYTES_OF_ARRAY(mac.at))));
}

static const char *reference_of(const char *id)
{
    return sql(arena_printf(f.arena, "SELECT id FROM operations WHERE payment_id = '%s'", id));
}

static bool was_sent(void *context)
{
    const struct fake_operation *operation = NULL;
    FAKE(operation = fake_find(context));
    return operation;
}

Test(processor, what_its_provider_calls_about_at_once_is_recorded_once)
{
    f.settings.poll_first_ms = 600000;
    f.settings.callback_base_url = "http://127.0.0.1:1";
    fixture_providers(&f);
    const char *id = pay(&f, "r", 9), *reference = reference_of(id);
    start_processor();
    test_wait(was_sent, (void *)(uintptr_t)reference, 15000, "sent");
    // Before our own answer is recorded, or after: twice in any case.
    struct call *calls[] = {signed_callback(reference), signed_callback(reference)};
    rpc_provider_callback(&f.worker, calls, 2);
    cr_ok(calls[0]->problem.status);
    cr_ok(calls[1]->problem.status);
    wait_status(id, "succeeded");
    cr_assert_str_eq(sql(TRAIL), "payment.created 1, payment.processing 2, payment.captured 3, "
                                 "payment.succeeded 4");
    cr_assert_str_eq(sql("SELECT outcome FROM operation_attempts"), "accepted");
    cr_assert_str_eq(sql("SELECT accepted FROM operations"), "t");
    cr_assert_str_eq(sql("SELECT count(*) FROM operations_queue"), "0");
    cr_assert_eq(fake.operations[0].posts, 1);
}

Test(processor, a_callback_is_heard_while_another_processor_is_at_it)
{
    f.settings.poll_first_ms = 600000;
    FAKE(fake.result = "pending");
    const char *id = pay(&f, "r", 9);
    struct processor *first;
    start_processor();
    first = f.state.processor;
    f.state.processor = NULL; // as in another replica
    wait_sql("SELECT accepted FROM operations", "t");
    sql("UPDATE operations_queue SET lease_until = now() + interval '1 hour'");
    struct call *call = signed_callback(reference_of(id));
    cr_ok(called_back(call));
    cr_assert_str_eq(sql("SELECT rung AND due_at > now() FROM operations_queue"), "t");
    FAKE(fake.result = "succeeded");
    sql("UPDATE operations_queue SET due_at = now(), lease_until = NULL");
    processor_ring(first);
    wait_status(id, "succeeded");
    f.state.processor = first;
}

Test(processor, each_callback_of_a_batch_is_judged_by_itself)
{
    const char *later = "UPDATE operations_queue SET due_at = now() + interval '1 hour'";
    const char *ids[] = {pay(&f, "a", 1), pay(&f, "b", 2), pay(&f, "c", 3), pay(&f, "d", 4)};
    sql("UPDATE operations SET status = 'sent', attempts = 1");
    sql(arena_printf(f.arena, "UPDATE operations SET status = 'ready' WHERE payment_id = '%s'",
                     ids[2]));
    sql(arena_printf(f.arena, "UPDATE operations SET provider = 'other' WHERE payment_id = '%s'",
                     ids[3]));
    sql(later);
    struct call *calls[] = {
        signed_callback(reference_of(ids[3])),
        signed_callback(reference_of(ids[0])),
        callback("default", "{\"reference\":\"op_x\"}", "sha256=00"),
        callback("", "[]", ""),
        callback("nobody", "{}", ""),
        signed_callback("op_00000000000000000000000000"),
        signed_callback(reference_of(ids[2])),
        signed_callback(reference_of(ids[0])),
    };
    rpc_provider_callback(&f.worker, calls, 8);
    for (int i = 0; i < 8; i++)
        cr_assert_eq(calls[i]->problem.status,
                     i == 2 || i == 4 ? STATUS_UNAUTHENTICATED : STATUS_OK, "%d", i);
    cr_assert_str_eq(sql("SELECT string_agg(o.payment_id, ',') FROM operations o JOIN "
                         "operations_queue q USING (id) WHERE q.due_at <= now()"),
                     ids[0]);
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

static struct call *tokenize(const char *number, const char *key)
{
    Obol__Payments__V1__TokenizeCardRequest *request =
        NEW(f.arena, tokenize_card_request, TokenizeCardRequest);
    request->card = NEW(f.arena, card_details, CardDetails);
    request->card->number = arena_strdup(f.arena, number);
    request->card->cvv = arena_strdup(f.arena, "123");
    request->card->expiry_month = int_value(f.arena, 12);
    request->card->expiry_year = int_value(f.arena, 2040);
    return call_new(f.arena, METHOD_PaymentService_TokenizeCard, &request->base, key);
}

static struct call *card_call(const char *token, const char *key)
{
    struct call *call = create_call(f.arena, "r", 900, key);
    Obol__Payments__V1__CreatePaymentRequest *request =
        (Obol__Payments__V1__CreatePaymentRequest *)(uintptr_t)call->request;
    request->method = arena_strdup(f.arena, "card");
    request->vpa = arena_strdup(f.arena, "");
    request->card_token = arena_strdup(f.arena, token);
    call->context.fingerprint = bytes_of_string("as sent");
    return call;
}

Test(processor, charges_a_card_by_its_token_alone)
{
    struct call *call = tokenize("4242424242424242", "k");
    cr_ok(rpc_tokenize_card(&f.worker, call));
    const Obol__Payments__V1__TokenizeCardResponse *token =
        (const Obol__Payments__V1__TokenizeCardResponse *)call->response;
    cr_assert_not(token->replay);
    const Obol__Payments__V1__TokenizeCardRequest *wiped =
        CALL_REQUEST(call, Obol__Payments__V1__TokenizeCardRequest);
    cr_assert_eq(wiped->card->number[0], '\0');
    cr_assert_eq(wiped->card->cvv[0], '\0');
    struct call *create = card_call(token->card_token, "k");
    rpc_create_payment(&f.worker, &create, 1);
    cr_assert_str_eq(payment_answer(create)->card->last4, "4242");
    cr_assert_str_eq(payment_answer(create)->card->brand, "visa");
    // The key is known now: no provider is asked, and the payment replays without a token.
    call = tokenize("4242424242424242", "k");
    cr_ok(rpc_tokenize_card(&f.worker, call));
    cr_assert(((const Obol__Payments__V1__TokenizeCardResponse *)call->response)->replay);
    struct call *again = card_call("", "k");
    rpc_create_payment(&f.worker, &again, 1);
    cr_assert(again->replayed);
    start_processor();
    wait_status(payment_answer(create)->id, "succeeded");
    cr_assert(strstr(fake.operations[0].body, "\"token\":\"stok_1\""), "%s",
              fake.operations[0].body);
    cr_assert_str_eq(sql("SELECT count(*) FROM card_tokens WHERE encode(provider_token, 'escape') "
                         "LIKE '%stok_1%'"),
                     "0");
}

Test(processor, refuses_cards_and_tokens_that_are_none)
{
    struct call *call = tokenize("4242424242424241", NULL);
    cr_assert_eq(rpc_tokenize_card(&f.worker, call), STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(call->problem.param, "card.number");
    call = card_call(id_new("tok").text, NULL);
    rpc_create_payment(&f.worker, &call, 1);
    cr_assert_eq(call->problem.status, STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(call->problem.param, "card_token");
    http_server_stop(fake.server, 100);
    call = tokenize("4242424242424242", NULL);
    cr_assert_eq(rpc_tokenize_card(&f.worker, call), STATUS_UNAVAILABLE);
    struct http_server_config config = {.address = "127.0.0.1",
                                        .loops = 1,
                                        .body_max = 65536,
                                        .connections_max = 64,
                                        .request_s = 5,
                                        .idle_s = 30,
                                        .handle = fake_handle};
    cr_ok(http_server_start(&config, &fake.server));
}
