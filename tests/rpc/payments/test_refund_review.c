// Refunds of which the provider never tells what became: listed for a person, and decided.
#include "callbacks/rpc_callbacks.h"
#include "obol/payments/v1/providers.obol.h"
#include "processing.h"

TestSuite(refund_review, .init = processing_begin, .fini = processing_end);

static void reserve(const char *payment, const char *refund, int64_t amount)
{
    struct call *call = reserve_call(f.arena, payment, refund, amount);
    rpc_reserve_refund(&f.worker, &call, 1);
    cr_ok(call->problem.status);
}

static void wait_review(const char *refund)
{
    wait_sql(arena_printf(f.arena, "SELECT status FROM operations WHERE refund_id = '%s'", refund),
             "needs_review");
}

// A payment of 1000 of which 300 may have been given back.
static const char *doubtful(const char *refund)
{
    f.settings.unknown_deadline_s = 1;
    FAKE(fake.post_status = 500; fake.mute = true);
    const char *payment = paid(&f, 1000);
    reserve(payment, refund, 300);
    start_processor();
    wait_review(refund);
    return payment;
}

static struct call *resolve_call(const char *refund, const char *as, const char *key)
{
    Obol__Payments__V1__ResolveRefundRequest *request =
        NEW(f.arena, resolve_refund_request, ResolveRefundRequest);
    request->refund_id = arena_strdup(f.arena, refund);
    request->as = arena_strdup(f.arena, as);
    request->reason = arena_strdup(f.arena, "Seen on the statement.");
    return call_new(f.arena, METHOD_PaymentService_ResolveRefund, &request->base, key);
}

static const Obol__Payments__V1__RefundOperation *resolved(struct call *call)
{
    cr_ok(rpc_resolve_refund(&f.worker, call));
    if (call->packed.at)
        return (const Obol__Payments__V1__RefundOperation *)message_unpack(
            f.arena, &obol__payments__v1__refund_operation__descriptor, call->packed);
    return (const Obol__Payments__V1__RefundOperation *)call->response;
}

static struct call *list_call(const char *tenant, int32_t limit, const char *after)
{
    Obol__Payments__V1__ListReviewsRequest *request =
        NEW(f.arena, list_reviews_request, ListReviewsRequest);
    request->tenant_id = arena_strdup(f.arena, tenant);
    request->limit = limit;
    request->after = arena_strdup(f.arena, after);
    struct call *call = call_new(f.arena, METHOD_ProviderService_ListReviews, &request->base, NULL);
    enum status status = rpc_list_reviews(&f.worker, call);
    cr_assert_eq(status, call->problem.status);
    return call;
}

static const Obol__Payments__V1__ReviewList *listed(int32_t limit, const char *after)
{
    const struct call *call = list_call("", limit, after);
    cr_ok(call->problem.status);
    return (const Obol__Payments__V1__ReviewList *)call->response;
}

#define MONEY "SELECT amount_refunded || '/' || refund_reserved FROM payments"
#define EVENTS                                                                                     \
    "SELECT string_agg(type, ', ' ORDER BY seq) FROM (SELECT type, row_number() OVER (ORDER BY "   \
    "created_at, id) AS seq FROM events WHERE type LIKE 'refund_operation.%') e"

Test(refund_review, is_listed_while_it_waits)
{
    const char *payment = doubtful("rfnd_1");
    const Obol__Payments__V1__ReviewList *list = listed(0, "");
    cr_assert_eq(list->n_data, 1);
    const Obol__Payments__V1__Review *review = list->data[0];
    cr_assert_str_eq(review->tenant_id, TENANT);
    cr_assert_str_eq(review->payment_id, payment);
    cr_assert_str_eq(review->refund_id, "rfnd_1");
    cr_assert_str_eq(review->reason, "outcome_unknown");
    cr_assert_eq(review->amount, 300);
    cr_assert_str_eq(review->currency, "INR");
    cr_assert_str_eq(review->provider, "simulator");
    cr_assert_str_eq(review->unknown_operation, "refund");
    cr_assert_str_eq(review->reference, sql("SELECT id FROM operations WHERE kind = 'refund'"));
    cr_assert_str_eq(sql("SELECT error_code FROM operations WHERE kind = 'refund'"),
                     "outcome_unknown");
    cr_assert_str_eq(sql(MONEY), "0/300");
}

