#include "adapter.h"

#define FIELDS(more_)                                                                              \
    "{\"client_id\":\"id\",\"client_secret\":\"secret\",\"base_url\":\"https://airtel\"" more_ "}"
#define UGANDA FIELDS(",\"country\":\"UG\"")

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
}

TestSuite(airtel_answer, .init = begin, .fini = adapter_end);

static const char *said(const char *result_code, const char *response_code, bool success)
{
    const char *state =
        json_object(arena, (struct json_member[]){JSON_S("result_code", result_code),
                                                  JSON_S("response_code", response_code),
                                                  JSON_B("success", success),
                                                  {0}});
    return json_object(arena, (struct json_member[]){JSON_R("status", state), {0}});
}

static const struct {
    const char *code;
    enum outcome_kind kind; // of an act
    const char *merchant_code;
    bool elsewhere;
} codes[] = {
    {"DP00800001000", OUTCOME_LOST, NULL, false},
    {"DP00800001001", OUTCOME_ACCEPTED, NULL, false},
    {"DP00800001002", OUTCOME_FAILED, "wrong_pin", false},
    {"DP00800001003", OUTCOME_FAILED, "limit_exceeded", false},
    {"DP00800001004", OUTCOME_FAILED, "amount_invalid", false},
    {"DP00800001005", OUTCOME_FAILED, "expired", false},
    {"DP00800001006", OUTCOME_ACCEPTED, NULL, false},
    {"DP00800001007", OUTCOME_FAILED, "insufficient_funds", false},
    {"DP00800001008", OUTCOME_FAILED, "payer_refused", false},
    {"DP00800001009", OUTCOME_FAILED, "declined", false},
    {"DP00800001010", OUTCOME_FAILED, "payee_not_allowed", true},
    {"DP00800001024", OUTCOME_LOST, "expired", false},
    {"DP00800001025", OUTCOME_LOST, "not_processed", false},
    {"DP00800001026", OUTCOME_NOT_SENT, NULL, false},
    {"DP00800001029", OUTCOME_FAILED, "expired", false},
    {"ESB000001", OUTCOME_LOST, NULL, false},
    {"ESB000004", OUTCOME_LOST, NULL, false},
    {"ESB000008", OUTCOME_FAILED, "provider_setup", true},
    {"ESB000010", OUTCOME_ACCEPTED, NULL, false},
    {"ESB000011", OUTCOME_FAILED, "declined", false},
    {"ESB000014", OUTCOME_LOST, NULL, false},
    {"ESB000033", OUTCOME_FAILED, "phone_invalid", false},
    {"ESB000034", OUTCOME_FAILED, "provider_setup", true},
    {"ESB000035", OUTCOME_FAILED, "currency_unsupported", true},
    {"ESB000036", OUTCOME_FAILED, "phone_invalid", false},
    {"ESB000039", OUTCOME_FAILED, "provider_setup", true},
    {"ESB000041", OUTCOME_ACCEPTED, NULL, false},
    {"ESB000045", OUTCOME_LOST, "not_processed", false},
    {"ROUTER001", OUTCOME_FAILED, "payer_not_found", false},
    {"ROUTER003", OUTCOME_FAILED, "provider_setup", true},
    {"ROUTER112", OUTCOME_FAILED, "currency_unsupported", true},
    {"ROUTER115", OUTCOME_FAILED, "provider_setup", true},
    {"ROUTER116", OUTCOME_FAILED, "provider_setup", true},
    {"ROUTER117", OUTCOME_LOST, NULL, false},
    {"ROUTER119", OUTCOME_FAILED, "currency_unsupported", true},
    {"ESB999999", OUTCOME_LOST, NULL, false},
};

