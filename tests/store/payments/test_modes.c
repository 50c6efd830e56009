// Modes of tenants and the switch that stops new payments: what is stored, what is cached, what it
// means for a payment.
#include "fixture.h"

#include <stdio.h>

#include "base/buffer.h"
#include "creation/store_creation.h"
#include "obs/metrics.h"
#include "setup/store_setup.h"

static struct fixture f;

static void begin(void)
{
    fixture_begin(&f);
}

static void end(void)
{
    fixture_end(&f);
}

TestSuite(modes, .init = begin, .fini = end);

static const char *ask(const char *sql)
{
    return test_sql(f.db, f.arena, sql);
}

static void credential(const char *id, bool live, bool enabled)
{
    struct sealed_credential row = {
        .credential = {.id = id,
                       .tenant_id = TENANT,
                       .provider = "mtn",
                       .live = live,
                       .enabled = enabled,
                       .label = "",
                       .created_us = clock_unix_us(),
                       .updated_us = clock_unix_us()},
        .sealed = keyring_seal(&f.ring, f.arena, bytes_of_string("{}"),
                               credential_context(f.arena, TENANT, id)),
    };
    cr_ok(store_credential_put(f.db, f.arena, &row));
}

static void mode(bool test_mode)
{
    const struct tenant_mode put = {
        .tenant_id = TENANT, .test_mode = test_mode, .updated_us = clock_unix_us()};
    cr_ok(store_tenant_mode_put(f.db, f.arena, &put));
    setups_forget(f.state.setups, TENANT);
}

static struct tenant_mode mode_get(void)
{
    const char *id = TENANT;
    struct tenant_mode mode;
    cr_ok(store_tenant_modes_list(f.db, f.arena, &id, 1, &mode));
    return mode;
}

// As routing sees it, and as operators are told.
static void is(bool live, bool settled)
{
    const struct setup *setup = NULL;
    struct tenant_mode mode = mode_get();
    setups_forget(f.state.setups, TENANT);
    cr_ok(setups_get(f.state.setups, f.db, TENANT, &setup));
    cr_assert_eq(setup->live, live);
    cr_assert_eq(setup->mode_settled, settled);
    cr_assert_eq(setup->simulator == NULL, live);
    cr_assert_eq(mode.test_mode, !live, "told otherwise");
    cr_assert_eq(mode.settled, settled);
    setup_release(setup);
}

// What the version before this one reads: it knows `enabled` alone.
static const char *enabled(void)
{
    return ask("SELECT coalesce(string_agg(id, ' ' ORDER BY id), '') FROM provider_credentials "
               "WHERE enabled");
}

Test(modes, are_told_by_credentials_until_one_is_settled)
{
    is(false, false);
    credential("cred_live", true, true);
    is(true, false);
    credential("cred_live", true, false);
    is(true, false); // switched off is not play money
    credential("cred_test", false, true);
    is(false, false);
    mode(false);
    is(true, true);
    mode(true);
    is(false, true);
}

Test(modes, park_the_credentials_of_the_other)
{
    mode(true);
    credential("cred_live", true, true);
    credential("cred_test", false, true);
    credential("cred_off", false, false);
    cr_assert_str_eq(enabled(), "cred_test");
    cr_assert(mode_get().live_n == 1 && mode_get().test_n == 1, "enabled, as far as people see");
    mode(false);
    cr_assert_str_eq(enabled(), "cred_live");
    cr_assert(mode_get().live_n == 1 && mode_get().test_n == 1);
    credential("cred_test", false, false);
    mode(true);
    cr_assert_str_eq(enabled(), "", "what was disabled stays so");
    credential("cred_test", false, true);
    cr_assert_str_eq(enabled(), "cred_test");
    // The version before this one changes a parked credential: its word is the newer one.
    ask("UPDATE provider_credentials SET updated_at = updated_at + interval '1 s' "
        "WHERE id = 'cred_live' RETURNING id");
    mode(false);
    cr_assert_str_eq(enabled(), "");
    cr_assert_eq(mode_get().live_n, 0);
}

