#include "adapter.h"

#define FIELDS                                                                                     \
    "{\"api_user\":\"user\",\"api_key\":\"key\",\"subscription_key\":\"sub\","                     \
    "\"target_environment\":\"mtnzambia\",\"base_url\":\"https://mtn\"}"

static const struct provider_act charge = {.kind = OPERATION_CHARGE,
                                           .reference = "op_1",
                                           .amount = 5050,
                                           .currency = "ZMW",
                                           .method = "mobile_money",
                                           .msisdn = "260961234567"};
static const struct provider_act refund = {.kind = OPERATION_REFUND,
                                           .reference = "op_2",
                                           .charge_reference = "op_1",
                                           .amount = 5000,
                                           .currency = "ZMW",
                                           .msisdn = "260961234567"};

static void begin(void)
{
    adapter_begin(mtn_init, FIELDS);
    use.sessions[0] = "collecting";
    use.sessions[1] = "disbursing";
}

TestSuite(mtn_account, .init = begin, .fini = adapter_end);

Test(mtn_account, asks_for_a_token_of_each_product)
{
    struct http_request request;
    cr_assert_eq(provider.sessions_n, 2);
    cr_assert(provider.session(&use, 0, &request));
    cr_assert_str_eq(text_of(&request),
                     "POST https://mtn/collection/token/\nAuthorization: Basic dXNlcjprZXk=\n"
                     "Ocp-Apim-Subscription-Key: sub\nAccept: application/json\n\n");
    cr_assert(provider.session(&use, 1, &request));
    cr_assert_str_eq(text_of(&request),
                     "POST https://mtn/disbursement/token/\nAuthorization: Basic dXNlcjprZXk=\n"
                     "Ocp-Apim-Subscription-Key: sub\nAccept: application/json\n\n");
    adapter_fields("{\"api_user\":\"user\",\"api_key\":\"key\",\"subscription_key\":\"sub\","
                   "\"disbursement_user\":\"other\",\"disbursement_key\":\"yek\","
                   "\"disbursement_subscription_key\":\"bus\"}");
    cr_assert(provider.session(&use, 1, &request));
    cr_assert_str_eq(request.headers[0].value, "Basic b3RoZXI6eWVr");
    cr_assert_str_eq(request.headers[1].value, "bus");
    cr_assert_str_eq(request.url, "https://sandbox.momodeveloper.mtn.com/disbursement/token/");
    cr_assert_eq(provider.needs(&use, &charge), 1);
    cr_assert_eq(provider.needs(&use, &refund), 2);
}

static struct session_grant grant(size_t which, int status, const char *body)
{
    struct session_grant given;
    struct http_response response = answer(status, body);
    provider.read_session(&use, which, &response, &given);
    return given;
}

Test(mtn_account, says_what_is_wrong_with_a_credential)
{
    static const char subscription[] =
        "{\"statusCode\":401,\"message\":\"Access denied due to invalid subscription key.\"}";
    cr_assert_str_eq(grant(0, 200, "{\"access_token\":\"t\",\"expires_in\":3600}").text, "t");
    struct session_grant given = grant(0, 401, subscription);
    expect(&given.outcome, OUTCOME_FAILED, "subscription");
    expect_finding(given.outcome.error_message, "subscription key of collection");
    given = grant(1, 401, subscription);
    expect_finding(given.outcome.error_message, "disbursement (it is needed for refunds)");
    given = grant(0, 401, "{\"error\":\"login_failed\"}");
    expect_finding(given.outcome.error_message, "API user or its key");
    given = grant(0, 500, "");
    expect(&given.outcome, OUTCOME_LOST, "500");
}

Test(mtn_account, takes_a_markets_currency_only)
{
    static const char *const markets[][2] = {
        {"sandbox", "EUR"},     {"mtnzambia", "ZMW"},     {"mtnuganda", "UGX"}, {"mtnghana", "GHS"},
        {"mtncameroon", "XAF"}, {"mtnivorycoast", "XOF"}, {"mtnrwanda", "RWF"},
    };
    struct outcome outcome;
    struct provider_act act = charge;
    for (size_t i = 0; i < sizeof markets / sizeof *markets; i++) {
        adapter_fields(arena_printf(arena, "{\"target_environment\":\"%s\"}", markets[i][0]));
        act.currency = markets[i][1];
        cr_assert(takes(&act, &outcome), "%s", markets[i][0]);
        act.currency = "INR";
        cr_assert_not(takes(&act, &outcome));
        cr_assert_str_eq(outcome.error_code, "currency_unsupported");
        expect_finding(outcome.error_message, markets[i][1]);
        cr_assert(outcome.elsewhere);
    }
    adapter_fields("{\"target_environment\":\"mtnelsewhere\"}");
    cr_assert(takes(&act, &outcome));
}

Test(mtn_account, needs_a_market_when_live)
{
    struct outcome outcome;
    credential.live = true;
    cr_assert(takes(&charge, &outcome));
    adapter_fields("{}");
    cr_assert_not(takes(&charge, &outcome));
    cr_assert_str_eq(outcome.error_code, "provider_setup");
    expect_finding(probe_finding("", 200, "{}"), "target_environment");
}

Test(mtn_account, probes_the_balance)
{
    struct http_request request;
    cr_assert(provider.probe(&use, "ZMW", &request));
    cr_assert_str_eq(text_of(&request),
                     "GET https://mtn/collection/v1_0/account/balance\n"
                     "Authorization: Bearer collecting\nX-Target-Environment: mtnzambia\n"
                     "Ocp-Apim-Subscription-Key: sub\nAccept: application/json\n\n");
    expect_finding(probe_finding("", 200, "{\"currency\":\"ZMW\"}"), "it must be sandbox");
    credential.live = true;
    cr_assert_null(probe_finding("ZMW", 200, "{\"availableBalance\":\"1\",\"currency\":\"ZMW\"}"));
    cr_assert_null(probe_finding("", 200, "{\"availableBalance\":\"1\",\"currency\":\"ZMW\"}"));
    expect_finding(probe_finding("EUR", 200, "{\"currency\":\"ZMW\"}"),
                   "takes ZMW in mtnzambia, not EUR");
    expect_finding(probe_finding("ZMW", 200, "{\"currency\":\"EUR\"}"), "in EUR, not ZMW");
    expect_finding(probe_finding("", 200, "<html>"), "base_url");
    expect_finding(probe_finding("", 401, "{\"message\":\"invalid subscription key\"}"),
                   "subscription key");
    expect_finding(probe_finding("", 401, "{}"), "API user");
    expect_finding(probe_finding("", 500, "{\"code\":\"NOT_ALLOWED_TARGET_ENVIRONMENT\"}"),
                   "into mtnzambia: check target_environment");
    expect_finding(probe_finding("", 500, "{\"code\":\"NOT_ALLOWED\"}"), "HTTP 500, NOT_ALLOWED");
    struct http_response response = {.failure = HTTP_NO_CONNECTION, .error = "refused"};
    expect_finding(provider.read_probe(&use, "", &response), "can't be reached: refused");
}
