// Reconcile over the wire, against a book, by asking, and by settlement files.
#include "books.h"

TestSuite(reconcile, .init = books_begin, .fini = books_end);

struct reconciling {
    const char *provider, *date, *csv, *credential_id, *key;
};

static const Reconciliation *reconcile(const struct reconciling *what)
{
    Obol__Payments__V1__ReconcileRequest *request =
        NEW(f.arena, reconcile_request, ReconcileRequest);
    request->provider = (char *)(what->provider ? what->provider : "mtn");
    request->date = (char *)(what->date ? what->date : yesterday);
    if (what->csv)
        request->csv = (char *)what->csv;
    if (what->credential_id)
        request->credential_id = (char *)what->credential_id;
    return (const Reconciliation *)ask(METHOD_ProviderService_Reconcile, &request->base, what->key);
}
#define RECONCILE(...) reconcile(&(struct reconciling){__VA_ARGS__})

static void is(const Reconciliation *run, const char *counts)
{
    cr_assert_not_null(run, "%s %s: %s", problem.code, problem.param, problem.detail);
    const char *found = arena_printf(
        f.arena, "%lld matched, %lld here, %lld there, %lld amounts, %lld statuses",
        (long long)run->matched, (long long)run->missing_here, (long long)run->missing_there,
        (long long)run->amounts_differ, (long long)run->statuses_differ);
    cr_assert_str_eq(found, counts);
}

static void differs(const Reconciliation *run, size_t i, const char *kind, const char *reference,
                    const char *texts)
{
    cr_assert_lt(i, run->n_differences);
    const Obol__Payments__V1__Difference *found = run->differences[i];
    cr_assert_str_eq(found->kind, kind);
    cr_assert_str_eq(found->reference, reference);
    cr_assert_str_eq(arena_printf(f.arena, "%s|%s", found->ours, found->theirs), texts);
}

static const char *csv_of(const char *const *references)
{
    const char *text = "reference,amount,currency,status\n";
    for (; *references; references++)
        text = arena_printf(f.arena, "%s%s,5.00,ZMW,SUCCESSFUL\n", text, *references);
    return text;
}
#define CSV(...) csv_of((const char *const[]){__VA_ARGS__, NULL})

// --- Against a book
Test(reconcile, compares_with_a_book_and_says_what_differs)
{
    const char *id = made(mtn_with_ledger())->id;
    const char *good = BOOK(.credential_id = id, .amount = 500);
    const char *refund = BOOK(.credential_id = id, .amount = 100, .refund = true);
    const char *lost = BOOK(.credential_id = id, .amount = 600);
    const char *less = BOOK(.credential_id = id, .amount = 700);
    const char *failed = BOOK(.credential_id = id, .amount = 800, .status = "failed");
    const char *other_day = BOOK(.credential_id = id, .amount = 1, .at_us = -HOUR_US);
    const char *open = BOOK(.credential_id = id, .amount = 2, .under_way = true);
    ledger_add(uuid(good), "charge", "succeeded", 500);
    ledger_add(uuid(refund), "refund", "succeeded", 100);
    ledger_add(uuid(less), "charge", "succeeded", 699);
    ledger_add(uuid(failed), "charge", "succeeded", 800);
    ledger_add(uuid(other_day), "charge", "succeeded", 1);
    ledger_add(uuid(open), "charge", "succeeded", 2);
    ledger_add("11111111-2222-4333-8444-555555555555", "charge", "succeeded", 900);
    ledger_add("apiuser/1", "invoice", "open", 0);
    const Reconciliation *run = RECONCILE();
    is(run, "2 matched, 1 here, 1 there, 1 amounts, 1 statuses");
    cr_assert_str_eq(run->source, "ledger");
    cr_assert_str_eq(run->date, yesterday);
    cr_assert(id_looks_like("rec", run->id));
    cr_assert_eq(run->n_differences, 4);
    differs(run, 0, "missing_there", lost, "600 ZMW succeeded|");
    cr_assert(id_looks_like("pay", run->differences[0]->payment_id));
    differs(run, 1, "amount", less, "700 ZMW succeeded|699 ZMW succeeded");
    differs(run, 2, "status", failed, "800 ZMW failed|800 ZMW succeeded");
    differs(run, 3, "missing_here", "11111111-2222-4333-8444-555555555555", "|900 ZMW succeeded");
    // Nothing is corrected.
    cr_assert_str_eq(sql("SELECT count(*) FROM operations WHERE status = 'failed'"), "1");
}

// The one event that there is.
static const struct json_value *told(void)
{
    const struct json_value *event = NULL;
    const char *hex = sql("SELECT encode(body, 'hex') FROM events");
    const char *context = arena_printf(f.arena, "event:%s", sql("SELECT id FROM events"));
    const char *body = test_opened(f.arena, &f.ring, hex, context);
    cr_ok(json_parse(f.arena, bytes_of_string(body), &event));
    return event;
}