Test(refund_review, resolved_as_processed_has_given_the_money_back)
{
    (void)doubtful("rfnd_1");
    const Obol__Payments__V1__RefundOperation *operation =
        resolved(resolve_call("rfnd_1", "processed", NULL));
    cr_assert_str_eq(operation->status, "processed");
    cr_assert_eq(operation->amount, 300);
    cr_assert_null(operation->error);
    cr_assert_eq(operation->revision, 4);
    cr_assert_str_eq(sql("SELECT status || ' ' || (finished_at IS NOT NULL) || ' ' || (deadline_at "
                         "IS NULL) || coalesce(error_code, '-') FROM operations WHERE kind = "
                         "'refund'"),
                     "succeeded true true-");
    cr_assert_str_eq(sql("SELECT count(*) FROM operations_queue"), "0");
    cr_assert_str_eq(sql("SELECT count(*) FROM reviews"), "0");
    cr_assert_str_eq(sql(MONEY), "300/0");
    cr_assert_str_eq(sql("SELECT count(*) FROM events WHERE type = 'payment.refunded'"), "1");
    cr_assert_str_eq(sql(EVENTS), "refund_operation.unknown, refund_operation.needs_review, "
                                  "refund_operation.processed");
    cr_assert_str_eq(sql("SELECT actor || ' ' || (after->>'reason') || ' ' || (after->>'as') FROM "
                         "audit_log WHERE action = 'refund.resolve' AND object_id = 'rfnd_1'"),
                     "key_test Seen on the statement. processed");
}

Test(refund_review, resolved_as_failed_frees_what_was_reserved)
{
    const char *payment = doubtful("rfnd_1");
    struct call *call = reserve_call(f.arena, payment, "rfnd_2", 800);
    rpc_reserve_refund(&f.worker, &call, 1);
    assert_refused(call, STATUS_OUT_OF_RANGE, "refund_exceeds_captured");
    const Obol__Payments__V1__RefundOperation *operation =
        resolved(resolve_call("rfnd_1", "failed", NULL));
    cr_assert_str_eq(operation->status, "failed");
    cr_assert_str_eq(operation->error->code, "resolved");
    cr_assert_str_eq(operation->error->message, "Found to have failed, by review.");
    cr_assert_str_eq(sql(MONEY), "0/0");
    cr_assert_str_eq(sql("SELECT count(*) FROM reviews"), "0");
    cr_assert_str_eq(sql("SELECT count(*) FROM operations_queue"), "0");
    FAKE(fake.post_status = 202; fake.mute = false);
    reserve(payment, "rfnd_2", 800);
    processor_ring(f.state.processor);
    wait_sql(MONEY, "800/0");
}

Test(refund_review, is_decided_once)
{
    (void)doubtful("rfnd_1");
    struct call *first = resolve_call("rfnd_1", "processed", "k");
    (void)resolved(first);
    // The same again: the answer, and nothing else.
    cr_assert_str_eq(resolved(resolve_call("rfnd_1", "processed", "k"))->status, "processed");
    struct call *again = resolve_call("rfnd_1", "failed", NULL);
    (void)rpc_resolve_refund(&f.worker, again);
    assert_refused(again, STATUS_FAILED_PRECONDITION, "conflict");
    cr_assert_str_eq(sql(MONEY), "300/0");
    cr_assert_str_eq(sql("SELECT count(*) FROM audit_log WHERE action = 'refund.resolve'"), "1");
}

