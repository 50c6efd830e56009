#include "blumon.h"

static void setup(void)
{
    setenv("SANDBOX_BLUMON_WEBHOOK_SECRET", BLUMON_SECRET, 1);
    setenv("SANDBOX_TIME_PERCENT", "1", 1);
    house_open();
    blumon_enter();
}

TestSuite(blumon, .init = setup, .fini = house_close, .timeout = 60);

Test(blumon, gives_tokens_for_a_password_and_renews_them)
{
    static const char client[] = "blumon-sandbox-client:blumon-sandbox-secret";
    struct http_response response =
        blumon_login(client, blumon_password_form("blumon-sandbox-password"));
    cr_assert_str_eq(said(&asker, &response, "token_type"), "bearer");
    cr_assert_eq(counted(&asker, &response, "expires_in"), 107); // a hundred times as fast
    const char *refresh = said(&asker, &response, "refresh_token");
    response = blumon_login(
        client, arena_printf(asker.arena, "grant_type=refresh_token&refresh_token=%s", refresh));
    cr_assert_eq(response.status, 200);
    blumon_access = said(&asker, &response, "access_token");
    cr_assert_str_neq(blumon_paid("r", GOOD_CARD), "");
    blumon_access = said(&asker, &response, "refresh_token");
    cr_assert_eq(blumon_charge("r", GOOD_CARD).status, 401, "a refresh token pays nothing");
}

static void expect_oauth(struct http_response response, int status, const char *error)
{
    cr_assert_eq(response.status, status);
    cr_assert_str_eq(said(&asker, &response, "error"), error);
    cr_assert_str_neq(said(&asker, &response, "error_description"), "");
}

