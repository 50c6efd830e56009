#include <criterion/criterion.h>
#include <string.h>

#include "crypto/crypto.h"

// NIST SP 800-38A, appendix F.2.5.
#define CBC_KEY "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4"
#define CBC_IV "000102030405060708090a0b0c0d0e0f"
#define CBC_PLAIN                                                                                  \
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"                             \
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
#define CBC_SEALED                                                                                 \
    "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d"                             \
    "39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b"
#define CBC_PADDING "3f461796d6b0d6b2e0c2a72b4d80e644" // the block that PKCS #7 adds

static struct arena *arena;
static uint8_t key[AES_KEY_BYTES], iv[AES_BLOCK_BYTES];

static struct bytes unhex(const char *text)
{
    struct bytes bytes = {0};
    cr_assert(crypto_hex_decode(arena, text, &bytes));
    return bytes;
}

static void setup(void)
{
    arena = arena_new(1 << 20);
    memcpy(key, unhex(CBC_KEY).at, sizeof key);
    memcpy(iv, unhex(CBC_IV).at, sizeof iv);
}

static void teardown(void)
{
    arena_free(arena);
}

TestSuite(cipher, .init = setup, .fini = teardown);
TestSuite(rsa, .init = setup, .fini = teardown);

static const char *sha512_hex(const char *message)
{
    struct sha512 digest = crypto_sha512(bytes_of_string(message));
    return crypto_hex(arena, BYTES_OF_ARRAY(digest.at));
}

