#include "paydunya.h"

TestSuite(paydunya_refunds, .init = init, .fini = adapter_end);

Test(paydunya_refunds, gives_back_by_disbursement_in_two_stages)
{
    struct http_request request;
    cr_assert(provider.act(&use, &refund, &request));
    says(&request, DISBURSE "get-invoice",
         "{\"account_alias\":\"771234567\",\"amount\":500,\"withdraw_mode\":\"wave-senegal\","
         "\"callback_url\":\"http://gw/cb\",\"disburse_id\":\"op_2\"}");
    struct outcome outcome =
        act_read(&refund, 200, "{\"response_code\":\"00\",\"disburse_token\":\"dis_1\"}");
    cr_assert_eq(outcome.kind, OUTCOME_PREPARED);
    cr_assert_str_eq(outcome.provider_reference, "dis_1");
    refund.stage = 1;
    refund.provider_reference = "dis_1";
    cr_assert(provider.act(&use, &refund, &request));
    says(&request, DISBURSE "submit-invoice",
         "{\"disburse_invoice\":\"dis_1\",\"disburse_id\":\"op_2\"}");
    cr_assert_eq(provider.query(&use, &refund, &request), ASK_BUILT);
    says(&request, DISBURSE "check-status", "{\"disburse_invoice\":\"dis_1\"}");
    configure(",\"disburse_url\":\"http://out/d\"");
    cr_assert_eq(provider.query(&use, &refund, &request), ASK_BUILT);
    cr_assert_str_eq(request.url, "http://out/d/check-status");
    cr_assert(provider_prepares(&provider, OPERATION_REFUND, 0));
    cr_assert_not(provider_prepares(&provider, OPERATION_REFUND, 1));
    cr_assert_not(provider_repeats(&provider, OPERATION_REFUND, 1));
    refund.provider_reference = NULL;
    cr_assert_eq(provider.query(&use, &refund, &request), ASK_NEVER);
}

Test(paydunya_refunds, pays_back_to_the_wallet_that_paid)
{
    struct http_request request;
    static const char *const rows[][4] = {
        {"orange", "221771234567", "771234567", "orange-money-senegal"},
        {"wave", "221771234567", "771234567", "wave-senegal"},
        {"mtn", "2250504050607", "0504050607", "mtn-ci"}};
    for (size_t i = 0; i < 3; i++) {
        refund.network = rows[i][0];
        refund.msisdn = rows[i][1];
        cr_assert(provider.act(&use, &refund, &request));
        says(&request, DISBURSE "get-invoice",
             arena_printf(arena,
                          "{\"account_alias\":\"%s\",\"amount\":500,\"withdraw_mode\":\"%s\","
                          "\"callback_url\":\"http://gw/cb\",\"disburse_id\":\"op_2\"}",
                          rows[i][2], rows[i][3]));
    }
}

static void cannot(const char *code)
{
    struct outcome outcome;
    cr_assert_not(provider.accepts(&use, &refund, &outcome));
    cr_assert_eq(outcome.kind, OUTCOME_FAILED);
    cr_assert_str_eq(outcome.error_code, code);
}

Test(paydunya_refunds, refuses_refunds_that_it_could_not_pay)
{
    struct outcome outcome;
    struct http_request request;
    cr_assert(provider.accepts(&use, &refund, &outcome));
    refund.amount = 199;
    cannot("refund_unsupported");
    refund.amount = 200;
    cr_assert(provider.accepts(&use, &refund, &outcome));
    // A hosted page's payer may have paid by anything: the credential says how they are paid.
    refund.network = refund.msisdn = NULL;
    refund.phone = "+221771234567";
    cannot("refund_unsupported");
    cr_assert_not(provider.act(&use, &refund, &request));
    configure(",\"withdraw_mode\":\"free-money-senegal\"");
    cr_assert(provider.accepts(&use, &refund, &outcome));
    cr_assert(provider.act(&use, &refund, &request));
    says(&request, DISBURSE "get-invoice",
         "{\"account_alias\":\"771234567\",\"amount\":200,\"withdraw_mode\":"
         "\"free-money-senegal\",\"callback_url\":\"http://gw/cb\",\"disburse_id\":\"op_2\"}");
    refund.phone = "77 123";
    cannot("refund_unsupported");
    refund.phone = NULL;
    cannot("refund_unsupported");
    refund.network = "wave"; // Never a refund by mistake.
    refund.msisdn = "221771234567";
    refund.kind = OPERATION_CANCEL;
    cannot("refund_unsupported");
    cr_assert_not(provider.act(&use, &refund, &request));
}

