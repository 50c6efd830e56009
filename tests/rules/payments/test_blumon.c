#include "blumon.h"

TestSuite(blumon, .init = init, .fini = adapter_end);

Test(blumon, asks_for_a_token_with_the_digest_of_the_password)
{
    struct http_request request;
    cr_assert(provider.session(&use, 0, &request));
    says(&request, "http://blumon/oauth/token",
         "grant_type=password&username=shop&password="
         "d74ff0ee8da3b9806b18c877dbf29bbde50b5bd8e4dad7a3a725000feb82e8f1");
    cr_assert_str_eq(header(&request, "Authorization"), "Basic aWQ6Y3M=");
    cr_assert_str_eq(header(&request, "Content-Type"), "application/x-www-form-urlencoded");
    configure(",\"tokens_url\":\"http://tokener\"");
    cr_assert(provider.session(&use, 0, &request));
    cr_assert_str_eq(request.url, "http://tokener/oauth/token");
}

Test(blumon, asks_its_own_hosts_by_mode)
{
    struct http_request request;
    adapter_fields("{\"username\":\"u\"}");
    cr_assert(provider.session(&use, 0, &request));
    cr_assert_str_eq(request.url, "https://sandbox-tokener.blumonpay.net/oauth/token");
    cr_assert(provider.act(&use, &charge, &request));
    cr_assert_str_eq(request.url, "https://sandbox-ecommerce.blumonpay.net/ecommerce/charge");
    credential.live = true;
    cr_assert(provider.session(&use, 0, &request));
    cr_assert_str_eq(request.url, "https://tokener.blumonpay.net/oauth/token");
    cr_assert(provider.act(&use, &charge, &request));
    cr_assert_str_eq(request.url, "https://ecommerce.blumonpay.net/ecommerce/charge");
}

Test(blumon, reads_what_the_token_host_grants)
{
    struct session_grant grant;
    struct http_response told =
        answer(200, "{\"access_token\":\"at_2\",\"refresh_token\":\"r\",\"expires_in\":10799}");
    provider.read_session(&use, 0, &told, &grant);
    cr_assert_str_eq(grant.text, "at_2");
    cr_assert_eq(grant.lives_s, 10799);
    told = answer(200, "{\"access_token\":\"at_2\"}");
    provider.read_session(&use, 0, &told, &grant);
    cr_assert_eq(grant.lives_s, 10799);
    told = answer(400, "{\"error\":\"invalid_grant\"}");
    provider.read_session(&use, 0, &told, &grant);
    cr_assert_null(grant.text);
    cr_assert_eq(grant.outcome.kind, OUTCOME_FAILED);
    cr_assert(strstr(grant.outcome.error_message, "username"));
    told = answer(401, "{\"error\":\"invalid_client\"}");
    provider.read_session(&use, 0, &told, &grant);
    cr_assert(strstr(grant.outcome.error_message, "client_id"));
    told = answer(502, "<html>");
    provider.read_session(&use, 0, &told, &grant);
    cr_assert_eq(grant.outcome.kind, OUTCOME_LOST);
}

Test(blumon, travels_under_its_token_always)
{
    cr_assert_eq(provider.needs(&use, &charge), STAGE(0));
    cr_assert_eq(provider.needs(&use, &refund), STAGE(0));
}

// --- Cards
Test(blumon, exchanges_a_card_with_its_cvv)
{
    struct http_request request;
    struct provider_card card = {"4242424242424242", "123", "ANA CRUZ", 7, 2031};
    cr_assert(provider.tokenize(&use, &card, &request));
    says(&request, "http://blumon/cardToken/add",
         "{\"pan\":\"4242424242424242\",\"expMonth\":\"07\",\"expYear\":\"2031\","
         "\"holderName\":\"ANA CRUZ\",\"cvv\":\"123\",\"customerInformation\":{"
         "\"firstName\":\"ANA\",\"lastName\":\"CRUZ\",\"middleName\":\"\",\"email\":\"\","
         "\"phone1\":\"\",\"city\":\"\",\"address1\":\"\",\"postalCode\":\"\",\"state\":\"\","
         "\"country\":\"\",\"ip\":\"\"}}");
    cr_assert_str_eq(header(&request, "Authorization"), TOKEN);
    card = (struct provider_card){"4242424242424242", NULL, NULL, 7, 2031};
    cr_assert(provider.tokenize(&use, &card, &request));
    const char *body = arena_strndup(arena, (const char *)request.body.at, request.body.length);
    cr_assert_null(strstr(body, "cvv"));
    cr_assert(strstr(body, "\"holderName\":\"CARDHOLDER\""));
}

