#include "airtel.h"

TestSuite(airtel, .init = airtel_open, .fini = house_close, .timeout = 60);

Test(airtel, grants_tokens_for_180_seconds_in_words)
{
    struct http_response response = token_ask("client", "secret");
    cr_assert_eq(response.status, 200);
    cr_assert_str_eq(said(&asker, &response, "expires_in"), "180");
    cr_assert_str_eq(said(&asker, &response, "token_type"), "bearer");
    cr_assert_neq(*said(&asker, &response, "access_token"), '\0');
    response = token_ask("client", "guess");
    cr_assert_eq(response.status, 401);
    cr_assert_str_eq(said(&asker, &response, "error"), "invalid_client");
    response = ask(&asker, "POST", "/airtel/auth/oauth2/token", "grant_type=client_credentials");
    cr_assert_eq(response.status, 400);
}

static bool refused(void *context)
{
    return ask(&asker, "GET", context, NULL).status == 401;
}

Test(airtel, refuses_tokens_that_are_wrong_or_old)
{
    asker.headers[1].value = "Bearer guess";
    cr_assert_eq(
        ask(&asker, "POST", "/airtel/merchant/v1/payments/", push_body("abcd", "750000000")).status,
        401);
    cr_assert_eq(airtel("GET", "/v1/rsa/encryption-keys", NULL).status, 200);
    test_wait(refused, "/airtel/v1/rsa/encryption-keys", ASK_MS, "the token expires");
    cr_assert_eq(airtel("GET", "/v1/rsa/encryption-keys", NULL).status, 200);
    cr_assert_eq(house_control("airtel", "\"expire_tokens\":true"), 200);
    cr_assert(refused("/airtel/v1/rsa/encryption-keys"));
    cr_assert(refused("/airtel/standard/v1/payments/once1"));
    cr_assert_eq(ask(&asker, "POST", "/airtel/standard/v1/payments/refund", "{}").status, 401);
    cr_assert_eq(ask(&asker, "POST", "/airtel/standard/v1/disbursements/", "{}").status, 401);
    cr_assert_eq(ask(&asker, "POST", "/airtel/merchant/v2/payments/", "{}").status, 401);
}

Test(airtel, says_sent_before_it_is_paid)
{
    cr_assert_eq(house_control("airtel", "\"settle_ms\":600000"), 200);
    struct http_response response = push("sent1", "00");
    cr_assert_eq(response.status, 200);
    cr_assert_str_eq(said(&asker, &response, "data.transaction.id"), "sent1");
    cr_assert_str_eq(said(&asker, &response, "data.transaction.status"), "SUCCESS");
    cr_assert_str_eq(said(&asker, &response, "status.code"), "200");
    cr_assert_str_eq(said(&asker, &response, "status.result_code"), "ESB000010");
    cr_assert_str_eq(said(&asker, &response, "status.response_code"), "DP00800001006");
    cr_assert_str_eq(house_ledger("airtel", "sent1", "status"), "pending");
    cr_assert_eq(house_moved("airtel", "sent1"), 0);
}

// The nth callback, from 0.
static const struct json_value *heard_as_json(int n)
{
    const struct json_value *value;
    house_await_calls(n + 1);
    cr_assert_eq(json_parse(asker.arena, bytes_of_string(calls[n].body), &value), STATUS_OK);
    return value;
}

// As a merchant verifies it: over the transaction's bytes as they came.
static const char *hash_of(const char *callback, const char *key)
{
    const char *from = strstr(callback, "\"transaction\":") + strlen("\"transaction\":");
    const char *to = strstr(from, ",\"hash\"");
    struct sha256 mac = crypto_hmac_sha256(
        bytes_of_string(key), (struct bytes){(const uint8_t *)from, (size_t)(to - from)});
    return crypto_base64(asker.arena, BYTES_OF_ARRAY(mac.at));
}

Test(airtel, calls_back_with_a_hash_over_the_transaction)
{
    push("paid1", "00");
    house_expect("airtel", "paid1", "succeeded");
    const struct json_value *heard = heard_as_json(0);
    cr_assert_str_eq(json_get_string(heard, "transaction.id"), "paid1");
    cr_assert_str_eq(json_get_string(heard, "transaction.status_code"), "TS");
    cr_assert_str_eq(json_get_string(heard, "transaction.airtel_money_id"),
                     house_ledger("airtel", "paid1", "id"));
    cr_assert_str_eq(json_get_string(heard, "hash"), hash_of(calls[0].body, "hash-key"));
    push("lost1", "54");
    heard = heard_as_json(1);
    cr_assert_str_eq(json_get_string(heard, "transaction.status_code"), "TF");
}

