#include <criterion/criterion.h>
#include <string.h>

#include "crypto/crypto.h"
#include "providers/simulator.h"

static struct provider provider;
static struct arena *arena;
static struct credential credential;
static struct provider_use use;

static void init(void)
{
    arena = arena_new(ARENA_CAP_REQUEST);
    simulator_init(&provider, true, 5000);
    credential = (struct credential){.id = "default", .tenant_id = "", .provider = "simulator"};
    cr_assert_eq(STATUS_OK,
                 json_parse(arena,
                            bytes_of_string("{\"base_url\":\"http://sim:8080\",\"key\":\"key\","
                                            "\"webhook_secret\":\"secret\"}"),
                            &credential.fields));
    use = (struct provider_use){.provider = &provider,
                                .credential = &credential,
                                .arena = arena,
                                .callback_url = "http://gw/cb"};
}

static void fini(void)
{
    arena_free(arena);
}

TestSuite(simulator, .init = init, .fini = fini);

static const char *body_of(const struct http_request *request)
{
    return arena_strndup(arena, (const char *)request->body.at, request->body.length);
}

Test(simulator, builds_a_charge)
{
    struct http_request request;
    struct provider_act act = {.kind = OPERATION_CHARGE,
                               .reference = "op_1",
                               .amount = 500,
                               .currency = "INR",
                               .method = "upi",
                               .vpa = "u@p",
                               .capture = true};
    cr_assert(provider.act(&use, &act, &request));
    cr_assert_str_eq(request.method, "POST");
    cr_assert_str_eq(request.url, "http://sim:8080/v1/charges");
    cr_assert_str_eq(body_of(&request),
                     "{\"reference\":\"op_1\",\"amount\":500,\"currency\":\"INR\",\"method\":"
                     "\"upi\",\"vpa\":\"u@p\",\"capture\":true,\"callback_url\":\"http://gw/cb\"}");
    cr_assert_str_eq(request.headers[0].value, "Bearer key");
    cr_assert_eq(request.total_ms, 5000);
}

Test(simulator, builds_what_follows_a_charge)
{
    struct http_request request;
    struct provider_act act = {
        .kind = OPERATION_CAPTURE, .reference = "op_2", .charge_reference = "op_1", .amount = 5};
    cr_assert(provider.act(&use, &act, &request));
    cr_assert_str_eq(request.url, "http://sim:8080/v1/charges/op_1/capture");
    act.kind = OPERATION_CANCEL;
    cr_assert(provider.act(&use, &act, &request));
    cr_assert_str_eq(request.url, "http://sim:8080/v1/charges/op_1/cancel");
    cr_assert_null(strstr(body_of(&request), "amount"));
    act.kind = OPERATION_REFUND;
    cr_assert(provider.act(&use, &act, &request));
    cr_assert_str_eq(request.url, "http://sim:8080/v1/refunds");
    cr_assert_not_null(strstr(body_of(&request), "\"charge\":\"op_1\""));
    act.reference = "op_1";
    cr_assert_eq(provider.query(&use, &act, &request), ASK_BUILT);
    cr_assert_str_eq(request.method, "GET");
    cr_assert_str_eq(request.url, "http://sim:8080/v1/operations/op_1");
    cr_assert_null(request.body.at);
}

static enum outcome_kind read_act(enum http_failure failure, int status, const char *body)
{
    struct outcome outcome;
    struct http_response response = {
        .failure = failure, .status = status, .body = bytes_of_string(body), .error = ""};
    provider.read_act(&use, &(struct provider_act){0}, &response, &outcome);
    return outcome.kind;
}

static struct outcome read_query(int status, const char *body)
{
    struct outcome outcome;
    struct http_response response = {.status = status, .body = bytes_of_string(body), .error = ""};
    provider.read_query(&use, &(struct provider_act){0}, &response, &outcome);
    return outcome;
}

Test(simulator, only_a_refusal_in_its_own_words_is_a_failure)
{
    const char *error = "{\"error\":{\"code\":\"x\",\"message\":\"y\"}}";
    cr_assert_eq(read_act(HTTP_OK, 202, "{\"status\":\"pending\"}"), OUTCOME_ACCEPTED);
    cr_assert_eq(read_act(HTTP_OK, 200, "{\"status\":\"succeeded\"}"), OUTCOME_SUCCEEDED);
    cr_assert_eq(read_act(HTTP_OK, 409, "{\"error\":{\"code\":\"duplicate_reference\"}}"),
                 OUTCOME_ACCEPTED);
    cr_assert_eq(read_act(HTTP_OK, 400, error), OUTCOME_FAILED);
    cr_assert_eq(read_act(HTTP_OK, 400, "<html>"), OUTCOME_LOST);
    cr_assert_eq(read_act(HTTP_OK, 408, error), OUTCOME_LOST);
    cr_assert_eq(read_act(HTTP_OK, 500, error), OUTCOME_LOST);
    cr_assert_eq(read_act(HTTP_OK, 503, error), OUTCOME_LOST);
    cr_assert_eq(read_act(HTTP_OK, 202, "not json"), OUTCOME_LOST);
    cr_assert_eq(read_act(HTTP_OK, 202, "{\"status\":\"odd\"}"), OUTCOME_LOST);
    cr_assert_eq(read_act(HTTP_OK, 429, error), OUTCOME_NOT_SENT);
    cr_assert_eq(read_act(HTTP_OK, 401, error), OUTCOME_NOT_SENT);
    cr_assert_eq(read_act(HTTP_NO_CONNECTION, 0, ""), OUTCOME_NOT_SENT);
    cr_assert_eq(read_act(HTTP_REFUSED_URL, 0, ""), OUTCOME_NOT_SENT);
    cr_assert_eq(read_act(HTTP_TIMEOUT, 0, ""), OUTCOME_LOST);
    cr_assert_eq(read_act(HTTP_BROKEN, 0, ""), OUTCOME_LOST);
}

