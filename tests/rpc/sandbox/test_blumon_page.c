#include "blumon.h"

static void setup(void)
{
    setenv("SANDBOX_BLUMON_WEBHOOK_SECRET", BLUMON_SECRET, 1);
    setenv("SANDBOX_TIME_PERCENT", "1", 1);
    house_open();
    blumon_enter();
}

TestSuite(blumon_page, .init = setup, .fini = house_close, .timeout = 60);

static const char *register_card(const char *card, const char *expected, const char **ret_page)
{
    struct http_response response =
        blumon_ask("/mpi/3ds-registry", blumon_order("r", "10.00", blumon_number(card), ""));
    cr_assert(blumon_approved(&response));
    cr_assert_str_eq(said(&asker, &response, "dataResponse.status"), expected);
    const char *url = said(&asker, &response, "dataResponse.authenticationUrl");
    *ret_page = *url ? strstr(url, "/blumon/mpi/3ds/") : NULL;
    return said(&asker, &response, "dataResponse.threeDSTransactionId");
}

static const char *registration_status(const char *id)
{
    struct http_response response =
        blumon_call("GET", arena_printf(asker.arena, "/mpi/3ds-registry/%s", id), NULL);
    cr_assert(blumon_approved(&response));
    return said(&asker, &response, "dataResponse.status");
}

static struct http_response charge_with(const char *id, const char *amount, const char *card)
{
    return blumon_ask(
        "/ecommerce/charge",
        blumon_order("r", amount, blumon_number(card),
                     arena_printf(asker.arena, ",\"threeDSTransactionId\":\"%s\"", id)));
}

Test(blumon_page, charges_what_the_payer_approved)
{
    const char *page;
    blumon_refused(blumon_charge("r", CHALLENGED_CARD), 400, "3DS_REQUIRED");
    const char *id = register_card(CHALLENGED_CARD, "CHALLENGE", &page);
    blumon_refused(charge_with(id, "10.00", CHALLENGED_CARD), 400, "3DS_PENDING");
    cr_assert_str_eq(registration_status(id), "CHALLENGE");
    struct http_response response = ask(&asker, "GET", page, NULL);
    cr_assert_eq(response.status, 200);
    cr_assert_not_null(strstr((const char *)response.body.at, "value=\"approve\""));
    cr_assert_eq(ask(&asker, "POST", page, "outcome=perhaps").status, 400);
    cr_assert_eq(ask(&asker, "POST", page, "outcome=approve").status, 200);
    cr_assert_eq(ask(&asker, "POST", page, "outcome=decline").status, 409);
    cr_assert_str_eq(registration_status(id), "AUTHENTICATED");
    blumon_refused(charge_with(id, "10.01", CHALLENGED_CARD), 400, "3DS_MISMATCH");
    blumon_refused(charge_with(id, "10.00", "4000002760003184"), 400, "3DS_MISMATCH");
    response = charge_with(id, "10.00", CHALLENGED_CARD);
    cr_assert(blumon_approved(&response));
    blumon_refused(charge_with(id, "10.00", CHALLENGED_CARD), 400, "3DS_USED");
    blumon_refused(charge_with("none", "10.00", CHALLENGED_CARD), 400, "3DS_NOT_FOUND");
    cr_assert_eq(house_moved("blumon", "r"), 1);
    cr_assert_eq(ask(&asker, "GET", "/blumon/mpi/3ds/none", NULL).status, 404);
}

Test(blumon_page, declines_what_the_payer_declined)
{
    const char *page;
    const char *id = register_card(CHALLENGED_CARD, "CHALLENGE", &page);
    cr_assert_eq(ask(&asker, "POST", page, "{\"outcome\":\"decline\"}").status, 200);
    cr_assert_str_eq(registration_status(id), "REJECTED");
    blumon_refused(blumon_call("GET", "/mpi/3ds-registry/none", NULL), 404, "3DS_NOT_FOUND");
    blumon_refused(charge_with(id, "10.00", CHALLENGED_CARD), 400, "3DS_REJECTED");
    cr_assert_str_eq(house_ledger("blumon", "r", "status"), "failed");
}

