#include "adapter.h"

#define FIELDS                                                                                     \
    "{\"third_party_id\":\"tp\",\"password\":\"p&ss w\",\"shortcode\":\"000\","                    \
    "\"identifier\":\"ident\",\"credential\":\"cr=d\",\"base_url\":\"https://z/ZampayRest\"}"

static const struct provider_act charge = {.kind = OPERATION_CHARGE,
                                           .reference = "op_1",
                                           .amount = 1050,
                                           .currency = "ZMW",
                                           .method = "mobile_money",
                                           .msisdn = "260951234567"};
static const struct provider_act refund = {.kind = OPERATION_REFUND,
                                           .reference = "op_2",
                                           .charge_reference = "op_1",
                                           .amount = 1000,
                                           .charge_amount = 1050,
                                           .currency = "ZMW",
                                           .msisdn = "260951234567"};

static void begin(void)
{
    adapter_begin(zamtel_init, FIELDS);
}

TestSuite(zamtel, .init = begin, .fini = adapter_end);

Test(zamtel, collects_by_a_get_on_a_connection_of_its_own)
{
    struct http_request request;
    cr_assert_str_eq(act_text(&charge),
                     "GET https://z/ZampayRest/Req?ThirdPartyID=tp&Password=p%26ss%20w&Amount=10.5"
                     "&Msisdn=260951234567&Shortcode=000&ConversationId=op1\n"
                     "Connection: close\nAccept: application/json\n\n");
    cr_assert(provider.act(&use, &charge, &request));
    cr_assert_eq(request.total_ms, 120000);
    cr_assert_null(request.body.at);
}

Test(zamtel, refunds_by_a_payout)
{
    cr_assert_str_eq(act_text(&refund),
                     "GET https://z/ZampayRest/B2CReq?ThirdPartyID=tp&Password=p%26ss%20w&Amount=10"
                     "&Msisdn=260951234567&Shortcode=000&ConversationId=op2&identifier=ident"
                     "&credential=cr%3Dd\nConnection: close\nAccept: application/json\n\n");
    cr_assert(provider.partial_refunds);
}

Test(zamtel, builds_the_whole_request_or_none)
{
    expect_whole_or_nothing(&charge);
    expect_whole_or_nothing(&refund);
}

Test(zamtel, sends_nothing_again_and_asks_nothing)
{
    for (int kind = 0; kind < OPERATION_KINDS; kind++)
        cr_assert_eq(provider.repeatable[kind], 0);
    cr_assert_null(provider.query);
    cr_assert_null(provider.sandbox_url);
    cr_assert_null(provider.live_url);
    struct http_request request;
    struct provider_act act = charge;
    act.kind = OPERATION_CAPTURE;
    cr_assert_not(provider.act(&use, &act, &request));
}

static const char *said(const char *code)
{
    return arena_printf(arena,
                        "{\"Conversation id\":\"op1\",\"message\":\"m\",\"status\":\"%s\","
                        "\"TransactionId\":\"ZK1\",\"Transaction id\":\"ZK1\"}",
                        code);
}

Test(zamtel, reads_what_it_is_answered)
{
    static const struct {
        const char *code;
        enum outcome_kind kind;
        const char *merchant_code;
        bool elsewhere;
    } rows[] = {
        {"E8003", OUTCOME_FAILED, "wrong_pin", false},
        {"2006", OUTCOME_FAILED, "insufficient_funds", false},
        {"2004", OUTCOME_FAILED, "amount_invalid", false},
        {"2005", OUTCOME_FAILED, "limit_exceeded", false},
        {"E8036", OUTCOME_FAILED, "payer_not_found", false},
        {"2001", OUTCOME_FAILED, "provider_setup", true},
        {"E8027", OUTCOME_FAILED, "declined", false},
        {"-1", OUTCOME_LOST, NULL, false},
        {"7777", OUTCOME_LOST, NULL, false},
        {"", OUTCOME_LOST, NULL, false},
    };
    struct outcome outcome = act_read(&charge, 200, said("0"));
    expect(&outcome, OUTCOME_SUCCEEDED, "0");
    cr_assert_str_eq(outcome.provider_reference, "ZK1");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        outcome = act_read(&charge, 200, said(rows[i].code));
        expect(&outcome, rows[i].kind, rows[i].code);
        cr_assert_eq(outcome.elsewhere, rows[i].elsewhere);
        if (rows[i].merchant_code)
            cr_assert_str_eq(outcome.error_code, rows[i].merchant_code);
        cr_assert_null(outcome.provider_reference);
        // Only its own answer, which is a 200, is its word.
        outcome = act_read(&charge, 500, said(rows[i].code));
        expect(&outcome, OUTCOME_LOST, "500");
    }
}