Test(simulator, reads_how_an_operation_stands)
{
    static const struct {
        const char *status;
        enum outcome_kind kind;
    } rows[] = {{"pending", OUTCOME_ACCEPTED},
                {"succeeded", OUTCOME_SUCCEEDED},
                {"authorized", OUTCOME_AUTHORIZED},
                {"failed", OUTCOME_FAILED},
                {"requires_action", OUTCOME_REQUIRES_ACTION},
                {"canceled", OUTCOME_CANCELED},
                {"expired", OUTCOME_EXPIRED}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *body = arena_printf(
            arena,
            "{\"status\":\"%s\",\"error\":{\"code\":\"c\",\"message\":\"m\"},\"action_url\":\"u\"}",
            rows[i].status);
        struct outcome outcome = read_query(200, body);
        cr_assert_eq(outcome.kind, rows[i].kind, "%s is %s", rows[i].status,
                     outcome_name(outcome.kind));
    }
    cr_assert_str_eq(
        read_query(200, "{\"status\":\"failed\",\"error\":{\"code\":\"c\",\"message\":\"m\"}}")
            .error_code,
        "c");
    cr_assert_str_eq(read_query(200, "{\"status\":\"failed\",\"error\":null}").error_code,
                     "declined");
    cr_assert_eq(read_query(404, "{\"error\":{\"code\":\"not_found\"}}").kind, OUTCOME_NOT_FOUND);
    // A proxy's 404 proves nothing about a charge.
    cr_assert_eq(read_query(404, "<h1>Not Found</h1>").kind, OUTCOME_LOST);
    cr_assert_eq(read_query(401, "{}").kind, OUTCOME_LOST);
}

Test(simulator, exchanges_a_card)
{
    struct http_request request;
    struct outcome outcome;
    struct provider_card card = {"4242424242424242", "123", NULL, 1, 2030};
    cr_assert(provider.tokenize(&use, &card, &request));
    cr_assert_str_eq(body_of(&request), "{\"number\":\"4242424242424242\",\"expiry_month\":1,"
                                        "\"expiry_year\":2030,\"cvv\":\"123\"}");
    struct http_response response = {
        .status = 201, .body = bytes_of_string("{\"id\":\"stok_1\"}"), .error = ""};
    cr_assert_str_eq(provider.read_token(&use, &response, &outcome), "stok_1");
    response = (struct http_response){
        .status = 400, .body = bytes_of_string("{\"error\":{\"code\":\"c\",\"message\":\"m\"}}")};
    cr_assert_null(provider.read_token(&use, &response, &outcome));
    cr_assert_eq(outcome.kind, OUTCOME_FAILED);
    response = (struct http_response){.status = 500, .body = bytes_of_string("{}")};
    cr_assert_null(provider.read_token(&use, &response, &outcome));
    cr_assert_eq(outcome.kind, OUTCOME_LOST);
    response = (struct http_response){.failure = HTTP_NO_CONNECTION};
    cr_assert_null(provider.read_token(&use, &response, &outcome));
    cr_assert_eq(outcome.kind, OUTCOME_NOT_SENT);
}

Test(simulator, believes_a_callback_of_the_right_signature_only)
{
    struct bytes body = bytes_of_string("{\"reference\":\"op_1\"}");
    struct sha256 mac = crypto_hmac_sha256(bytes_of_string("secret"), body);
    struct provider_header header = {
        "X-Signature-256",
        arena_printf(arena, "sha256=%s", crypto_hex(arena, BYTES_OF_ARRAY(mac.at)))};
    struct provider_callback callback = {.headers = &header, .headers_n = 1, .body = body};
    cr_assert_eq(provider.callback_proof(&use, &callback), CALLBACK_PROVEN);
    cr_assert_str_eq(provider.callback_reference(arena, &callback), "op_1");
    callback.headers_n = 0;
    cr_assert_eq(provider.callback_proof(&use, &callback), CALLBACK_FORGED);
    callback.headers_n = 1;
    callback.body = bytes_of_string("{\"reference\":\"op_2\"}");
    cr_assert_eq(provider.callback_proof(&use, &callback), CALLBACK_FORGED);
    callback.body = bytes_of_string("[1]");
    cr_assert_null(provider.callback_reference(arena, &callback));
}