Test(blumon_page, asks_nobody_about_a_card_that_needs_no_approval)
{
    const char *page;
    const char *id = register_card(GOOD_CARD, "AUTHENTICATED", &page);
    cr_assert_null(page);
    struct http_response response = charge_with(id, "10.00", GOOD_CARD);
    cr_assert(blumon_approved(&response));
}

static const char *generate(const char *reference, const char *more)
{
    struct http_response response = blumon_ask(
        "/checkout/generate",
        arena_printf(asker.arena,
                     "{\"unique\":true,\"response\":true,\"reference\":\"%s\",\"amount\":1.1,"
                     "\"currency\":\"484\",\"urlCallback\":\"http://shop/back\"%s}",
                     reference, more));
    cr_assert(blumon_approved(&response), "%s", (const char *)response.body.at);
    const char *path = said(&asker, &response, "dataResponse.payOrder");
    cr_assert_not_null(strstr(said(&asker, &response, "dataResponse.url"), path));
    return arena_printf(asker.arena, "/blumon%s", path);
}

Test(blumon_page, takes_payments_on_its_own_page)
{
    const char *paid = generate("paid", ""), *canceled = generate("canceled", "");
    const char *declined = generate("declined", ",\"expiration\":\"2039-12-31\"");
    struct http_response response = ask(&asker, "GET", paid, NULL);
    cr_assert_not_null(strstr((const char *)response.body.at, "value=\"pay\""));
    cr_assert_str_eq(house_ledger("blumon", "paid", "status"), "pending");
    cr_assert_eq(ask(&asker, "POST", paid, "outcome=nothing").status, 400);
    cr_assert_eq(ask(&asker, "POST", paid, "outcome=pay&card=1").status, 400);
    cr_assert_eq(ask(&asker, "POST", paid, "card=4242424242424242&outcome=pay").status, 200);
    cr_assert_eq(ask(&asker, "POST", paid, "outcome=pay").status, 409);
    cr_assert_eq(ask(&asker, "POST", canceled, "outcome=cancel").status, 200);
    cr_assert_eq(ask(&asker, "POST", declined, "outcome=pay&card=4000000000009995").status, 200);
    cr_assert_str_eq(house_ledger("blumon", "paid", "status"), "succeeded");
    cr_assert_eq(house_moved("blumon", "paid"), 1);
    cr_assert_str_eq(house_ledger("blumon", "canceled", "status"), "canceled");
    cr_assert_str_eq(house_ledger("blumon", "declined", "code"), "51");
    blumon_refused(blumon_ask("/checkout/generate",
                              "{\"amount\":1,\"currency\":\"484\",\"expiration\":\"2020-01-01\"}"),
                   400, "VALIDATION");
    cr_assert_eq(ask(&asker, "POST", "/blumon/checkout/none", "outcome=pay").status, 404);
}

Test(blumon_page, gives_up_a_checkout_that_nobody_pays)
{
    const char *page = generate("r", "");
    mimics_settle(sandbox.mimics, clock_unix_us() + 86400 * US_PER_S);
    cr_assert_str_eq(house_ledger("blumon", "r", "status"), "expired");
    cr_assert_eq(ask(&asker, "POST", page, "outcome=pay").status, 409);
    cr_assert_eq(house_moved("blumon", "r"), 0);
}

static const char *told(int n, const char *path)
{
    const struct json_value *value;
    house_await_calls(n + 1);
    cr_assert_eq(json_parse(asker.arena, bytes_of_string(calls[n].body), &value), STATUS_OK);
    const char *text = json_get_string(value, path);
    return text ? text : "";
}

static bool genuine(int n)
{
    struct sha256 mac =
        crypto_hmac_sha256(bytes_of_string(BLUMON_SECRET), bytes_of_string(calls[n].body));
    return strcmp(calls[n].signature,
                  arena_printf(asker.arena, "sha256=%s",
                               crypto_hex(asker.arena, BYTES_OF_ARRAY(mac.at)))) == 0;
}