static struct call *paying(const char *key)
{
    struct call *call = create_call(f.arena, "r", 100, key);
    rpc_create_payment(&f.worker, &call, 1);
    return call;
}

Test(modes, decide_before_anything_is_written)
{
    mode(true);
    cr_assert(payment_answer(paying("a"))->test_mode->value);
    mode(false);
    assert_refused(paying("b"), STATUS_INVALID_ARGUMENT, "no_live_credential");
    cr_assert(paying("a")->replayed, "what was accepted is answered still");
    cr_assert_str_eq(ask("SELECT count(*) || ' ' || bool_and(test_mode) FROM payments"), "1 true");
    cr_assert_str_eq(ask("SELECT count(*) FROM idempotency_keys"), "1", "nothing is remembered");
    mode(true);
    cr_assert_not(paying("b")->replayed);
}

static struct call *paying_with(const char *token)
{
    struct call *call = create_call(f.arena, "r", 100, NULL);
    Obol__Payments__V1__CreatePaymentRequest *request =
        (Obol__Payments__V1__CreatePaymentRequest *)(uintptr_t)call->request;
    request->method = (char *)"card";
    request->vpa = (char *)"";
    request->card_token = (char *)(uintptr_t)token;
    rpc_create_payment(&f.worker, &call, 1);
    return call;
}

static void token(const char *id, const char *credential_id)
{
    struct card_token token = {
        .tenant_id = TENANT,
        .id = id,
        .provider = "simulator",
        .credential_id = credential_id,
        .provider_token = keyring_seal(&f.ring, f.arena, bytes_of_string("t"),
                                       card_token_context(f.arena, TENANT, id)),
        .brand = "visa",
        .last4 = "4242",
        .expiry_month = 12,
        .expiry_year = 2090,
        .created_us = clock_unix_us(),
        .expires_us = clock_unix_us() + 3600 * US_PER_S,
    };
    cr_ok(store_card_tokens_insert(f.db, f.arena, &token));
}

Test(modes, are_those_of_a_card_s_token_too)
{
    credential("cred_live", true, true);
    token("tok_play", NULL);
    token("tok_real", "cred_live");
    mode(true);
    assert_refused(paying_with("tok_real"), STATUS_INVALID_ARGUMENT, "card_token_of_other_mode");
    cr_assert(payment_answer(paying_with("tok_play"))->test_mode->value);
    mode(false);
    assert_refused(paying_with("tok_play"), STATUS_INVALID_ARGUMENT, "card_token_of_other_mode");
    assert_refused(paying_with("tok_real"), STATUS_INVALID_ARGUMENT, "provider_setup"); // its own
}

Test(modes, stay_with_the_payment_and_filter_lists)
{
    credential("cred_live", true, true);
    mode(true);
    const char *id = pay(&f, "r", 100);
    mode(false);
    cr_assert(payment_get(&f, id)->test_mode->value);
    // As the version before this one leaves it: the credential tells.
    ask("UPDATE payments SET test_mode = NULL RETURNING id");
    cr_assert(payment_get(&f, id)->test_mode->value);
    const struct page page = {.limit = 10,
                              .from = "z",
                              .since = {"a"},
                              .until = {"z"},
                              .created_lt_us = clock_unix_us() + US_PER_S};
    const struct {
        const char *test_mode;
        const char *order_id;
        size_t n;
    } rows[] = {{"true", NULL, 1},
                {"false", NULL, 0},
                {NULL, NULL, 1},
                {"true", "r", 1},
                {"false", "r", 0}};
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            const struct payment_filter filter = {.test_mode = rows[i].test_mode,
                                                  .order_id = rows[i].order_id};
            struct key *keys;
            size_t n = 0;
            struct page asked = page;
            asked.newer = round;
            asked.from = round ? "a" : "z";
            cr_ok(store_payments_list(f.db, f.arena, TENANT, &asked, &filter, &keys, &n));
            cr_assert_eq(n, rows[i].n, "row %zu", i);
        }
    }
    ask("UPDATE payments SET credential_id = 'cred_live' RETURNING id");
    cr_assert_not(payment_get(&f, id)->test_mode->value);
}