Test(refund_review, nothing_of_a_decision_stays_where_it_is_not_committed)
{
    (void)doubtful("rfnd_1");
    failpoint_arm("act.before_commit=fail");
    cr_assert_str_eq(resolved(resolve_call("rfnd_1", "processed", NULL))->status, "processed");
    cr_assert_str_eq(sql(MONEY), "300/0");
    cr_assert_str_eq(sql("SELECT count(*) FROM events WHERE type = 'refund_operation.processed'"),
                     "1");
    cr_assert_str_eq(sql("SELECT count(*) FROM audit_log WHERE action = 'refund.resolve'"), "1");
}

Test(refund_review, only_what_needs_review_is_decided)
{
    const char *payment = paid(&f, 1000);
    reserve(payment, "rfnd_1", 300);
    static const char *const statuses[] = {"ready", "sent", "unknown", "succeeded", "failed"};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        sql(arena_printf(f.arena,
                         "UPDATE operations SET status = '%s' WHERE kind = 'refund' RETURNING ''",
                         statuses[i]));
        struct call *call = resolve_call("rfnd_1", "failed", NULL);
        (void)rpc_resolve_refund(&f.worker, call);
        assert_refused(call, STATUS_FAILED_PRECONDITION, "conflict");
    }
    cr_assert_str_eq(sql(MONEY), "0/300");
    struct call *call = resolve_call("rfnd_none", "failed", NULL);
    (void)rpc_resolve_refund(&f.worker, call);
    assert_refused(call, STATUS_NOT_FOUND, "not_found");
    sql("UPDATE operations SET status = 'needs_review' WHERE kind = 'refund' RETURNING ''");
    call = resolve_call("rfnd_1", "failed", NULL);
    call->context.tenant_id = "tnt_b";
    (void)rpc_resolve_refund(&f.worker, call);
    assert_refused(call, STATUS_NOT_FOUND, "not_found");
}

static void assert_invalid(const char *refund, const char *as, const char *reason,
                           const char *param)
{
    struct call *call = resolve_call(refund, as, NULL);
    ((Obol__Payments__V1__ResolveRefundRequest *)call->request)->reason =
        arena_strdup(f.arena, reason);
    (void)rpc_resolve_refund(&f.worker, call);
    assert_refused(call, STATUS_INVALID_ARGUMENT, "invalid_request");
    cr_assert_str_eq(call->problem.param, param);
}

Test(refund_review, odd_decisions_are_refused)
{
    assert_invalid("", "failed", "r", "refund_id");
    assert_invalid("rfnd_1", "succeeded", "r", "as");
    assert_invalid("rfnd_1", "", "r", "as");
    assert_invalid("rfnd_1", "failed", "", "reason");
    assert_invalid("rfnd_1", "failed", "a\x01", "reason");
}

Test(refund_review, a_late_answer_settles_it_and_ends_the_wait)
{
    static const struct {
        const char *refund, *result, *event, *money;
    } rows[] = {{"rfnd_1", "succeeded", "refund_operation.processed", "300/0"},
                {"rfnd_2", "failed", "refund_operation.failed", "300/0"}};
    const char *payment = doubtful("rfnd_1");
    for (size_t i = 0; i < 2; i++) {
        if (i == 1) {
            FAKE(fake.mute = true);
            reserve(payment, rows[i].refund, 300);
            processor_ring(f.state.processor);
            wait_review(rows[i].refund);
        }
        wait_sql("SELECT count(*) FROM reviews", "1");
        FAKE(fake.mute = false; fake.result = rows[i].result);
        sql("UPDATE operations_queue SET due_at = now() RETURNING ''");
        processor_ring(f.state.processor);
        wait_sql(
            arena_printf(f.arena, "SELECT count(*) FROM events WHERE type = '%s'", rows[i].event),
            "1");
        cr_assert_str_eq(sql(MONEY), rows[i].money);
        cr_assert_str_eq(sql("SELECT count(*) FROM reviews"), "0");
    }
    cr_assert_str_eq(sql("SELECT error_code FROM operations WHERE refund_id = 'rfnd_2'"),
                     "card_declined");
    cr_assert_str_eq(
        sql("SELECT coalesce(error_code, '-') FROM operations WHERE refund_id = 'rfnd_1'"), "-");
}

