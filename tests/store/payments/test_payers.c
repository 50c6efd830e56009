#include "creation/create.h"
#include "creation/store_payers.h"
#include "store/payments/fixture.h"

#define CLIENTS 8

static struct fixture fixture;
static struct fixture *f = &fixture;

static void setup(void)
{
    fixture_begin(f);
    f->settings.payer_attempts_per_min = 3;
    f->settings.payer_failures_block = 2;
    f->settings.payer_block_s = 60;
}

static void teardown(void)
{
    fixture_end(f);
}

TestSuite(payers, .init = setup, .fini = teardown, .timeout = 60);

static struct bytes payer_of(const char *vpa)
{
    return create_payer(f->arena, &f->ring, &(struct payment){.vpa = vpa}, NULL);
}

static struct payer_ask attempt(const char *vpa, int64_t wanted)
{
    struct payer_ask ask = {.tenant_id = TENANT, .payer = payer_of(vpa), .wanted = wanted};
    cr_ok(store_payers_attempt(f->db, f->arena, &ask, 1, 3));
    return ask;
}

static void age(const char *interval)
{
    test_sql(f->db, f->arena,
             arena_printf(f->arena,
                          "UPDATE payers SET attempts = array(SELECT a - interval '%s' FROM "
                          "unnest(attempts) a), failures = array(SELECT a - interval '%s' FROM "
                          "unnest(failures) a), blocked_until = blocked_until - interval '%s'",
                          interval, interval, interval));
}

static void fail(const char *const *ids, size_t n)
{
    const struct payer_block block = {2, 60};
    struct key keys[4];
    for (size_t i = 0; i < n; i++)
        keys[i] = (struct key){TENANT, ids[i]};
    cr_ok(db_begin(f->db));
    cr_ok(store_payers_fail(f->db, f->arena, keys, n, &block));
    cr_ok(db_commit(f->db));
}

Test(payers, are_who_pays_and_not_how_it_is_written)
{
    struct sha256 one = {{1}}, two = {{2}};
    const struct payment card = {.card_token = "tok_1"}, none = {.method = "checkout"};
    struct bytes first = payer_of("Mary@UPI"), second = payer_of("mary@upi");
    cr_assert_eq(memcmp(first.at, second.at, SHA256_BYTES), 0);
    cr_assert_neq(memcmp(first.at, payer_of("john@upi").at, SHA256_BYTES), 0);
    cr_assert_null(create_payer(f->arena, &f->ring, &none, NULL).at);
    first = create_payer(f->arena, &f->ring, &card, &one);
    second = create_payer(f->arena, &f->ring, &card, &two);
    cr_assert_neq(memcmp(first.at, second.at, SHA256_BYTES), 0);
    first = create_payer(f->arena, &f->ring, &(struct payment){.msisdn = "260961234501"}, NULL);
    cr_assert_neq(memcmp(first.at, payer_of("260961234501").at, SHA256_BYTES), 0);
}

Test(payers, may_try_so_often_within_any_minute)
{
    cr_assert_eq(attempt("a@upi", 2).granted, 2);
    age("40 seconds");
    struct payer_ask ask = attempt("a@upi", 5);
    cr_assert_eq(ask.granted, 1);
    cr_assert_not(ask.blocked);
    cr_assert(ask.wait_s > 15 && ask.wait_s <= 20, "%d", (int)ask.wait_s);
    cr_assert_eq(attempt("a@upi", 1).granted, 0);
    age("21 seconds"); // the first two have aged out, the third has not
    cr_assert_eq(attempt("a@upi", 5).granted, 2);
    cr_assert_eq(attempt("b@upi", 5).granted, 3);
}

Test(payers, are_not_shut_out_by_a_clock_that_goes_back)
{
    cr_assert_eq(attempt("a@upi", 3).granted, 3);
    age("-1 hour");
    cr_assert_eq(attempt("a@upi", 3).granted, 3);
}

static void *try_often(void *argument)
{
    int64_t *granted = argument;
    struct db *own = test_db_open(&f->database, "payments", fixture_migrations());
    struct arena *arena = arena_new(ARENA_CAP_BATCH);
    struct bytes payers[] = {payer_of("a@upi"), payer_of("b@upi")};
    bool swap = memcmp(payers[0].at, payers[1].at, SHA256_BYTES) > 0;
    for (int i = 0; i < 20; i++) {
        struct payer_ask asks[] = {{.tenant_id = TENANT, .payer = payers[swap], .wanted = 1},
                                   {.tenant_id = TENANT, .payer = payers[!swap], .wanted = 2}};
        cr_ok(store_payers_attempt(own, arena, asks, 2, 20));
        *granted += asks[0].granted * 1000 + asks[1].granted;
    }
    arena_free(arena);
    db_free(own);
    return NULL;
}

