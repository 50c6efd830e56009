#include "paydunya.h"

#define ORANGE "orange-money-senegal"
#define WAVE "wave-senegal"
#define MTN "mtn-ci"

static void setup(void)
{
    setenv("SANDBOX_TIME_PERCENT", "1", 1);
    house_open();
}

TestSuite(paydunya, .init = setup, .fini = house_close, .timeout = 60);

static struct http_response press(const char *token, const char *body)
{
    return ask(&asker, "POST",
               arena_printf(asker.arena, "/paydunya/sandbox-checkout/invoice/%s", token), body);
}

Test(paydunya, makes_an_invoice_and_shows_it)
{
    struct http_response response =
        call("POST", "/sandbox-api/v1/checkout-invoice/create", invoice_body("r", "5000", ""));
    expect_code(response, "00");
    const char *token = said(&asker, &response, "token");
    cr_assert_not_null(strstr(said(&asker, &response, "response_text"),
                              arena_printf(asker.arena, "/sandbox-checkout/invoice/%s", token)));
    response = confirm(token);
    expect_code(response, "00");
    cr_assert_str_eq(said(&asker, &response, "status"), "pending");
    cr_assert_str_eq(said(&asker, &response, "mode"), "test");
    cr_assert_str_eq(said(&asker, &response, "invoice.token"), token);
    cr_assert_eq(counted(&asker, &response, "invoice.total_amount"), 5000);
    cr_assert_str_eq(said(&asker, &response, "custom_data.reference"), "r");
    cr_assert_eq(counted(&asker, &response, "custom_data.cart.items.0"), 7);
    struct sha512 digest = crypto_sha512(bytes_of_string(master_key));
    cr_assert_str_eq(said(&asker, &response, "hash"),
                     crypto_hex(asker.arena, BYTES_OF_ARRAY(digest.at)));
    cr_assert_str_eq(said(&asker, &response, "receipt_url"), "");
    cr_assert_str_eq(house_ledger("paydunya", "r", "status"), "pending");
    expect_code(confirm("none"), "3001");
    expect_code(
        call("GET", arena_printf(asker.arena, "/api/v1/checkout-invoice/confirm/%s", token), NULL),
        "3001");
}

Test(paydunya, refuses_wrong_keys_and_those_of_the_other_environment)
{
    const char *body = invoice_body("r", "5000", "");
    private_key = "test_paydunya-sandbox-private";
    expect_code(call("POST", "/sandbox-api/v1/checkout-invoice/create", body), "00");
    expect_code(call("POST", "/api/v1/checkout-invoice/create", body), "1001");
    private_key = "live_paydunya-sandbox-private";
    expect_code(call("POST", "/sandbox-api/v1/checkout-invoice/create", body), "1001");
    expect_code(call("POST", "/api/v1/checkout-invoice/create", body), "00");
    private_key = "wrong";
    expect_code(call("POST", "/api/v1/checkout-invoice/create", body), "1001");
    private_key = "paydunya-sandbox-private";
    master_key = "wrong";
    static const char *const paths[] = {
        "/api/v1/checkout-invoice/create",
        "/api/v1/softpay/mtn-ci",
        "/api/v1/opr/create",
        "/api/v1/opr/charge",
        "/api/v1/direct-pay/credit-account",
        "/api/v2/disburse/get-invoice",
        "/api/v2/disburse/submit-invoice",
        "/api/v2/disburse/check-status",
    };
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        expect_code(call("POST", paths[i], body), "1001");
    expect_code(confirm("x"), "1001");
    master_key = "paydunya-sandbox-master";
    token_key = "wrong";
    expect_code(confirm("x"), "1001");
}

