#include "adapter.h"

#include "crypto/crypto.h"

#define FIELDS(more_)                                                                              \
    "{\"client_id\":\"id\",\"client_secret\":\"secret\",\"base_url\":\"https://airtel\"" more_ "}"
#define UGANDA FIELDS(",\"country\":\"UG\"")
#define ZAMBIA FIELDS(",\"country\":\"ZM\"")

static const struct provider_act charge = {.kind = OPERATION_CHARGE,
                                           .reference = "op_1",
                                           .amount = 5000,
                                           .currency = "UGX",
                                           .method = "mobile_money",
                                           .msisdn = "256751234567"};
static const struct provider_act refund = {.kind = OPERATION_REFUND,
                                           .reference = "op_2",
                                           .charge_reference = "op_1",
                                           .charge_provider_reference = "MP.1",
                                           .amount = 5000,
                                           .charge_amount = 5000,
                                           .currency = "UGX"};

static void begin(void)
{
    adapter_begin(airtel_init, UGANDA);
    use.sessions[0] = "token";
}

TestSuite(airtel, .init = begin, .fini = adapter_end);

// --- Requests
Test(airtel, asks_for_a_token)
{
    struct http_request request;
    cr_assert(provider.session(&use, 0, &request));
    cr_assert_str_eq(text_of(&request),
                     "POST https://airtel/auth/oauth2/token\nAccept: application/json\n"
                     "Content-Type: application/json\n\n{\"client_id\":\"id\","
                     "\"client_secret\":\"secret\",\"grant_type\":\"client_credentials\"}");
}

Test(airtel, asks_for_the_key_with_the_token)
{
    struct http_request request;
    cr_assert_eq(provider.sessions_n, 2);
    cr_assert_eq(provider.sessions[1].needs, 1);
    cr_assert(provider.session(&use, 1, &request));
    cr_assert_str_eq(text_of(&request), "GET https://airtel/v1/rsa/encryption-keys\n"
                                        "Authorization: Bearer token\nX-Country: UG\n"
                                        "X-Currency: UGX\nAccept: application/json\n\n");
}

Test(airtel, pushes_unsigned_in_version_1)
{
    cr_assert_eq(provider.needs(&use, &charge), 1);
    cr_assert_str_eq(act_text(&charge),
                     "POST https://airtel/merchant/v1/payments/\nAuthorization: Bearer token\n"
                     "X-Country: UG\nX-Currency: UGX\nAccept: application/json\n"
                     "Content-Type: application/json\n\n{\"reference\":\"op1\",\"subscriber\":"
                     "{\"country\":\"UG\",\"currency\":\"UGX\",\"msisdn\":\"751234567\"},"
                     "\"transaction\":{\"amount\":5000,\"country\":\"UG\",\"currency\":\"UGX\","
                     "\"id\":\"op1\"}}");
    cr_assert_eq(provider.repeatable[OPERATION_CHARGE], STAGES_ALL);
}

// The body that was signed, from the headers; NULL when they don't fit.
static const char *unsealed(const struct crypto_rsa *key, const struct http_request *request)
{
    struct bytes sealed_pair, sealed, aes_key, iv;
    const char *signature = request->headers[3].value, *pair = request->headers[4].value;
    cr_assert_str_eq(request->headers[3].name, "x-signature");
    cr_assert_str_eq(request->headers[4].name, "x-key");
    cr_assert(crypto_base64_decode(arena, pair, strlen(pair), &sealed_pair));
    struct bytes opened = crypto_rsa_decrypt(key, arena, sealed_pair);
    cr_assert_not_null(opened.at);
    const char *text = arena_strndup(arena, (const char *)opened.at, opened.length);
    const char *colon = strchr(text, ':');
    cr_assert(crypto_base64_decode(arena, text, (size_t)(colon - text), &aes_key));
    cr_assert(crypto_base64_decode(arena, colon + 1, strlen(colon + 1), &iv));
    cr_assert_eq(aes_key.length, AES_KEY_BYTES);
    cr_assert_eq(iv.length, AES_BLOCK_BYTES);
    cr_assert(crypto_base64_decode(arena, signature, strlen(signature), &sealed));
    struct bytes message = crypto_aes_cbc_decrypt(arena, aes_key.at, iv.at, sealed);
    return message.at ? arena_strndup(arena, (const char *)message.at, message.length) : NULL;
}

