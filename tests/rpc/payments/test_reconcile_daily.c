// The daily job: each credential once, however many replicas there are.
#include "books.h"

#include "obs/metrics.h"
#include "reconcile/reconcile_daily.h"
#include "service/internal.h"

TestSuite(reconcile_daily, .init = books_begin, .fini = books_end);

#define TURNS_MAX 100

// Turns until there is nothing left in this round.
static void *go_round(void *daily)
{
    struct db *db = db_new(&(struct db_config){
        .ring = test_ring(), .url = f.database.url, .schema = "payments", .application = "test"});
    struct arena *arena = arena_new(ARENA_CAP_BATCH);
    int turns = 0;
    while (reconcile_daily_turn(daily, db, arena) == 0 && turns++ < TURNS_MAX)
        arena_reset(arena);
    cr_assert_lt(turns, TURNS_MAX);
    arena_free(arena);
    db_free(db);
    return NULL;
}

static void round_of(const char *at)
{
    struct reconcile_daily *daily = reconcile_daily_new(&f.state, at);
    cr_assert_not_null(daily);
    go_round(daily);
    reconcile_daily_free(daily);
}

Test(reconcile_daily, runs_each_credential_once_among_two)
{
    enum { N = 6 };
    pthread_t threads[2];
    struct reconcile_daily *replicas[2];
    for (int i = 0; i < N; i++) {
        tenant = arena_printf(f.arena, "tnt_%d", i);
        made(mtn_with_ledger());
    }
    ledger_add("x", "charge", "succeeded", 900);
    for (int i = 0; i < 2; i++) {
        replicas[i] = reconcile_daily_new(&f.state, "00:00");
        cr_assert_eq(pthread_create(&threads[i], NULL, go_round, replicas[i]), 0);
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        reconcile_daily_free(replicas[i]);
    }
    round_of("00:00"); // and a third, later
    cr_assert_str_eq(sql("SELECT count(*) || ' ' || count(DISTINCT credential_id) || ' ' || "
                         "bool_and(daily) FROM reconciliations"),
                     "6 6 true");
    cr_assert_eq(theirs.ledger_asked, N);
    cr_assert_str_eq(sql("SELECT min(day)::text FROM reconciliations"), yesterday);
    cr_assert_str_eq(sql("SELECT count(*) FROM events WHERE type = 'reconciliation.completed'"),
                     "6");
    cr_assert_str_eq(sql("SELECT string_agg(DISTINCT actor, ' ') FROM audit_log WHERE action = "
                         "'reconciliation.run'"),
                     "reconcile_daily");
}

Test(reconcile_daily, writes_one_row_even_if_two_ran_at_once)
{
    const char *id = made(mtn_with_ledger())->id;
    struct reconcile result;
    bool made_one = false;
    reconcile_begin(&result, f.arena);
    for (int i = 0; i < 2; i++) {
        const struct reconciliation run = {.tenant_id = TENANT,
                                           .id = i ? "rec_2" : "rec_1",
                                           .provider = "mtn",
                                           .credential_id = id,
                                           .day = yesterday,
                                           .source = "ledger",
                                           .daily = true,
                                           .created_us = clock_unix_us()};
        cr_ok(reconcile_write(f.db, f.arena, &run, &result, &(struct cause){"a", "r", ""},
                              &made_one));
        cr_assert_eq(made_one, i == 0);
    }
    cr_assert_str_eq(sql("SELECT count(*) FROM audit_log WHERE action = 'reconciliation.run'"),
                     "1");
}

Test(reconcile_daily, leaves_out_what_is_disabled_or_can_not_be_asked)
{
    SetCredential *disabled = mtn_with_ledger();
    disabled->disabled = true;
    made(disabled);
    tenant = "tnt_z";
    SetCredential *zamtel = FIELDS("third_party_id=" SECRET, "password=" SECRET, "shortcode=1",
                                   arena_printf(f.arena, "base_url=%s", theirs.url));
    zamtel->provider = "zamtel";
    made(zamtel);
    round_of("00:00");
    cr_assert_str_eq(sql("SELECT count(*) FROM reconciliations"), "0");
    cr_assert_eq(theirs.ledger_asked, 0);
}

Test(reconcile_daily, tries_again_in_the_next_round_what_failed)
{
    made(mtn_with_ledger());
    theirs.ledger_status = 503;
    struct reconcile_daily *daily = reconcile_daily_new(&f.state, "00:00");
    go_round(daily);
    cr_assert_str_eq(sql("SELECT count(*) FROM reconciliations"), "0");
    ledger_add("x", "charge", "succeeded", 900);
    theirs.ledger_status = 200;
    go_round(daily);
    reconcile_daily_free(daily);
    cr_assert_str_eq(sql("SELECT count(*) FROM reconciliations"), "1");
}

Test(reconcile_daily, shows_the_differences_as_a_metric)
{
    made(mtn_with_ledger());
    ledger_add("x", "charge", "succeeded", 900);
    round_of("00:00");
    CLEANUP(buffer_deinit) struct buffer out;
    buffer_init(&out, 1 << 20);
    metrics_print(&out);
    cr_assert_not_null(
        strstr(out.at,
               "obol_reconciliation_differences{provider=\"mtn\",kind=\"missing_here\"} 1\n"),
        "%s", out.at);
    cr_assert_not_null(
        strstr(out.at, "obol_reconciliation_differences{provider=\"airtel\",kind=\"amount\"} 0\n"));
}

Test(reconcile_daily, waits_for_its_time)
{
    made(mtn_with_ledger());
    round_of("off");
    cr_assert_eq(theirs.ledger_asked, 0);
    const char *bad[] = {"", "2:00", "24:00", "02:60", "02-00", "never"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert_null(reconcile_daily_new(&f.state, bad[i]), "%s", bad[i]);
}

static bool asked(void *context)
{
    (void)context;
    return theirs.ledger_asked > 0;
}

static bool all_done(void *context)
{
    (void)context;
    return strcmp(sql("SELECT count(*) FROM reconciliations"), "2") == 0;
}

Test(reconcile_daily, runs_in_a_loop_of_the_service)
{
    struct service service = {
        .db = {.ring = test_ring(), .url = f.database.url, .schema = "payments"}};
    f.settings.reconcile_at_utc = "00:00";
    for (int i = 0; i < 2; i++) {
        tenant = i ? "tnt_1" : "tnt_0";
        made(mtn_with_ledger());
    }
    ledger_add("x", "charge", "succeeded", 900);
    struct reconcile_daily *daily = reconcile_daily_start(&service, &f.state);
    cr_assert_not_null(daily);
    test_wait(all_done, NULL, 10000, "both are reconciled");
    reconcile_daily_stop(daily);
    f.settings.reconcile_at_utc = "noon";
    cr_assert_null(reconcile_daily_start(&service, &f.state));
    reconcile_daily_stop(NULL);
}

Test(reconcile_daily, stops_while_a_book_does_not_answer)
{
    struct service service = {
        .db = {.ring = test_ring(), .url = f.database.url, .schema = "payments"}};
    f.settings.reconcile_at_utc = "00:00";
    made(mtn_with_ledger());
    theirs.hangs = true;
    struct reconcile_daily *daily = reconcile_daily_start(&service, &f.state);
    cr_assert_not_null(daily);
    test_wait(asked, NULL, 10000, "the book is asked for");
    int64_t began_ns = clock_now_ns();
    reconcile_daily_stop(daily);
    cr_assert_lt(clock_now_ns() - began_ns, 5 * NS_PER_S);
    cr_assert_str_eq(sql("SELECT count(*) FROM reconciliations"), "0");
    theirs_release();
}
