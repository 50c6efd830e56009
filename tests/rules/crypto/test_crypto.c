#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>

#include "crypto/crypto.h"

static struct arena *arena;

static void setup(void)
{
    arena = arena_new(1 << 20);
}

static void teardown(void)
{
    arena_free(arena);
}

TestSuite(crypto, .init = setup, .fini = teardown);

static const char *hex(struct sha256 digest)
{
    return crypto_hex(arena, BYTES_OF_ARRAY(digest.at));
}

Test(crypto, sha256_gives_the_standards_vectors)
{
    // FIPS 180-4 examples.
    cr_assert_str_eq(hex(crypto_sha256(bytes_of_string("abc"))),
                     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    cr_assert_str_eq(hex(crypto_sha256(bytes_of_string(NULL))),
                     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

Test(crypto, hmac_gives_rfc4231_vectors)
{
    uint8_t key[131];
    memset(key, 0x0b, 20);
    cr_assert_str_eq(hex(crypto_hmac_sha256((struct bytes){key, 20}, bytes_of_string("Hi There"))),
                     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    cr_assert_str_eq(hex(crypto_hmac_sha256(bytes_of_string("Jefe"),
                                            bytes_of_string("what do ya want for nothing?"))),
                     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof(key));
    cr_assert_str_eq(
        hex(crypto_hmac_sha256(
            BYTES_OF_ARRAY(key),
            bytes_of_string("Test Using Larger Than Block-Size Key - Hash Key First"))),
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

Test(crypto, hmac_takes_an_empty_key_and_message)
{
    const char *expected = "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad";
    cr_assert_str_eq(hex(crypto_hmac_sha256((struct bytes){0}, (struct bytes){0})), expected);
    cr_assert_str_eq(hex(crypto_hmac_sha256(bytes_of_string(""), bytes_of_string(""))), expected);
}

Test(crypto, hmac_parts_are_told_apart)
{
    struct bytes key = bytes_of_string("k");
    struct bytes ab_c[] = {bytes_of_string("ab"), bytes_of_string("c")};
    struct bytes a_bc[] = {bytes_of_string("a"), bytes_of_string("bc")};
    struct bytes abc[] = {bytes_of_string("abc")};
    struct bytes abc_empty[] = {bytes_of_string("abc"), bytes_of_string("")};
    const char *digests[] = {hex(crypto_hmac_sha256_parts(key, ab_c, 2)),
                             hex(crypto_hmac_sha256_parts(key, a_bc, 2)),
                             hex(crypto_hmac_sha256_parts(key, abc, 1)),
                             hex(crypto_hmac_sha256_parts(key, abc_empty, 2)),
                             hex(crypto_hmac_sha256_parts(key, NULL, 0))};
    for (int i = 0; i < 5; i++)
        for (int k = 0; k < i; k++)
            cr_assert_str_neq(digests[i], digests[k]);
    const char framed[] = "\0\0\0\0\0\0\0\002ab\0\0\0\0\0\0\0\001c";
    cr_assert_str_eq(digests[0], hex(crypto_hmac_sha256(key, (struct bytes){(const uint8_t *)framed,
                                                                            sizeof(framed) - 1})));
}

Test(crypto, equal_compares_bytes_and_lengths)
{
    cr_assert(crypto_equal(bytes_of_string("abc"), bytes_of_string("abc")));
    cr_assert_not(crypto_equal(bytes_of_string("abc"), bytes_of_string("abd")));
    cr_assert_not(crypto_equal(bytes_of_string("abc"), bytes_of_string("ab")));
    cr_assert(crypto_equal((struct bytes){0}, bytes_of_string("")));
}

Test(crypto, random_fills_the_whole_range)
{
    uint8_t a[64] = {0}, b[64] = {0};
    crypto_random(a, sizeof(a));
    crypto_random(b, sizeof(b));
    cr_assert_neq(memcmp(a, b, 32), 0);
    cr_assert_neq(memcmp(a + 32, b + 32, 32), 0);
    crypto_random(a, 0);
}

Test(crypto, wipe_zeroes)
{
    char secret[] = "4242424242424242";
    crypto_wipe(secret, sizeof(secret));
    for (size_t i = 0; i < sizeof(secret); i++)
        cr_assert_eq(secret[i], 0);
    crypto_wipe(NULL, 5);
}

Test(crypto, hex_goes_both_ways)
{
    const uint8_t bytes[] = {0x00, 0x7f, 0x80, 0xff, 0x1a};
    cr_assert_str_eq(crypto_hex(arena, BYTES_OF_ARRAY(bytes)), "007f80ff1a");
    cr_assert_str_eq(crypto_hex(arena, (struct bytes){0}), "");
    struct bytes back;
    cr_assert(crypto_hex_decode(arena, "007F80fF1a", &back));
    cr_assert(crypto_equal(back, BYTES_OF_ARRAY(bytes)));
    cr_assert(crypto_hex_decode(arena, "", &back));
    cr_assert_eq(back.length, 0);
}

Test(crypto, hex_decode_is_strict)
{
    static const char *const bad[] = {"0",   "0g", "g0",    "0x00", " 00",
                                      "00 ", "0:", "00:00", "/0",   "`0"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct bytes back = {0};
        cr_assert_not(crypto_hex_decode(arena, bad[i], &back), "%s", bad[i]);
        cr_assert_null(back.at);
    }
}

Test(crypto, base64_gives_rfc4648_vectors)
{
    static const char *const vectors[][2] = {{"", ""},
                                             {"f", "Zg=="},
                                             {"fo", "Zm8="},
                                             {"foo", "Zm9v"},
                                             {"foob", "Zm9vYg=="},
                                             {"fooba", "Zm9vYmE="},
                                             {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < 7; i++) {
        struct bytes plain = bytes_of_string(vectors[i][0]), back;
        cr_assert_str_eq(crypto_base64(arena, plain), vectors[i][1]);
        cr_assert(crypto_base64_decode(arena, vectors[i][1], strlen(vectors[i][1]), &back));
        cr_assert(crypto_equal(plain, back), "%s", vectors[i][0]);
        cr_assert_not_null(back.at);
    }
}

Test(crypto, base64_carries_any_bytes)
{
    for (size_t length = 1; length < 300; length++) {
        uint8_t bytes[300];
        crypto_random(bytes, length);
        struct bytes plain = {bytes, length}, back;
        const char *text = crypto_base64(arena, plain);
        cr_assert(crypto_base64_decode(arena, text, strlen(text), &back));
        cr_assert(crypto_equal(plain, back));
    }
}

Test(crypto, base64_decode_is_strict)
{
    static const char *const bad[] = {
        "Z",    "Zg",     "Zg=",  "Zh==",     "Zm9=",     "====", "=Zg=", "Zg==Zg==",  "Zm9v ",
        " Zm9", "Zm9v\n", "Zm-_", "Zm9v    ", "    Zm9v", "Z===", "Zg=v", "Zm\xc3\xa9"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct bytes back = {0};
        cr_assert_not(crypto_base64_decode(arena, bad[i], strlen(bad[i]), &back), "\"%s\"", bad[i]);
        cr_assert_null(back.at);
    }
}

Test(crypto, texts_are_null_when_the_arena_is_full)
{
    CLEANUP(arena_free) struct arena *small = arena_new(16);
    uint8_t bytes[32] = {0};
    struct bytes back;
    cr_assert_null(crypto_hex(small, BYTES_OF_ARRAY(bytes)));
    cr_assert_null(crypto_base64(small, BYTES_OF_ARRAY(bytes)));
    cr_assert_not(crypto_hex_decode(small, "00000000000000000000000000000000000000", &back));
    cr_assert_not(crypto_base64_decode(small, "AAAAAAAAAAAAAAAAAAAAAAAAAAAA", 28, &back));
}

static void *digest_often(void *unused)
{
    (void)unused;
    for (int i = 0; i < 500; i++) {
        struct sha256 digest = crypto_hmac_sha256(bytes_of_string("Jefe"), bytes_of_string("x"));
        struct sha256 again = crypto_hmac_sha256(bytes_of_string("Jefe"), bytes_of_string("x"));
        if (memcmp(&digest, &again, sizeof(digest)) != 0)
            return "differs";
    }
    return NULL;
}

Test(crypto, digests_run_side_by_side)
{
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, digest_often, NULL);
    for (int i = 0; i < 4; i++) {
        void *fault;
        pthread_join(threads[i], &fault);
        cr_assert_null(fault);
    }
}
