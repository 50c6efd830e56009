#include "blumon.h"

#include "crypto/crypto.h"

TestSuite(blumon_answers, .init = init, .fini = adapter_end);

Test(blumon_answers, reads_an_approval)
{
    struct outcome outcome =
        act_read(&charge, 200,
                 "{\"status\":true,\"requestId\":\"r\",\"id\":\"ch_7\",\"dataResponse\":{"
                 "\"authorization\":\"123456\",\"description\":\"APROBADA\"}}");
    cr_assert_eq(outcome.kind, OUTCOME_SUCCEEDED);
    cr_assert_str_eq(outcome.provider_reference, "ch_7");
    cr_assert_eq(act_read(&refund, 200,
                          "{\"status\":true,\"id\":9,\"dataResponse\":{\"description\":"
                          "\"APROBADA\"}}")
                     .kind,
                 OUTCOME_SUCCEEDED);
}

Test(blumon_answers, reads_every_decline_under_either_status)
{
    static const struct {
        const char *code, *merchant_code;
        bool elsewhere;
    } rows[] = {
        {"TX_001", "limit_exceeded", true},
        {"TX_003", "limit_exceeded", true},
        {"51", "insufficient_funds", false},
        {"54", "expired_card", false},
        {"101", "expired_card", false},
        {"57", "card_not_supported", false},
        {"62", "card_not_supported", false},
        {"N5", "card_not_supported", false},
        {"61", "limit_exceeded", false},
        {"65", "limit_exceeded", false},
        {"O4", "limit_exceeded", false},
        {"122", "incorrect_cvc", false},
        {"187", "card_declined", false},
        {"914", "not_processed", false},
        {"3DS_REQUIRED", "authentication_required", true},
        {"3DS_REJECTED", "authentication_failed", false},
        {"3DS_PENDING", "authentication_failed", false},
        {"3DS_NOT_FOUND", "authentication_failed", false},
        {"3DS_MISMATCH", "authentication_failed", false},
        {"a new one", "declined", false},
    };
    static const int statuses[] = {200, 400, 409};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t k = 0; k < 3; k++) {
            struct outcome outcome = act_read(&charge, statuses[k], decline(rows[i].code, 402));
            cr_assert_eq(outcome.kind, OUTCOME_FAILED, "%s", rows[i].code);
            cr_assert_str_eq(outcome.error_code, rows[i].merchant_code);
            cr_assert_eq(outcome.elsewhere, rows[i].elsewhere, "%s", rows[i].code);
            cr_assert_not_null(outcome.error_message);
        }
}

Test(blumon_answers, tries_again_only_what_was_certainly_not_charged)
{
    struct outcome outcome = act_read(&charge, 200, decline("912", 503));
    cr_assert_eq(outcome.kind, OUTCOME_NOT_SENT);
    cr_assert(outcome.unwell);
    outcome = act_read(&charge, 401, "{\"error\":\"invalid_token\",\"error_description\":\"x\"}");
    cr_assert_eq(outcome.kind, OUTCOME_NOT_SENT);
    cr_assert(outcome.session_refused);
    cr_assert_eq(act_read(&charge, 429, "{}").kind, OUTCOME_NOT_SENT);
    struct http_response none = {.failure = HTTP_NO_CONNECTION, .error = ""};
    provider.read_act(&use, &charge, &none, &outcome);
    cr_assert_eq(outcome.kind, OUTCOME_NOT_SENT);
    cr_assert_eq(provider.repeatable[OPERATION_CHARGE], 0);
    cr_assert_eq(provider.repeatable[OPERATION_REFUND], 0);
}