Test(cipher, sha512_gives_the_standards_vectors)
{
    // FIPS 180-4 examples.
    cr_assert_str_eq(sha512_hex("abc"),
                     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                     "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
    cr_assert_str_eq(sha512_hex("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
                                "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu"),
                     "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018"
                     "501d289e4900f7e4331b99dec4b5433ac7d329eeb6dd26545e96e55b874be909");
    cr_assert_str_eq(sha512_hex(NULL),
                     "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
                     "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e");
}

Test(cipher, cbc_gives_the_standards_vector)
{
    struct bytes sealed = crypto_aes_cbc_encrypt(arena, key, iv, unhex(CBC_PLAIN));
    cr_assert_str_eq(crypto_hex(arena, sealed), CBC_SEALED CBC_PADDING);
    struct bytes message = crypto_aes_cbc_decrypt(arena, key, iv, sealed);
    cr_assert_str_eq(crypto_hex(arena, message), CBC_PLAIN);
}

Test(cipher, cbc_goes_both_ways_at_any_length)
{
    uint8_t text[100];
    crypto_random(text, sizeof text);
    for (size_t length = 0; length <= sizeof text; length++) {
        struct bytes message = {text, length};
        struct bytes sealed = crypto_aes_cbc_encrypt(arena, key, iv, message);
        cr_assert_eq(sealed.length, (length / 16 + 1) * 16);
        struct bytes back = crypto_aes_cbc_decrypt(arena, key, iv, sealed);
        cr_assert_not_null(back.at);
        cr_assert(crypto_equal(back, message));
    }
    cr_assert_not_null(crypto_aes_cbc_encrypt(arena, key, iv, (struct bytes){0}).at);
}

Test(cipher, cbc_refuses_wrong_padding)
{
    // Without its last block the standard's message ends in 0x10 but not in sixteen of them.
    cr_expect_null(crypto_aes_cbc_decrypt(arena, key, iv, unhex(CBC_SEALED)).at);
    // A block of zeros as it decrypts when the padding says nothing: 0 is no length.
    uint8_t zeros[AES_BLOCK_BYTES] = {0};
    struct bytes two = crypto_aes_cbc_encrypt(arena, key, iv, BYTES_OF_ARRAY(zeros));
    struct bytes one = {two.at, AES_BLOCK_BYTES};
    cr_expect_null(crypto_aes_cbc_decrypt(arena, key, iv, one).at);
}

Test(cipher, cbc_refuses_what_is_no_whole_blocks)
{
    struct bytes sealed = unhex(CBC_SEALED CBC_PADDING);
    cr_expect_null(crypto_aes_cbc_decrypt(arena, key, iv, (struct bytes){0}).at);
    for (size_t length = 1; length < 16; length++)
        cr_expect_null(
            crypto_aes_cbc_decrypt(arena, key, iv, (struct bytes){sealed.at, length}).at);
    cr_expect_null(crypto_aes_cbc_decrypt(arena, key, iv, (struct bytes){sealed.at, 79}).at);
}

Test(cipher, cbc_takes_the_right_key_only)
{
    struct bytes sealed = unhex(CBC_SEALED CBC_PADDING);
    key[0] ^= 1; // one key and one text: the outcome is always the same
    cr_expect_null(crypto_aes_cbc_decrypt(arena, key, iv, sealed).at);
}

Test(cipher, cbc_gives_nothing_when_the_arena_is_full)
{
    CLEANUP(arena_free) struct arena *small = arena_new(16);
    cr_expect_null(crypto_aes_cbc_encrypt(small, key, iv, unhex(CBC_PLAIN)).at);
    cr_expect_null(crypto_aes_cbc_decrypt(small, key, iv, unhex(CBC_SEALED CBC_PADDING)).at);
}

Test(rsa, goes_both_ways)
{
    struct crypto_rsa *pair = crypto_rsa_new(1024);
    static const char *const messages[] = {"1234", "", "0123456789012345678901234567890123456789"};
    for (size_t i = 0; i < 3; i++) {
        struct bytes message = bytes_of_string(messages[i]);
        struct bytes sealed = crypto_rsa_encrypt(arena, crypto_rsa_public(pair), message);
        cr_assert_eq(sealed.length, 128);
        struct bytes back = crypto_rsa_decrypt(pair, arena, sealed);
        cr_assert_not_null(back.at);
        cr_assert(crypto_equal(back, message));
    }
    crypto_rsa_free(pair);
    crypto_rsa_free(NULL);
}

Test(rsa, seals_differently_each_time)
{
    struct crypto_rsa *pair = crypto_rsa_new(1024);
    struct bytes pin = bytes_of_string("1234");
    struct bytes first = crypto_rsa_encrypt(arena, crypto_rsa_public(pair), pin);
    struct bytes second = crypto_rsa_encrypt(arena, crypto_rsa_public(pair), pin);
    cr_expect_not_null(first.at);
    cr_expect_not(crypto_equal(first, second));
    crypto_rsa_free(pair);
}

Test(rsa, opens_nothing_for_another_key)
{
    struct crypto_rsa *pair = crypto_rsa_new(1024), *other = crypto_rsa_new(1024);
    struct bytes pin = bytes_of_string("1234");
    int refused = 0;
    for (int i = 0; i < 8; i++) { // one of them may pass by chance, all of them can't
        struct bytes sealed = crypto_rsa_encrypt(arena, crypto_rsa_public(pair), pin);
        struct bytes opened = crypto_rsa_decrypt(other, arena, sealed);
        cr_expect_not(crypto_equal(opened, pin));
        refused += opened.at == NULL;
    }
    cr_expect_geq(refused, 6);
    crypto_rsa_free(pair);
    crypto_rsa_free(other);
}

Test(rsa, opens_nothing_of_another_length)
{
    struct crypto_rsa *pair = crypto_rsa_new(1024);
    struct bytes sealed =
        crypto_rsa_encrypt(arena, crypto_rsa_public(pair), bytes_of_string("1234"));
    struct bytes shorter = {sealed.at, sealed.length - 1};
    cr_expect_null(crypto_rsa_decrypt(pair, arena, shorter).at);
    cr_expect_null(crypto_rsa_decrypt(pair, arena, (struct bytes){0}).at);
    uint8_t longer[129] = {0};
    cr_expect_null(crypto_rsa_decrypt(pair, arena, BYTES_OF_ARRAY(longer)).at);
    crypto_rsa_free(pair);
}

Test(rsa, takes_a_message_up_to_eleven_bytes_below_the_key)
{
    struct crypto_rsa *pair = crypto_rsa_new(1024);
    uint8_t text[118];
    memset(text, 'x', sizeof text);
    struct bytes longest = {text, 117}, longer = {text, 118};
    struct bytes sealed = crypto_rsa_encrypt(arena, crypto_rsa_public(pair), longest);
    cr_expect(crypto_equal(crypto_rsa_decrypt(pair, arena, sealed), longest));
    cr_expect_null(crypto_rsa_encrypt(arena, crypto_rsa_public(pair), longer).at);
    crypto_rsa_free(pair);
}

Test(rsa, gives_nothing_when_the_arena_is_full)
{
    struct crypto_rsa *pair = crypto_rsa_new(1024);
    CLEANUP(arena_free) struct arena *small = arena_new(64);
    struct bytes pin = bytes_of_string("1234");
    cr_expect_null(crypto_rsa_encrypt(small, crypto_rsa_public(pair), pin).at);
    struct bytes sealed = crypto_rsa_encrypt(arena, crypto_rsa_public(pair), pin);
    cr_expect_null(crypto_rsa_decrypt(pair, small, sealed).at);
    crypto_rsa_free(pair);
}

#define RSA_1024                                                                                   \
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDXZQNIMN7taR5PQ0YTWxLnLK4iouqfIUBilcAQsK8m46185Ckd2HrB" \
    "p"                                                                                            \
    "MjCTciI/Iqj6g26yD6SUzPwnmficRinH7PFXTE3dJVryPF8OJX4N4LJ9BJE3xlU4hfG1S+Y3D/"                   \
    "MyJ9HRRGj0e4L3b++AO"                                                                          \
    "N9i3Tk6/oU/KQ2UI4gB/g9UwIDAQAB"
#define RSA_512                                                                                    \
    "MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAMGjlpJWn9ACCyXksVSuJaqfCH8QP4i2GlF5u3jx7UJJlwW1hdAuzUw4zU95" \
    "33J/KJyeGHCUNXgaJ3U9Gl6TCRMCAwEAAQ=="
#define ELLIPTIC                                                                                   \
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEp8TBUFm67PkB1GtxmTHNiaHIUSg5HmjZ6+VG6HVkmOylplbphgWwkwPd" \
    "/WjJkXc/c7A0hCBb5R0JWHJ+NgqqMQ=="

Test(rsa, takes_a_key_as_a_provider_publishes_it)
{
    cr_assert_eq(crypto_rsa_encrypt(arena, RSA_1024, bytes_of_string("1234")).length, 128);
}

Test(rsa, refuses_a_malformed_key)
{
    static const char *const bad[] = {
        "",
        "MIGf",
        "not base64",
        "-----BEGIN PUBLIC KEY-----",
        " " RSA_1024,
        RSA_1024 "\n",
        RSA_1024 "AAAA", // a key and more
        RSA_512,
        ELLIPTIC,
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect_null(crypto_rsa_encrypt(arena, bad[i], bytes_of_string("1234")).at, "%s", bad[i]);
}

Test(rsa, refuses_a_key_damaged_anywhere_or_seals_to_its_length)
{
    struct bytes der = {0};
    cr_assert(crypto_base64_decode(arena, RSA_1024, strlen(RSA_1024), &der));
    uint8_t damaged[200];
    int refused = 0;
    cr_assert_leq(der.length, sizeof damaged);
    for (size_t i = 0; i < der.length; i++) {
        CLEANUP(arena_free) struct arena *turn = arena_new(4096);
        memcpy(damaged, der.at, der.length);
        damaged[i] ^= 0x01;
        const char *text = crypto_base64(turn, (struct bytes){damaged, der.length});
        struct bytes sealed = crypto_rsa_encrypt(turn, text, bytes_of_string("1234"));
        if (!sealed.at)
            refused++;
        else
            cr_expect_leq(sealed.length, 129); // a bit before the first makes it 1025
    }
    cr_expect_gt(refused, 10); // the frame's bytes at least, and an even modulus
}
