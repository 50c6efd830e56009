// The common part of the mimicked providers, seen through MTN's paths.
#include "mtn.h"

#define PAYER "260961234567"
#define LATE_PAYERS "2609612345"
#define LATE_CALLS 16

static void setup(void)
{
    house_open();
    mtn_enter("collection");
}

TestSuite(mimics, .init = setup, .fini = house_close, .timeout = 60);

Test(mimics, keeps_a_book_of_what_moved)
{
    cr_assert_eq(mtn_pay(REFERENCE, PAYER).status, 202);
    house_expect("mtn", REFERENCE, "succeeded");
    cr_assert_eq(house_moved("mtn", REFERENCE), 1);
    cr_assert_str_eq(house_ledger("mtn", REFERENCE, "kind"), "charge");
    cr_assert_str_eq(house_ledger("mtn", REFERENCE, "currency"), "EUR");
    cr_assert_str_eq(house_ledger("mtn", REFERENCE, "payer"), PAYER);
    struct http_response response = ask(&asker, "GET", "/ledger?provider=mtn", NULL);
    cr_assert_eq(counted(&asker, &response, "entries.0.amount"), 5000);
    cr_assert_eq(counted(&asker, &response, "entries.1.amount"), -1);
}

Test(mimics, are_found_by_name_only)
{
    cr_assert_eq(ask(&asker, "GET", "/ledger?provider=none", NULL).status, 404);
    cr_assert_eq(house_control("none", "\"next\":\"error\""), 404);
    cr_assert_eq(ask(&asker, "GET", "/none/v1_0/apiuser", NULL).status, 404);
    cr_assert_eq(ask(&asker, "GET", "/mtn", NULL).status, 404);
    cr_assert_eq(mtn_ask("GET", "/collection/v1_0/nothing", NULL, NULL).status, 404);
    cr_assert_eq(mtn_ask("PUT", "/collection/v1_0/requesttopay", NULL, NULL).status, 405);
    cr_assert_eq(mtn_ask("GET", "/collection/v1_0/account/balance/", NULL, NULL).status, 200);
    cr_assert_eq(mtn_ask("GET", "/collection/v1_0/account/balance/x", NULL, NULL).status, 404);
}

Test(mimics, refuse_orders_that_are_none)
{
    static const char *const orders[] = {
        "\"next\":\"perhaps\"",       "\"next\":\"\"",
        "\"faults\":{\"error\":101}", "\"faults\":{\"callback_lost\":-1}",
        "\"answering\":\"perhaps\"",  "\"slow_ms\":-1",
        "\"settle_ms\":3600001",      "\"forge\":{\"url\":\"http://127.0.0.1/\"}",
    };
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++)
        cr_assert_eq(house_control("mtn", orders[i]), 400, "%s", orders[i]);
    cr_assert_eq(mtn_pay(REFERENCE, PAYER).status, 202);
}

Test(mimics, fail_once_and_do_nothing_when_told_to)
{
    cr_assert_eq(house_control("mtn", "\"next\":\"error\""), 200);
    cr_assert_eq(mtn_payment(REFERENCE).status, 404, "queries don't use up the order");
    cr_assert_eq(mtn_pay(REFERENCE, PAYER).status, 500);
    cr_assert_eq(house_moved("mtn", REFERENCE), -1);
    cr_assert_eq(mtn_pay(REFERENCE, PAYER).status, 202);
    struct http_response response = ask(&asker, "GET", "/ledger?provider=mtn", NULL);
    cr_assert_eq(counted(&asker, &response, "faults.error"), 1);
    cr_assert_eq(counted(&asker, &response, "faults.timeout_after"), 0);
}

Test(mimics, time_out_before_or_after)
{
    mtn_patience_ms = 1000;
    cr_assert_eq(house_control("mtn", "\"next\":\"timeout_before\""), 200);
    cr_assert_eq(mtn_pay(REFERENCE, PAYER).failure, HTTP_TIMEOUT);
    cr_assert_eq(house_moved("mtn", REFERENCE), -1);
    cr_assert_eq(house_control("mtn", "\"next\":\"timeout_after\""), 200);
    cr_assert_eq(mtn_pay(REFERENCE, PAYER).failure, HTTP_TIMEOUT);
    house_expect("mtn", REFERENCE, "succeeded");
    cr_assert_eq(mtn_pay(REFERENCE, PAYER).status, 409);
    cr_assert_eq(house_moved("mtn", REFERENCE), 1);
}