Test(blumon, refuses_strangers_and_tokens_that_have_expired)
{
    static const char client[] = "blumon-sandbox-client:blumon-sandbox-secret";
    const char *form = blumon_password_form("blumon-sandbox-password");
    expect_oauth(blumon_login("blumon-sandbox-client:x", form), 401, "invalid_client");
    expect_oauth(blumon_login("x", form), 401, "invalid_client");
    expect_oauth(blumon_login(client, blumon_password_form("x")), 400, "invalid_grant");
    expect_oauth(blumon_login(client, "grant_type=password&username=blumon-sandbox-user&"
                                      "password=blumon-sandbox-password"),
                 400, "invalid_grant");
    expect_oauth(blumon_login(client, "grant_type=refresh_token&refresh_token=x"), 400,
                 "invalid_grant");
    expect_oauth(blumon_login(client, "grant_type=code"), 400, "unsupported_grant_type");
    cr_assert_eq(house_control("blumon", "\"expire_tokens\":true"), 200);
    static const char *const paths[] = {"/cardToken/add",      "/ecommerce/charge",
                                        "/ecommerce/cancel/x", "/ecommerce/refund/x",
                                        "/mpi/3ds-registry",   "/checkout/generate"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        expect_oauth(blumon_ask(paths[i], "{}"), 401, "invalid_token");
    blumon_access = "";
    expect_oauth(blumon_ask(paths[1], "{}"), 401, "unauthorized");
}

Test(blumon, charges_a_card)
{
    struct http_response response = blumon_charge("r", GOOD_CARD);
    cr_assert(blumon_approved(&response));
    cr_assert_str_eq(said(&asker, &response, "dataResponse.description"), "APROBADA");
    cr_assert_eq(strlen(said(&asker, &response, "dataResponse.authorization")), 6);
    cr_assert_str_eq(said(&asker, &response, "dataResponse.binInformation.brand"), "VISA");
    cr_assert_eq(strlen(said(&asker, &response, "date")), 10);
    cr_assert_eq(strlen(said(&asker, &response, "time")), 8);
    cr_assert_str_neq(said(&asker, &response, "requestId"), "");
    cr_assert_str_eq(house_ledger("blumon", "r", "status"), "succeeded");
    cr_assert_str_eq(house_ledger("blumon", "r", "currency"), "MXN");
    cr_assert_str_eq(house_ledger("blumon", "r", "payer"), "4242");
    cr_assert_eq(house_moved("blumon", "r"), 1);
}

static const char *token_of(const char *pan)
{
    struct http_response response = blumon_ask(
        "/cardToken/add", arena_printf(asker.arena,
                                       "{\"pan\":\"%s\",\"expMonth\":\"12\",\"expYear\":\"2039\","
                                       "\"holderName\":\"A B\",\"cvv\":\"123\"}",
                                       pan));
    cr_assert(blumon_approved(&response), "%s", (const char *)response.body.at);
    const char *id = said(&asker, &response, "dataResponse.id");
    return arena_printf(asker.arena, "{\"cardToken\":\"%s\",\"cvv\":\"123\"}", id);
}

Test(blumon, charges_by_token_and_keeps_no_number)
{
    struct http_response response = blumon_ask(
        "/ecommerce/charge", blumon_order("good", "10", token_of("5555555555554444"), ""));
    cr_assert(blumon_approved(&response));
    cr_assert_str_eq(said(&asker, &response, "dataResponse.binInformation.brand"), "MASTERCARD");
    blumon_refused(blumon_ask("/ecommerce/charge",
                              blumon_order("bad", "10", token_of("4000000000009995"), "")),
                   200, "51");
    blumon_refused(
        blumon_ask("/ecommerce/charge", blumon_order("x", "10", "{\"cardToken\":\"card_x\"}", "")),
        400, "CARD_TOKEN");
    response = ask(&asker, "GET", "/ledger?provider=blumon", NULL);
    cr_assert_not_null(strstr((const char *)response.body.at, "4444"));
    cr_assert_null(strstr((const char *)response.body.at, "5555555555554444"));
    cr_assert_null(strstr((const char *)response.body.at, "555555"));
}

Test(blumon, refuses_cards_that_are_none)
{
    static const char *const cards[] = {
        "{\"pan\":\"4242424242424241\",\"expMonth\":\"12\",\"expYear\":\"2039\",\"holderName\":"
        "\"A\"}",
        "{\"pan\":\"4242424242424242\",\"expMonth\":\"13\",\"expYear\":\"2039\",\"holderName\":"
        "\"A\"}",
        "{\"pan\":\"4242424242424242\",\"expMonth\":\"1\",\"expYear\":\"2039\",\"holderName\":"
        "\"A\"}",
        "{\"pan\":\"4242424242424242\",\"expMonth\":\"12\",\"expYear\":\"39\",\"holderName\":"
        "\"A\"}",
        "{\"pan\":\"4242424242424242\",\"expMonth\":\"12\",\"expYear\":\"2020\",\"holderName\":"
        "\"A\"}",
        "{\"pan\":\"4242424242424242\",\"expMonth\":\"12\",\"expYear\":\"2039\"}",
        "{\"pan\":\"4242424242424242\",\"expMonth\":\"12\",\"expYear\":\"2039\",\"holderName\":"
        "\"A\",\"cvv\":\"12\"}",
        "{}",
        "[",
    };
    for (size_t i = 0; i < sizeof cards / sizeof *cards; i++)
        blumon_refused(blumon_ask("/cardToken/add", cards[i]), 400, "CARD");
}

Test(blumon, declines_as_the_card_says)
{
    static const struct {
        const char *card;
        int status;
        const char *code;
    } table[] = {
        {"4000000000000002", 200, "57"},     {"4000000000009995", 200, "51"},
        {"4000000000000069", 200, "54"},     {"4000000000000127", 400, "122"},
        {"4000000000000119", 200, "912"},    {"4000000000001018", 400, "101"},
        {"4000000000000622", 400, "62"},     {"4000000000050056", 200, "N5"},
        {"4000000000000614", 200, "61"},     {"4000000000000655", 400, "65"},
        {"4000000000040040", 200, "O4"},     {"4000000000000945", 409, "94"},
        {"4000000000001877", 200, "187"},    {"4000000000080012", 400, "TX_001"},
        {"4000000000080038", 409, "TX_003"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        blumon_refused(blumon_charge(table[i].card, table[i].card), table[i].status, table[i].code);
        cr_assert_str_eq(house_ledger("blumon", table[i].card, "status"), "failed");
        cr_assert_str_eq(house_ledger("blumon", table[i].card, "code"), table[i].code);
        cr_assert_eq(house_moved("blumon", table[i].card), 0);
    }
}

Test(blumon, declines_a_card_that_has_expired_and_an_amount_that_is_too_large)
{
    static const char expired[] = "{\"cardNumber\":\"4242424242424242\",\"expirationYear\":\"20\","
                                  "\"expirationMonth\":\"12\"}";
    blumon_refused(blumon_ask("/ecommerce/charge", blumon_order("e", "10", expired, "")), 200,
                   "54");
    const char *card = blumon_number(GOOD_CARD);
    blumon_refused(blumon_ask("/ecommerce/charge", blumon_order("l", "1000000.01", card, "")), 400,
                   "TX_001");
    struct http_response response =
        blumon_ask("/ecommerce/charge", blumon_order("m", "1000000.00", card, ""));
    cr_assert(blumon_approved(&response));
}

Test(blumon, charges_again_when_a_reference_comes_again)
{
    const char *first = blumon_paid("r", GOOD_CARD);
    cr_assert_str_neq(blumon_paid("r", GOOD_CARD), first);
    struct http_response ledger = ask(&asker, "GET", "/ledger?provider=blumon&reference=r", NULL);
    cr_assert_eq(counted(&asker, &ledger, "entries.0.moved") +
                     counted(&asker, &ledger, "entries.1.moved"),
                 2);
}

Test(blumon, refuses_orders_that_are_none)
{
    const char *card = blumon_number(GOOD_CARD);
    const char *bodies[] = {
        "[",
        "{}",
        arena_printf(asker.arena, "{\"amount\":10,\"noPresentCardData\":%s}", card),
        arena_printf(asker.arena, "{\"amount\":10,\"currency\":\"MXN\",\"noPresentCardData\":%s}",
                     card),
        blumon_order("r", "\"10.00\"", card, ""),
        blumon_order("r", "0", card, ""),
        blumon_order("r", "-1", card, ""),
        blumon_order("r", "1.001", card, ""),
        blumon_order("", "10", card, ""),
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        blumon_refused(blumon_ask("/ecommerce/charge", bodies[i]), 400, "VALIDATION");
    blumon_refused(blumon_ask("/ecommerce/charge", blumon_order("r", "10", "{}", "")), 400,
                   "CARD_NUMBER");
    blumon_refused(blumon_ask("/ecommerce/charge",
                              blumon_order("r", "10", "{\"cardNumber\":\"4242424242424242\"}", "")),
                   400, "CARD_EXPIRATION");
}

static struct http_response follow(const char *what, const char *id, const char *amount)
{
    return blumon_ask(
        arena_printf(asker.arena, "/ecommerce/%s/%s", what, id),
        arena_printf(asker.arena, "{\"amount\":%s,\"reference\":\"%s %s\"}", amount, what, amount));
}

Test(blumon, cancels_a_charge_once_and_whole)
{
    const char *id = blumon_paid("r", GOOD_CARD);
    blumon_refused(follow("cancel", id, "9.99"), 400, "VALIDATION");
    blumon_refused(follow("cancel", id, "\"10.00\""), 400, "VALIDATION");
    struct http_response response = follow("cancel", id, "10.00");
    cr_assert(blumon_approved(&response));
    cr_assert_str_eq(house_ledger("blumon", "cancel%2010.00", "kind"), "void");
    cr_assert_str_eq(house_ledger("blumon", "cancel%2010.00", "related"), "r");
    blumon_refused(follow("cancel", id, "10.00"), 409, "94");
    blumon_refused(follow("refund", id, "10.00"), 404, "914");
    blumon_refused(follow("cancel", "none", "10.00"), 404, "914");
}

Test(blumon, refunds_no_more_than_was_charged)
{
    const char *id = blumon_paid("r", GOOD_CARD);
    struct http_response response = follow("refund", id, "4");
    cr_assert(blumon_approved(&response));
    blumon_refused(follow("cancel", id, "10.00"), 400, "VALIDATION");
    blumon_refused(follow("refund", id, "6.01"), 400, "VALIDATION");
    response = follow("refund", id, "6");
    cr_assert(blumon_approved(&response));
    cr_assert_eq(house_moved("blumon", "refund%206"), 1);
    blumon_refused(follow("refund", id, "0.01"), 400, "VALIDATION");
    blumon_refused(follow("refund", "none", "1"), 404, "914");
    blumon_charge("d", "4000000000009995");
    blumon_refused(follow("refund", house_ledger("blumon", "d", "id"), "1"), 404, "914");
}

Test(blumon, takes_the_money_and_does_not_answer)
{
    cr_assert_eq(house_control("blumon", "\"next\":\"timeout_after\""), 200);
    cr_assert_eq(blumon_charge("r", GOOD_CARD).failure, HTTP_TIMEOUT);
    cr_assert_eq(house_moved("blumon", "r"), 1);
}