// --- The switch
static void turn(bool stopped)
{
    const struct payment_creation put = {stopped, "INC-42: \"ünclear\"", "operator:ada",
                                         1700000000000000};
    cr_ok(store_creation_put(f.db, f.arena, &put));
}

static void now(bool stopped)
{
    turn(stopped);
    gate_forget(f.state.gate);
}

static long gauge(void)
{
    CLEANUP(buffer_deinit) struct buffer out;
    buffer_init(&out, 1 << 20);
    metrics_print(&out);
    const char *line = strstr(out.at, "\nobol_payment_creation_stopped ");
    cr_assert_not_null(line);
    return strtol(line + strlen("\nobol_payment_creation_stopped "), NULL, 10);
}

Test(modes, stop_refuses_what_is_new_and_replays_the_rest)
{
    paying("a");
    now(true);
    struct call *refused = paying("b");
    assert_refused(refused, STATUS_UNAVAILABLE, "payments_stopped");
    cr_assert_eq(refused->problem.retry_after_s, GATE_RETRY_AFTER_S);
    assert_refused(paying(NULL), STATUS_UNAVAILABLE, "payments_stopped");
    cr_assert(paying("a")->replayed);
    cr_assert_str_eq(ask("SELECT count(*) FROM payments"), "1");
    cr_assert_str_eq(ask("SELECT count(*) FROM idempotency_keys"), "1");
    cr_assert_eq(gauge(), 1);
    now(false);
    cr_assert_not(paying("b")->replayed);
    cr_assert_eq(gauge(), 0);
}

Test(modes, stop_gives_orders_back)
{
    const char *order = order_new(&f, 500);
    now(true);
    struct call *call = create_call(f.arena, order, 0, NULL);
    rpc_create_payment(&f.worker, &call, 1);
    assert_refused(call, STATUS_UNAVAILABLE, "payments_stopped");
    cr_assert_str_eq(ask("SELECT status FROM orders"), "created");
}

// *asked_ns: when it was last asked and did not.
static bool refuses(void *asked_ns)
{
    int64_t now_ns = clock_now_ns();
    bool stopped = false;
    cr_ok(gate_read(f.state.gate, f.db, &stopped));
    if (!stopped)
        *(int64_t *)asked_ns = now_ns;
    return stopped;
}

Test(modes, stop_by_another_is_seen_within_a_second)
{
    int64_t asked_ns;
    cr_assert_not(refuses(&asked_ns));
    turn(true);
    int64_t turned_ns = clock_now_ns();
    test_wait(refuses, &asked_ns, 10000, "the switch");
    cr_assert_leq(asked_ns - turned_ns, NS_PER_S);
}

Test(modes, stop_is_shown_on_the_page_of_health)
{
    cr_assert_null(gate_json(f.state.gate, f.arena), "nobody knows yet");
    cr_assert_eq(gate_turn(f.state.gate, f.db, f.arena), GATE_FRESH_MS / 2);
    cr_assert_str_eq(gate_json(f.state.gate, f.arena),
                     "{\"stopped\":false,\"reason\":null,\"since\":null}");
    turn(true);
    gate_turn(f.state.gate, f.db, f.arena);
    cr_assert_str_eq(gate_json(f.state.gate, f.arena),
                     "{\"stopped\":true,\"reason\":\"INC-42: "
                     "\\\"ünclear\\\"\",\"since\":\"2023-11-14T22:13:20.000Z\"}");
    cr_assert_eq(gauge(), 1);
}

Test(modes, nothing_is_made_while_the_switch_can_t_be_read)
{
    ask("ALTER TABLE payment_creation RENAME TO gone; SELECT 1");
    struct call *call = paying(NULL);
    cr_assert_neq(call->problem.status, STATUS_OK);
    cr_assert_str_eq(ask("SELECT count(*) FROM payments"), "0");
}
