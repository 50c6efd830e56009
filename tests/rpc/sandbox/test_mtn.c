#include "mtn.h"

#define PAYER "260961234567"
#define SECRET "mtn-webhook-secret"
#define NEW_USER "99999999-2222-4333-9444-555555555555"

static void setup(void)
{
    setenv("SANDBOX_MTN_WEBHOOK_SECRET", SECRET, 1);
    setenv("SANDBOX_TIME_PERCENT", "1", 1);
    house_open();
    mtn_enter("collection");
}

TestSuite(mtn, .init = setup, .fini = house_close, .timeout = 60);

static void expect_refusal(struct http_response response, int status, const char *code)
{
    cr_assert_eq(response.status, status, "%d %s", response.status, (const char *)response.body.at);
    cr_assert_str_eq(said(&asker, &response, "code"), code);
    cr_assert_str_neq(said(&asker, &response, "message"), "");
}

Test(mtn, takes_a_payment_and_shows_it)
{
    struct http_response response = mtn_pay(REFERENCE, PAYER);
    cr_assert_eq(response.status, 202);
    cr_assert_eq(response.body.length, 0);
    house_expect("mtn", REFERENCE, "succeeded");
    response = mtn_payment(REFERENCE);
    cr_assert_eq(response.status, 200);
    cr_assert_str_eq(said(&asker, &response, "status"), "SUCCESSFUL");
    cr_assert_str_eq(said(&asker, &response, "amount"), "50");
    cr_assert_str_eq(said(&asker, &response, "currency"), "EUR");
    cr_assert_str_eq(said(&asker, &response, "externalId"), "order 7");
    cr_assert_str_eq(said(&asker, &response, "payer.partyId"), PAYER);
    cr_assert_str_eq(said(&asker, &response, "payer.partyIdType"), "MSISDN");
    cr_assert_str_eq(said(&asker, &response, "payerMessage"), "Thanks");
    cr_assert_str_eq(said(&asker, &response, "payeeNote"), "Note");
    cr_assert_eq(strlen(said(&asker, &response, "financialTransactionId")), 10);
}

Test(mtn, refuses_a_reference_that_is_there)
{
    cr_assert_eq(mtn_pay(REFERENCE, PAYER).status, 202);
    expect_refusal(mtn_pay(REFERENCE, PAYER), 409, "RESOURCE_ALREADY_EXIST");
    house_expect("mtn", REFERENCE, "succeeded");
    expect_refusal(mtn_pay(REFERENCE, PAYER), 409, "RESOURCE_ALREADY_EXIST");
    cr_assert_eq(house_moved("mtn", REFERENCE), 1);
}

Test(mtn, refuses_what_is_malformed)
{
    static const char *const bodies[] = {
        "",
        "[",
        "[]",
        "{}",
        "{\"amount\":\"50\",\"currency\":\"EUR\"}",
        "{\"amount\":\"50\",\"payer\":{\"partyIdType\":\"MSISDN\",\"partyId\":\"260961234567\"}}",
    };
    static const char *const amounts[] = {"", "0", "-5", "1e3", "5.001", "x", "0.00"};
    static const char *const parties[] = {"", "+260961234567", "12", "26096123456x"};
    static const char path[] = "/collection/v1_0/requesttopay";
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        expect_refusal(mtn_ask("POST", path, REFERENCE, bodies[i]), 400, "BAD_REQUEST");
    for (size_t i = 0; i < sizeof amounts / sizeof *amounts; i++)
        expect_refusal(
            mtn_ask("POST", path, REFERENCE, mtn_order("payer", PAYER, amounts[i], "EUR")), 400,
            "BAD_REQUEST");
    for (size_t i = 0; i < sizeof parties / sizeof *parties; i++)
        expect_refusal(mtn_pay(REFERENCE, parties[i]), 400, "BAD_REQUEST");
    expect_refusal(mtn_pay(NULL, PAYER), 400, "BAD_REQUEST");
    expect_refusal(mtn_pay("11111111-2222-1333-8444-555555555555", PAYER), 400, "BAD_REQUEST");
    expect_refusal(mtn_payment("x"), 400, "BAD_REQUEST");
    cr_assert_eq(house_moved("mtn", REFERENCE), -1);
}

