#include "adapter.h"

#include "crypto/crypto.h"

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

TestSuite(mtn, .init = begin, .fini = adapter_end);

Test(mtn, builds_a_charge)
{
    struct http_request request;
    const char *uuid = reference_uuid(arena, "op_1");
    use.callback_url = "https://gw/cb";
    cr_assert_str_eq(
        act_text(&charge),
        arena_printf(arena,
                     "POST https://mtn/collection/v1_0/requesttopay\n"
                     "Authorization: Bearer collecting\nX-Target-Environment: mtnzambia\n"
                     "Ocp-Apim-Subscription-Key: sub\nX-Reference-Id: %s\n"
                     "X-Callback-Url: https://gw/cb\nAccept: application/json\n"
                     "Content-Type: application/json\n\n"
                     "{\"amount\":\"50.5\",\"currency\":\"ZMW\",\"externalId\":\"op_1\","
                     "\"payer\":{\"partyIdType\":\"MSISDN\",\"partyId\":\"260961234567\"},"
                     "\"payerMessage\":\"Payment\",\"payeeNote\":\"op_1\"}",
                     uuid));
    use.callback_url = NULL;
    cr_assert_null(strstr(act_text(&charge), "X-Callback-Url"));
    cr_assert(provider.act(&use, &charge, &request));
    cr_assert_eq(request.total_ms, 10000);
    cr_assert_eq(provider.repeatable[OPERATION_CHARGE], STAGES_ALL);
    cr_assert_eq(provider.repeatable[OPERATION_REFUND], STAGES_ALL);
}

Test(mtn, builds_a_refund)
{
    cr_assert_str_eq(
        act_text(&refund),
        arena_printf(arena,
                     "POST https://mtn/disbursement/v1_0/refund\n"
                     "Authorization: Bearer disbursing\nX-Target-Environment: mtnzambia\n"
                     "Ocp-Apim-Subscription-Key: sub\nX-Reference-Id: %s\n"
                     "Accept: application/json\nContent-Type: application/json\n\n"
                     "{\"amount\":\"50\",\"currency\":\"ZMW\",\"externalId\":\"op_2\","
                     "\"payerMessage\":\"Refund\",\"payeeNote\":\"op_2\","
                     "\"referenceIdToRefund\":\"%s\"}",
                     reference_uuid(arena, "op_2"), reference_uuid(arena, "op_1")));
    cr_assert(provider.partial_refunds);
}

Test(mtn, asks_under_the_same_reference)
{
    cr_assert_str_eq(query_text(&charge),
                     arena_printf(arena,
                                  "GET https://mtn/collection/v1_0/requesttopay/%s\n"
                                  "Authorization: Bearer collecting\n"
                                  "X-Target-Environment: mtnzambia\n"
                                  "Ocp-Apim-Subscription-Key: sub\nAccept: application/json\n\n",
                                  reference_uuid(arena, "op_1")));
    cr_assert_str_eq(query_text(&refund),
                     arena_printf(arena,
                                  "GET https://mtn/disbursement/v1_0/refund/%s\n"
                                  "Authorization: Bearer disbursing\n"
                                  "X-Target-Environment: mtnzambia\n"
                                  "Ocp-Apim-Subscription-Key: sub\nAccept: application/json\n\n",
                                  reference_uuid(arena, "op_2")));
}

Test(mtn, does_not_capture_or_cancel)
{
    struct http_request request;
    struct provider_act act = charge;
    act.kind = OPERATION_CAPTURE;
    cr_assert_not(provider.act(&use, &act, &request));
    cr_assert_eq(provider.query(&use, &act, &request), ASK_NEVER);
}

Test(mtn, builds_the_whole_request_or_none)
{
    struct provider_act act = charge;
    char description[201];
    memset(description, 'a', 200);
    description[200] = '\0';
    act.description = description;
    expect_whole_or_nothing(&act);
    expect_whole_or_nothing(&refund);
}