Test(mimics, garble_and_delay_what_was_done)
{
    cr_assert_eq(house_control("mtn", "\"next\":\"malformed\""), 200);
    struct http_response response = mtn_pay(REFERENCE, PAYER);
    cr_assert_eq(response.status, 202);
    cr_assert_str_eq((const char *)response.body.at, "{\"status\":");
    house_expect("mtn", REFERENCE, "succeeded");
    cr_assert_eq(house_control("mtn", "\"next\":\"slow\",\"slow_ms\":200"), 200);
    int64_t before_ns = clock_now_ns();
    cr_assert_eq(mtn_pay(OTHER_REFERENCE, PAYER).status, 202);
    cr_assert(clock_now_ns() - before_ns >= 200 * NS_PER_MS);
}

Test(mimics, fail_by_chance)
{
    cr_assert_eq(house_control("mtn", "\"faults\":{\"error\":100}"), 200);
    cr_assert_eq(mtn_pay(REFERENCE, PAYER).status, 500);
    cr_assert_eq(mtn_payment(REFERENCE).status, 500);
    cr_assert_eq(mtn_login("collection", MTN_USER, "mtn-sandbox-key").status, 200);
    cr_assert_eq(house_control("mtn", "\"faults\":{\"error\":0,\"malformed\":100}"), 200);
    mtn_pay(REFERENCE, PAYER);
    cr_assert_str_eq((const char *)mtn_payment(REFERENCE).body.at, "{\"status\":");
    cr_assert_eq(house_control("mtn", "\"faults\":{\"malformed\":50}"), 200);
    int garbled = 0, n = 60; // all or none of 60 at even odds: once in 5e17 runs
    for (int i = 0; i < n; i++)
        garbled += strcmp((const char *)mtn_payment(REFERENCE).body.at, "{\"status\":") == 0;
    cr_assert(garbled > 0 && garbled < n, "%d of %d", garbled, n);
}

Test(mimics, are_out_as_long_as_told)
{
    cr_assert_eq(house_control("mtn", "\"answering\":\"error\""), 200);
    cr_assert_eq(mtn_login("collection", MTN_USER, "mtn-sandbox-key").status, 503);
    cr_assert_eq(mtn_pay(REFERENCE, PAYER).status, 503);
    cr_assert_eq(house_control("mtn", "\"answering\":\"hang\""), 200);
    mtn_patience_ms = 300;
    cr_assert_eq(mtn_payment(REFERENCE).failure, HTTP_TIMEOUT);
    cr_assert_eq(house_control("mtn", "\"answering\":\"normal\""), 200);
    mtn_patience_ms = ASK_MS;
    mtn_enter("collection");
    cr_assert_eq(mtn_payment(REFERENCE).status, 404);
}

Test(mimics, refuse_tokens_that_were_told_to_expire)
{
    cr_assert_eq(mtn_payment(REFERENCE).status, 404);
    cr_assert_eq(house_control("mtn", "\"expire_tokens\":true"), 200);
    cr_assert_eq(mtn_payment(REFERENCE).status, 401);
    mtn_enter("collection");
    cr_assert_eq(mtn_payment(REFERENCE).status, 404);
}

Test(mimics, grant_tokens_for_a_time_and_a_purpose)
{
    struct mimic *mimic = mimics_find(sandbox.mimics, "mtn");
    const char *spent = mimic_grant(mimic, asker.arena, "a purpose", 0);
    const char *first = mimic_grant(mimic, asker.arena, "a purpose", 3600 * US_PER_S);
    cr_assert(!mimic_granted(mimic, "a purpose", spent));
    cr_assert(mimic_granted(mimic, "a purpose", first));
    cr_assert(!mimic_granted(mimic, "another", first));
    cr_assert(!mimic_granted(mimic, "a purpose", ""));
    cr_assert_str_eq(mimic_grant_kind(mimic, first), "a purpose");
    for (int i = 0; i < GRANTS_MAX; i++)
        (void)mimic_grant(mimic, asker.arena, "another", 3600 * US_PER_S);
    cr_assert(!mimic_granted(mimic, "a purpose", first), "the oldest makes room");
}