Test(mtn, wants_keys_tokens_and_users)
{
    const char *token = mtn_token;
    expect_refusal(mtn_payment(REFERENCE), 404, "RESOURCE_NOT_FOUND");
    mtn_key = "wrong";
    cr_assert_eq(mtn_payment(REFERENCE).status, 401);
    mtn_key = NULL;
    cr_assert_eq(mtn_payment(REFERENCE).status, 401);
    cr_assert_eq(mtn_login("collection", MTN_USER, "mtn-sandbox-key").status, 401);
    mtn_key = "mtn-sandbox-subscription";
    cr_assert_eq(mtn_login("collection", MTN_USER, "wrong").status, 401);
    cr_assert_eq(mtn_login("collection", NEW_USER, "mtn-sandbox-key").status, 401);
    mtn_token = "wrong";
    cr_assert_eq(mtn_payment(REFERENCE).status, 401);
    mtn_token = token;
    cr_assert_eq(mtn_ask("GET", "/disbursement/v1_0/transfer/" REFERENCE, NULL, NULL).status, 401,
                 "a token is for one product");
    struct http_response response = mtn_login("disbursement", MTN_USER, "mtn-sandbox-key");
    cr_assert_str_eq(said(&asker, &response, "token_type"), "access_token");
    cr_assert_eq(counted(&asker, &response, "expires_in"), 36, "an hour at one percent");
}

Test(mtn, provisions_users)
{
    const char *body = "{\"providerCallbackHost\":\"127.0.0.1\"}";
    expect_refusal(mtn_ask("POST", "/v1_0/apiuser", "none", body), 400, "BAD_REQUEST");
    expect_refusal(mtn_ask("POST", "/v1_0/apiuser", NEW_USER, "{}"), 400, "BAD_REQUEST");
    expect_refusal(mtn_ask("GET", "/v1_0/apiuser/" NEW_USER, NULL, NULL), 404,
                   "RESOURCE_NOT_FOUND");
    expect_refusal(mtn_ask("POST", "/v1_0/apiuser/" NEW_USER "/apikey", NULL, ""), 404,
                   "RESOURCE_NOT_FOUND");
    cr_assert_eq(mtn_ask("POST", "/v1_0/apiuser", NEW_USER, body).status, 201);
    expect_refusal(mtn_ask("POST", "/v1_0/apiuser", NEW_USER, body), 409, "RESOURCE_ALREADY_EXIST");
    struct http_response response = mtn_ask("GET", "/v1_0/apiuser/" NEW_USER, NULL, NULL);
    cr_assert_str_eq(said(&asker, &response, "providerCallbackHost"), "127.0.0.1");
    cr_assert_str_eq(said(&asker, &response, "targetEnvironment"), "sandbox");
    cr_assert_eq(mtn_login("collection", NEW_USER, "").status, 401, "no key yet");
    response = mtn_ask("POST", "/v1_0/apiuser/" NEW_USER "/apikey", NULL, "");
    cr_assert_eq(response.status, 201);
    const char *key = said(&asker, &response, "apiKey");
    cr_assert_eq(mtn_login("collection", NEW_USER, key).status, 200);
    mtn_callback = "http://elsewhere.example/back";
    expect_refusal(mtn_pay(REFERENCE, PAYER), 500, "INVALID_CALLBACK_URL_HOST");
    mtn_callback = "http://127.0.0.1.elsewhere.example/back";
    expect_refusal(mtn_pay(REFERENCE, PAYER), 500, "INVALID_CALLBACK_URL_HOST");
    mtn_callback = house_callback_url("/back");
    cr_assert_eq(mtn_pay(REFERENCE, PAYER).status, 202);
    house_await_calls(1);
}

Test(mtn, calls_back_once_and_signed)
{
    mtn_callback = house_callback_url("/back?x=1");
    calls_answer = 500;
    mtn_pay(REFERENCE, PAYER);
    house_await_calls(1);
    mtn_pay(OTHER_REFERENCE, "46733123451");
    house_await_calls(2);
    cr_assert_eq(calls_n, 2, "refused, and not sent again");
    cr_assert_str_eq(calls[0].verb, "PUT");
    cr_assert_str_eq(calls[0].path, "/back");
    cr_assert_str_eq(calls[0].type, "application/json");
    struct http_response response = mtn_payment(REFERENCE);
    cr_assert_str_eq(calls[0].body, (const char *)response.body.at);
    cr_assert_str_eq(calls[0].signature,
                     callback_signature(asker.arena, SECRET, bytes_of_string(calls[0].body)));
    cr_assert_not_null(strstr(calls[1].body, "APPROVAL_REJECTED"));
    const char *lie = arena_printf(
        asker.arena, "\"forge\":{\"url\":\"%s\",\"reference\":\"" OTHER_REFERENCE "\"}",
        house_callback_url("/lie"));
    cr_assert_eq(house_control("mtn", lie), 200);
    house_await_calls(3);
    cr_assert_not_null(strstr(calls[2].body, "SUCCESSFUL"));
    cr_assert_str_neq(calls[2].signature,
                      callback_signature(asker.arena, SECRET, bytes_of_string(calls[2].body)));
}