Test(mtn, writes_amounts_by_the_currencys_exponent)
{
    static const struct {
        const char *currency, *amount;
        int64_t minor;
    } rows[] = {
        {"ZMW", "\"amount\":\"0.01\"", 1},    {"ZMW", "\"amount\":\"10\"", 1000},
        {"UGX", "\"amount\":\"1000\"", 1000}, {"XAF", "\"amount\":\"7\"", 7},
        {"EUR", "\"amount\":\"1.05\"", 105},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct provider_act act = charge;
        act.currency = rows[i].currency;
        act.amount = rows[i].minor;
        cr_assert(strstr(act_text(&act), rows[i].amount), "%s", act_text(&act));
    }
}

Test(mtn, cuts_a_long_description_between_characters)
{
    struct provider_act act = charge;
    char description[201];
    memset(description, 'a', 200);
    description[200] = '\0';
    memcpy(description + 159, "é", 2); // its second byte would be the 161st
    act.description = description;
    const char *text = act_text(&act);
    const char *message = strstr(text, "\"payerMessage\":\"") + 16;
    cr_assert_eq(strcspn(message, "\""), 159);
    act.description = "A book \"quoted\"";
    cr_assert(strstr(act_text(&act), "\"payerMessage\":\"A book \\\"quoted\\\"\""));
}

struct row {
    int status;
    const char *code;
    enum outcome_kind kind;
    const char *merchant_code;
    bool elsewhere, unwell;
};

// As answers to an act.
static const struct row refusals[] = {
    {409, "RESOURCE_ALREADY_EXIST", OUTCOME_ACCEPTED, NULL, false, false},
    {503, "SERVICE_UNAVAILABLE", OUTCOME_NOT_SENT, NULL, false, true},
    {500, "SERVICE_UNAVAILABLE", OUTCOME_NOT_SENT, NULL, false, true},
    {500, "INTERNAL_PROCESSING_ERROR", OUTCOME_LOST, NULL, false, true},
    {500, "PAYER_NOT_FOUND", OUTCOME_FAILED, "payer_not_found", false, false},
    {500, "PAYEE_NOT_FOUND", OUTCOME_FAILED, "payee_not_found", true, false},
    {500, "PAYEE_NOT_ALLOWED_TO_RECEIVE", OUTCOME_FAILED, "payee_not_allowed", true, false},
    {500, "NOT_ENOUGH_FUNDS", OUTCOME_FAILED, "insufficient_funds", false, false},
    {500, "PAYER_LIMIT_REACHED", OUTCOME_FAILED, "limit_exceeded", false, false},
    {500, "NOT_ALLOWED", OUTCOME_FAILED, "provider_setup", true, false},
    {500, "NOT_ALLOWED_TARGET_ENVIRONMENT", OUTCOME_FAILED, "provider_setup", true, false},
    {500, "INVALID_CALLBACK_URL_HOST", OUTCOME_FAILED, "provider_setup", true, false},
    {500, "INVALID_CURRENCY", OUTCOME_FAILED, "currency_unsupported", true, false},
    {400, "BAD_REQUEST", OUTCOME_FAILED, "provider_setup", true, false},
    {404, "RESOURCE_NOT_FOUND", OUTCOME_FAILED, "not_processed", false, false},
    {500, "APPROVAL_REJECTED", OUTCOME_FAILED, "payer_refused", false, false},
    {500, "PAYMENT_NOT_APPROVED", OUTCOME_FAILED, "payer_refused", false, false},
    {500, "TRANSACTION_CANCELED", OUTCOME_FAILED, "payer_refused", false, false},
    {500, "EXPIRED", OUTCOME_FAILED, "expired", false, false},
    {500, "COULD_NOT_PERFORM_TRANSACTION", OUTCOME_FAILED, "expired", false, false},
    {500, "TRANSFER_TYPE_UNKNOWN", OUTCOME_FAILED, "provider_setup", true, false},
    {400, "SOMETHING_NEW", OUTCOME_FAILED, "declined", false, false},
    {500, "SOMETHING_NEW", OUTCOME_LOST, NULL, false, true},
    {408, "NOT_ENOUGH_FUNDS", OUTCOME_LOST, NULL, false, false},
};

