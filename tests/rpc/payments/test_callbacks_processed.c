// What callbacks bring about where a processor is at work.
#include "processing.h"

TestSuite(callbacks_processed, .init = processing_begin, .fini = processing_end);

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

Test(callbacks_processed, a_signed_callback_brings_the_query_forward)
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

static bool was_sent(void *context)
{
    const struct fake_operation *operation = NULL;
    FAKE(operation = fake_find(context));
    return operation;
}

Test(callbacks_processed, what_its_provider_calls_about_at_once_is_recorded_once)
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

Test(callbacks_processed, a_callback_is_heard_while_another_processor_is_at_it)
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

Test(callbacks_processed, each_callback_of_a_batch_is_judged_by_itself)
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