Test(airtel, lies_with_a_wrong_hash_when_told_to)
{
    push("poor1", "54");
    house_expect("airtel", "poor1", "failed");
    (void)heard_as_json(0);
    const char *forge =
        arena_printf(asker.arena, "\"forge\":{\"url\":\"%s\",\"reference\":\"poor1\"}",
                     house_callback_url("/told"));
    cr_assert_eq(house_control("airtel", forge), 200);
    const struct json_value *lie = heard_as_json(1);
    cr_assert_str_eq(json_get_string(lie, "transaction.status_code"), "TS");
    cr_assert_str_neq(json_get_string(lie, "hash"), hash_of(calls[1].body, "hash-key"));
}

Test(airtel, answers_an_enquiry_at_once_where_it_has_called_back)
{
    push("told1", "00");
    house_expect("airtel", "told1", "succeeded");
    struct http_response response = enquire("told1");
    cr_assert_str_eq(said(&asker, &response, "data.transaction.status"), "TS");
}

Test(airtel, answers_an_enquiry_only_after_its_time)
{
    cr_assert_eq(house_control("airtel", "\"callback_url\":\"\""), 200);
    push("early1", "00");
    house_expect("airtel", "early1", "succeeded");
    struct http_response response = enquire("early1");
    cr_assert_str_eq(said(&asker, &response, "data.transaction.status"), "TIP");
    cr_assert_str_eq(said(&asker, &response, "status.response_code"), "DP00800001006");
    response = enquire_until("early1", "TS");
    cr_assert_str_eq(said(&asker, &response, "status.response_code"), "DP00800001001");
    cr_assert_str_eq(said(&asker, &response, "data.transaction.airtel_money_id"),
                     house_ledger("airtel", "early1", "id"));
    response = enquire("never1");
    cr_assert_str_eq(said(&asker, &response, "status.result_code"), "ESB000045");
    cr_assert_str_eq(said(&asker, &response, "status.response_code"), "DP00800001025");
}

Test(airtel, charges_an_id_once)
{
    push("once1", "00");
    struct http_response again = push("once1", "00");
    cr_assert_str_eq(code_of(&again), "ESB000041");
    house_expect("airtel", "once1", "succeeded");
    again = push("once1", "00");
    cr_assert_str_eq(code_of(&again), "ESB000041");
    cr_assert_eq(house_moved("airtel", "once1"), 1);
}

Test(airtel, wants_country_and_currency)
{
    static const struct {
        const char *country, *currency, *code;
    } table[] = {
        {"", "UGX", "ROUTER003"},   {"XX", "UGX", "ESB000034"}, {"UG", "", "ROUTER112"},
        {"UG", "XXX", "ROUTER112"}, {"UG", "KES", "ROUTER119"}, {"KE", "KES", "ESB000034"},
    };
    for (size_t i = 0; i < COUNT(table); i++) {
        asker.headers[2].value = table[i].country;
        asker.headers[3].value = table[i].currency;
        struct http_response response = push("place1", "00");
        cr_assert_str_eq(code_of(&response), table[i].code, "%zu", i);
    }
}

Test(airtel, reads_a_push_strictly)
{
    static const struct {
        const char *body, *code;
    } table[] = {
        {"[", "ROUTER003"},
        {"{\"subscriber\":{\"msisdn\":\"750000000\"},\"transaction\":{\"amount\":1,\"id\":\"abcd\"}"
         "}",
         "ROUTER003"},
        {"{\"reference\":\"r\",\"subscriber\":{\"msisdn\":\"256750000000\"},"
         "\"transaction\":{\"amount\":1,\"id\":\"abcd\"}}",
         "ESB000033"},
        {"{\"reference\":\"r\",\"subscriber\":{\"msisdn\":\"75000000\"},"
         "\"transaction\":{\"amount\":1,\"id\":\"abcd\"}}",
         "ESB000036"},
        {"{\"reference\":\"r\",\"subscriber\":{\"msisdn\":\"750000000\"},"
         "\"transaction\":{\"amount\":1,\"id\":\"ab-cd\"}}",
         "ESB000008"},
        {"{\"reference\":\"r\",\"subscriber\":{\"msisdn\":\"750000000\"},"
         "\"transaction\":{\"amount\":1,\"id\":\"abc\"}}",
         "ESB000008"},
        {"{\"reference\":\"r\",\"subscriber\":{\"msisdn\":\"750000000\"},"
         "\"transaction\":{\"amount\":\"1\",\"id\":\"abcd\"}}",
         "ESB000008"},
        {"{\"reference\":\"r\",\"subscriber\":{\"msisdn\":\"750000000\"},"
         "\"transaction\":{\"amount\":0,\"id\":\"abcd\"}}",
         "ESB000008"},
        {"{\"reference\":\"r\",\"subscriber\":{\"msisdn\":\"750000000\",\"currency\":\"KES\"},"
         "\"transaction\":{\"amount\":1,\"id\":\"abcd\"}}",
         "ESB000035"},
    };
    for (size_t i = 0; i < COUNT(table); i++) {
        struct http_response response = airtel("POST", "/merchant/v1/payments", table[i].body);
        cr_assert_str_eq(code_of(&response), table[i].code, "%zu", i);
    }
    cr_assert_str_eq(house_ledger("airtel", "abcd", "status"), "");
}