Test(mtn, keeps_to_environments_and_their_currencies)
{
    mtn_environment = "elsewhere";
    expect_refusal(mtn_pay(REFERENCE, PAYER), 500, "NOT_ALLOWED_TARGET_ENVIRONMENT");
    mtn_environment = NULL;
    expect_refusal(mtn_payment(REFERENCE), 500, "NOT_ALLOWED_TARGET_ENVIRONMENT");
    mtn_environment = "mtnzambia";
    expect_refusal(mtn_pay(REFERENCE, PAYER), 500, "INVALID_CURRENCY");
    cr_assert_eq(mtn_ask("POST", "/collection/v1_0/requesttopay", REFERENCE,
                         mtn_order("payer", PAYER, "12.5", "ZMW"))
                     .status,
                 202);
    struct http_response response = mtn_payment(REFERENCE);
    cr_assert_str_eq(said(&asker, &response, "amount"), "12.5");
    mtn_environment = "mtnuganda";
    expect_refusal(mtn_ask("POST", "/collection/v1_0/requesttopay", OTHER_REFERENCE,
                           mtn_order("payer", PAYER, "12.5", "UGX")),
                   400, "BAD_REQUEST");
    mtn_environment = "sandbox";
    expect_refusal(mtn_ask("POST", "/collection/v1_0/requesttopay", OTHER_REFERENCE,
                           mtn_order("payer", PAYER, "12", "ZMW")),
                   500, "INVALID_CURRENCY");
}

struct published {
    const char *suffix;
    int http; // of the request; 202: accepted
    const char *code, *status;
};

static const char *numbered(const char *suffix)
{
    return arena_printf(asker.arena, "11111111-2222-4333-8444-5555555555%s", suffix);
}

// What a payment under a published number comes to, over the API.
static void expect_outcome(const struct published *expected, const char *path, const char *party)
{
    const char *reference = numbered(expected->suffix);
    const char *number = arena_printf(asker.arena, "467331234%s", expected->suffix);
    struct http_response response =
        mtn_ask("POST", path, reference, mtn_order(party, number, "50", "EUR"));
    if (expected->http != 202) {
        expect_refusal(response, expected->http, expected->code);
        cr_assert_eq(house_moved("mtn", reference), -1);
        return;
    }
    cr_assert_eq(response.status, 202, "%s", expected->suffix);
    house_expect("mtn", reference, expected->status);
    response = mtn_ask("GET", arena_printf(asker.arena, "%s/%s", path, reference), NULL, NULL);
    const char *reason = said(&asker, &response, "reason");
    if (!*reason)
        reason = said(&asker, &response, "reason.code");
    cr_assert_str_eq(reason, strcmp(expected->status, "pending") ? expected->code : "");
    cr_assert_str_eq(said(&asker, &response, "status"),
                     strcmp(expected->status, "pending") == 0     ? "PENDING"
                     : strcmp(expected->status, "succeeded") == 0 ? "SUCCESSFUL"
                                                                  : "FAILED");
}