Test(blumon_answers, guesses_nothing_from_garbage)
{
    static const struct {
        int status;
        const char *body;
    } rows[] = {
        {200, ""},
        {200, "<html>"},
        {200, "{}"},
        {200, "[]"},
        {200, "{\"status\":true}"},
        {200, "{\"status\":true,\"dataResponse\":{\"description\":\"RECHAZADA\"}}"},
        {200, "{\"status\":false}"},
        {200, "{\"status\":\"false\",\"error\":{\"code\":\"51\"}}"},
        {200, "{\"status\":true,\"error\":{\"code\":\"51\"}}"},
        {400, "<html>"},
        {404, "{\"message\":\"no route\"}"},
        {408, "{\"status\":false,\"error\":{\"code\":\"X\"}}"},
        {500, "{\"status\":false,\"error\":{\"code\":\"X\"}}"},
        {200, "{\"status\":false,\"error\":{\"httpStatusCode\":500,\"code\":\"X\"}}"},
        {503, "{\"status\":true,\"id\":\"1\",\"dataResponse\":{\"description\":\"APROBADA\"}}"},
        {200, "{\"status\":false,\"error\":{\"code\":\"94\"}}"},
        {409, "{\"status\":false,\"error\":{\"code\":\"94\"}}"},
        {400, "{\"status\":false,\"error\":{\"code\":\"3DS_USED\"}}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cr_assert_eq(act_read(&charge, rows[i].status, rows[i].body).kind, OUTCOME_LOST, "%s",
                     rows[i].body);
        cr_assert_eq(act_read(&refund, rows[i].status, rows[i].body).kind, OUTCOME_LOST);
    }
    cr_assert_not(act_read(&charge, 409, decline("94", 409)).unwell);
    struct outcome outcome;
    struct http_response late = {.failure = HTTP_TIMEOUT, .error = ""};
    provider.read_act(&use, &charge, &late, &outcome);
    cr_assert_eq(outcome.kind, OUTCOME_LOST);
    struct http_response cut = answer(200, decline("51", 200));
    cut.truncated = true;
    provider.read_act(&use, &charge, &cut, &outcome);
    cr_assert_eq(outcome.kind, OUTCOME_LOST);
    expect_no_guesses(&charge);
    expect_no_guesses(&refund);
}

Test(blumon_answers, sends_the_payer_to_authenticate_or_goes_on)
{
    configure(",\"three_d_secure\":\"always\"");
    struct outcome outcome =
        act_read(&charge, 200,
                 "{\"status\":true,\"dataResponse\":{\"threeDSTransactionId\":\"3ds_1\",\"status\":"
                 "\"CHALLENGE\",\"authenticationUrl\":\"http://acs/1\"}}");
    cr_assert_eq(outcome.kind, OUTCOME_REQUIRES_ACTION);
    cr_assert_str_eq(outcome.action_url, "http://acs/1");
    cr_assert_str_eq(outcome.provider_reference, "3ds_1");
    outcome = act_read(&charge, 200,
                       "{\"status\":true,\"dataResponse\":{\"threeDSTransactionId\":\"3ds_1\","
                       "\"status\":\"AUTHENTICATED\",\"authenticationUrl\":null}}");
    cr_assert_eq(outcome.kind, OUTCOME_PREPARED);
    cr_assert_str_eq(outcome.provider_reference, "3ds_1");
    cr_assert_eq(act_read(&charge, 400, decline("51", 400)).kind, OUTCOME_FAILED);
}

Test(blumon_answers, makes_again_what_moves_nothing)
{
    static const char *const bodies[] = {
        "", "{}", "{\"status\":true,\"dataResponse\":{}}",
        ("{\"status\":true,\"dataResponse\":{\"threeDSTransactionId\":\"3\",\"status\":\"PENDING\"}"
         "}")};
    configure(",\"three_d_secure\":\"always\"");
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        charge.method = "card";
        cr_assert_eq(act_read(&charge, 200, bodies[i]).kind, OUTCOME_NOT_SENT, "%s", bodies[i]);
        charge.method = "checkout";
        cr_assert_eq(act_read(&charge, 200, bodies[i]).kind, OUTCOME_NOT_SENT, "%s", bodies[i]);
    }
    struct outcome outcome;
    struct http_response late = {.failure = HTTP_TIMEOUT, .error = ""};
    provider.read_act(&use, &charge, &late, &outcome);
    cr_assert_eq(outcome.kind, OUTCOME_NOT_SENT);
    charge.method = "card";
    charge.stage = 1; // now it is the charge
    provider.read_act(&use, &charge, &late, &outcome);
    cr_assert_eq(outcome.kind, OUTCOME_LOST);
}

Test(blumon_answers, sends_the_payer_to_the_page)
{
    charge.method = "checkout";
    struct outcome outcome = act_read(
        &charge, 200,
        "{\"status\":true,\"id\":\"co_1\",\"dataResponse\":{\"payOrder\":\"/checkout/co_1\",\"url\""
        ":\"http://page/co_1\"}}");
    cr_assert_eq(outcome.kind, OUTCOME_REQUIRES_ACTION);
    cr_assert_str_eq(outcome.action_url, "http://page/co_1");
    cr_assert_str_eq(outcome.provider_reference, "co_1");
    outcome = act_read(&charge, 200,
                       "{\"status\":true,\"dataResponse\":{\"payOrder\":\"/checkout/co_1\"}}");
    cr_assert_str_eq(outcome.action_url, "http://blumon/checkout/co_1");
}

