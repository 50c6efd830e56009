#include "paydunya.h"

#include "crypto/crypto.h"

TestSuite(paydunya, .init = init, .fini = adapter_end);

Test(paydunya, makes_an_invoice_first)
{
    struct http_request request;
    cr_assert(provider.act(&use, &charge, &request));
    says(&request, BASE "/checkout-invoice/create",
         "{\"invoice\":{\"total_amount\":5000,\"description\":\"A hat\"},\"store\":{\"name\":"
         "\"Hats\"},\"actions\":{\"callback_url\":\"http://gw/cb\"},\"custom_data\":{"
         "\"reference\":\"op_1\"}}");
    cr_assert_eq(request.total_ms, 5000);
    charge.method = "checkout";
    charge.return_url = "http://shop/back";
    charge.description = NULL;
    configure(",\"store_name\":\"Shop\"");
    cr_assert(provider.act(&use, &charge, &request));
    says(&request, BASE "/checkout-invoice/create",
         "{\"invoice\":{\"total_amount\":5000,\"description\":\"op_1\"},\"store\":{\"name\":"
         "\"Shop\"},\"actions\":{\"callback_url\":\"http://gw/cb\",\"return_url\":"
         "\"http://shop/back\",\"cancel_url\":\"http://shop/back\"},\"custom_data\":{"
         "\"reference\":\"op_1\"}}");
    cr_assert(provider_prepares(&provider, OPERATION_CHARGE, 0));
    cr_assert_not(provider_prepares(&provider, OPERATION_CHARGE, 1));
    cr_assert_not(provider_repeats(&provider, OPERATION_CHARGE, 1));
}

Test(paydunya, goes_on_from_an_invoice_or_sends_the_payer_to_it)
{
    const char *made = "{\"response_code\":\"00\",\"response_text\":\"http://pay/inv_1\","
                       "\"description\":\"Checkout Invoice Created\",\"token\":\"inv_1\"}";
    struct outcome outcome = act_read(&charge, 200, made);
    cr_assert_eq(outcome.kind, OUTCOME_PREPARED);
    cr_assert_str_eq(outcome.provider_reference, "inv_1");
    cr_assert_null(outcome.action_url);
    charge.method = "checkout";
    outcome = act_read(&charge, 200, made);
    cr_assert_eq(outcome.kind, OUTCOME_REQUIRES_ACTION);
    cr_assert_str_eq(outcome.action_url, "http://pay/inv_1");
    cr_assert_str_eq(outcome.provider_reference, "inv_1");
}

Test(paydunya, reads_why_no_invoice_was_made)
{
    struct outcome outcome = act_read(&charge, 200, refusal("1001"));
    cr_assert_eq(outcome.kind, OUTCOME_FAILED);
    cr_assert(outcome.elsewhere);
    cr_assert_str_eq(outcome.error_code, "provider_setup");
    outcome = act_read(&charge, 422, refusal("1002"));
    cr_assert_eq(outcome.kind, OUTCOME_FAILED);
    cr_assert(outcome.elsewhere);
    cr_assert_eq(act_read(&charge, 429, "{}").kind, OUTCOME_NOT_SENT);
    struct http_response none = {.failure = HTTP_NO_CONNECTION, .error = ""};
    provider.read_act(&use, &charge, &none, &outcome);
    cr_assert_eq(outcome.kind, OUTCOME_NOT_SENT);
}