static const char *read_token(int status, const char *body, struct outcome *ret)
{
    struct http_response told = answer(status, body);
    return provider.read_token(&use, &told, ret);
}

Test(blumon, reads_a_token_or_why_there_is_none)
{
    struct outcome outcome;
    cr_assert_str_eq(
        read_token(200, "{\"status\":true,\"dataResponse\":{\"id\":\"card_9\"}}", &outcome),
        "card_9");
    cr_assert_null(read_token(400, decline("54", 400), &outcome));
    cr_assert_eq(outcome.kind, OUTCOME_FAILED);
    cr_assert_str_eq(outcome.error_code, "expired_card");
    cr_assert_null(read_token(401, "{\"error\":\"invalid_token\"}", &outcome));
    cr_assert_eq(outcome.kind, OUTCOME_NOT_SENT);
    cr_assert(outcome.session_refused);
    cr_assert_null(read_token(200, "{\"status\":true,\"dataResponse\":{}}", &outcome));
    cr_assert_eq(outcome.kind, OUTCOME_LOST);
    cr_assert_null(read_token(500, "oops", &outcome));
    cr_assert_eq(outcome.kind, OUTCOME_LOST);
    cr_assert(outcome.unwell);
}

Test(blumon, tells_published_test_cards_from_others)
{
    struct provider_card card = {.number = "4242424242424242"};
    cr_assert_eq(provider.instrument(NULL, &card), INSTRUMENT_TEST);
    card.number = "4915661111113980";
    cr_assert_eq(provider.instrument(NULL, &card), INSTRUMENT_LIVE);
    cr_assert_eq(provider.instrument(&charge, NULL), INSTRUMENT_EITHER);
}

// --- Requests
Test(blumon, charges_a_card_in_one_stage)
{
    struct http_request request;
    cr_assert(provider.act(&use, &charge, &request));
    says(&request, "http://blumon/ecommerce/charge",
         "{\"amount\":10.50,\"currency\":\"484\",\"reference\":\"op_1\",\"notificationUrl\":"
         "\"http://gw/cb\"," CUSTOMER ",\"noPresentCardData\":{\"cardToken\":\"card_1\"}}");
    cr_assert_str_eq(header(&request, "Authorization"), TOKEN);
    cr_assert_eq(request.total_ms, 5000);
    charge.currency = "EUR";
    charge.amount = 100;
    charge.name = charge.email = charge.phone = NULL;
    use.callback_url = NULL;
    cr_assert(provider.act(&use, &charge, &request));
    says(&request, "http://blumon/ecommerce/charge",
         "{\"amount\":1.00,\"currency\":\"978\",\"reference\":\"op_1\",\"customerInformation\":{"
         "\"firstName\":\"\",\"lastName\":\"\",\"middleName\":\"\",\"email\":\"\",\"phone1\":\"\","
         "\"city\":\"\",\"address1\":\"\",\"postalCode\":\"\",\"state\":\"\",\"country\":\"\","
         "\"ip\":\"\"},\"noPresentCardData\":{\"cardToken\":\"card_1\"}}");
}

Test(blumon, registers_first_and_charges_then_with_3d_secure)
{
    struct http_request request;
    configure(",\"three_d_secure\":\"always\"");
    cr_assert(provider.act(&use, &charge, &request));
    says(&request, "http://blumon/mpi/3ds-registry",
         "{\"amount\":10.50,\"currency\":\"484\",\"reference\":\"op_1\",\"notificationUrl\":"
         "\"http://gw/cb\"," CUSTOMER ",\"noPresentCardData\":{\"cardToken\":\"card_1\"},"
         "\"returnUrl\":\"http://shop/back\"}");
    charge.stage = 1;
    charge.provider_reference = "3ds_1";
    cr_assert(provider.act(&use, &charge, &request));
    says(&request, "http://blumon/ecommerce/charge",
         "{\"amount\":10.50,\"currency\":\"484\",\"reference\":\"op_1\",\"notificationUrl\":"
         "\"http://gw/cb\"," CUSTOMER ",\"noPresentCardData\":{\"cardToken\":\"card_1\"},"
         "\"threeDSTransactionId\":\"3ds_1\"}");
}

