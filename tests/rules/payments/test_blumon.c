#include <criterion/criterion.h>
#include <string.h>

#include "crypto/crypto.h"
#include "providers/adapters.h"

#define TOKEN "Bearer at_1"
#define CUSTOMER                                                                                   \
    "\"customerInformation\":{\"firstName\":\"Ana\",\"lastName\":\"de la Cruz\","                  \
    "\"middleName\":\"\",\"email\":\"a@b.mx\",\"phone1\":\"+525511223344\",\"city\":\"\","         \
    "\"address1\":\"\",\"postalCode\":\"\",\"state\":\"\",\"country\":\"\",\"ip\":\"\"}"

static struct provider provider;
static struct arena *arena;
static struct credential credential;
static struct provider_use use;
static struct provider_act charge, refund;

// More fields: text that follows the common ones (",\"three_d_secure\":\"always\"").
static void configure(const char *more)
{
    const char *text = arena_printf(
        arena,
        "{\"username\":\"shop\",\"password\":\"pass\",\"client_id\":\"id\",\"client_secret\":"
        "\"cs\",\"base_url\":\"http://blumon\"%s}",
        more);
    cr_assert_eq(json_parse(arena, bytes_of_string(text), &credential.fields), STATUS_OK);
}

static void init(void)
{
    arena = arena_new(ARENA_CAP_REQUEST);
    blumon_init(&provider);
    credential = (struct credential){.id = "cred_1", .provider = "blumon", .label = ""};
    configure("");
    use = (struct provider_use){.provider = &provider,
                                .credential = &credential,
                                .arena = arena,
                                .sessions = {"at_1"},
                                .callback_url = "http://gw/cb"};
    charge = (struct provider_act){.kind = OPERATION_CHARGE,
                                   .reference = "op_1",
                                   .amount = 1050,
                                   .currency = "MXN",
                                   .method = "card",
                                   .token = "card_1",
                                   .capture = true,
                                   .return_url = "http://shop/back",
                                   .email = "a@b.mx",
                                   .phone = "+525511223344",
                                   .name = "Ana de la Cruz"};
    refund = (struct provider_act){.kind = OPERATION_REFUND,
                                   .reference = "op_2",
                                   .amount = 1050,
                                   .charge_amount = 1050,
                                   .charge_provider_reference = "ch_1",
                                   .currency = "MXN",
                                   .method = "card"};
}

static void fini(void)
{
    arena_free(arena);
}

TestSuite(blumon, .init = init, .fini = fini);

static void says(const struct http_request *request, const char *url, const char *body)
{
    cr_assert_str_eq(request->url, url);
    cr_assert_str_eq(request->method, body ? "POST" : "GET");
    const char *sent =
        body ? arena_strndup(arena, (const char *)request->body.at, request->body.length) : NULL;
    if (body)
        cr_assert_str_eq(sent, body);
    else
        cr_assert_null(request->body.at);
}

static const char *header(const struct http_request *request, const char *name)
{
    for (size_t i = 0; i < request->headers_n; i++)
        if (strcmp(request->headers[i].name, name) == 0)
            return request->headers[i].value;
    return "";
}

static struct http_response response(int status, const char *body)
{
    return (struct http_response){.status = status, .body = bytes_of_string(body), .error = ""};
}

static struct outcome read_act(const struct provider_act *act, int status, const char *body)
{
    struct outcome outcome;
    struct http_response answer = response(status, body);
    provider.read_act(&use, act, &answer, &outcome);
    return outcome;
}

static struct outcome read_query(const struct provider_act *act, int status, const char *body)
{
    struct outcome outcome;
    struct http_response answer = response(status, body);
    provider.read_query(&use, act, &answer, &outcome);
    return outcome;
}

static const char *decline(const char *code, int http_status)
{
    return arena_printf(arena,
                        "{\"status\":false,\"requestId\":\"r\",\"error\":{\"httpStatusCode\":%d,"
                        "\"code\":\"%s\",\"description\":\"NO\"}}",
                        http_status, code);
}