Test(mtn, reads_what_an_act_is_answered)
{
    struct outcome outcome = act_read(&charge, 202, "");
    expect(&outcome, OUTCOME_ACCEPTED, "202");
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        const struct row *row = &refusals[i];
        outcome = act_read(&charge, row->status,
                           arena_printf(arena, "{\"code\":\"%s\",\"message\":\"m\"}", row->code));
        expect(&outcome, row->kind, row->code);
        if (row->merchant_code)
            cr_assert_str_eq(outcome.error_code, row->merchant_code, "%s", row->code);
        cr_assert_eq(outcome.elsewhere, row->elsewhere, "%s", row->code);
        cr_assert_eq(outcome.unwell, row->unwell, "%s", row->code);
        cr_assert_not(outcome.session_refused);
    }
}

Test(mtn, sends_again_what_was_stopped_on_the_way)
{
    struct outcome outcome = act_read(&charge, 401, "{\"statusCode\":401,\"message\":\"x\"}");
    expect(&outcome, OUTCOME_NOT_SENT, "401");
    cr_assert(outcome.session_refused);
    outcome = act_read(&charge, 429, "");
    expect(&outcome, OUTCOME_NOT_SENT, "429");
    cr_assert(outcome.unwell && !outcome.session_refused);
    outcome = act_read(&charge, 403, "");
    expect(&outcome, OUTCOME_NOT_SENT, "403");
}

Test(mtn, guesses_nothing)
{
    expect_no_guesses(&charge);
    expect_no_guesses(&refund);
}

Test(mtn, reads_how_a_payment_stands)
{
    static const char pending[] = "{\"externalId\":\"op_1\",\"status\":\"%s\"}";
    struct outcome outcome = query_read(&charge, 200, arena_printf(arena, pending, "PENDING"));
    expect(&outcome, OUTCOME_ACCEPTED, "PENDING");
    outcome = query_read(&charge, 200, arena_printf(arena, pending, "CREATED"));
    expect(&outcome, OUTCOME_ACCEPTED, "CREATED");
    outcome = query_read(&charge, 200,
                         "{\"externalId\":\"op_1\",\"financialTransactionId\":\"900\","
                         "\"amount\":\"50.5\",\"status\":\"SUCCESSFUL\"}");
    expect(&outcome, OUTCOME_SUCCEEDED, "SUCCESSFUL");
    cr_assert_str_eq(outcome.provider_reference, "900");
    outcome = query_read(&charge, 200, "{\"financialTransactionId\":7,\"status\":\"SUCCESSFUL\"}");
    cr_assert_str_eq(outcome.provider_reference, "7");
    outcome = query_read(&charge, 200, arena_printf(arena, pending, "TIMEOUT"));
    expect(&outcome, OUTCOME_LOST, "a word that isn't known");
    outcome = query_read(&charge, 200, "{\"externalId\":\"op_9\",\"status\":\"SUCCESSFUL\"}");
    expect(&outcome, OUTCOME_LOST, "somebody else's");
}

static struct outcome failed_for(const char *reason)
{
    return query_read(&charge, 200,
                      arena_printf(arena, "{\"status\":\"FAILED\",\"reason\":%s}", reason));
}