static const char *waiting(const char *tenant, const char *payment, const char *refund)
{
    return sql(arena_printf(f.arena,
                            "INSERT INTO reviews (tenant_id, payment_id, refund_id, reason, since) "
                            "VALUES ('%s', '%s', '%s', 'outcome_unknown', now()) RETURNING ''",
                            tenant, payment, refund));
}

Test(refund_review, pages_lose_and_repeat_none)
{
    const char *first = paid(&f, 1000), *second = paid(&f, 1000);
    const char *const refunds[] = {"rfnd_1", "rfnd_2", "rfnd_3"};
    for (size_t i = 0; i < 3; i++) {
        reserve(first, refunds[i], 100);
        waiting(TENANT, first, refunds[i]);
    }
    waiting(TENANT, first, "");
    waiting(TENANT, second, "");
    const char *const places[] = {first, arena_printf(f.arena, "%s/rfnd_1", first),
                                  arena_printf(f.arena, "%s/rfnd_2", first),
                                  arena_printf(f.arena, "%s/rfnd_3", first), second};
    const char *after = "";
    for (size_t i = 0; i < 5; i++) {
        const Obol__Payments__V1__ReviewList *page = listed(1, after);
        cr_assert_eq(page->n_data, 1);
        cr_assert_eq(page->has_more, i < 4);
        const Obol__Payments__V1__Review *review = page->data[0];
        cr_assert_str_eq(review->payment_id, i < 4 ? first : second);
        cr_assert_str_eq(review->refund_id, i > 0 && i < 4 ? refunds[i - 1] : "");
        cr_assert_eq(review->amount, i > 0 && i < 4 ? 100 : 1000);
        after = places[i];
    }
    cr_assert_eq(listed(10, places[1])->n_data, 3);
    static const char *const odd[] = {"rfnd_1", "/rfnd_1", "pay_1/", "pay_1/pay_2",
                                      "pay_1/rfnd_1/x"};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        assert_refused(list_call("", 1, odd[i]), STATUS_INVALID_ARGUMENT, "invalid_request");
}

static bool was_asked(void *context)
{
    const int *before = context;
    int now = 0;
    FAKE(for (size_t i = 0; i < fake.n; i++) now += fake.operations[i].queries);
    return now > *before;
}

Test(refund_review, what_a_person_has_decided_stands_against_an_answer_on_its_way)
{
    int asked = 0;
    const char *payment = doubtful("rfnd_1");
    wait_sql("SELECT lease_until IS NULL FROM operations_queue", "t");
    pthread_mutex_lock(&fake.lock); // the provider takes its time to answer
    fake.mute = false;
    fake.result = "succeeded";
    fake.post_status = 202;
    sql("UPDATE operations_queue SET due_at = now() RETURNING ''");
    processor_ring(f.state.processor);
    wait_sql("SELECT lease_until IS NOT NULL FROM operations_queue", "t");
    (void)resolved(resolve_call("rfnd_1", "failed", NULL));
    for (size_t i = 0; i < fake.n; i++)
        asked += fake.operations[i].queries;
    pthread_mutex_unlock(&fake.lock);
    test_wait(was_asked, &asked, 15000, "the answer");
    reserve(payment, "rfnd_2", 100);
    processor_ring(f.state.processor);
    wait_sql(MONEY, "100/0");
    cr_assert_str_eq(sql("SELECT status FROM operations WHERE refund_id = 'rfnd_1'"), "failed");
    cr_assert_str_eq(sql("SELECT count(*) FROM events WHERE object_id = 'rfnd_1' AND type = "
                         "'refund_operation.processed'"),
                     "0");
}