Test(paydunya, refuses_invoices_that_are_none)
{
    static const char *const bodies[] = {
        "[",
        "{}",
        "{\"invoice\":{\"total_amount\":100}}",
        "{\"store\":{\"name\":\"Shop\"}}",
        "{\"invoice\":{\"total_amount\":100},\"store\":{\"name\":\"\"}}",
        "{\"invoice\":{\"total_amount\":0},\"store\":{\"name\":\"Shop\"}}",
        "{\"invoice\":{\"total_amount\":1.5},\"store\":{\"name\":\"Shop\"}}",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        expect_code(call("POST", "/sandbox-api/v1/checkout-invoice/create", bodies[i]), "1002");
}

Test(paydunya, is_paid_on_its_page)
{
    const char *paid = invoice("paid", ""), *cancelled = invoice("cancelled", "");
    const char *failed = invoice("failed", "");
    struct http_response page =
        ask(&asker, "GET", arena_printf(asker.arena, "/paydunya/sandbox-checkout/invoice/%s", paid),
            NULL);
    cr_assert_not_null(strstr((const char *)page.body.at, "value=\"pay\""));
    cr_assert_eq(press(paid, "outcome=perhaps").status, 400);
    cr_assert_eq(press("none", "outcome=pay").status, 404);
    cr_assert_eq(press(paid, "outcome=pay").status, 200);
    cr_assert_eq(press(paid, "outcome=pay").status, 409);
    cr_assert_eq(press(cancelled, "{\"outcome\":\"cancel\"}").status, 200);
    cr_assert_eq(press(failed, "outcome=fail").status, 200);
    struct http_response response = confirm(paid);
    cr_assert_str_eq(said(&asker, &response, "status"), "completed");
    cr_assert_str_neq(said(&asker, &response, "receipt_url"), "");
    cr_assert_str_neq(said(&asker, &response, "provider_reference"), "");
    cr_assert_str_eq(status_of(cancelled), "cancelled");
    response = confirm(failed);
    cr_assert_str_eq(said(&asker, &response, "status"), "failed");
    cr_assert_str_eq(said(&asker, &response, "fail_reason"), "insufficient_funds");
    cr_assert_eq(house_moved("paydunya", "paid"), 1);
    cr_assert_eq(house_moved("paydunya", "cancelled"), 0);
}

Test(paydunya, expires_when_nobody_pays)
{
    const char *token = invoice("r", "");
    mimics_settle(sandbox.mimics, clock_unix_us() + 86400 * US_PER_S);
    cr_assert_str_eq(status_of(token), "expired");
    cr_assert_eq(press(token, "outcome=pay").status, 409);
    cr_assert_eq(house_moved("paydunya", "r"), 0);
}

static const char *soft_body(const char *operator, const char * token, const char *phone)
{
    const char *format = "{\"customer_name\":\"A B\",\"customer_email\":\"a@b.sn\","
                         "\"phone_number\":\"%s\",\"invoice_token\":\"%s\"}";
    if (strcmp(operator, WAVE) == 0)
        format = "{\"wave_senegal_fullName\":\"A B\",\"wave_senegal_email\":\"a@b.sn\","
                 "\"wave_senegal_phone\":\"%s\",\"wave_senegal_payment_token\":\"%s\"}";
    if (strcmp(operator, MTN) == 0)
        format = "{\"mtn_ci_customer_fullname\":\"A B\",\"mtn_ci_email\":\"a@b.ci\","
                 "\"mtn_ci_phone_number\":\"%s\",\"mtn_ci_wallet_provider\":\"MTNCI\","
                 "\"payment_token\":\"%s\"}";
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    return arena_printf(asker.arena, format, phone, token);
#pragma GCC diagnostic pop
}

static struct http_response soft(const char *operator, const char * token, const char *phone)
{
    return call("POST", arena_printf(asker.arena, "/api/v1/softpay/%s", operator),
                soft_body(operator, token, phone));
}

static bool success(struct http_response *response)
{
    const struct json_value *value;
    bool good;
    cr_assert_eq(json_parse(asker.arena, response->body, &value), STATUS_OK);
    cr_assert(json_get_bool(value, "success", &good), "%s", (const char *)response->body.at);
    return good;
}

static void soft_refused(struct http_response response, int status)
{
    cr_assert_eq(response.status, status, "%s", (const char *)response.body.at);
    cr_assert_not(success(&response));
    cr_assert_str_neq(said(&asker, &response, "message"), "");
}

Test(paydunya, asks_the_payer_to_confirm)
{
    const char *orange = invoice("orange", ""), *mtn = invoice("mtn", "");
    struct http_response response = soft(ORANGE, orange, "771234567");
    cr_assert(success(&response));
    cr_assert_eq(counted(&asker, &response, "fees"), 100);
    cr_assert_str_eq(said(&asker, &response, "currency"), "XOF");
    cr_assert_str_eq(said(&asker, &response, "url"), "");
    response = soft(MTN, mtn, "0501234567");
    cr_assert(success(&response));
    expect(orange, "completed");
    expect(mtn, "completed");
    response = confirm(orange);
    cr_assert_str_eq(said(&asker, &response, "customer.name"), "A B");
    cr_assert_str_eq(said(&asker, &response, "customer.phone"), "771234567");
    cr_assert_str_eq(said(&asker, &response, "customer.payment_method"), ORANGE);
    cr_assert_str_eq(said(&asker, &response, "custom_data.reference"), "orange");
    cr_assert_eq(house_moved("paydunya", "orange"), 1);
}

Test(paydunya, sends_the_payer_of_wave_to_a_page)
{
    const char *token = invoice("r", ""), *willing = invoice("w", "");
    struct http_response response = soft(WAVE, token, "761234567");
    cr_assert(success(&response));
    const char *page = strstr(said(&asker, &response, "url"), "/paydunya/checkout/");
    cr_assert_not_null(page);
    soft(WAVE, willing, "761234559");
    expect(willing, "completed");
    cr_assert_str_eq(status_of(token), "pending");
    cr_assert_eq(ask(&asker, "POST", page, "outcome=pay").status, 200);
    cr_assert_str_eq(status_of(token), "completed");
}

Test(paydunya, does_what_the_phone_number_says)
{
    static const struct {
        const char *phone, *status;
    } table[] = {
        {"771234550", "failed"},
        {"771234551", "cancelled"},
        {"771234552", "expired"},
        {"771234554", "completed"},
    };
    const char *silent = invoice("silent", "");
    cr_assert_eq(soft(ORANGE, silent, "771234553").status, 200);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const char *token = invoice(table[i].phone, "");
        cr_assert_eq(soft(ORANGE, token, table[i].phone).status, 200);
        expect(token, table[i].status);
    }
    cr_assert_str_eq(status_of(silent), "pending");
    soft_refused(soft(ORANGE, invoice("n", ""), "771234555"), 422);
}

