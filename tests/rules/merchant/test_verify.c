#include <criterion/criterion.h>
#include <string.h>

#include "crypto/crypto.h"
#include "verify.h"

#define SECRET "whsec_test_abc123"
#define NOW 1760000000

static struct arena *arena;

static void setup(void)
{
    arena = arena_new(ARENA_CAP_REQUEST);
}

static void teardown(void)
{
    arena_free(arena);
}

TestSuite(verify, .init = setup, .fini = teardown);

static struct signed_request sign(const char *secret, struct bytes key, const char *timestamp,
                                  const char *body)
{
    struct sha256 whole = crypto_hmac_sha256(bytes_of_string(secret), bytes_of_string(body));
    const char *message = arena_printf(arena, "evt_1.%s.%s", timestamp, body);
    struct sha256 standard = crypto_hmac_sha256(key, bytes_of_string(message));
    return (struct signed_request){
        .signature = crypto_hex(arena, BYTES_OF_ARRAY(whole.at)),
        .webhook_id = "evt_1",
        .webhook_timestamp = timestamp,
        .webhook_signature =
            arena_printf(arena, "v1,%s", crypto_base64(arena, BYTES_OF_ARRAY(standard.at))),
        .body = bytes_of_string(body),
    };
}

static struct signed_request genuine(void)
{
    return sign(SECRET, bytes_of_string("test_abc123"), "1760000000", "{\"id\":\"evt_1\"}");
}

Test(verify, takes_what_is_genuine)
{
    struct signed_request request = genuine();
    cr_assert_null(verify_webhook(arena, SECRET, &request, NOW));
}

// From the Standard Webhooks test vectors: the key is the base64 after the prefix.
Test(verify, takes_a_secret_whose_part_is_base64)
{
    const char *secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    struct bytes key;
    cr_assert(crypto_base64_decode(arena, secret + 6, strlen(secret) - 6, &key));
    struct signed_request request = sign(secret, key, "1760000000", "{\"test\": 2432232314}");
    cr_assert_null(verify_webhook(arena, secret, &request, NOW));
    request.webhook_id = "evt_2";
    cr_assert_not_null(verify_webhook(arena, secret, &request, NOW));
}

Test(verify, refuses_another_secret_or_body)
{
    struct signed_request request = genuine();
    cr_assert_not_null(verify_webhook(arena, "whsec_test_abc124", &request, NOW));
    request.body = bytes_of_string("{\"id\":\"evt_2\"}");
    cr_assert_not_null(verify_webhook(arena, SECRET, &request, NOW));
}

Test(verify, refuses_what_is_missing)
{
    for (int i = 0; i < 4; i++) {
        struct signed_request request = genuine();
        const char **fields[] = {&request.signature, &request.webhook_id,
                                 &request.webhook_timestamp, &request.webhook_signature};
        *fields[i] = NULL;
        cr_assert_not_null(verify_webhook(arena, SECRET, &request, NOW), "%d", i);
    }
}

Test(verify, refuses_a_time_too_far_away)
{
    struct signed_request request = genuine();
    cr_assert_null(verify_webhook(arena, SECRET, &request, NOW + 300));
    cr_assert_not_null(verify_webhook(arena, SECRET, &request, NOW + 301));
    cr_assert_null(verify_webhook(arena, SECRET, &request, NOW - 300));
    cr_assert_not_null(verify_webhook(arena, SECRET, &request, NOW - 301));
    request = sign(SECRET, bytes_of_string("test_abc123"), "yesterday", "{}");
    cr_assert_not_null(verify_webhook(arena, SECRET, &request, NOW));
}

Test(verify, takes_one_good_signature_among_others)
{
    struct signed_request request = genuine();
    const char *good = request.webhook_signature;
    request.webhook_signature = arena_printf(arena, "v1,AAAA v2,xyz  %s", good);
    cr_assert_null(verify_webhook(arena, SECRET, &request, NOW));
    request.webhook_signature = "v1,AAAA v2,xyz";
    cr_assert_not_null(verify_webhook(arena, SECRET, &request, NOW));
    request.webhook_signature = arena_printf(arena, "v2,%s", good + 3);
    cr_assert_not_null(verify_webhook(arena, SECRET, &request, NOW));
}