// --- Sessions
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
    cr_assert_eq(json_parse(arena, bytes_of_string("{\"username\":\"u\"}"), &credential.fields),
                 STATUS_OK);
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
    struct http_response answer =
        response(200, "{\"access_token\":\"at_2\",\"refresh_token\":\"r\",\"expires_in\":10799}");
    provider.read_session(&use, 0, &answer, &grant);
    cr_assert_str_eq(grant.text, "at_2");
    cr_assert_eq(grant.lives_s, 10799);
    answer = response(200, "{\"access_token\":\"at_2\"}");
    provider.read_session(&use, 0, &answer, &grant);
    cr_assert_eq(grant.lives_s, 10799);
    answer = response(400, "{\"error\":\"invalid_grant\"}");
    provider.read_session(&use, 0, &answer, &grant);
    cr_assert_null(grant.text);
    cr_assert_eq(grant.outcome.kind, OUTCOME_FAILED);
    cr_assert(strstr(grant.outcome.error_message, "username"));
    answer = response(401, "{\"error\":\"invalid_client\"}");
    provider.read_session(&use, 0, &answer, &grant);
    cr_assert(strstr(grant.outcome.error_message, "client_id"));
    answer = response(502, "<html>");
    provider.read_session(&use, 0, &answer, &grant);
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
    struct http_response answer = response(status, body);
    return provider.read_token(&use, &answer, ret);
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
    cr_assert_eq(read_act(&charge, 400, decline("3DS_REQUIRED", 400)).kind, OUTCOME_PREPARED);
    cr_assert_eq(read_act(&charge, 200, "{\"status\":false,\"requires_3ds\":true}").kind,
                 OUTCOME_PREPARED);
    charge.stage = 1;
    cr_assert(provider.act(&use, &charge, &request));
    cr_assert_str_eq(request.url, "http://blumon/mpi/3ds-registry");
    charge.stage = 2;
    charge.provider_reference = "3ds_1";
    cr_assert(provider.act(&use, &charge, &request));
    cr_assert_str_eq(request.url, "http://blumon/ecommerce/charge");
    cr_assert_eq(read_act(&charge, 400, decline("3DS_REQUIRED", 400)).kind, OUTCOME_FAILED);
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
}

// --- Answers
Test(blumon, reads_an_approval)
{
    struct outcome outcome =
        read_act(&charge, 200,
                 "{\"status\":true,\"requestId\":\"r\",\"id\":\"ch_7\",\"dataResponse\":{"
                 "\"authorization\":\"123456\",\"description\":\"APROBADA\"}}");
    cr_assert_eq(outcome.kind, OUTCOME_SUCCEEDED);
    cr_assert_str_eq(outcome.provider_reference, "ch_7");
    cr_assert_eq(read_act(&refund, 200,
                          "{\"status\":true,\"id\":9,\"dataResponse\":{\"description\":"
                          "\"APROBADA\"}}")
                     .kind,
                 OUTCOME_SUCCEEDED);
}

Test(blumon, reads_every_decline_under_either_status)
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
            struct outcome outcome = read_act(&charge, statuses[k], decline(rows[i].code, 402));
            cr_assert_eq(outcome.kind, OUTCOME_FAILED, "%s", rows[i].code);
            cr_assert_str_eq(outcome.error_code, rows[i].merchant_code);
            cr_assert_eq(outcome.elsewhere, rows[i].elsewhere, "%s", rows[i].code);
            cr_assert_not_null(outcome.error_message);
        }
}

Test(blumon, tries_again_only_what_was_certainly_not_charged)
{
    struct outcome outcome = read_act(&charge, 200, decline("912", 503));
    cr_assert_eq(outcome.kind, OUTCOME_NOT_SENT);
    cr_assert(outcome.unwell);
    outcome = read_act(&charge, 401, "{\"error\":\"invalid_token\",\"error_description\":\"x\"}");
    cr_assert_eq(outcome.kind, OUTCOME_NOT_SENT);
    cr_assert(outcome.session_refused);
    cr_assert_eq(read_act(&charge, 429, "{}").kind, OUTCOME_NOT_SENT);
    struct http_response none = {.failure = HTTP_NO_CONNECTION, .error = ""};
    provider.read_act(&use, &charge, &none, &outcome);
    cr_assert_eq(outcome.kind, OUTCOME_NOT_SENT);
    cr_assert_eq(provider.repeatable[OPERATION_CHARGE], 0);
    cr_assert_eq(provider.repeatable[OPERATION_REFUND], 0);
}