Test(airtel, signs_the_exact_body_in_version_2)
{
    struct crypto_rsa *key = crypto_rsa_new(1024);
    struct provider_act act = charge;
    struct http_request request, again;
    adapter_fields(ZAMBIA);
    act.currency = "ZMW";
    act.amount = 5050;
    act.msisdn = "260971234567";
    use.sessions[1] =
        arena_printf(arena, "{\"key_id\":\"63\",\"key\":\"%s\"}", crypto_rsa_public(key));
    cr_assert_eq(provider.needs(&use, &act), 3);
    cr_assert(provider.act(&use, &act, &request));
    cr_assert_str_eq(request.url, "https://airtel/merchant/v2/payments/");
    const char *body = (const char *)request.body.at;
    cr_assert_str_eq(body,
                     "{\"reference\":\"op1\",\"subscriber\":{\"country\":\"ZM\","
                     "\"currency\":\"ZMW\",\"msisdn\":\"971234567\"},\"transaction\":"
                     "{\"amount\":50.5,\"country\":\"ZM\",\"currency\":\"ZMW\",\"id\":\"op1\"}}");
    cr_assert_str_eq(unsealed(key, &request), body);
    cr_assert(provider.act(&use, &act, &again));
    cr_assert_str_neq(again.headers[3].value, request.headers[3].value, "a key of its own");
    expect_whole_or_nothing(&act);
    crypto_rsa_free(key);
}

Test(airtel, builds_nothing_without_a_key_to_sign_with)
{
    struct http_request request;
    struct provider_act act = charge;
    adapter_fields(ZAMBIA);
    act.msisdn = "260971234567";
    act.currency = "ZMW";
    const char *const sessions[] = {NULL, "no JSON", "{}", "{\"key\":\"bm8ga2V5\"}"};
    for (size_t i = 0; i < sizeof sessions / sizeof *sessions; i++) {
        use.sessions[1] = sessions[i];
        cr_assert_not(provider.act(&use, &act, &request));
    }
}

Test(airtel, builds_the_whole_request_or_none)
{
    expect_whole_or_nothing(&charge);
    expect_whole_or_nothing(&refund);
}

Test(airtel, chooses_the_version_by_country_unless_told)
{
    static const struct {
        const char *fields;
        unsigned needs;
    } rows[] = {
        {ZAMBIA, 3},
        {UGANDA, 1},
        {FIELDS(",\"country\":\"ZM\",\"version\":\"v1\""), 1},
        {FIELDS(",\"country\":\"UG\",\"version\":\"v2\""), 3},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        adapter_fields(rows[i].fields);
        cr_assert_eq(provider.needs(&use, &charge), rows[i].needs, "%s", rows[i].fields);
        cr_assert_eq(provider.needs(&use, &refund), 1);
    }
}