Test(airtel_answer, reads_what_a_push_is_answered)
{
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        const char *code = codes[i].code;
        bool is_result = strncmp(code, "ESB", 3) == 0;
        const char *body = said(is_result ? code : NULL, is_result ? NULL : code, false);
        struct outcome outcome = act_read(&charge, is_result ? 200 : 400, body);
        expect(&outcome, codes[i].kind, code);
        cr_assert_eq(outcome.elsewhere, codes[i].elsewhere, "%s", code);
        if (codes[i].kind == OUTCOME_FAILED)
            cr_assert_str_eq(outcome.error_code, codes[i].merchant_code, "%s", code);
        cr_assert_eq(outcome.session_refused, strcmp(code, "DP00800001026") == 0);
    }
}

Test(airtel_answer, takes_a_sent_push_for_no_more_than_that)
{
    struct outcome outcome =
        act_read(&charge, 200,
                 "{\"data\":{\"transaction\":{\"id\":\"op1\",\"status\":\"SUCCESS\"}},\"status\":"
                 "{\"code\":\"200\",\"message\":\"SUCCESS\",\"result_code\":\"ESB000010\","
                 "\"response_code\":\"DP00800001006\",\"success\":true}}");
    expect(&outcome, OUTCOME_ACCEPTED, "sent");
    outcome = act_read(&charge, 200, "{\"status\":{\"success\":true}}");
    expect(&outcome, OUTCOME_ACCEPTED, "sent, without codes");
    outcome = act_read(&charge, 200, "{\"status\":{\"success\":false}}");
    expect(&outcome, OUTCOME_LOST, "no success, and no reason");
}

Test(airtel_answer, believes_the_more_careful_of_two_codes)
{
    struct outcome outcome = act_read(&charge, 200, said("ESB000001", "DP00800001007", false));
    expect(&outcome, OUTCOME_LOST, "ambiguous");
    outcome = act_read(&charge, 200, said("ESB000010", "DP00800001007", true));
    expect(&outcome, OUTCOME_ACCEPTED, "taken");
    outcome = act_read(&charge, 200, said("ESB000011", "DP00800001007", false));
    expect(&outcome, OUTCOME_FAILED, "failed");
    cr_assert_str_eq(outcome.error_code, "insufficient_funds");
}

Test(airtel_answer, tells_what_stands_on_the_way_from_airtel)
{
    struct outcome outcome = act_read(&charge, 401, "{\"error\":\"invalid_token\"}");
    expect(&outcome, OUTCOME_NOT_SENT, "401");
    cr_assert(outcome.session_refused);
    outcome = act_read(&charge, 403, said(NULL, "DP00800001026", false));
    expect(&outcome, OUTCOME_NOT_SENT, "a signature that doesn't fit");
    cr_assert(outcome.session_refused);
    outcome = act_read(&charge, 403, "");
    expect(&outcome, OUTCOME_NOT_SENT, "403");
    outcome = act_read(&charge, 429, "");
    expect(&outcome, OUTCOME_NOT_SENT, "429");
    cr_assert(outcome.unwell);
    outcome = act_read(&charge, 408, said("ESB000011", NULL, false));
    expect(&outcome, OUTCOME_LOST, "408");
    outcome = act_read(&charge, 500, said(NULL, "ROUTER117", false));
    expect(&outcome, OUTCOME_LOST, "ROUTER117");
}

Test(airtel_answer, guesses_nothing)
{
    expect_no_guesses(&charge);
    expect_no_guesses(&refund);
}

static const char *stands(const char *status, const char *code)
{
    return arena_printf(arena,
                        "{\"data\":{\"transaction\":{\"airtel_money_id\":\"MP.1\",\"id\":\"op1\","
                        "\"message\":\"m\",\"status\":\"%s\"}},\"status\":{\"code\":\"200\","
                        "\"response_code\":\"%s\",\"result_code\":\"ESB000010\",\"success\":true}}",
                        status, code);
}