Test(paydunya, is_paid_once)
{
    const char *token = invoice("r", "");
    cr_assert_eq(soft(ORANGE, token, "771234554").status, 200);
    soft_refused(soft(ORANGE, token, "771234567"), 422);
    expect(token, "completed");
    soft_refused(soft(ORANGE, token, "771234567"), 422);
    soft_refused(soft(WAVE, token, "771234567"), 422);
    const char *cancelled = invoice("c", "");
    press(cancelled, "outcome=cancel");
    soft_refused(soft(ORANGE, cancelled, "771234567"), 422);
    cr_assert_eq(house_moved("paydunya", "r"), 1);
    cr_assert_eq(house_moved("paydunya", "c"), 0);
}

Test(paydunya, refuses_numbers_of_another_form)
{
    static const char *const table[][2] = {
        {ORANGE, "221771234567"}, {ORANGE, "+221771234567"},
        {ORANGE, "761234567"},    {ORANGE, "77123456"},
        {WAVE, "221761234567"},   {WAVE, "331234567"},
        {MTN, "2250501234567"},   {MTN, "501234567"},
        {MTN, "0901234567"},      {MTN, ""},
    };
    const char *token = invoice("r", "");
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        soft_refused(soft(table[i][0], token, table[i][1]), 422);
    soft_refused(soft("moov-mars", token, "771234567"), 404);
    soft_refused(soft(ORANGE, "none", "771234567"), 422);
    soft_refused(call("POST", "/api/v1/softpay/" MTN, soft_body(ORANGE, token, "0501234567")), 422);
    soft_refused(call("POST", "/api/v1/softpay/" ORANGE, "["), 422);
    cr_assert_str_eq(status_of(token), "pending");
}