static struct http_response charge_telling(const char *reference, const char *card)
{
    return blumon_ask("/ecommerce/charge",
                      blumon_order(reference, "10.00", blumon_number(card),
                                   arena_printf(asker.arena, ",\"notificationUrl\":\"%s\"",
                                                house_callback_url("/told"))));
}

Test(blumon_page, tells_what_came_of_a_charge_and_signs_it)
{
    struct http_response response = charge_telling("r", GOOD_CARD);
    cr_assert_str_eq(told(0, "reference"), "r");
    cr_assert_str_eq(told(0, "amount"), "10.00");
    cr_assert_str_eq(told(0, "authorizationCode"),
                     said(&asker, &response, "dataResponse.authorization"));
    cr_assert_str_eq(told(0, "operationType"), "VENTA");
    cr_assert_str_eq(told(0, "codeResponse"), "00");
    cr_assert_str_eq(told(0, "lastFour"), "4242");
    cr_assert_str_eq(told(0, "brand"), "VISA");
    cr_assert_eq(strlen(told(0, "dateTransaction")), 19);
    cr_assert(genuine(0));
    cr_assert_not_null(strstr(calls[0].body, arena_printf(asker.arena, "\"operationNumber\":%s,",
                                                          said(&asker, &response, "id"))));
    cr_assert_str_eq(calls[0].path, "/told");
    charge_telling("d", "4000000000009995");
    cr_assert_str_eq(told(1, "codeResponse"), "51");
    cr_assert_str_eq(told(1, "authorizationCode"), "");
}

Test(blumon_page, tells_of_refunds)
{
    const char *id = blumon_paid("r", GOOD_CARD);
    blumon_ask(arena_printf(asker.arena, "/ecommerce/refund/%s", id),
               arena_printf(asker.arena, "{\"amount\":4,\"notificationUrl\":\"%s\"}",
                            house_callback_url("/")));
    cr_assert_str_eq(told(0, "operationType"), "DEVOLUCION");
    cr_assert_str_eq(told(0, "amount"), "4.00");
}

Test(blumon_page, lies_when_told_to)
{
    charge_telling("d", "4000000000009995");
    house_await_calls(1);
    const char *url = house_callback_url("/lie");
    cr_assert_eq(house_control("blumon", arena_printf(asker.arena,
                                                      "\"forge\":{\"url\":\"%s\",\"reference\":"
                                                      "\"d\"}",
                                                      url)),
                 200);
    cr_assert_str_eq(told(1, "codeResponse"), "00");
    cr_assert_not(genuine(1));
    cr_assert_str_eq(house_ledger("blumon", "d", "status"), "failed");
}

Test(blumon_page, tells_of_a_checkout_that_is_canceled_or_runs_out)
{
    const char *more =
        arena_printf(asker.arena, ",\"notificationUrl\":\"%s\"", house_callback_url("/told"));
    const char *canceled = generate("c", more);
    cr_assert_eq(ask(&asker, "POST", canceled, "outcome=cancel").status, 200);
    cr_assert_str_eq(told(0, "codeResponse"), "CANCELED");
    generate("e", more);
    mimics_settle(sandbox.mimics, clock_unix_us() + 86400 * US_PER_S);
    cr_assert_str_eq(told(1, "codeResponse"), "EXPIRED");
    cr_assert_str_eq(told(1, "amount"), "1.10");
}

static struct http_server *known; // its address is a setting

static void setup_told(void)
{
    known = house_serve(house_listen, false);
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%d/setting", http_server_port(known));
    setenv("SANDBOX_BLUMON_WEBHOOK_URL", url, 1);
    setup();
}

static void teardown_told(void)
{
    house_close();
    http_server_stop(known, 2000);
}

TestSuite(blumon_told, .init = setup_told, .fini = teardown_told, .timeout = 60);

Test(blumon_told, tells_where_the_setting_says_unless_the_charge_does)
{
    blumon_paid("r", GOOD_CARD);
    cr_assert_str_eq(told(0, "reference"), "r");
    cr_assert_str_eq(calls[0].path, "/setting");
    charge_telling("s", GOOD_CARD);
    cr_assert_str_eq(told(1, "reference"), "s");
    cr_assert_str_eq(calls[1].path, "/told");
}