Test(blumon, registers_on_demand_when_the_charge_was_refused_for_it)
{
    struct http_request request;
    configure(",\"three_d_secure\":\"on_demand\"");
    cr_assert(provider.act(&use, &charge, &request));
    cr_assert_str_eq(request.url, "http://blumon/ecommerce/charge");
    cr_assert_eq(act_read(&charge, 400, decline("3DS_REQUIRED", 400)).kind, OUTCOME_PREPARED);
    cr_assert_eq(act_read(&charge, 200, "{\"status\":false,\"requires_3ds\":true}").kind,
                 OUTCOME_PREPARED);
    charge.stage = 1;
    cr_assert(provider.act(&use, &charge, &request));
    cr_assert_str_eq(request.url, "http://blumon/mpi/3ds-registry");
    charge.stage = 2;
    charge.provider_reference = "3ds_1";
    cr_assert(provider.act(&use, &charge, &request));
    cr_assert_str_eq(request.url, "http://blumon/ecommerce/charge");
    cr_assert_eq(act_read(&charge, 400, decline("3DS_REQUIRED", 400)).kind, OUTCOME_FAILED);
}

Test(blumon, makes_a_page_for_a_checkout)
{
    struct http_request request;
    charge.method = "checkout";
    charge.description = "A hat";
    cr_assert(provider.act(&use, &charge, &request));
    says(&request, "http://blumon/checkout/generate",
         "{\"amount\":10.50,\"currency\":\"484\",\"reference\":\"op_1\",\"description\":"
         "\"A hat\",\"notificationUrl\":\"http://gw/cb\",\"urlCallback\":\"http://shop/"
         "back\"," CUSTOMER "}");
}

Test(blumon, makes_no_page_that_nobody_would_tell_of)
{
    struct outcome outcome;
    charge.method = "checkout";
    cr_assert_not(provider.accepts(&use, &charge, &outcome));
    cr_assert_eq(outcome.kind, OUTCOME_FAILED);
    cr_assert(outcome.elsewhere);
    cr_assert_str_eq(outcome.error_code, "provider_setup");
    configure(",\"webhook_secret\":\"s\"");
    cr_assert(provider.accepts(&use, &charge, &outcome));
    configure(",\"status_path\":\"/status/\"");
    cr_assert(provider.accepts(&use, &charge, &outcome));
}

Test(blumon, voids_the_whole_and_refunds_a_part)
{
    struct http_request request;
    cr_assert(provider.act(&use, &refund, &request));
    says(&request, "http://blumon/ecommerce/cancel/ch_1",
         "{\"amount\":10.50,\"reference\":\"op_2\",\"notificationUrl\":\"http://gw/cb\"}");
    refund.token = "card_1";
    cr_assert(provider.act(&use, &refund, &request));
    says(&request, "http://blumon/ecommerce/cancel/ch_1",
         "{\"amount\":10.50,\"reference\":\"op_2\",\"notificationUrl\":\"http://gw/cb\","
         "\"noPresentCardData\":{\"cardToken\":\"card_1\"}}");
    refund.token = NULL;
    refund.amount = 500;
    cr_assert(provider.act(&use, &refund, &request));
    says(&request, "http://blumon/ecommerce/refund/ch_1",
         "{\"amount\":5.00,\"reference\":\"op_2\",\"notificationUrl\":\"http://gw/cb\"}");
    configure(",\"refund_path\":\"/back/\"");
    refund.charge_provider_reference = "a/b";
    cr_assert(provider.act(&use, &refund, &request));
    cr_assert_str_eq(request.url, "http://blumon/back/a%2Fb");
}

Test(blumon, refuses_to_give_back_what_it_has_no_name_for)
{
    struct outcome outcome;
    cr_assert(provider.accepts(&use, &charge, &outcome));
    cr_assert(provider.accepts(&use, &refund, &outcome));
    refund.charge_provider_reference = NULL;
    cr_assert_not(provider.accepts(&use, &refund, &outcome));
    cr_assert_eq(outcome.kind, OUTCOME_FAILED);
    cr_assert_str_eq(outcome.error_code, "refund_unsupported");
    refund.charge_provider_reference = "ch_1";
    refund.kind = OPERATION_CANCEL;
    cr_assert(provider.accepts(&use, &refund, &outcome));
    // Never a void by mistake.
    struct http_request request;
    refund.kind = OPERATION_CAPTURE;
    cr_assert_not(provider.accepts(&use, &refund, &outcome));
    cr_assert_not(provider.act(&use, &refund, &request));
}

Test(blumon, builds_a_request_whole_or_not_at_all)
{
    refund.token = "card_1";
    const struct provider_act *const acts[] = {&charge, &refund};
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++)
        expect_whole_or_nothing(acts[i]);
}