Test(reconcile, writes_what_it_found_and_tells_it_once)
{
    const char *id = made(mtn_with_ledger())->id;
    const char *lost = BOOK(.credential_id = id, .amount = 600);
    ledger_add("x", "charge", "succeeded", 900);
    const Reconciliation *run = RECONCILE();
    is(run, "0 matched, 1 here, 1 there, 0 amounts, 0 statuses");
    cr_assert_str_eq(sql(arena_printf(f.arena,
                                      "SELECT provider || ' ' || credential_id || ' ' || day || "
                                      "' ' || source || ' ' || daily FROM reconciliations WHERE "
                                      "tenant_id = '" TENANT "' AND id = '%s'",
                                      run->id)),
                     arena_printf(f.arena, "mtn %s %s ledger false", id, yesterday));
    cr_assert_str_eq(
        sql("SELECT string_agg(place || ' ' || kind || ' ' || reference || ' ' || "
            "coalesce(operation_id, '-'), ', ' ORDER BY place) FROM reconciliation_differences"),
        arena_printf(f.arena, "1 missing_there %s %s, 2 missing_here x -", lost, lost));
    cr_assert_str_eq(sql("SELECT count(*) FROM outbox o JOIN events e ON e.id = o.event_id WHERE "
                         "e.type = 'reconciliation.completed' AND e.sequence = 1"),
                     "1");
    const struct json_value *event = told();
    int64_t n;
    cr_assert_str_eq(json_get_string(event, "data.reconciliation.id"), run->id);
    cr_assert(json_get_integer(event, "data.reconciliation.missing_there", &n) && n == 1);
    cr_assert_str_eq(json_get_string(event, "data.reconciliation.differences.1.theirs"),
                     "900 ZMW succeeded");
    cr_assert_str_eq(sql("SELECT count(*) FROM audit_log WHERE action = 'reconciliation.run'"),
                     "1");
}

Test(reconcile, tells_no_event_when_all_agrees_and_twenty_differences_at_most)
{
    const char *id = made(mtn_with_ledger())->id;
    ledger_add(uuid(BOOK(.credential_id = id, .amount = 600)), "charge", "succeeded", 600);
    is(RECONCILE(), "1 matched, 0 here, 0 there, 0 amounts, 0 statuses");
    cr_assert_str_eq(sql("SELECT count(*) FROM events"), "0");
    for (int i = 0; i < 25; i++)
        ledger_add(arena_printf(f.arena, "x%d", i), "charge", "succeeded", 1);
    const Reconciliation *run = RECONCILE();
    is(run, "1 matched, 25 here, 0 there, 0 amounts, 0 statuses");
    cr_assert_eq(run->n_differences, 25);
    cr_assert(json_get_string(told(), "data.reconciliation.differences.19.reference"));
    cr_assert_null(json_get_string(told(), "data.reconciliation.differences.20.reference"));
}

Test(reconcile, reads_our_books_in_pages)
{
    const char *id = made(mtn_with_ledger())->id;
    const char *op = BOOK(.credential_id = id, .amount = 500);
    sql(arena_printf(f.arena,
                     "INSERT INTO operations (tenant_id, id, payment_id, kind, amount, currency, "
                     "provider, credential_id, status, created_at, finished_at) SELECT tenant_id, "
                     "id || i, payment_id, kind, amount, currency, provider, credential_id, "
                     "status, created_at, finished_at FROM operations, generate_series(1, 1500) i "
                     "WHERE id = '%s'",
                     op));
    ledger_add(uuid(op), "charge", "succeeded", 500);
    is(RECONCILE(), "1 matched, 0 here, 1500 there, 0 amounts, 0 statuses");
}

Test(reconcile, says_when_the_book_is_none)
{
    made(mtn_with_ledger());
    pthread_mutex_lock(&theirs.lock);
    snprintf(theirs.ledger, sizeof theirs.ledger, "<html>");
    pthread_mutex_unlock(&theirs.lock);
    cr_assert_null(RECONCILE());
    assert_problem(STATUS_FAILED_PRECONDITION, "ledger_unreadable", "");
    theirs.ledger_status = 404;
    cr_assert_null(RECONCILE());
    assert_problem(STATUS_FAILED_PRECONDITION, "ledger_unreadable", "");
    theirs.ledger_status = 500;
    cr_assert_null(RECONCILE());
    assert_problem(STATUS_UNAVAILABLE, "provider_unavailable", "");
    cr_assert_str_eq(sql("SELECT count(*) FROM reconciliations"), "0");
}