Test(mtn, reads_why_a_payment_failed)
{
    static const struct {
        const char *reason, *code;
        enum outcome_kind kind;
        bool elsewhere;
    } rows[] = {
        {"\"PAYER_NOT_FOUND\"", "payer_not_found", OUTCOME_FAILED, false},
        {"\"NOT_ENOUGH_FUNDS\"", "insufficient_funds", OUTCOME_FAILED, false},
        {"\"APPROVAL_REJECTED\"", "payer_refused", OUTCOME_FAILED, false},
        {"\"EXPIRED\"", "expired", OUTCOME_EXPIRED, false},
        {"{\"code\":\"COULD_NOT_PERFORM_TRANSACTION\",\"message\":\"m\"}", "expired",
         OUTCOME_EXPIRED, false},
        {"{\"code\":\"NOT_ALLOWED\"}", "provider_setup", OUTCOME_FAILED, true},
        {"\"INTERNAL_PROCESSING_ERROR\"", "provider_unavailable", OUTCOME_FAILED, false},
        {"\"SERVICE_UNAVAILABLE\"", "provider_unavailable", OUTCOME_FAILED, true},
        {"\"TRANSFER_TYPE_UNKNOWN\"", "provider_setup", OUTCOME_FAILED, true},
        {"\"ANYTHING\"", "declined", OUTCOME_FAILED, false},
        {"null", "declined", OUTCOME_FAILED, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct outcome outcome = failed_for(rows[i].reason);
        expect(&outcome, rows[i].kind, rows[i].reason);
        cr_assert_str_eq(outcome.error_code, rows[i].code);
        cr_assert_eq(outcome.elsewhere, rows[i].elsewhere);
    }
}

Test(mtn, tells_what_is_not_found_from_what_is_not_answered)
{
    struct outcome outcome =
        query_read(&charge, 404, "{\"code\":\"RESOURCE_NOT_FOUND\",\"message\":\"m\"}");
    expect(&outcome, OUTCOME_NOT_FOUND, "404");
    outcome = query_read(&charge, 404, "{\"statusCode\":404,\"message\":\"Resource not found\"}");
    expect(&outcome, OUTCOME_LOST, "the gateway's 404");
    outcome = query_read(&charge, 401, "{}");
    expect(&outcome, OUTCOME_LOST, "401");
    cr_assert(outcome.session_refused);
    outcome = query_read(&charge, 500, "{\"code\":\"NOT_ENOUGH_FUNDS\"}");
    expect(&outcome, OUTCOME_LOST, "a query's error says nothing of the payment");
}

Test(mtn, knows_the_published_test_numbers)
{
    struct provider_act act = charge;
    cr_assert_eq(provider.instrument(&act, NULL), INSTRUMENT_EITHER);
    act.msisdn = "46733123450";
    cr_assert_eq(provider.instrument(&act, NULL), INSTRUMENT_TEST);
    act.msisdn = "467331234501";
    cr_assert_eq(provider.instrument(&act, NULL), INSTRUMENT_EITHER);
    act.msisdn = NULL;
    cr_assert_eq(provider.instrument(&act, NULL), INSTRUMENT_EITHER);
}

Test(mtn, finds_our_reference_in_a_callback)
{
    struct provider_callback callback = {
        .body = bytes_of_string("{\"externalId\":\"op_1\",\"status\":\"SUCCESSFUL\"}")};
    cr_assert_str_eq(provider.callback_reference(arena, &callback), "op_1");
    callback.body = bytes_of_string("{\"status\":\"SUCCESSFUL\"}");
    cr_assert_null(provider.callback_reference(arena, &callback));
    callback.body = bytes_of_string("");
    cr_assert_null(provider.callback_reference(arena, &callback));
    cr_assert_eq(provider.callback_proof(&use, &callback), CALLBACK_UNPROVEN);
    adapter_fields("{\"webhook_secret\":\"s\"}");
    cr_assert_eq(provider.callback_proof(&use, &callback), CALLBACK_FORGED);
    struct sha256 mac = crypto_hmac_sha256(bytes_of_string("s"), callback.body);
    struct provider_header header = {"X-Signature-256", crypto_hex(arena, BYTES_OF_ARRAY(mac.at))};
    callback.headers = &header;
    callback.headers_n = 1;
    cr_assert_eq(provider.callback_proof(&use, &callback), CALLBACK_PROVEN);
    cr_assert_not(provider.speaks_by_callback);
}