// --- Questions
Test(blumon_answers, asks_about_a_registration_only)
{
    struct http_request request;
    charge.provider_reference = "3ds_1";
    cr_assert_eq(provider.query(&use, &charge, &request), ASK_NEVER);
    cr_assert_eq(provider.query(&use, &refund, &request), ASK_NEVER);
    configure(",\"three_d_secure\":\"always\"");
    cr_assert_eq(provider.query(&use, &charge, &request), ASK_BUILT);
    says(&request, "http://blumon/mpi/3ds-registry/3ds_1", NULL);
    cr_assert_str_eq(header(&request, "Authorization"), TOKEN);
    charge.provider_reference = NULL;
    cr_assert_eq(provider.query(&use, &charge, &request), ASK_NEVER);
    charge.provider_reference = "3ds_1";
    charge.stage = 1;
    cr_assert_eq(provider.query(&use, &charge, &request), ASK_NEVER);
    configure(",\"threeds_status_path\":\"/3ds/\",\"status_path\":\"/status/\"");
    cr_assert_eq(provider.query(&use, &charge, &request), ASK_BUILT);
    says(&request, "http://blumon/status/op_1", NULL);
}

static enum outcome_kind standing(const char *status, bool acting)
{
    charge.acting = acting;
    return query_read(&charge, 200,
                      arena_printf(arena, "{\"status\":true,\"dataResponse\":{\"status\":\"%s\"}}",
                                   status))
        .kind;
}

Test(blumon_answers, reads_how_a_registration_stands)
{
    configure(",\"three_d_secure\":\"always\"");
    cr_assert_eq(standing("APPROVED", true), OUTCOME_PREPARED);
    cr_assert_eq(standing("AUTHENTICATED", true), OUTCOME_PREPARED);
    cr_assert_eq(standing("PENDING", true), OUTCOME_REQUIRES_ACTION);
    cr_assert_eq(standing("CHALLENGE", false), OUTCOME_ACCEPTED);
    cr_assert_eq(standing("REJECTED", true), OUTCOME_FAILED);
    cr_assert_eq(standing("?", true), OUTCOME_LOST);
    struct outcome outcome =
        query_read(&charge, 200, "{\"status\":true,\"dataResponse\":{\"status\":\"REJECTED\"}}");
    cr_assert_str_eq(outcome.error_code, "authentication_failed");
    cr_assert_eq(query_read(&charge, 404, decline("3DS_NOT_FOUND", 404)).kind, OUTCOME_LOST);
    cr_assert_eq(query_read(&charge, 500, "{}").kind, OUTCOME_LOST);
    outcome = query_read(&charge, 401, "{\"error\":\"invalid_token\"}");
    cr_assert_eq(outcome.kind, OUTCOME_LOST);
    cr_assert(outcome.session_refused);
}

// --- Webhooks
static const char *webhook(const char *type, const char *amount, const char *code)
{
    return arena_printf(arena,
                        "{\"reference\":\"%s\",\"amount\":\"%s\",\"authorizationCode\":\"a1\","
                        "\"operationType\":\"%s\",\"operationNumber\":777,\"codeResponse\":\"%s\","
                        "\"descriptionResponse\":\"X\",\"lastFour\":\"4242\",\"brand\":\"VISA\","
                        "\"bin\":\"424242\",\"dateTransaction\":\"21/11/2026 10:00:00\"}",
                        strcmp(type, "VENTA") == 0 ? "op_1" : "op_2", amount, type, code);
}

Test(blumon_answers, takes_a_webhook_for_its_word)
{
    struct outcome outcome = query_read(&charge, 200, webhook("VENTA", "10.50", "00"));
    cr_assert(provider.speaks_by_callback);
    cr_assert_eq(outcome.kind, OUTCOME_SUCCEEDED);
    cr_assert_str_eq(outcome.provider_reference, "777");
    cr_assert_eq(query_read(&refund, 200, webhook("DEVOLUCION", "10.50", "00")).kind,
                 OUTCOME_SUCCEEDED);
    outcome = query_read(&charge, 200, webhook("VENTA", "10.50", "51"));
    cr_assert_eq(outcome.kind, OUTCOME_FAILED);
    cr_assert_str_eq(outcome.error_code, "insufficient_funds");
    cr_assert_eq(query_read(&charge, 200, webhook("VENTA", "10.50", "CANCELED")).kind,
                 OUTCOME_CANCELED);
}