Test(reconcile, is_done_once_under_a_key)
{
    made(mtn_with_ledger());
    ledger_add("x", "charge", "succeeded", 900);
    const Reconciliation *first = RECONCILE(.key = "once");
    const Reconciliation *again = RECONCILE(.key = "once");
    cr_assert_str_eq(first->id, again->id);
    cr_assert_str_eq(sql("SELECT count(*) FROM reconciliations"), "1");
    cr_assert_null(RECONCILE(.key = "once", .csv = CSV("op_x")));
    assert_problem(STATUS_INVALID_ARGUMENT, "idempotency_key_reused", "");
}

Test(reconcile, never_believes_a_ledger_of_a_live_credential)
{
    const struct json_value *fields = NULL;
    cr_ok(json_parse(f.arena, bytes_of_string("{\"ledger_url\":\"http://x/ledger\"}"), &fields));
    struct credential credential = {.provider = "mtn", .fields = fields};
    cr_assert_str_eq(reconcile_source(&f.state, &credential), "ledger");
    credential.live = true;
    cr_assert_str_eq(reconcile_source(&f.state, &credential), "query");
    credential.provider = "zamtel";
    cr_assert_null(reconcile_source(&f.state, &credential));
}

// --- By asking
Test(reconcile, asks_about_each_where_there_is_no_book)
{
    const char *id = made(mtn(theirs.url))->id;
    const char *ids[40];
    for (int i = 0; i < 40; i++)
        ids[i] = BOOK(.credential_id = id, .amount = 500 + i);
    for (int i = 0; i < 3; i++)
        snprintf(theirs.failed[i], sizeof theirs.failed[i], "%s", uuid(ids[i * 10]));
    const Reconciliation *run = RECONCILE();
    is(run, "37 matched, 0 here, 1 there, 0 amounts, 2 statuses");
    cr_assert_str_eq(run->source, "query");
    differs(run, 0, "status", ids[0], "500 ZMW succeeded|500 ZMW failed");
    differs(run, 1, "missing_there", ids[10], "510 ZMW succeeded|");
    differs(run, 2, "status", ids[20], "520 ZMW succeeded|520 ZMW pending");
    cr_assert_eq(theirs.queries, 40);
    cr_assert_eq(theirs.tokens, 1);
}

Test(reconcile, finds_nothing_out_when_the_provider_does_not_answer)
{
    const char *id = made(mtn(theirs.url))->id;
    BOOK(.credential_id = id, .amount = 500);
    theirs.broken = true;
    cr_assert_null(RECONCILE());
    assert_problem(STATUS_UNAVAILABLE, "provider_unavailable", "");
    cr_assert_eq(theirs.queries, 3);
    cr_assert_str_eq(sql("SELECT count(*) FROM reconciliations"), "0");
}

Test(reconcile, stops_when_it_is_told_to)
{
    const char *id = made(mtn(theirs.url))->id;
    BOOK(.credential_id = id, .amount = 500);
    const struct setup *setup = NULL;
    atomic_bool stopping = true;
    struct reconcile result;
    struct reconciliation done;
    cr_ok(setups_get(f.state.setups, f.db, TENANT, &setup));
    const struct reconcile_run run = {.state = &f.state,
                                      .setup = setup,
                                      .credential = setup_credential(setup, id),
                                      .day = yesterday,
                                      .deadline_ns = clock_deadline_ns(5000),
                                      .stopping = &stopping};
    cr_assert_eq(reconcile_run(&run, f.db, f.arena, &result, &done, &problem), STATUS_CANCELLED);
    cr_assert_eq(theirs.queries, 0);
    setup_release(setup);
}

// --- By file
Test(reconcile, compares_with_a_settlement_file)
{
    SetCredential *request = FIELDS("third_party_id=" SECRET, "password=" SECRET, "shortcode=1",
                                    arena_printf(f.arena, "base_url=%s", theirs.url));
    request->provider = "zamtel";
    const char *id = made(request)->id;
    const char *a = BOOK(.credential_id = id, .amount = 500);
    const char *b = BOOK(.credential_id = id, .amount = 501);
    cr_assert_null(RECONCILE(.provider = "zamtel"));
    assert_problem(STATUS_FAILED_PRECONDITION, "settlement_file_needed", "csv");
    const Reconciliation *run =
        RECONCILE(.provider = "zamtel", .csv = CSV(reference_compact(f.arena, a), b, "1234567"));
    is(run, "1 matched, 1 here, 0 there, 1 amounts, 0 statuses");
    cr_assert_str_eq(run->source, "csv");
    differs(run, 0, "amount", b, "501 ZMW succeeded|500 ZMW succeeded");
    differs(run, 1, "missing_here", "1234567", "|500 ZMW succeeded");
    cr_assert_null(RECONCILE(.provider = "zamtel", .csv = "reference,amount\n"));
    assert_problem(STATUS_INVALID_ARGUMENT, "invalid_request", "csv");
}