Test(blumon, guesses_nothing_from_garbage)
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
        cr_assert_eq(read_act(&charge, rows[i].status, rows[i].body).kind, OUTCOME_LOST, "%s",
                     rows[i].body);
        cr_assert_eq(read_act(&refund, rows[i].status, rows[i].body).kind, OUTCOME_LOST);
    }
    cr_assert_not(read_act(&charge, 409, decline("94", 409)).unwell);
    struct outcome outcome;
    struct http_response late = {.failure = HTTP_TIMEOUT, .error = ""};
    provider.read_act(&use, &charge, &late, &outcome);
    cr_assert_eq(outcome.kind, OUTCOME_LOST);
    struct http_response cut = response(200, decline("51", 200));
    cut.truncated = true;
    provider.read_act(&use, &charge, &cut, &outcome);
    cr_assert_eq(outcome.kind, OUTCOME_LOST);
}

Test(blumon, sends_the_payer_to_authenticate_or_goes_on)
{
    configure(",\"three_d_secure\":\"always\"");
    struct outcome outcome =
        read_act(&charge, 200,
                 "{\"status\":true,\"dataResponse\":{\"threeDSTransactionId\":\"3ds_1\",\"status\":"
                 "\"CHALLENGE\",\"authenticationUrl\":\"http://acs/1\"}}");
    cr_assert_eq(outcome.kind, OUTCOME_REQUIRES_ACTION);
    cr_assert_str_eq(outcome.action_url, "http://acs/1");
    cr_assert_str_eq(outcome.provider_reference, "3ds_1");
    outcome = read_act(&charge, 200,
                       "{\"status\":true,\"dataResponse\":{\"threeDSTransactionId\":\"3ds_1\","
                       "\"status\":\"AUTHENTICATED\",\"authenticationUrl\":null}}");
    cr_assert_eq(outcome.kind, OUTCOME_PREPARED);
    cr_assert_str_eq(outcome.provider_reference, "3ds_1");
    cr_assert_eq(read_act(&charge, 400, decline("51", 400)).kind, OUTCOME_FAILED);
}

Test(blumon, makes_again_what_moves_nothing)
{
    static const char *const bodies[] = {
        "", "{}", "{\"status\":true,\"dataResponse\":{}}",
        "{\"status\":true,\"dataResponse\":{\"threeDSTransactionId\":\"3\",\"status\":\"PENDING\"}"
        "}"};
    configure(",\"three_d_secure\":\"always\"");
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        charge.method = "card";
        cr_assert_eq(read_act(&charge, 200, bodies[i]).kind, OUTCOME_NOT_SENT, "%s", bodies[i]);
        charge.method = "checkout";
        cr_assert_eq(read_act(&charge, 200, bodies[i]).kind, OUTCOME_NOT_SENT, "%s", bodies[i]);
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

Test(blumon, sends_the_payer_to_the_page)
{
    charge.method = "checkout";
    struct outcome outcome = read_act(
        &charge, 200,
        "{\"status\":true,\"id\":\"co_1\",\"dataResponse\":{\"payOrder\":\"/checkout/co_1\",\"url\""
        ":\"http://page/co_1\"}}");
    cr_assert_eq(outcome.kind, OUTCOME_REQUIRES_ACTION);
    cr_assert_str_eq(outcome.action_url, "http://page/co_1");
    cr_assert_str_eq(outcome.provider_reference, "co_1");
    outcome = read_act(&charge, 200,
                       "{\"status\":true,\"dataResponse\":{\"payOrder\":\"/checkout/co_1\"}}");
    cr_assert_str_eq(outcome.action_url, "http://blumon/checkout/co_1");
}

// --- Questions
Test(blumon, asks_about_a_registration_only)
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
    return read_query(&charge, 200,
                      arena_printf(arena, "{\"status\":true,\"dataResponse\":{\"status\":\"%s\"}}",
                                   status))
        .kind;
}