Test(mtn, requests_come_to_what_their_number_says)
{
    static const struct published numbers[] = {
        {"50", 202, "INTERNAL_PROCESSING_ERROR", "failed"},
        {"51", 202, "APPROVAL_REJECTED", "failed"},
        {"52", 202, "EXPIRED", "expired"},
        {"53", 202, "", "pending"},
        {"54", 202, "", "succeeded"},
        {"55", 500, "PAYER_NOT_FOUND", ""},
        {"56", 500, "PAYEE_NOT_ALLOWED_TO_RECEIVE", ""},
        {"57", 500, "NOT_ALLOWED", ""},
        {"58", 500, "NOT_ALLOWED_TARGET_ENVIRONMENT", ""},
        {"59", 500, "INVALID_CALLBACK_URL_HOST", ""},
        {"60", 500, "INVALID_CURRENCY", ""},
        {"61", 500, "INTERNAL_PROCESSING_ERROR", ""},
        {"62", 503, "SERVICE_UNAVAILABLE", ""},
        {"63", 202, "COULD_NOT_PERFORM_TRANSACTION", "failed"},
        {"64", 202, "TRANSFER_TYPE_UNKNOWN", "failed"},
        {"65", 202, "", "succeeded"},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        expect_outcome(&numbers[i], "/collection/v1_0/requesttopay", "payer");
}

Test(mtn, transfers_come_to_what_their_number_says)
{
    static const struct published numbers[] = {
        {"50", 202, "INTERNAL_PROCESSING_ERROR", "failed"},
        {"51", 202, "APPROVAL_REJECTED", "failed"},
        {"52", 202, "EXPIRED", "expired"},
        {"53", 202, "", "pending"},
        {"54", 202, "", "succeeded"},
        {"55", 500, "NOT_ENOUGH_FUNDS", ""},
        {"56", 500, "PAYER_LIMIT_REACHED", ""},
        {"57", 500, "PAYEE_NOT_FOUND", ""},
        {"58", 500, "NOT_ALLOWED", ""},
        {"59", 500, "NOT_ALLOWED_TARGET_ENVIRONMENT", ""},
        {"60", 500, "INVALID_CALLBACK_URL_HOST", ""},
        {"61", 500, "INVALID_CURRENCY", ""},
        {"62", 500, "INTERNAL_PROCESSING_ERROR", ""},
        {"63", 503, "SERVICE_UNAVAILABLE", ""},
        {"64", 202, "TRANSFER_TYPE_UNKNOWN", "failed"},
        {"65", 202, "", "succeeded"},
    };
    mtn_enter("disbursement");
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        expect_outcome(&numbers[i], "/disbursement/v1_0/transfer", "payee");
}

Test(mtn, shows_what_is_delayed_as_created)
{
    cr_assert_eq(house_control("mtn", "\"settle_ms\":3600000"), 200);
    mtn_pay(REFERENCE, "46733123454");
    struct http_response response = mtn_payment(REFERENCE);
    cr_assert_str_eq(said(&asker, &response, "status"), "CREATED");
    mtn_pay(OTHER_REFERENCE, PAYER);
    response = mtn_payment(OTHER_REFERENCE);
    cr_assert_str_eq(said(&asker, &response, "status"), "PENDING");
    cr_assert_str_eq(said(&asker, &response, "financialTransactionId"), "");
}

static struct http_response refund(const char *reference, const char *of, const char *amount)
{
    return mtn_ask("POST", "/disbursement/v1_0/refund", reference,
                   arena_printf(asker.arena,
                                "{\"amount\":\"%s\",\"currency\":\"EUR\",\"externalId\":\"r\","
                                "\"referenceIdToRefund\":\"%s\",\"payerMessage\":\"a\","
                                "\"payeeNote\":\"b\"}",
                                amount, of));
}

Test(mtn, gives_back_no_more_than_was_paid)
{
    mtn_pay(REFERENCE, PAYER);
    house_expect("mtn", REFERENCE, "succeeded");
    mtn_enter("disbursement");
    expect_refusal(refund(numbered("01"), OTHER_REFERENCE, "1"), 404, "RESOURCE_NOT_FOUND");
    cr_assert_eq(refund(numbered("02"), REFERENCE, "30").status, 202);
    expect_refusal(refund(numbered("02"), REFERENCE, "1"), 409, "RESOURCE_ALREADY_EXIST");
    cr_assert_eq(refund(numbered("03"), REFERENCE, "20.01").status, 202);
    cr_assert_eq(refund(numbered("04"), REFERENCE, "20").status, 202);
    house_expect("mtn", numbered("02"), "succeeded");
    house_expect("mtn", numbered("03"), "failed");
    house_expect("mtn", numbered("04"), "succeeded");
    struct http_response response =
        mtn_ask("GET", arena_printf(asker.arena, "/disbursement/v1_0/refund/%s", numbered("03")),
                NULL, NULL);
    cr_assert_str_eq(said(&asker, &response, "status"), "FAILED");
    cr_assert_str_eq(said(&asker, &response, "reason.code"), "NOT_ALLOWED");
    cr_assert_str_eq(said(&asker, &response, "externalId"), "r");
    cr_assert_str_eq(house_ledger("mtn", numbered("04"), "related"), REFERENCE);
    cr_assert_eq(mtn_ask("GET", "/disbursement/v1_0/refund/" REFERENCE, NULL, NULL).status, 404,
                 "a payment is no refund");
}

Test(mtn, knows_account_holders_and_a_balance)
{
    struct http_response response =
        mtn_ask("GET", "/collection/v1_0/accountholder/msisdn/260961234567/active", NULL, NULL);
    cr_assert_str_eq((const char *)response.body.at, "{\"result\":true}");
    response =
        mtn_ask("GET", "/collection/v1_0/accountholder/MSISDN/46733123455/active", NULL, NULL);
    cr_assert_str_eq((const char *)response.body.at, "{\"result\":false}");
    mtn_environment = "mtnghana";
    response = mtn_ask("GET", "/collection/v1_0/account/balance", NULL, NULL);
    cr_assert_str_eq(said(&asker, &response, "currency"), "GHS");
    mtn_enter("disbursement");
    response =
        mtn_ask("GET", "/disbursement/v1_0/accountholder/msisdn/46733123457/active", NULL, NULL);
    cr_assert_str_eq((const char *)response.body.at, "{\"result\":false}");
    cr_assert_eq(mtn_ask("GET", "/disbursement/v1_0/account/balance", NULL, NULL).status, 200);
}