Test(zamtel, reads_answers_that_vary)
{
    struct outcome outcome =
        act_read(&charge, 200, "{\"status\":0,\"Transaction id\":12,\"message\":\"Success\"}");
    expect(&outcome, OUTCOME_SUCCEEDED, "a number");
    cr_assert_str_eq(outcome.provider_reference, "12");
    outcome = act_read(&charge, 200, "{\"status\":\"0\"}");
    expect(&outcome, OUTCOME_SUCCEEDED, "no transaction");
    cr_assert_null(outcome.provider_reference);
    outcome = act_read(&refund, 200, said("0"));
    expect(&outcome, OUTCOME_LOST, "another conversation's");
}

Test(zamtel, sends_again_only_what_was_stopped_on_the_way)
{
    static const int statuses[] = {401, 403, 429};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        struct outcome outcome = act_read(&charge, statuses[i], "");
        expect(&outcome, OUTCOME_NOT_SENT, "stopped");
        cr_assert_eq(outcome.unwell, statuses[i] == 429);
        cr_assert_not(outcome.session_refused);
    }
}

Test(zamtel, guesses_nothing)
{
    expect_no_guesses(&charge);
    expect_no_guesses(&refund);
}

static void expect_refusal(const struct provider_act *act, const char *code, const char *part)
{
    struct outcome outcome;
    cr_assert_not(takes(act, &outcome));
    cr_assert_str_eq(outcome.error_code, code);
    expect_finding(outcome.error_message, part);
}

Test(zamtel, refuses_what_can_never_go)
{
    struct outcome outcome;
    struct provider_act act = charge;
    cr_assert(takes(&charge, &outcome));
    cr_assert(takes(&refund, &outcome));
    act.msisdn = "256751234567";
    expect_refusal(&act, "phone_invalid", "not Zambian");
    act.msisdn = NULL;
    expect_refusal(&act, "phone_invalid", "not Zambian");
    adapter_fields("{\"base_url\":\"https://z/ZampayRest\",\"identifier\":\"i\"}");
    cr_assert(takes(&charge, &outcome));
    expect_refusal(&refund, "provider_setup", "identifier and credential");
}

Test(zamtel, tells_tests_from_live_by_the_path)
{
    struct outcome outcome;
    credential.live = true;
    expect_refusal(&charge, "provider_setup", "live credential");
    adapter_fields("{\"base_url\":\"https://z/ZampayRestProd\"}");
    cr_assert(takes(&charge, &outcome));
    credential.live = false;
    expect_refusal(&charge, "provider_setup", "test credential");
    adapter_fields("{\"base_url\":\"https://z\"}");
    expect_refusal(&charge, "provider_setup", "must end in");
    adapter_fields("{}");
    expect_refusal(&charge, "provider_setup", "must end in");
}

Test(zamtel, is_told_nothing_by_callbacks)
{
    struct provider_callback callback = {
        .body = bytes_of_string("{\"Conversation id\":\"op1\",\"status\":\"0\"}")};
    cr_assert_eq(provider.callback_proof(&use, &callback), CALLBACK_UNPROVEN);
    cr_assert_null(provider.callback_reference(arena, &callback));
    cr_assert_not(provider.calls_back);
}

Test(zamtel, probes_without_a_payer_or_an_amount)
{
    struct http_request request;
    cr_assert(provider.probe(&use, "ZMW", &request));
    cr_assert_str_eq(text_of(&request),
                     "GET https://z/ZampayRest/Req?ThirdPartyID=tp&Password=p%26ss%20w&Amount=0"
                     "&Msisdn=&Shortcode=000&ConversationId=obolprobe\n"
                     "Connection: close\nAccept: application/json\n\n");
    cr_assert_leq(request.total_ms, 10000);
    cr_assert_null(probe_finding("ZMW", 200, said("2004")));
    cr_assert_null(probe_finding("", 200, said("E8036")));
    expect_finding(probe_finding("", 200, said("2001")), "third_party_id, password or shortcode");
    expect_finding(probe_finding("UGX", 200, said("2004")), "ZMW only, not UGX");
    expect_finding(probe_finding("", 404, "<html>"), "HTTP 404");
    expect_finding(probe_finding("", 200, "{}"), "base_url");
    credential.live = true;
    expect_finding(probe_finding("", 200, said("2004")), "live credential");
}

// Whatever is said of a failure, it does not hold what the URL holds.
Test(zamtel, keeps_its_secrets_out_of_findings)
{
    struct http_response response = {.failure = HTTP_NO_CONNECTION, .error = "Couldn't connect"};
    const char *finding = provider.read_probe(&use, "ZMW", &response);
    expect_finding(finding, "can't be reached");
    cr_assert_null(strstr(finding, "p&ss"));
    cr_assert_null(strstr(finding, "p%26ss"));
    expect_finding(probe_finding("", 500, "p&ss w"), "HTTP 500");
    cr_assert_null(strstr(probe_finding("", 500, "p&ss w"), "p&ss"));
}
