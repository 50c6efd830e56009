// What the tenant is told of its callbacks, how they are counted, and who waits for a person.
#include "callback.h"

TestSuite(callback_status, .init = callbacks_begin, .fini = callbacks_end);

static struct call *ask(const char *provider)
{
    Obol__Payments__V1__GetCallbackStatusRequest *request =
        NEW(f.arena, get_callback_status_request, GetCallbackStatusRequest);
    request->provider = arena_strdup(f.arena, provider);
    struct call *call =
        call_new(f.arena, METHOD_ProviderService_GetCallbackStatus, &request->base, NULL);
    enum status status = rpc_get_callback_status(&f.worker, call);
    cr_assert_eq(status, call->problem.status);
    return call;
}

static const Obol__Payments__V1__CallbackStatus *status_of(const char *provider)
{
    const struct call *call = ask(provider);
    cr_ok(call->problem.status);
    return (const Obol__Payments__V1__CallbackStatus *)call->response;
}

static void add(const char *tenant_id, const char *provider, enum callback_outcome outcome,
                size_t n)
{
    for (size_t i = 0; i < n; i++)
        callback_counts_add(f.state.callback_counts, tenant_id,
                            providers_find(f.state.providers, provider)->name, outcome);
}

static bool one_is_written(void *context)
{
    (void)context;
    return strcmp(sql("SELECT count(*) FROM callback_counts"), "1") == 0;
}

Test(callback_status, is_written_by_itself)
{
    add(TENANT, "mtn", CALLBACK_ACCEPTED, 1);
    test_wait(one_is_written, NULL, 10000, "a second's counts");
}

Test(callback_status, tells_the_tenant_its_own)
{
    int64_t before_us = clock_unix_us();
    add(TENANT, "mtn", CALLBACK_ACCEPTED, 3);
    add(TENANT, "mtn", CALLBACK_REFUSED, 1);
    add(TENANT, "airtel", CALLBACK_REFUSED, 1);
    add("tnt_b", "mtn", CALLBACK_ACCEPTED, 9);
    add("", "mtn", CALLBACK_UNMATCHED, 5);
    (void)counted();
    add(TENANT, "mtn", CALLBACK_ACCEPTED, 2);
    (void)counted();
    const Obol__Payments__V1__CallbackStatus *status = status_of("mtn");
    cr_assert_str_eq(status->object, "callback_status");
    cr_assert_str_eq(status->provider, "mtn");
    cr_assert_eq(status->n_counts, 2);
    cr_assert_str_eq(status->counts[0]->outcome, "accepted");
    cr_assert_eq(status->counts[0]->count, 5);
    cr_assert_str_eq(status->counts[1]->outcome, "refused");
    cr_assert_eq(status->counts[1]->count, 1);
    cr_assert_geq(status->last_at->seconds, before_us / US_PER_S);
    cr_assert_leq(status->last_at->seconds, clock_unix_us() / US_PER_S);
}

Test(callback_status, is_empty_where_none_came)
{
    const Obol__Payments__V1__CallbackStatus *status = status_of("zamtel");
    cr_assert_eq(status->n_counts, 0);
    cr_assert_null(status->last_at);
    assert_refused(ask("nobody"), STATUS_NOT_FOUND, "not_found");
}

Test(callback_status, of_the_simulator_is_everybodys)
{
    add("", "simulator", CALLBACK_ACCEPTED, 4);
    (void)counted();
    cr_assert_eq(status_of("simulator")->counts[0]->count, 4);
}

#define WAITING "FROM pg_locks WHERE NOT granted AND relation = 'callback_counts'::regclass"

static bool one_waits(void *context)
{
    (void)context;
    return strcmp(sql("SELECT count(*) " WAITING), "1") == 0;
}

Test(callback_status, is_written_again_where_that_failed)
{
    sql("BEGIN; LOCK TABLE callback_counts");
    add(TENANT, "mtn", CALLBACK_ACCEPTED, 2);
    test_wait(one_waits, NULL, 10000, "the write that is to fail");
    add(TENANT, "mtn", CALLBACK_ACCEPTED, 1);
    cr_assert_str_eq(sql("SELECT pg_cancel_backend(pid) " WAITING), "t");
    sql("ROLLBACK");
    cr_assert_str_eq(counted(), TENANT " mtn accepted 3");
}

