#include "adapter.h"

#include "crypto/crypto.h"

#define FIELDS(more_)                                                                              \
    "{\"client_id\":\"id\",\"client_secret\":\"secret\",\"base_url\":\"https://airtel\"" more_ "}"
#define UGANDA FIELDS(",\"country\":\"UG\"")

static void begin(void)
{
    adapter_begin(airtel_init, UGANDA);
}

TestSuite(airtel_callback, .init = begin, .fini = adapter_end);

#define TRANSACTION                                                                                \
    "{\"id\":\"op1\",\"message\":\"Paid UGX 5,000 \\u00e9\",\"status_code\":\"TS\","               \
    "\"airtel_money_id\":\"MP.1\"}"

static const char *hash_of(const char *text)
{
    struct sha256 mac = crypto_hmac_sha256(bytes_of_string("k"), bytes_of_string(text));
    return crypto_base64(arena, BYTES_OF_ARRAY(mac.at));
}

static enum callback_proof prove(const char *transaction, const char *hash)
{
    const char *body = hash ? arena_printf(arena,
                                           "{ \"x\":{\"transaction\":{}}, \"transaction\" : %s , "
                                           "\"hash\":\"%s\"}",
                                           transaction, hash)
                            : arena_printf(arena, "{\"transaction\":%s}", transaction);
    struct provider_callback callback = {.body = bytes_of_string(body)};
    return provider.callback_proof(&use, &callback);
}

Test(airtel_callback, proves_a_callback_by_its_transaction_as_received)
{
    cr_assert_eq(prove(TRANSACTION, hash_of(TRANSACTION)), CALLBACK_UNPROVEN);
    adapter_fields(FIELDS(",\"callback_hash_key\":\"k\""));
    cr_assert_eq(prove(TRANSACTION, hash_of(TRANSACTION)), CALLBACK_PROVEN);
    cr_assert_eq(prove(TRANSACTION, hash_of("{}")), CALLBACK_FORGED);
    cr_assert_eq(prove(TRANSACTION, NULL), CALLBACK_FORGED);
    cr_assert_eq(prove(TRANSACTION, ""), CALLBACK_FORGED);
    cr_assert_eq(prove(TRANSACTION, "not base64"), CALLBACK_FORGED);
    cr_assert_eq(prove("\"text\"", hash_of("\"text\"")), CALLBACK_FORGED);
    adapter_fields(FIELDS(",\"callback_hash_key\":\"other\""));
    cr_assert_eq(prove(TRANSACTION, hash_of(TRANSACTION)), CALLBACK_FORGED);
    adapter_fields(FIELDS(",\"webhook_secret\":\"k\""));
    cr_assert_eq(prove(TRANSACTION, hash_of(TRANSACTION)), CALLBACK_PROVEN);
}

Test(airtel_callback, proves_a_callback_by_its_transaction_written_anew)
{
    static const char spaced[] = "{ \"id\" : \"op1\", \"message\":\"a  b \\u00e9\" }";
    const char *anew = hash_of("{\"id\":\"op1\",\"message\":\"a  b é\"}");
    adapter_fields(FIELDS(",\"callback_hash_key\":\"k\""));
    cr_assert_eq(prove(spaced, anew), CALLBACK_PROVEN);
    cr_assert_eq(prove(spaced, hash_of(spaced)), CALLBACK_PROVEN);
    adapter_fields(FIELDS(",\"callback_hash_key\":\"k\",\"callback_rendering\":\"compact\""));
    cr_assert_eq(prove(spaced, anew), CALLBACK_PROVEN);
    cr_assert_eq(prove(spaced, hash_of(spaced)), CALLBACK_FORGED);
    adapter_fields(FIELDS(",\"callback_hash_key\":\"k\",\"callback_rendering\":\"received\""));
    cr_assert_eq(prove(spaced, anew), CALLBACK_FORGED);
    cr_assert_eq(prove(spaced, hash_of(spaced)), CALLBACK_PROVEN);
}

Test(airtel_callback, finds_the_end_of_a_transaction_whatever_its_text_holds)
{
    static const char tricky[] =
        "{\"id\":\"op1\",\"message\":\"\\\"}{ \\\\\",\"x\":{\"y\":[{}]},\"z\":\"transaction\"}";
    adapter_fields(FIELDS(",\"callback_hash_key\":\"k\",\"callback_rendering\":\"received\""));
    cr_assert_eq(prove(tricky, hash_of(tricky)), CALLBACK_PROVEN);
}

Test(airtel_callback, takes_no_body_that_is_not_json_for_a_callback)
{
    static const char *const bodies[] = {"",
                                         "{",
                                         "[]",
                                         "\"transaction\":{}",
                                         "{\"hash\":\"eA==\"}",
                                         "{\"transaction\":{\"id\":\"op1\""};
    adapter_fields(FIELDS(",\"callback_hash_key\":\"k\""));
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct provider_callback callback = {.body = bytes_of_string(bodies[i])};
        cr_assert_eq(provider.callback_proof(&use, &callback), CALLBACK_FORGED, "%s", bodies[i]);
        cr_assert_null(provider.callback_reference(arena, &callback));
    }
}

Test(airtel_callback, finds_our_reference_in_a_callback)
{
    struct provider_callback callback = {
        .body = bytes_of_string("{\"transaction\":{\"id\":\"op01abc\",\"status_code\":\"TS\"}}")};
    cr_assert_str_eq(provider.callback_reference(arena, &callback), "op_01abc");
    callback.body = bytes_of_string("{\"transaction\":{\"id\":\"somebody\"}}");
    cr_assert_null(provider.callback_reference(arena, &callback));
    cr_assert_not(provider.speaks_by_callback);
}