Test(blumon_answers, believes_no_webhook_of_something_else)
{
    struct outcome outcome = query_read(&charge, 200, webhook("VENTA", "10.51", "00"));
    cr_assert_eq(outcome.kind, OUTCOME_LOST);
    cr_assert_str_eq(outcome.error_code, "amount_mismatch");
    cr_assert_eq(query_read(&charge, 200, webhook("DEVOLUCION", "10.50", "00")).kind, OUTCOME_LOST);
    cr_assert_eq(query_read(&refund, 200, webhook("VENTA", "10.50", "00")).kind, OUTCOME_LOST);
    refund.reference = "op_1"; // the reference alone is not enough
    cr_assert_eq(query_read(&refund, 200, webhook("VENTA", "10.50", "00")).kind, OUTCOME_LOST);
    charge.reference = "op_9";
    cr_assert_eq(query_read(&charge, 200, webhook("VENTA", "10.50", "00")).kind, OUTCOME_LOST);
    charge.reference = "op_1";
    static const char *const silent[] = {"", "94", "912"};
    for (size_t i = 0; i < sizeof silent / sizeof *silent; i++) {
        enum outcome_kind kind =
            query_read(&charge, 200, webhook("VENTA", "10.50", silent[i])).kind;
        cr_assert(kind == OUTCOME_LOST || kind == OUTCOME_NOT_SENT, "%s", silent[i]);
    }
    cr_assert_eq(query_read(&charge, 200, webhook("VENTA", "10.50", "EXPIRED")).kind,
                 OUTCOME_EXPIRED);
}

static enum callback_proof prove(const char *body, const char *signature)
{
    struct provider_header headers[] = {{"x-signature-256", signature}};
    struct provider_callback callback = {.address = "",
                                         .headers = headers,
                                         .headers_n = signature ? 1 : 0,
                                         .body = bytes_of_string(body)};
    return provider.callback_proof(&use, &callback);
}

Test(blumon_answers, proves_a_webhook_by_the_secret)
{
    const char *body = webhook("VENTA", "10.50", "00");
    cr_assert_eq(prove(body, NULL), CALLBACK_UNPROVEN);
    configure(",\"webhook_secret\":\"whs\"");
    struct sha256 mac = crypto_hmac_sha256(bytes_of_string("whs"), bytes_of_string(body));
    const char *hex = crypto_hex(arena, BYTES_OF_ARRAY(mac.at));
    cr_assert_eq(prove(body, hex), CALLBACK_PROVEN);
    cr_assert_eq(prove(body, arena_printf(arena, "sha256=%s", hex)), CALLBACK_PROVEN);
    cr_assert_eq(prove(body, NULL), CALLBACK_FORGED);
    cr_assert_eq(prove(webhook("VENTA", "99.50", "00"), hex), CALLBACK_FORGED);
}

Test(blumon_answers, finds_our_reference_in_a_webhook)
{
    struct provider_callback callback = {.body = bytes_of_string(webhook("VENTA", "1", "00"))};
    cr_assert_str_eq(provider.callback_reference(arena, &callback), "op_1");
    static const char *const none[] = {"", "{}", "reference=op_1", "{\"reference\":5}",
                                       "{\"reference\":\"\"}"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        callback.body = bytes_of_string(none[i]);
        cr_assert_null(provider.callback_reference(arena, &callback));
    }
}

// --- The probe
static const char *probe(const char *currency, int status, const char *body)
{
    struct http_response told = answer(status, body);
    return provider.read_probe(&use, currency, &told);
}

Test(blumon_answers, says_what_is_wrong_with_a_credential)
{
    struct http_request request;
    cr_assert(provider.probe(&use, "MXN", &request));
    says(&request, "http://blumon/cardToken/add", "{}");
    cr_assert_null(probe("MXN", 400, decline("CARD", 400)));
    cr_assert_null(probe(NULL, 400, decline("CARD", 400)));
    cr_assert(strstr(probe("ZMW", 400, decline("CARD", 400)), "MXN USD EUR"));
    cr_assert(strstr(probe("", 401, "{\"error\":\"invalid_token\"}"), "environments"));
    cr_assert(strstr(probe("", 404, "<html>"), "base_url"));
    struct http_response none = {.failure = HTTP_NO_CONNECTION, .error = "refused"};
    cr_assert(strstr(provider.read_probe(&use, "", &none), "can't be reached"));
}

Test(blumon_answers, takes_cards_and_checkouts_in_three_currencies)
{
    static const char *const currencies[] = {"MXN", "USD", "EUR"};
    for (size_t i = 0; i < 3; i++) {
        cr_assert(provider_supports(&provider, "card", currencies[i], NULL, false));
        cr_assert(provider_supports(&provider, "checkout", currencies[i], NULL, false));
    }
    cr_assert_not(provider_supports(&provider, "card", "XOF", NULL, false));
    cr_assert_not(provider_supports(&provider, "upi", "MXN", NULL, false));
}