// What is no answer of theirs is no telling, in every stage.
Test(paydunya, guesses_nothing_from_garbage)
{
    static const struct {
        int status;
        const char *body;
    } rows[] = {{200, ""},
                {200, "<html>"},
                {200, "{}"},
                {200, "{\"response_code\":\"00\"}"},
                {404, "{\"response_code\":\"00\",\"token\":\"t\",\"disburse_token\":\"t\"}"},
                {500, "{\"response_code\":\"1001\"}"},
                {503, "{\"success\":false,\"message\":\"x\"}"},
                {408, "{\"success\":false,\"message\":\"x\"}"},
                {502, "{\"success\":true}"},
                {403, "{\"success\":true}"},
                {200, "{\"success\":\"yes\"}"},
                {200, "{\"token\":\"t\",\"disburse_token\":\"t\"}"},
                {404, "<h1>"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int64_t stage = 0; stage < 2; stage++) {
            charge.stage = refund.stage = stage;
            charge.provider_reference = "inv_1";
            cr_assert_eq(act_read(&charge, rows[i].status, rows[i].body).kind, OUTCOME_LOST,
                         "%d %s", (int)stage, rows[i].body);
            bool handed_over = stage == 1 && i == 3;
            cr_assert_eq(act_read(&refund, rows[i].status, rows[i].body).kind,
                         handed_over ? OUTCOME_ACCEPTED : OUTCOME_LOST, "%d %s", (int)stage,
                         rows[i].body);
        }
    struct outcome outcome;
    struct http_response late = {.failure = HTTP_TIMEOUT, .error = ""};
    provider.read_act(&use, &charge, &late, &outcome);
    cr_assert_eq(outcome.kind, OUTCOME_LOST);
    cr_assert(outcome.unwell);
    provider.read_act(&use, &refund, &late, &outcome);
    cr_assert_eq(outcome.kind, OUTCOME_LOST);
    expect_no_guesses(&charge);
    expect_no_guesses(&refund);
    charge.stage = refund.stage = 0;
    expect_no_guesses(&charge);
    expect_no_guesses(&refund);
}

// --- SoftPay
static void softpay(const char *network, const char *msisdn)
{
    charge.stage = 1;
    charge.provider_reference = "inv_1";
    charge.network = network;
    charge.msisdn = msisdn;
}

Test(paydunya, speaks_to_each_operator_in_its_words)
{
    struct http_request request;
    softpay("wave", "221771234567");
    cr_assert(provider.act(&use, &charge, &request));
    says(&request, SOFTPAY "wave-senegal",
         "{\"wave_senegal_fullName\":\"Awa Ba\",\"wave_senegal_email\":\"a@b.sn\","
         "\"wave_senegal_phone\":\"771234567\",\"wave_senegal_payment_token\":\"inv_1\"}");
    softpay("mtn", "2250504050607");
    cr_assert(provider.act(&use, &charge, &request));
    says(&request, SOFTPAY "mtn-ci",
         "{\"mtn_ci_customer_fullname\":\"Awa Ba\",\"mtn_ci_email\":\"a@b.sn\","
         "\"mtn_ci_phone_number\":\"0504050607\",\"payment_token\":\"inv_1\","
         "\"mtn_ci_wallet_provider\":\"MTNCI\"}");
    softpay("orange", "221771234567");
    cr_assert(provider.act(&use, &charge, &request));
    says(&request, SOFTPAY "new-orange-money-senegal",
         "{\"customer_name\":\"Awa Ba\",\"customer_email\":\"a@b.sn\",\"phone_number\":"
         "\"771234567\",\"invoice_token\":\"inv_1\",\"api_type\":\"QRCODE\"}");
    configure(",\"orange_senegal\":\"orange-money-senegal\",\"softpay_url\":\"http://sp\"");
    charge.name = charge.email = NULL;
    cr_assert(provider.act(&use, &charge, &request));
    says(&request, "http://sp/softpay/orange-money-senegal",
         "{\"customer_name\":\"Client\",\"customer_email\":\"\",\"phone_number\":\"771234567\","
         "\"invoice_token\":\"inv_1\"}");
}

Test(paydunya, finds_its_other_hosts_from_the_first)
{
    struct http_request request;
    softpay("wave", "221771234567");
    static const char *const bases[][2] = {
        {"http://pd/x/sandbox-api/v1", "http://pd/x/api/v1/softpay/wave-senegal"},
        {"http://pd/x/api/v1", "http://pd/x/api/v1/softpay/wave-senegal"},
        {"http://pd:81/x", "http://pd:81/api/v1/softpay/wave-senegal"},
        {"http://pd", "http://pd/api/v1/softpay/wave-senegal"}};
    for (size_t i = 0; i < sizeof bases / sizeof *bases; i++) {
        const char *text = arena_printf(arena, "{\"base_url\":\"%s\"}", bases[i][0]);
        adapter_fields(text);
        cr_assert(provider.act(&use, &charge, &request));
        cr_assert_str_eq(request.url, bases[i][1]);
    }
    credential.fields = NULL;
    credential.live = true;
    cr_assert(provider.act(&use, &refund, &request));
    cr_assert_str_eq(request.url, "https://app.paydunya.com/api/v2/disburse/get-invoice");
    credential.live = false;
    charge.stage = 0;
    cr_assert(provider.act(&use, &charge, &request));
    cr_assert_str_eq(request.url,
                     "https://app.paydunya.com/sandbox-api/v1/checkout-invoice/create");
}

Test(paydunya, reads_whether_the_payer_was_asked)
{
    softpay("wave", "221771234567");
    struct outcome outcome = act_read(&charge, 200,
                                      "{\"success\":true,\"message\":\"m\",\"url\":\"http://wave/"
                                      "1\",\"fees\":100,\"currency\":\"XOF\"}");
    cr_assert_eq(outcome.kind, OUTCOME_REQUIRES_ACTION);
    cr_assert_str_eq(outcome.action_url, "http://wave/1");
    cr_assert_null(outcome.provider_reference);
    cr_assert_eq(act_read(&charge, 200, "{\"success\":true,\"message\":\"m\"}").kind,
                 OUTCOME_ACCEPTED);
    static const int statuses[] = {200, 400, 422};
    for (size_t i = 0; i < 3; i++) {
        outcome = act_read(&charge, statuses[i],
                           "{\"success\":false,\"message\":\"Invalid phone number\"}");
        cr_assert_eq(outcome.kind, OUTCOME_FAILED);
        cr_assert_str_eq(outcome.error_code, "declined");
        cr_assert_str_eq(outcome.error_message, "Invalid phone number");
        cr_assert_not(outcome.elsewhere);
    }
    cr_assert_str_eq(act_read(&charge, 200, refusal("1001")).error_code, "provider_setup");
    cr_assert_eq(act_read(&charge, 429, "{\"success\":false}").kind, OUTCOME_NOT_SENT);
}

Test(paydunya, serves_an_operator_in_its_own_country_only)
{
    struct outcome outcome;
    static const struct {
        const char *network, *msisdn;
        bool served;
    } rows[] = {{"orange", "221771234567", true},   {"wave", "221771234567", true},
                {"mtn", "2250504050607", true},     {"mtn", "221771234567", false},
                {"orange", "2250704050607", false}, {"wave", "2250704050607", false},
                {"orange", "260971234567", false},  {"wave", NULL, false},
                {NULL, "221771234567", false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        charge.network = rows[i].network;
        charge.msisdn = rows[i].msisdn;
        cr_assert_eq(provider.accepts(&use, &charge, &outcome), rows[i].served, "row %zu", i);
    }
    cr_assert_eq(outcome.kind, OUTCOME_FAILED);
    cr_assert(outcome.elsewhere);
    cr_assert_str_eq(outcome.error_code, "phone_invalid");
    charge.method = "checkout";
    cr_assert(provider.accepts(&use, &charge, &outcome));
}

// --- How an invoice stands
static const char *confirmed(const char *status, const char *amount, const char *reference)
{
    return arena_printf(arena,
                        "{\"response_code\":\"00\",\"response_text\":\"Found\",\"hash\":\"h\","
                        "\"invoice\":{\"token\":\"inv_1\",\"total_amount\":%s},\"custom_data\":{"
                        "\"reference\":\"%s\"},\"status\":\"%s\",\"fail_reason\":"
                        "\"insufficient_funds\"}",
                        amount, reference, status);
}

Test(paydunya, asks_by_the_token_of_the_invoice)
{
    struct http_request request;
    cr_assert_eq(provider.query(&use, &charge, &request), ASK_NEVER);
    charge.provider_reference = "inv 1";
    cr_assert_eq(provider.query(&use, &charge, &request), ASK_BUILT);
    says(&request, BASE "/checkout-invoice/confirm/inv%201", NULL);
}

Test(paydunya, reads_how_an_invoice_stands)
{
    static const struct {
        const char *status;
        enum outcome_kind kind;
    } rows[] = {{"pending", OUTCOME_ACCEPTED},   {"completed", OUTCOME_SUCCEEDED},
                {"cancelled", OUTCOME_CANCELED}, {"failed", OUTCOME_FAILED},
                {"expired", OUTCOME_EXPIRED},    {"odd", OUTCOME_LOST}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_assert_eq(query_read(&charge, 200, confirmed(rows[i].status, "5000", "op_1")).kind,
                     rows[i].kind, "%s", rows[i].status);
    struct outcome outcome = query_read(&charge, 200, confirmed("failed", "5000", "op_1"));
    cr_assert_str_eq(outcome.error_code, "insufficient_funds");
    cr_assert(strstr(outcome.error_message, "insufficient_funds"));
    outcome = query_read(&charge, 200, "{\"response_code\":\"00\",\"status\":\"failed\"}");
    cr_assert_str_eq(outcome.error_code, "declined");
    charge.acting = true;
    cr_assert_eq(query_read(&charge, 200, confirmed("pending", "5000", "op_1")).kind,
                 OUTCOME_REQUIRES_ACTION);
}

Test(paydunya, believes_only_money_that_is_ours)
{
    cr_assert_eq(query_read(&charge, 200, confirmed("completed", "\"5000\"", "op_1")).kind,
                 OUTCOME_SUCCEEDED);
    cr_assert_eq(query_read(&charge, 200, confirmed("completed", "\"5000.00\"", "op_1")).kind,
                 OUTCOME_SUCCEEDED);
    cr_assert_eq(query_read(&charge, 200, confirmed("completed", "5000.0", "op_1")).kind,
                 OUTCOME_SUCCEEDED);
    static const char *const amounts[] = {"4999",   "\"5000.5\"", "5000.5",
                                          "4999.5", "null",       "\"x\""};
    for (size_t i = 0; i < sizeof amounts / sizeof *amounts; i++) {
        struct outcome outcome =
            query_read(&charge, 200, confirmed("completed", amounts[i], "op_1"));
        cr_assert_eq(outcome.kind, OUTCOME_LOST, "%s", amounts[i]);
        cr_assert_str_eq(outcome.error_code, "amount_mismatch");
    }
    struct outcome outcome = query_read(&charge, 200, confirmed("completed", "5000", "op_7"));
    cr_assert_eq(outcome.kind, OUTCOME_LOST);
    cr_assert_str_eq(outcome.error_code, "reference_mismatch");
}

Test(paydunya, learns_nothing_from_a_refused_question)
{
    charge.provider_reference = "inv_1";
    refund.provider_reference = "dis_1";
    static const struct {
        int status;
        const char *body;
    } rows[] = {{200, "{\"response_code\":\"1001\"}"},
                {200, "{\"response_code\":\"3001\"}"},
                {429, "{}"},
                {500, "{\"response_code\":\"00\"}"},
                {404, "<html>"},
                {200, "oops"},
                {200, "{\"response_code\":\"4003\"}"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct outcome outcome = query_read(&charge, rows[i].status, rows[i].body);
        cr_assert_eq(outcome.kind, OUTCOME_LOST, "%s", rows[i].body);
        cr_assert_null(outcome.error_code);
        cr_assert_eq(query_read(&refund, rows[i].status, rows[i].body).kind, OUTCOME_LOST);
    }
    cr_assert(query_read(&charge, 500, "{}").unwell);
}

// --- Callbacks
static struct provider_callback callback_of(const char *body)
{
    return (struct provider_callback){.address = "", .body = bytes_of_string(body)};
}

static enum callback_proof prove(const char *body)
{
    struct provider_callback callback = callback_of(body);
    return provider.callback_proof(&use, &callback);
}

static const char *reference(const char *body)
{
    struct provider_callback callback = callback_of(body);
    return provider.callback_reference(arena, &callback);
}

// Anybody who ever saw a callback knows the hash: it proves nothing.
Test(paydunya, takes_a_right_hash_for_no_proof_and_a_wrong_one_for_a_lie)
{
    struct sha512 digest = crypto_sha512(bytes_of_string("mk"));
    const char *hash = crypto_hex(arena, BYTES_OF_ARRAY(digest.at));
    static const char *const shapes[] = {"data%%5Bhash%%5D=%s&data%%5Bstatus%%5D=completed",
                                         "data[hash]=%s", "hash=%s&status=success",
                                         "{\"data\":{\"hash\":\"%s\"}}", "{\"hash\":\"%s\"}"};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        cr_assert_eq(prove(arena_printf(arena, shapes[i], hash)), CALLBACK_UNPROVEN, "%s",
                     shapes[i]);
        cr_assert_eq(prove(arena_printf(arena, shapes[i], "00")), CALLBACK_FORGED, "%s", shapes[i]);
        cr_assert_eq(prove(arena_printf(arena, shapes[i], "no hex")), CALLBACK_FORGED);
    }
    cr_assert_eq(prove(""), CALLBACK_UNPROVEN);
    cr_assert_eq(prove("status=success"), CALLBACK_UNPROVEN);
    cr_assert_eq(prove("{}"), CALLBACK_UNPROVEN);
}

Test(paydunya, finds_our_reference_in_a_callback_of_any_shape)
{
    cr_assert_str_eq(reference("data%5Bstatus%5D=completed&data%5Bcustom_data%5D%5Breference%5D="
                               "op_1&data%5Binvoice%5D%5Btoken%5D=inv_1"),
                     "op_1");
    cr_assert_str_eq(reference("data[custom_data][reference]=op_1"), "op_1");
    cr_assert_str_eq(reference("{\"data\":{\"custom_data\":{\"reference\":\"op_1\"}}}"), "op_1");
    cr_assert_str_eq(reference("{\"custom_data\":{\"reference\":\"op_1\"}}"), "op_1");
    cr_assert_str_eq(reference("status=success&token=dis_1&disburse_id=op_2"), "op_2");
    cr_assert_str_eq(reference("{\"disburse_id\":\"op_2\",\"status\":\"success\"}"), "op_2");
    static const char *const none[] = {
        "", "x=1", "{}", "[]", "disburse_id=", "%", "{", "null", "{\"custom_data\":[]}"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        cr_assert_null(reference(none[i]), "%s", none[i]);
}

// --- The probe
static const char *probe(const char *currency, int status, const char *body)
{
    struct http_response told = answer(status, body);
    return provider.read_probe(&use, currency, &told);
}

Test(paydunya, says_what_is_wrong_with_a_credential)
{
    struct http_request request;
    cr_assert(provider.probe(&use, "XOF", &request));
    says(&request, BASE "/checkout-invoice/confirm/probe", NULL);
    cr_assert_null(probe("XOF", 200, refusal("3001")));
    cr_assert_null(probe(NULL, 404, refusal("3001")));
    cr_assert(strstr(probe("EUR", 200, refusal("3001")), "XOF"));
    cr_assert(strstr(probe("", 200, refusal("1001")), "master_key"));
    cr_assert(strstr(probe("", 404, "<html>"), "base_url"));
    cr_assert(strstr(probe("", 500, refusal("1001")), "HTTP 500"));
    struct http_response none = {.failure = HTTP_NO_CONNECTION, .error = "refused"};
    cr_assert(strstr(provider.read_probe(&use, "", &none), "can't be reached"));
    credential.live = true;
    cr_assert(strstr(probe("", 200, refusal("3001")), "test key"));
    credential.live = false;
    adapter_fields("{\"private_key\":\"live_pk\"}");
    cr_assert(strstr(probe("", 200, refusal("3001")), "live key"));
}

Test(paydunya, finds_a_base_url_of_the_other_environment)
{
    adapter_fields("{\"private_key\":\"pk\",\"base_url\":\"http://pd/api/v1\"}");
    cr_assert(strstr(probe("", 200, refusal("3001")), "not /sandbox-api/v1"));
    credential.live = true;
    cr_assert_null(probe("", 200, refusal("3001")));
    adapter_fields("{\"private_key\":\"pk\",\"base_url\":\"" BASE "\"}");
    cr_assert(strstr(probe("", 200, refusal("3001")), "of tests"));
}

Test(paydunya, takes_mobile_money_and_checkouts_in_francs)
{
    static const char *const networks[] = {"orange", "wave", "mtn"};
    for (size_t i = 0; i < 3; i++)
        cr_assert(provider_supports(&provider, "mobile_money", "XOF", networks[i], false));
    cr_assert(provider_supports(&provider, "checkout", "XOF", NULL, false));
    cr_assert_not(provider_supports(&provider, "mobile_money", "XOF", "airtel", false));
    cr_assert_not(provider_supports(&provider, "mobile_money", "EUR", "wave", false));
    cr_assert_not(provider_supports(&provider, "card", "XOF", NULL, false));
    cr_assert_not(provider_supports(&provider, "checkout", "XOF", NULL, true));
}