Test(callback_status, counts_whoever_finds_no_place_without_a_name)
{
    size_t more = 10;
    for (size_t i = 0; i < CALLBACK_COUNTS_MAX + more; i++)
        add(arena_printf(f.arena, "tnt_%zu", i), "mtn", CALLBACK_ACCEPTED, 1);
    (void)counted();
    cr_assert_str_eq(sql("SELECT sum(n) FROM callback_counts"),
                     arena_printf(f.arena, "%zu", CALLBACK_COUNTS_MAX + more));
}

// --- Reviews
static struct call *list(const char *tenant_id, int32_t limit, const char *after)
{
    Obol__Payments__V1__ListReviewsRequest *request =
        NEW(f.arena, list_reviews_request, ListReviewsRequest);
    request->tenant_id = arena_strdup(f.arena, tenant_id);
    request->limit = limit;
    request->after = arena_strdup(f.arena, after);
    struct call *call = call_new(f.arena, METHOD_ProviderService_ListReviews, &request->base, NULL);
    enum status status = rpc_list_reviews(&f.worker, call);
    cr_assert_eq(status, call->problem.status);
    return call;
}

static const Obol__Payments__V1__ReviewList *listed(const char *tenant_id, int32_t limit,
                                                    const char *after)
{
    const struct call *call = list(tenant_id, limit, after);
    cr_ok(call->problem.status);
    return (const Obol__Payments__V1__ReviewList *)call->response;
}

static const char *review(int64_t amount, const char *tenant_id)
{
    const char *id = pay(&f, "r", amount);
    sql(arena_printf(f.arena,
                     "UPDATE payments SET status = 'needs_review', unknown_operation = 'charge', "
                     "tenant_id = '%s' WHERE id = '%s' RETURNING ''",
                     tenant_id, id));
    sql(arena_printf(f.arena,
                     "UPDATE operations SET status = 'needs_review', tenant_id = '%s' WHERE "
                     "payment_id = '%s' RETURNING ''",
                     tenant_id, id));
    sql(arena_printf(f.arena,
                     "INSERT INTO reviews (tenant_id, payment_id, reason, since) VALUES ('%s', "
                     "'%s', 'outcome_unknown', '2026-01-02') RETURNING ''",
                     tenant_id, id));
    return id;
}

Test(reviews, are_listed_oldest_first, .init = callbacks_begin, .fini = callbacks_end)
{
    const char *ids[4] = {review(1, TENANT), review(2, "tnt_0"), review(3, TENANT),
                          review(4, TENANT)};
    (void)pay(&f, "r", 5);
    const Obol__Payments__V1__ReviewList *page = listed("", 3, "");
    cr_assert_eq(page->n_data, 3);
    cr_assert(page->has_more);
    for (size_t i = 0; i < 3; i++)
        cr_assert_str_eq(page->data[i]->payment_id, ids[i]);
    page = listed("", 3, ids[2]);
    cr_assert_eq(page->n_data, 1);
    cr_assert_not(page->has_more);
    cr_assert_str_eq(page->data[0]->payment_id, ids[3]);
    page = listed(TENANT, 0, ids[0]);
    cr_assert_eq(page->n_data, 2);
    cr_assert_str_eq(page->data[0]->payment_id, ids[2]);
}

Test(reviews, tell_what_is_to_be_decided, .init = callbacks_begin, .fini = callbacks_end)
{
    const char *id = review(42, TENANT);
    const Obol__Payments__V1__Review *one = listed(TENANT, 1, "")->data[0];
    cr_assert_str_eq(one->tenant_id, TENANT);
    cr_assert_str_eq(one->payment_id, id);
    cr_assert_str_eq(one->reason, "outcome_unknown");
    cr_assert_eq(one->amount, 42);
    cr_assert_str_eq(one->currency, "INR");
    cr_assert_str_eq(one->provider, "simulator");
    cr_assert_str_eq(one->reference, sql("SELECT id FROM operations"));
    cr_assert_str_eq(one->unknown_operation, "charge");
    cr_assert_eq(one->since->seconds, 1767312000);
}

Test(reviews, refuse_odd_pages, .init = callbacks_begin, .fini = callbacks_end)
{
    assert_refused(list("", 101, ""), STATUS_INVALID_ARGUMENT, "invalid_request");
    assert_refused(list("", -1, ""), STATUS_INVALID_ARGUMENT, "invalid_request");
    assert_refused(list("", 1, "tnt_a"), STATUS_INVALID_ARGUMENT, "invalid_request");
}