Test(airtel_answer, reads_how_a_payment_stands)
{
    struct outcome outcome = query_read(&charge, 200, stands("TS", "DP00800001001"));
    expect(&outcome, OUTCOME_SUCCEEDED, "TS");
    cr_assert_str_eq(outcome.provider_reference, "MP.1");
    outcome = query_read(&charge, 200, stands("TIP", "DP00800001006"));
    expect(&outcome, OUTCOME_ACCEPTED, "TIP");
    outcome = query_read(&charge, 200, stands("TA", "DP00800001000"));
    expect(&outcome, OUTCOME_ACCEPTED, "TA");
    outcome = query_read(&charge, 200, stands("TE", "DP00800001029"));
    expect(&outcome, OUTCOME_EXPIRED, "TE");
    outcome = query_read(&charge, 200, stands("TX", "DP00800001001"));
    expect(&outcome, OUTCOME_LOST, "TX");
    struct provider_act other = charge;
    other.reference = "op_9";
    outcome = query_read(&other, 200, stands("TS", "DP00800001001"));
    expect(&outcome, OUTCOME_LOST, "somebody else's");
}

Test(airtel_answer, reads_why_a_payment_failed)
{
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        const char *code = codes[i].code, *expected = codes[i].merchant_code;
        if (strncmp(code, "DP", 2) != 0)
            continue;
        struct outcome outcome = query_read(&charge, 200, stands("TF", code));
        bool is_expired = expected && strcmp(expected, "expired") == 0;
        expect(&outcome, is_expired ? OUTCOME_EXPIRED : OUTCOME_FAILED, code);
        if (expected)
            cr_assert_str_eq(outcome.error_code, expected, "%s", code);
        cr_assert_eq(outcome.elsewhere, codes[i].elsewhere, "%s", code);
        cr_assert_not(outcome.unwell);
    }
    struct outcome outcome = query_read(&charge, 200, stands("TF", ""));
    cr_assert_str_eq(outcome.error_code, "declined");
}

Test(airtel_answer, tells_what_is_not_found_from_what_is_not_answered)
{
    struct outcome outcome = query_read(&charge, 200, said("ESB000045", "DP00800001025", false));
    expect(&outcome, OUTCOME_NOT_FOUND, "ESB000045");
    outcome = query_read(&charge, 404, said("ESB000045", NULL, false));
    expect(&outcome, OUTCOME_NOT_FOUND, "404");
    outcome = query_read(&charge, 200, said("ESB000014", NULL, false));
    expect(&outcome, OUTCOME_LOST, "ESB000014");
    outcome = query_read(&charge, 404, "<html>");
    expect(&outcome, OUTCOME_LOST, "a proxy's");
    outcome = query_read(&charge, 500, stands("TS", "DP00800001001"));
    expect(&outcome, OUTCOME_LOST, "500");
    outcome = query_read(&charge, 401, "{}");
    expect(&outcome, OUTCOME_LOST, "401");
    cr_assert(outcome.session_refused);
}

Test(airtel_answer, reads_what_a_refund_is_answered)
{
    static const char done[] =
        "{\"data\":{\"transaction\":{\"airtel_money_id\":\"RO.1\",\"status\":\"SUCCESS\"}},"
        "\"status\":{\"result_code\":\"ESB000010\",\"response_code\":\"DP00800001001\","
        "\"success\":true}}";
    struct outcome outcome = act_read(&refund, 200, done);
    expect(&outcome, OUTCOME_SUCCEEDED, "SUCCESS");
    cr_assert_str_eq(outcome.provider_reference, "RO.1");
    outcome = act_read(&refund, 200, said("ESB000010", "DP00800001001", true));
    expect(&outcome, OUTCOME_LOST, "success, but of what");
    outcome = act_read(&refund, 200, said("ESB000011", NULL, false));
    expect(&outcome, OUTCOME_FAILED, "ESB000011");
    outcome = act_read(&refund, 200, said("ESB000045", NULL, false));
    expect(&outcome, OUTCOME_FAILED, "ESB000045");
    cr_assert_str_eq(outcome.error_code, "not_processed");
    outcome = act_read(&refund, 408, "<html>");
    expect(&outcome, OUTCOME_LOST, "408");
    outcome = act_read(&refund, 200, said("ESB000004", NULL, false));
    expect(&outcome, OUTCOME_LOST, "ESB000004");
    outcome = act_read(&refund, 401, "");
    expect(&outcome, OUTCOME_NOT_SENT, "401");
}