Test(reconcile, gives_what_is_at_the_edge_of_a_day_until_the_next_file)
{
    const char *id = made(mtn(theirs.url))->id;
    char before[DAY_SIZE];
    reconcile_day_of(yesterday_us - DAY_US, before);
    const char *early = BOOK(.credential_id = id, .amount = 500, .at_us = -60 * US_PER_S);
    const char *late = BOOK(.credential_id = id, .amount = 500, .at_us = 60 * US_PER_S);
    const char *gone = BOOK(.credential_id = id, .amount = 500, .at_us = 120 * US_PER_S);
    const char *noon = BOOK(.credential_id = id, .amount = 500, .at_us = -12 * HOUR_US);
    // One of both days is in this file: ours beyond midnight too.
    is(RECONCILE(.date = before, .csv = CSV(noon, late)),
       "2 matched, 0 here, 0 there, 0 amounts, 0 statuses");
    const Reconciliation *run = RECONCILE(.csv = CSV(early));
    is(run, "1 matched, 0 here, 1 there, 0 amounts, 0 statuses");
    differs(run, 0, "missing_there", gone, "500 ZMW succeeded|");
    // The next day knows nothing of it any more.
    char today[DAY_SIZE];
    reconcile_day_of(yesterday_us + DAY_US, today);
    is(RECONCILE(.date = today, .csv = CSV(early)),
       "0 matched, 0 here, 0 there, 0 amounts, 0 statuses");
}

Test(reconcile, goes_on_where_a_run_before_midnight_ended)
{
    const char *id = made(mtn(theirs.url))->id;
    char before[DAY_SIZE], seen[RFC3339_SIZE];
    reconcile_day_of(yesterday_us - DAY_US, before);
    is(RECONCILE(.date = before, .csv = CSV("x")),
       "0 matched, 1 here, 0 there, 0 amounts, 0 statuses");
    const char *late = BOOK(.credential_id = id, .amount = 500, .at_us = -60 * US_PER_S);
    BOOK(.credential_id = id, .amount = 500, .at_us = -180 * US_PER_S);
    is(RECONCILE(.csv = CSV("x")), "0 matched, 1 here, 0 there, 0 amounts, 0 statuses");
    clock_rfc3339(yesterday_us - 120 * US_PER_S, seen); // as if it had run then
    sql(arena_printf(f.arena, "UPDATE reconciliations SET until_at = '%s' WHERE day = '%s'", seen,
                     before));
    const Reconciliation *run = RECONCILE(.csv = CSV("x"));
    is(run, "0 matched, 1 here, 1 there, 0 amounts, 0 statuses");
    differs(run, 0, "missing_there", late, "500 ZMW succeeded|");
}

// --- What may be asked
Test(reconcile, wants_to_know_which_credential)
{
    cr_assert_null(RECONCILE());
    assert_problem(STATUS_INVALID_ARGUMENT, "credential_missing", "provider");
    const char *one = made(mtn_with_ledger())->id, *two = made(mtn_with_ledger())->id;
    BOOK(.credential_id = two, .amount = 500);
    cr_assert_null(RECONCILE());
    assert_problem(STATUS_INVALID_ARGUMENT, "credential_ambiguous", "credential_id");
    cr_assert(strstr(problem.detail, one) && strstr(problem.detail, two), "%s", problem.detail);
    ledger_add("x", "charge", "succeeded", 900);
    is(RECONCILE(.credential_id = one), "0 matched, 1 here, 0 there, 0 amounts, 0 statuses");
    is(RECONCILE(.credential_id = two), "0 matched, 1 here, 1 there, 0 amounts, 0 statuses");
    cr_assert_null(RECONCILE(.provider = "airtel", .credential_id = two));
    assert_problem(STATUS_NOT_FOUND, "not_found", "");
    tenant = "tnt_b";
    cr_assert_null(RECONCILE(.credential_id = two));
    assert_problem(STATUS_NOT_FOUND, "not_found", "");
}

Test(reconcile, takes_days_that_have_begun_of_providers_that_there_are)
{
    made(mtn_with_ledger());
    const char *days[] = {"", "2026-11-31", "21.11.2026", "2026-1-01", "2026-11-21x", "9999-01-01"};
    for (size_t i = 0; i < sizeof days / sizeof *days; i++) {
        cr_assert_null(RECONCILE(.date = days[i]), "%s", days[i]);
        assert_problem(STATUS_INVALID_ARGUMENT, "invalid_request", "date");
    }
    cr_assert_null(RECONCILE(.provider = "nobody"));
    assert_problem(STATUS_INVALID_ARGUMENT, "invalid_request", "provider");
    tenant = "";
    cr_assert_null(RECONCILE());
    cr_assert_eq(problem.status, STATUS_PERMISSION_DENIED);
}