Test(payers, are_counted_exactly_by_many_at_once)
{
    pthread_t threads[CLIENTS];
    int64_t granted[CLIENTS] = {0}, all = 0;
    for (int i = 0; i < CLIENTS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, try_often, &granted[i]), 0);
    for (int i = 0; i < CLIENTS; i++) {
        pthread_join(threads[i], NULL);
        all += granted[i];
    }
    cr_assert_eq(all, 20 * 1000 + 20);
}

static enum status create(const char *reference, const char *vpa, struct call **ret)
{
    struct call *call = create_call(f->arena, reference, 500, NULL);
    ((Obol__Payments__V1__CreatePaymentRequest *)(uintptr_t)call->request)->vpa =
        arena_strdup(f->arena, vpa);
    rpc_create_payment(&f->worker, &call, 1);
    *ret = call;
    return call->problem.status;
}

Test(payers, are_blocked_by_declined_payments_within_an_hour)
{
    const char *ids[3];
    struct call *call;
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(create("ref", "a@upi", &call), STATUS_OK);
        ids[i] = payment_answer(call)->id;
    }
    fail(ids, 1);
    age("61 minutes");
    fail(ids + 1, 1);
    cr_assert_eq(create("ref", "a@upi", &call), STATUS_OK); // they lie too far apart
    age("59 minutes");
    fail(ids + 2, 1);
    cr_assert_eq(create("ref", "a@upi", &call), STATUS_RESOURCE_EXHAUSTED);
    assert_refused(call, STATUS_RESOURCE_EXHAUSTED, "payer_blocked");
    cr_assert_str_eq(call->problem.param, "vpa");
    cr_assert(call->problem.retry_after_s > 50 && call->problem.retry_after_s <= 60);
    f->settings.payer_attempts_per_min = 0; // and where attempts are not counted
    cr_assert_eq(create("ref", "a@upi", &call), STATUS_RESOURCE_EXHAUSTED);
    cr_assert_eq(create("ref", "b@upi", &call), STATUS_OK);
    age("61 seconds");
    cr_assert_eq(create("ref", "a@upi", &call), STATUS_OK);
    fail(ids, 1); // what led to the block is spent
    cr_assert_eq(create("ref", "a@upi", &call), STATUS_OK);
}

Test(payers, several_payments_declined_at_once_all_count)
{
    const char *ids[2];
    struct call *call;
    bool known = false, was_blocked = false;
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(create("ref", "a@upi", &call), STATUS_OK);
        ids[i] = payment_answer(call)->id;
    }
    fail(ids, 2);
    cr_assert_eq(create("ref", "a@upi", &call), STATUS_RESOURCE_EXHAUSTED);
    cr_ok(
        store_payers_unblock(f->db, f->arena, &(struct key){TENANT, ids[0]}, &known, &was_blocked));
    cr_assert(known && was_blocked);
    cr_assert_eq(create("ref", "a@upi", &call), STATUS_OK);
    cr_assert_eq(
        store_payers_unblock(f->db, f->arena, &(struct key){"ten_b", ids[0]}, &known, &was_blocked),
        STATUS_NOT_FOUND);
}

Test(payers, a_batch_gets_what_is_left_in_its_order)
{
    struct call *calls[5];
    size_t refused = 0;
    for (int i = 0; i < 5; i++)
        calls[i] = create_call(f->arena, "ref", 500, NULL);
    rpc_create_payment(&f->worker, calls, 5);
    for (int i = 0; i < 5; i++)
        refused += calls[i]->problem.status == STATUS_RESOURCE_EXHAUSTED;
    cr_assert_eq(refused, 2);
    assert_refused(calls[3], STATUS_RESOURCE_EXHAUSTED, "rate_limited");
    assert_refused(calls[4], STATUS_RESOURCE_EXHAUSTED, "rate_limited");
}

Test(payers, a_refused_attempt_leaves_its_order_free)
{
    const char *order = order_new(f, 500);
    struct call *call;
    for (int i = 0; i < 3; i++)
        (void)pay(f, "ref", 500);
    call = create_call(f->arena, order, 0, NULL);
    rpc_create_payment(&f->worker, &call, 1);
    assert_refused(call, STATUS_RESOURCE_EXHAUSTED, "rate_limited");
    f->settings.payer_attempts_per_min = 4;
    call = create_call(f->arena, order, 0, NULL);
    rpc_create_payment(&f->worker, &call, 1);
    (void)payment_answer(call);
}

Test(payers, are_forgotten_when_they_matter_no_longer)
{
    size_t removed = 0;
    const int64_t now = clock_unix_us();
    cr_assert_eq(attempt("a@upi", 3).granted, 3);
    cr_ok(store_payers_sweep(f->db, f->arena, now + 60 * US_PER_S, 100, &removed));
    cr_assert_eq(removed, 0);
    cr_ok(store_payers_sweep(f->db, f->arena, now + 200 * US_PER_S, 100, &removed));
    cr_assert_eq(removed, 1);
}