Test(mimics, take_amounts_as_text_and_as_numbers)
{
    static const struct {
        const char *amount;
        int64_t minor; // -1: refused
    } table[] = {
        {"\"50\"", 5000}, {"50", 5000}, {"50.5", 5050}, {"50.50", 5050},
        {"\"0.01\"", 1},  {"0.29", 29}, {"50.505", -1}, {"-1", -1},
        {"0", -1},        {"true", -1}, {"1e20", -1},   {"null", -1},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const char *reference =
            arena_printf(asker.arena, "11111111-2222-4333-8444-5555555555%02zu", i);
        int status = mtn_ask("POST", "/collection/v1_0/requesttopay", reference,
                             arena_printf(asker.arena,
                                          "{\"amount\":%s,\"currency\":\"EUR\",\"payer\":"
                                          "{\"partyIdType\":\"MSISDN\",\"partyId\":\"" PAYER "\"}}",
                                          table[i].amount))
                         .status;
        cr_assert_eq(status, table[i].minor < 0 ? 400 : 202, "%s", table[i].amount);
        struct http_response ledger =
            ask(&asker, "GET",
                arena_printf(asker.arena, "/ledger?provider=mtn&reference=%s", reference), NULL);
        cr_assert_eq(counted(&asker, &ledger, "entries.0.amount"), table[i].minor);
    }
}

Test(mimics, move_money_and_answer_with_an_error_when_told_to)
{
    cr_assert_eq(house_control("mtn", "\"next\":\"error_after\""), 200);
    cr_assert_eq(mtn_pay(REFERENCE, PAYER).status, 500);
    house_expect("mtn", REFERENCE, "succeeded");
    cr_assert_eq(house_moved("mtn", REFERENCE), 1);
}

Test(mimics, settle_when_told_to)
{
    cr_assert_eq(house_control("mtn", "\"settle_ms\":3600000"), 200);
    cr_assert_eq(mtn_pay(REFERENCE, PAYER).status, 202);
    cr_assert_eq(house_control("mtn", "\"settle_ms\":0"), 200);
    cr_assert_eq(mtn_pay(OTHER_REFERENCE, PAYER).status, 202);
    house_expect("mtn", OTHER_REFERENCE, "succeeded");
    cr_assert_str_eq(house_ledger("mtn", REFERENCE, "status"), "pending");
    cr_assert_eq(house_moved("mtn", REFERENCE), 0);
}

Test(mimics, lose_and_double_callbacks)
{
    mtn_callback = house_callback_url("/back");
    cr_assert_eq(house_control("mtn", "\"next\":\"callback_lost\""), 200);
    mtn_pay(REFERENCE, PAYER);
    house_expect("mtn", REFERENCE, "succeeded");
    cr_assert_eq(house_control("mtn", "\"next\":\"callback_double\""), 200);
    mtn_pay(OTHER_REFERENCE, PAYER);
    house_await_calls(2);
    mtn_pay("11111111-2222-4333-8444-777777777777", PAYER);
    house_await_calls(3);
    cr_assert_eq(calls_n, 3, "the lost one never came");
    cr_assert_str_eq(calls[0].body, calls[1].body);
}

Test(mimics, call_back_late_so_that_callbacks_overtake_each_other)
{
    mtn_callback = house_callback_url("/back");
    cr_assert_eq(house_control("mtn", "\"faults\":{\"callback_late\":100}"), 200);
    for (int i = 0; i < LATE_CALLS; i++)
        mtn_pay(arena_printf(asker.arena, "11111111-2222-4333-8444-7777777777%02d", i),
                arena_printf(asker.arena, LATE_PAYERS "%02d", i));
    house_await_calls(LATE_CALLS);
    int overtaken = 0;
    for (int i = 1; i < LATE_CALLS; i++)
        overtaken +=
            strcmp(strstr(calls[i - 1].body, LATE_PAYERS), strstr(calls[i].body, LATE_PAYERS)) > 0;
    cr_assert_gt(overtaken, 0);
    struct http_response response = ask(&asker, "GET", "/ledger?provider=mtn", NULL);
    cr_assert_eq(counted(&asker, &response, "faults.callback_late"), LATE_CALLS);
}

Test(mimics, forge_callbacks_of_what_never_was)
{
    const char *order =
        arena_printf(asker.arena, "\"forge\":{\"url\":\"%s\",\"reference\":\"" REFERENCE "\"}",
                     house_callback_url("/lie"));
    cr_assert_eq(house_control("mtn", order), 200);
    house_await_calls(1);
    cr_assert_str_eq(calls[0].path, "/lie");
    cr_assert_not_null(strstr(calls[0].body, "SUCCESSFUL"));
    cr_assert_eq(house_moved("mtn", REFERENCE), -1);
}