Test(airtel, goes_to_the_countrys_own_host)
{
    static const struct {
        const char *country, *sandbox, *live;
    } rows[] = {
        {"ZM", "https://openapiuat.airtel.co.zm/", "https://openapi.airtel.co.zm/"},
        {"UG", "https://openapiuat.airtel.ug/", "https://openapi.airtel.ug/"},
        {"CG", "https://openapiuat.airtel.cg/", "https://openapi.airtel.cg/"},
        {"KE", "https://openapiuat.airtel.africa/", "https://openapi.airtel.africa/"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct http_request request;
        adapter_fields(arena_printf(arena, "{\"country\":\"%s\"}", rows[i].country));
        credential.live = false;
        cr_assert(provider.session(&use, 0, &request));
        cr_assert(strstr(request.url, rows[i].sandbox), "%s", request.url);
        credential.live = true;
        cr_assert(provider.session(&use, 0, &request));
        cr_assert(strstr(request.url, rows[i].live), "%s", request.url);
    }
}

Test(airtel, enquires_under_its_id_and_not_at_once)
{
    struct http_request request;
    cr_assert_str_eq(query_text(&charge), "GET https://airtel/standard/v1/payments/op1\n"
                                          "Authorization: Bearer token\nX-Country: UG\n"
                                          "X-Currency: UGX\nAccept: application/json\n\n");
    cr_assert_eq(provider.query_after_ms, 180000);
    cr_assert_eq(provider.total_ms, 8000);
    cr_assert_eq(provider.query(&use, &refund, &request), ASK_NEVER);
}

Test(airtel, refunds_by_airtels_own_id)
{
    struct http_request request;
    struct provider_act act = refund;
    cr_assert_str_eq(act_text(&refund),
                     "POST https://airtel/standard/v1/payments/refund\n"
                     "Authorization: Bearer token\nX-Country: UG\nX-Currency: UGX\n"
                     "Accept: application/json\nContent-Type: application/json\n\n"
                     "{\"transaction\":{\"airtel_money_id\":\"MP.1\"}}");
    cr_assert_not(provider.partial_refunds);
    cr_assert_eq(provider.repeatable[OPERATION_REFUND], 0);
    act.charge_provider_reference = NULL;
    cr_assert_not(provider.act(&use, &act, &request));
    act.kind = OPERATION_CANCEL;
    cr_assert_not(provider.act(&use, &act, &request));
}

// --- Sessions
static struct session_grant grant(size_t which, int status, const char *body)
{
    struct session_grant given;
    struct http_response response = answer(status, body);
    provider.read_session(&use, which, &response, &given);
    return given;
}

Test(airtel, reads_a_token_whose_life_is_text)
{
    struct session_grant given =
        grant(0, 200, "{\"access_token\":\"t\",\"expires_in\":\"170\",\"token_type\":\"bearer\"}");
    cr_assert_str_eq(given.text, "t");
    cr_assert_eq(given.lives_s, 170);
    cr_assert_eq(grant(0, 200, "{\"access_token\":\"t\"}").lives_s, 180);
    given = grant(0, 401, "{\"error\":\"invalid_client\"}");
    expect(&given.outcome, OUTCOME_FAILED, "401");
    expect_finding(given.outcome.error_message, "client id or its secret");
}

Test(airtel, reads_the_key)
{
    struct session_grant given =
        grant(1, 200, "{\"data\":{\"key_id\":63,\"key\":\"abc\",\"valid_upto\":\"x\"}}");
    cr_assert_str_eq(given.text, "{\"key_id\":\"63\",\"key\":\"abc\"}");
    cr_assert_gt(given.lives_s, 0);
    given = grant(1, 401, "{}");
    expect(&given.outcome, OUTCOME_NOT_SENT, "401");
    cr_assert(given.outcome.session_refused);
    given = grant(1, 200, "{\"status\":{\"result_code\":\"ESB000034\",\"success\":false}}");
    expect(&given.outcome, OUTCOME_FAILED, "country");
    expect_finding(given.outcome.error_message, "country");
    given = grant(1, 200, "{\"status\":{\"result_code\":\"ESB000010\",\"success\":true}}");
    expect(&given.outcome, OUTCOME_LOST, "success without a key");
    given = grant(1, 500, "");
    expect(&given.outcome, OUTCOME_LOST, "500");
}

// --- Before anything is sent
static void expect_refusal(const struct provider_act *act, const char *code, bool elsewhere)
{
    struct outcome outcome;
    cr_assert_not(takes(act, &outcome));
    expect(&outcome, OUTCOME_FAILED, code);
    cr_assert_str_eq(outcome.error_code, code);
    cr_assert_eq(outcome.elsewhere, elsewhere);
}

Test(airtel, refuses_what_can_never_go)
{
    struct outcome outcome;
    struct provider_act act = charge;
    cr_assert(takes(&charge, &outcome));
    cr_assert(takes(&refund, &outcome));
    act.currency = "ZMW";
    expect_refusal(&act, "currency_unsupported", true);
    act = charge;
    act.msisdn = "260971234567";
    expect_refusal(&act, "phone_invalid", true);
    act.msisdn = NULL;
    expect_refusal(&act, "phone_invalid", true);
    act = refund;
    act.amount = 4999;
    expect_refusal(&act, "amount_invalid", false);
    act = refund;
    act.charge_provider_reference = NULL;
    expect_refusal(&act, "not_processed", false);
    adapter_fields(FIELDS(",\"country\":\"XX\""));
    expect_refusal(&charge, "provider_setup", true);
    adapter_fields(FIELDS(",\"country\":\"UG\",\"version\":\"v3\""));
    expect_refusal(&charge, "provider_setup", true);
}

Test(airtel, takes_another_currency_where_the_credential_says_so)
{
    struct outcome outcome;
    struct provider_act act = charge;
    adapter_fields(FIELDS(",\"country\":\"CD\",\"currency\":\"USD\""));
    act.msisdn = "243991234567";
    act.currency = "USD";
    cr_assert(takes(&act, &outcome));
    cr_assert(strstr(act_text(&act), "X-Currency: USD"));
    cr_assert(strstr(act_text(&act), "\"amount\":50,"));
}

static const char *said(const char *result_code, const char *response_code, bool success)
{
    const char *state =
        json_object(arena, (struct json_member[]){JSON_S("result_code", result_code),
                                                  JSON_S("response_code", response_code),
                                                  JSON_B("success", success),
                                                  {0}});
    return json_object(arena, (struct json_member[]){JSON_R("status", state), {0}});
}

// --- The probe
Test(airtel, probes_with_an_enquiry_about_nothing)
{
    struct http_request request;
    cr_assert(provider.probe(&use, "UGX", &request));
    cr_assert_str_eq(request.method, "GET");
    cr_assert_str_eq(request.url, "https://airtel/standard/v1/payments/obolprobe");
    cr_assert_null(probe_finding("UGX", 200, said("ESB000045", "DP00800001025", false)));
    cr_assert_null(probe_finding("", 200, said("ESB000045", NULL, false)));
    expect_finding(probe_finding("ZMW", 200, said("ESB000045", NULL, false)),
                   "takes UGX in UG, not ZMW");
    expect_finding(probe_finding("", 200, said("ESB000034", NULL, false)), "country UG");
    expect_finding(probe_finding("", 400, said(NULL, "ROUTER119", false)), "currency UGX");
    expect_finding(probe_finding("", 401, ""), "access token");
    expect_finding(probe_finding("", 502, "<html>"), "base_url");
    expect_finding(probe_finding("", 500, "{}"), "HTTP 500");
    adapter_fields(FIELDS(",\"country\":\"XX\""));
    expect_finding(probe_finding("", 200, "{}"), "country \"XX\"");
    adapter_fields(UGANDA);
    struct http_response response = {.failure = HTTP_TIMEOUT};
    expect_finding(provider.read_probe(&use, "", &response), "in time");
}