Test(paydunya_refunds, builds_a_request_whole_or_not_at_all)
{
    struct provider_act asked = charge;
    asked.stage = 1;
    asked.network = "orange";
    asked.provider_reference = "inv_1";
    refund.network = refund.msisdn = NULL;
    refund.phone = "+221771234567";
    configure(",\"withdraw_mode\":\"wave-senegal\"");
    const struct provider_act *const acts[] = {&charge, &asked, &refund};
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++)
        expect_whole_or_nothing(acts[i]);
}

Test(paydunya_refunds, reads_whether_a_disbursement_was_taken)
{
    refund.stage = 1;
    refund.provider_reference = "dis_1";
    cr_assert_eq(act_read(&refund, 200,
                          "{\"response_code\":\"00\",\"status\":\"pending\",\"transaction_id\":"
                          "\"TX\"}")
                     .kind,
                 OUTCOME_ACCEPTED);
    cr_assert_eq(act_read(&refund, 200, "{\"response_code\":\"00\",\"status\":\"success\"}").kind,
                 OUTCOME_ACCEPTED); // with what amount, the question tells
    cr_assert_eq(act_read(&refund, 200, "{\"response_code\":\"00\",\"status\":\"failed\"}").kind,
                 OUTCOME_FAILED);
    struct outcome outcome = act_read(&refund, 200, refusal("4002"));
    cr_assert_eq(outcome.kind, OUTCOME_FAILED);
    cr_assert(outcome.elsewhere);
    cr_assert_str_eq(outcome.error_code, "insufficient_balance");
    cr_assert_eq(act_read(&refund, 200, refusal("4003")).kind, OUTCOME_ACCEPTED);
    cr_assert_eq(act_read(&refund, 200, refusal("4001")).kind, OUTCOME_FAILED);
    cr_assert_str_eq(act_read(&refund, 200, refusal("1001")).error_code, "provider_setup");
    cr_assert_eq(act_read(&refund, 500, refusal("4002")).kind, OUTCOME_LOST);
    refund.stage = 0;
    cr_assert_str_eq(act_read(&refund, 200, refusal("4002")).error_code, "insufficient_balance");
}

static struct outcome check(const char *status, const char *amount)
{
    return query_read(&refund, 200,
                      arena_printf(arena,
                                   "{\"response_code\":\"00\",\"status\":\"%s\",\"amount\":%s,"
                                   "\"response_text\":\"No account\"}",
                                   status, amount));
}

Test(paydunya_refunds, reads_how_a_disbursement_stands)
{
    refund.stage = 1;
    refund.provider_reference = "dis_1";
    cr_assert_eq(check("created", "500").kind, OUTCOME_ACCEPTED);
    cr_assert_eq(check("pending", "500").kind, OUTCOME_ACCEPTED);
    cr_assert_eq(check("success", "500").kind, OUTCOME_SUCCEEDED);
    cr_assert_eq(check("success", "\"500.00\"").kind, OUTCOME_SUCCEEDED);
    struct outcome outcome = check("success", "501");
    cr_assert_eq(outcome.kind, OUTCOME_LOST);
    cr_assert_str_eq(outcome.error_code, "amount_mismatch");
    outcome = check("failed", "500");
    cr_assert_eq(outcome.kind, OUTCOME_FAILED);
    cr_assert(strstr(outcome.error_message, "No account"));
    cr_assert_eq(check("odd", "500").kind, OUTCOME_LOST);
}