Test(blumon, reads_how_a_registration_stands)
{
    configure(",\"three_d_secure\":\"always\"");
    cr_assert_eq(standing("APPROVED", true), OUTCOME_PREPARED);
    cr_assert_eq(standing("AUTHENTICATED", true), OUTCOME_PREPARED);
    cr_assert_eq(standing("PENDING", true), OUTCOME_REQUIRES_ACTION);
    cr_assert_eq(standing("CHALLENGE", false), OUTCOME_ACCEPTED);
    cr_assert_eq(standing("REJECTED", true), OUTCOME_FAILED);
    cr_assert_eq(standing("?", true), OUTCOME_LOST);
    struct outcome outcome =
        read_query(&charge, 200, "{\"status\":true,\"dataResponse\":{\"status\":\"REJECTED\"}}");
    cr_assert_str_eq(outcome.error_code, "authentication_failed");
    cr_assert_eq(read_query(&charge, 404, decline("3DS_NOT_FOUND", 404)).kind, OUTCOME_LOST);
    cr_assert_eq(read_query(&charge, 500, "{}").kind, OUTCOME_LOST);
    outcome = read_query(&charge, 401, "{\"error\":\"invalid_token\"}");
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

Test(blumon, takes_a_webhook_for_its_word)
{
    struct outcome outcome = read_query(&charge, 200, webhook("VENTA", "10.50", "00"));
    cr_assert(provider.speaks_by_callback);
    cr_assert_eq(outcome.kind, OUTCOME_SUCCEEDED);
    cr_assert_str_eq(outcome.provider_reference, "777");
    cr_assert_eq(read_query(&refund, 200, webhook("DEVOLUCION", "10.50", "00")).kind,
                 OUTCOME_SUCCEEDED);
    outcome = read_query(&charge, 200, webhook("VENTA", "10.50", "51"));
    cr_assert_eq(outcome.kind, OUTCOME_FAILED);
    cr_assert_str_eq(outcome.error_code, "insufficient_funds");
    cr_assert_eq(read_query(&charge, 200, webhook("VENTA", "10.50", "CANCELED")).kind,
                 OUTCOME_CANCELED);
}

Test(blumon, believes_no_webhook_of_something_else)
{
    struct outcome outcome = read_query(&charge, 200, webhook("VENTA", "10.51", "00"));
    cr_assert_eq(outcome.kind, OUTCOME_LOST);
    cr_assert_str_eq(outcome.error_code, "amount_mismatch");
    cr_assert_eq(read_query(&charge, 200, webhook("DEVOLUCION", "10.50", "00")).kind, OUTCOME_LOST);
    cr_assert_eq(read_query(&refund, 200, webhook("VENTA", "10.50", "00")).kind, OUTCOME_LOST);
    charge.reference = "op_9";
    cr_assert_eq(read_query(&charge, 200, webhook("VENTA", "10.50", "00")).kind, OUTCOME_LOST);
    charge.reference = "op_1";
    static const char *const silent[] = {"", "EXPIRED", "94", "912"};
    for (size_t i = 0; i < 4; i++) {
        enum outcome_kind kind =
            read_query(&charge, 200, webhook("VENTA", "10.50", silent[i])).kind;
        cr_assert(kind == OUTCOME_LOST || kind == OUTCOME_NOT_SENT, "%s", silent[i]);
    }
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

Test(blumon, proves_a_webhook_by_the_secret)
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

Test(blumon, finds_our_reference_in_a_webhook)
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
    struct http_response answer = response(status, body);
    return provider.read_probe(&use, currency, &answer);
}

Test(blumon, says_what_is_wrong_with_a_credential)
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

Test(blumon, takes_cards_and_checkouts_in_three_currencies)
{
    static const char *const currencies[] = {"MXN", "USD", "EUR"};
    for (size_t i = 0; i < 3; i++) {
        cr_assert(provider_supports(&provider, "card", currencies[i], NULL, false));
        cr_assert(provider_supports(&provider, "checkout", currencies[i], NULL, false));
    }
    cr_assert_not(provider_supports(&provider, "card", "XOF", NULL, false));
    cr_assert_not(provider_supports(&provider, "upi", "MXN", NULL, false));
}