// x-signature and x-key for `message`, in headers 4 and 5.
static void sign(const char *message)
{
    struct http_response keys = airtel("GET", "/v1/rsa/encryption-keys", NULL);
    uint8_t key[AES_KEY_BYTES], iv[AES_BLOCK_BYTES];
    crypto_random(key, sizeof key);
    crypto_random(iv, sizeof iv);
    const char *pair =
        arena_printf(asker.arena, "%s:%s", crypto_base64(asker.arena, BYTES_OF_ARRAY(key)),
                     crypto_base64(asker.arena, BYTES_OF_ARRAY(iv)));
    struct bytes sealed = crypto_aes_cbc_encrypt(asker.arena, key, iv, bytes_of_string(message));
    struct bytes sealed_pair =
        crypto_rsa_encrypt(asker.arena, said(&asker, &keys, "data.key"), bytes_of_string(pair));
    cr_assert_not_null(sealed_pair.at);
    asker.headers[4] = (struct http_header){"x-signature", crypto_base64(asker.arena, sealed)};
    asker.headers[5] = (struct http_header){"x-key", crypto_base64(asker.arena, sealed_pair)};
    asker.headers_n = 6;
}

static void zambia(void)
{
    asker.headers[2].value = "ZM";
    asker.headers[3].value = "ZMW";
}

#define ZAMBIAN(msisdn_)                                                                           \
    "{\"reference\":\"r\",\"subscriber\":{\"country\":\"ZM\",\"currency\":\"ZMW\",\"msisdn\":"     \
    "\"" msisdn_ "\"},\"transaction\":{\"amount\":10.50,\"country\":\"ZM\",\"currency\":"          \
    "\"ZMW\",\"id\":\"signed1\"}}"

Test(airtel, takes_a_signed_push)
{
    zambia();
    sign(ZAMBIAN("970000000"));
    struct http_response response = airtel("POST", "/merchant/v2/payments/", ZAMBIAN("970000000"));
    cr_assert_str_eq(code_of(&response), "ESB000010");
    house_expect("airtel", "signed1", "succeeded");
    struct http_response ledger =
        ask(&asker, "GET", "/ledger?provider=airtel&reference=signed1", NULL);
    cr_assert_eq(counted(&asker, &ledger, "entries.0.amount"), 1050);
}

Test(airtel, refuses_a_signature_that_is_not_of_this_body)
{
    zambia();
    struct http_response response = airtel("POST", "/merchant/v2/payments/", ZAMBIAN("970000000"));
    cr_assert_eq(response.status, 403);
    cr_assert_str_eq(code_of(&response), "DP00800001026");
    sign(ZAMBIAN("970000001"));
    response = airtel("POST", "/merchant/v2/payments/", ZAMBIAN("970000000"));
    cr_assert_str_eq(code_of(&response), "DP00800001026");
    asker.headers[5].value = "no base64";
    response = airtel("POST", "/merchant/v2/payments/", ZAMBIAN("970000001"));
    cr_assert_str_eq(code_of(&response), "DP00800001026");
    asker.headers[5].value = crypto_base64(asker.arena, bytes_of_string("no key"));
    response = airtel("POST", "/merchant/v2/payments/", ZAMBIAN("970000001"));
    cr_assert_str_eq(code_of(&response), "DP00800001026");
    sign(ZAMBIAN("950000000")); // another network's
    response = airtel("POST", "/merchant/v2/payments/", ZAMBIAN("950000000"));
    cr_assert_str_eq(code_of(&response), "ROUTER001");
    response = airtel("POST", "/merchant/v1/payments/", ZAMBIAN("970000000"));
    cr_assert_str_eq(code_of(&response), "DP00800001026", "not without a signature in Zambia");
}