static struct http_response orange_with(const char *operator, const char * token, const char *more)
{
    return call("POST", arena_printf(asker.arena, "/api/v1/softpay/%s", operator),
                arena_printf(asker.arena,
                             "{\"customer_name\":\"A B\",\"customer_email\":\"a@b.sn\","
                             "\"phone_number\":\"771234567\",\"invoice_token\":\"%s\"%s}",
                             token, more));
}

Test(paydunya, takes_codes_of_orange)
{
    const char *token = invoice("r", ""), *page = invoice("page", "");
    soft_refused(orange_with(ORANGE, token, ",\"authorization_code\":\"000000\""), 422);
    soft_refused(orange_with("new-" ORANGE, token, ""), 422);
    soft_refused(orange_with("new-" ORANGE, token, ",\"api_type\":\"OTPCODE\""), 422);
    struct http_response response = orange_with("new-" ORANGE, page, ",\"api_type\":\"QRCODE\"");
    cr_assert_str_neq(said(&asker, &response, "url"), "");
    response = orange_with("new-" ORANGE, token,
                           ",\"api_type\":\"OTPCODE\",\"authorization_code\":\"123456\"");
    cr_assert(success(&response));
    expect(token, "completed");
    cr_assert_str_eq(status_of(page), "pending");
}

Test(paydunya, asks_whether_a_callback_is_there_and_then_calls)
{
    const char *token = invoice("r", house_callback_url("/ipn"));
    house_await_calls(1);
    cr_assert_str_eq(calls[0].body, "");
    cr_assert_str_eq(calls[0].path, "/ipn");
    soft(ORANGE, token, "771234567");
    struct sha512 digest = crypto_sha512(bytes_of_string(master_key));
    cr_assert_str_eq(field(1, "data[hash]"), crypto_hex(asker.arena, BYTES_OF_ARRAY(digest.at)));
    cr_assert_str_eq(calls[1].type, "application/x-www-form-urlencoded");
    cr_assert_str_eq(field(1, "data[status]"), "completed");
    cr_assert_str_eq(field(1, "data[response_code]"), "00");
    cr_assert_str_eq(field(1, "data[invoice][token]"), token);
    cr_assert_str_eq(field(1, "data[invoice][total_amount]"), "5000");
    cr_assert_str_eq(field(1, "data[custom_data][reference]"), "r");
    cr_assert_str_eq(field(1, "data[custom_data][cart][items][0]"), "7");
    cr_assert_str_eq(field(1, "data[custom_data][cart][items][1]"), "true");
    cr_assert_str_eq(field(1, "data[customer][phone]"), "771234567");
}

Test(paydunya, lies_when_told_to)
{
    invoice("r", "");
    const char *url = house_callback_url("/lie");
    cr_assert_eq(house_control("paydunya",
                               arena_printf(asker.arena,
                                            "\"forge\":{\"url\":\"%s\",\"reference\":\"r\"}", url)),
                 200);
    cr_assert_str_eq(field(0, "data[status]"), "completed");
    struct sha512 digest = crypto_sha512(bytes_of_string(master_key));
    cr_assert_str_neq(field(0, "data[hash]"), crypto_hex(asker.arena, BYTES_OF_ARRAY(digest.at)));
    cr_assert_str_eq(house_ledger("paydunya", "r", "status"), "pending");
}
